"""A video beside what was made of it: pages for a browser, contact sheets, previews of single frames."""
