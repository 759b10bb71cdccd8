"""A command between two pipes or files, in this process: stdin and stdout are swapped for its time."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vidrts.cli import run


@contextmanager
def swapped(stdin: Path, stdout: Path) -> Iterator[None]:
    """`stdin` in place of descriptor 0, `stdout`, made anew, in place of 1."""
    kept = [os.dup(0), os.dup(1)]
    ends = [os.open(stdin, os.O_RDONLY), os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    try:
        for number, end in enumerate(ends):
            os.dup2(end, number)
        yield
    finally:
        for number, before in enumerate(kept):
            os.dup2(before, number)
        for descriptor in (*kept, *ends):
            os.close(descriptor)


def enhance(model: Path, stdin: Path, stdout: Path, *arguments: object) -> int:
    """`vidrts enhance ARGUMENTS < stdin > stdout` on the CPU; its exit code."""
    with swapped(stdin, stdout):
        return run(["enhance", "--device", "cpu", "--model", str(model), "--no-progress", *map(str, arguments)])


def ffmpeg(*arguments: object, data: bytes | None = None) -> bytes:
    """What ffmpeg writes to stdout; it must succeed."""
    command: Sequence[str] = ["ffmpeg", "-v", "error", *(["-nostdin"] if data is None else []), *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def raw_frames(path: Path, pixel_format: str | None = None) -> bytes:
    """The decoded pictures of a video one after the other, as ffmpeg has them, each once."""
    wanted = ["-pix_fmt", pixel_format] if pixel_format else []
    return ffmpeg(
        "-noautorotate", "-i", path, "-map", "v:0", "-fps_mode", "passthrough", *wanted, "-f", "rawvideo", "-"
    )
