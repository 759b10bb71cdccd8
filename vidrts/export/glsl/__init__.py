"""Models as user shaders of players."""
