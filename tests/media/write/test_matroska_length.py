"""A file that the disk has no room for announces what it holds: the length is that of the packets by ffprobe."""

import json
import resource
import subprocess
import zlib
from pathlib import Path

import pytest
from helpers.media_truth import relay
from helpers.pipe_ends import ffmpeg

from vidrts.errors import OutputError
from vidrts.media.read.source import Source
from vidrts.media.write import matroska_length
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target

FAST = {"deadline": "realtime", "cpu-used": "8"}
CODERS = {
    "mkv": EncodeOptions(video_codec="mpeg4", overwrite=True),
    "webm": EncodeOptions(video_codec="libvpx", options=FAST, overwrite=True),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with sound; the picture's aspect ratio is written into the complete file, too."""
    path = tmp_path_factory.mktemp("film") / "in.mkv"
    picture = "testsrc2=s=64x48:r=5:d=4,noise=alls=20:allf=t,setsar=4/3"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=4", "-c:v", "ffv1", "-pix_fmt", "yuv420p",
           "-c:a", "libopus", path)  # fmt: skip
    return path


def announced_and_held(path: Path) -> tuple[list[float], list[float]]:
    """Seconds that the file and its tracks announce, and those at which its last packets end."""
    command = ["ffprobe", "-v", "quiet", "-show_format", "-show_streams", "-show_packets", "-of", "json", path]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    ends = [max(float(p["pts_time"]) + float(p["duration_time"]) for p in told["packets"] if p["stream_index"] == n)
            for n in range(2)]  # fmt: skip
    tags = [float(stream["tags"]["DURATION"].split(":")[-1]) for stream in told["streams"]]
    return [float(told["format"]["duration"]), *tags], [max(ends), *ends]


def checksums(data: bytes) -> list[bool]:
    """Whether the CRC-32 of Info and of Tags are right; the muxer puts one there in mkv alone."""
    found = []
    for name in (b"\x15\x49\xa9\x66", b"\x12\x54\xc3\x67"):
        at = data.index(name, 200) + 4  # after the seek head, which lists names
        size = data[at] & 0x7F if data[at] & 0x80 else int.from_bytes(data[at : at + 2]) & 0x3FFF
        content = data[(start := at + 1 + (data[at] < 0x80)) : start + size]
        if content.startswith(b"\xbf\x84"):
            found.append(zlib.crc32(content[6:]).to_bytes(4, "little") == content[2:6])
    return found


@pytest.mark.parametrize(("suffix", "part"), [("mkv", 0.9), ("mkv", 0.4), ("webm", 0.4)])
def test_a_full_disk(film: Path, tmp_path: Path, suffix: str, part: float) -> None:
    out = tmp_path / f"out.{suffix}"
    relay(film, out, encode=CODERS[suffix])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(out.stat().st_size * part), before[1]))
    try:
        with Source(film) as source, Target(out, source.input, CODERS[suffix]) as target:
            for event in source.events(target.streams):
                target.write(event)
            with pytest.raises(OutputError, match="File too large"):
                target.finish()
            assert target.rescue() is not None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = tmp_path / f"out.partial.{suffix}"
    announced, held = announced_and_held(kept)
    assert announced == pytest.approx(held, abs=0.002)
    assert 4 * part - 1 < announced[0] < 4 * part + 0.4
    assert checksums(kept.read_bytes()) == ([True, True] if suffix == "mkv" else [])


@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_others_stay_as_they_are(film: Path, tmp_path: Path, suffix: str) -> None:
    """A complete file, and one that was written as a stream, which has no end to compare with."""
    whole, stream = tmp_path / f"whole.{suffix}", tmp_path / f"stream.{suffix}"
    relay(film, whole, encode=CODERS[suffix])
    stream.write_bytes(ffmpeg("-i", whole, "-c", "copy", "-f", {"mkv": "matroska"}.get(suffix, suffix), "-")[:-100])
    for path in (whole, stream):
        data = path.read_bytes()
        matroska_length.correct(path)
        assert path.read_bytes() == data
