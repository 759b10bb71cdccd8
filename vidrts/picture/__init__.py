"""From planes to enhanced planes: only tensors, nothing of files or containers."""
