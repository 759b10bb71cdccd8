"""Engines: what computes the residual branch of an RTS network (`choice.pick_engine`)."""
