"""The picture's side of a frame's way: only tensors, nothing of files or containers."""
