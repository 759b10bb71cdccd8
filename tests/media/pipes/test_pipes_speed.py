"""How fast frames go through the pipe itself, against PyAV's own y4m demuxer and muxer in the same minute."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE
from helpers.pipe_ends import ffmpeg

FRAMES = 120
OURS = """
import sys
from vidrts import EnhanceOptions, enhance
from vidrts.picture.options import EnhancerOptions
picture = EnhancerOptions(device="cpu", strength=0)
summary = enhance("-", "-", EnhanceOptions(model=sys.argv[1], picture=picture))
print("frames", summary.frames, summary.seconds, file=sys.stderr)
"""
THEIRS = """
import sys, time
import av
began, frames = time.monotonic(), 0
with av.open("pipe:0", format="yuv4mpegpipe") as source, av.open("pipe:1", "w", format="yuv4mpegpipe") as target:
    stream = target.add_stream("wrapped_avframe", rate=30)
    context = source.streams.video[0].codec_context
    stream.width, stream.height, stream.pix_fmt = context.width, context.height, context.pix_fmt
    for frame in source.decode(video=0):
        target.mux(stream.encode(frame))
        frames += 1
print("frames", frames, time.monotonic() - began, file=sys.stderr)
"""


def seconds(script: Path, model: Path, source: Path) -> float:
    """What a process of its own took for `source` between two pipes."""
    command = f"cat {source} | {sys.executable} {script} {model} | cat > /dev/null"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    (told,) = [line.split() for line in done.stderr.splitlines() if line.startswith("frames ")]
    assert int(told[1]) == FRAMES
    return float(told[2])


@pytest.mark.slow
def test_the_pipe_is_as_fast_as_pyavs(tiny_model: Path, tmp_path: Path) -> None:
    if FFPROBE is None:
        pytest.skip("no ffmpeg to make the stream")
    source = tmp_path / "in.y4m"
    source.write_bytes(ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=1920x1080:r=30:d={FRAMES // 30}", "-pix_fmt", "yuv420p",
                              "-f", "yuv4mpegpipe", "-"))  # fmt: skip
    scripts = [tmp_path / "ours.py", tmp_path / "theirs.py"]
    for script, text in zip(scripts, (OURS, THEIRS), strict=True):
        script.write_text(text)
    pairs = [[seconds(script, tiny_model, source) for script in scripts] for _ in range(3)]
    ours, theirs = (min(column) for column in zip(*pairs, strict=True))
    print(f"frames/s: {FRAMES / ours:.0f}, PyAV {FRAMES / theirs:.0f}")
    assert ours <= theirs, pairs
