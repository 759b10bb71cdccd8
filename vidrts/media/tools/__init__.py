"""FFmpeg as a tool on pictures: codecs there and back, filters, VMAF."""
