"""Reading: frames of one stream in presentation order, and packets of all others."""
