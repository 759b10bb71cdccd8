"""Small films of FFmpeg's test pictures."""

import subprocess
from pathlib import Path


def small_film(path: Path, picture: str, *, codec: str = "libx264", frames: int) -> Path:
    """`frames` of a test picture, such as "testsrc=s=64x48:r=25", 4:2:0; returns `path`."""
    command = f"ffmpeg -nostdin -v error -f lavfi -i {picture} -frames:v {frames} -c:v {codec} -pix_fmt yuv420p"
    subprocess.run([*command.split(), path], check=True)
    return path
