"""Reading: frames of one stream in presentation order, beside the packets of all others."""
