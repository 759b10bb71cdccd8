"""Picture files: samples and metadata in and out. Pillow reads and writes 8 bit, FFmpeg 16 bit PNG and reads TIFF."""
