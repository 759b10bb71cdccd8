"""Networks that map (B, 3, h, w) to (B, 3, 2h, 2w), and the files that hold them."""
