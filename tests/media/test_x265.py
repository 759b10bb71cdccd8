"""Narrow pictures: x265 with its own defaults writes past the end of its memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vidrts.media import x265

CHECKER = "libc_malloc_debug.so.0"
CODE = """
import sys, torch
from vidrts import EnhanceOptions, enhance
from vidrts.frame import pixel_format
from vidrts.media.tools.codec_roundtrip import through_codec
from vidrts.media.write.options import EncodeOptions
from vidrts.picture.options import EnhancerOptions

source, target, width = sys.argv[1:]
fmt = pixel_format("yuv420p")
for _ in range(20):
    planes = [torch.randint(0, 256, fmt.plane_size(k, int(width), 48), dtype=torch.uint8) for k in range(3)]
    through_codec([planes] * 3, fmt, "libx265", {"x265-params": "log-level=none:pools=none"})
enhance(source, target, EnhanceOptions(model="rts-lite", picture=EnhancerOptions(strength=0),
        encode=EncodeOptions(video_codec="libx265", preset="veryfast")))
print("done")
"""


@pytest.mark.parametrize("width", [48, 34])
def test_narrow_pictures_do_not_end_the_process(width: int, tmp_path: Path) -> None:
    source, target = tmp_path / "narrow.mkv", tmp_path / "out.mkv"
    noise = f"nullsrc=s={width}x48:d=1,geq=random(1)*255:128:128"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, "-c:v", "ffv1", source], check=True)
    checked = {**os.environ, "MALLOC_CHECK_": "3", "LD_PRELOAD": CHECKER}  # a library that is not there is ignored
    done = subprocess.run(
        [sys.executable, "-c", CODE, source, target, str(width)],
        capture_output=True,
        text=True,
        env=checked,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "done"


def test_wider_pictures_keep_cutree() -> None:
    assert x265.params(48) == ["no-cutree=1"]
    assert x265.params(50) == []
