"""What the ffmpeg command finds in a joined file."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

FFMPEG = shutil.which("ffmpeg")
NEEDS_FFMPEG = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed; it tells what the files hold")


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as `ffmpeg -f framemd5` prints it."""

    pts: int
    duration: int
    digest: str


def _ffmpeg(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(FFMPEG), "-nostdin", "-v", "warning", "-noautorotate", "-i", f"file:{path}", "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)


def frame_hashes(path: Path) -> list[DecodedFrame]:
    """Time, in ticks of the file, and MD5 of every decoded frame."""
    told = _ffmpeg(path, "-enc_time_base", "-1", "-f", "framemd5", "-").stdout
    rows = [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if not line.startswith("#")]
    return [DecodedFrame(int(row[2]), int(row[3]), row[5]) for row in rows]


def decoded_without_warnings(path: Path) -> None:
    """Fails where ffmpeg has anything to say of the file or of its frames."""
    assert _ffmpeg(path, "-enc_time_base", "-1", "-f", "null", "-").stderr == ""
