"""Stdin and stdout, and our readers and writers of y4m and raw video."""
