"""Writing: frames to an encoder, packets of the other streams to a container, a name when all is whole."""
