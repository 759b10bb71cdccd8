"""Stdin and stdout, and what comes through them that FFmpeg does not read: y4m and raw video."""
