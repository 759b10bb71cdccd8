"""Writing: encoding frames, muxing packets of the other streams, naming the complete file."""
