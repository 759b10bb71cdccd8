"""Films enhanced in segments: each with an encoder of its own, joined by copying packets; resumed after any end."""
