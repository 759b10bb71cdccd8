"""The staged recurrence: photographs in, model files out."""
