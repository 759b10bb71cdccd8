"""The report of training runs: their tables, figures and page."""
