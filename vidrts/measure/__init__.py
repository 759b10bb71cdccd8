"""Scores and measures of pictures: pure functions of tensors, each with its source."""
