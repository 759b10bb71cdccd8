"""SVT-AV1 makes the process a real-time one where it may; vidrts takes that back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys
from pathlib import Path
import av
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target

def real_time():
    return sum(os.sched_getscheduler(int(t.name)) == os.SCHED_FIFO for t in Path("/proc/self/task").iterdir())

if sys.argv[3] == "alone":  # what the encoder does by itself
    context = av.CodecContext.create("libsvtav1", "w")
    context.width, context.height, context.pix_fmt, context.framerate = 128, 96, "yuv420p", 25
    context.open()
    print(real_time())
else:
    options = EncodeOptions(video_codec="libsvtav1", preset="12", options={"svtav1-params": "tune=1"})  # tried first
    with Source(sys.argv[1]) as source, Target(sys.argv[2], source.input, options) as target:
        for number, event in enumerate(source.events(target.streams)):
            target.write(event)
            if number == 8:
                break
        print(real_time())
"""


def counted(clips: Path, target: Path, how: str) -> int:
    """Real-time threads of a process in which SVT-AV1 is open."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, clips / "androidx_media__bt601.mov", target, how],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not hasattr(os, "SCHED_FIFO"), reason="no SCHED_FIFO on this system")
def test_no_thread_becomes_a_real_time_one(clips: Path, tmp_path: Path) -> None:
    if not counted(clips, tmp_path / "none", "alone"):
        pytest.skip("this user may not make threads real-time ones")
    assert counted(clips, tmp_path / "out.mkv", "encoded") == 0
