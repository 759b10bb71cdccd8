"""Fields: a packet for each (PAFF), repeated ones (soft telecine), interlacing that begins or ends in a film."""

import subprocess
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe

from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message

PROGRESSIVE = "-f lavfi -i testsrc=s=64x64:r={rate}:d=1"
INTERLACED = "-f lavfi -i testsrc=s=64x64:r=50:d=1 -vf tinterlace=interleave_top,setfield=tff"
MPEG2 = "-c:v mpeg2video -bf 2 -g 12"
PULLDOWN = ((1, 1), (0, 0), (0, 1), (1, 0))
"""2:3 pulldown: (top_field_first, repeat_first_field) of four frames."""


def ffmpeg(*arguments: str | Path) -> None:
    words = [word for a in arguments for word in (a.split() if isinstance(a, str) else [a])]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)


def telecined(video: bytes) -> bytes:
    """MPEG-2 of 24000/1001 frames/s marked as 30000/1001 with repeated fields (ISO/IEC 13818-2, 6.2)."""
    data, at, before, reference, count = bytearray(video), 0, 0, 0, 0
    while (at := data.find(b"\0\0\1", at)) >= 0:
        code = data[at + 3]
        if code == 0xB3:  # sequence header: frame_rate_code
            data[at + 7] = data[at + 7] & 0xF0 | 4
        elif code == 0xB8:  # a group of pictures
            before, count = before + count, 0
        elif code == 0:  # a picture: temporal_reference
            reference = data[at + 4] << 2 | data[at + 5] >> 6
            count += 1
        elif code == 0xB5 and data[at + 4] >> 4 == 1:  # sequence extension: progressive_sequence
            data[at + 5] &= ~0x08
        elif code == 0xB5 and data[at + 4] >> 4 == 8:  # picture coding extension
            top, repeat = PULLDOWN[(before + reference) % 4]
            data[at + 7] = data[at + 7] & ~0x82 | top << 7 | repeat << 1
            data[at + 8] |= 0x80
        at += 3
    return bytes(data)


def frames(path: Path) -> tuple[list[Frame], list[Message]]:
    lines: list[Message] = []
    with Source(path, on_message=lines.append) as source:
        return [event for event in source.events() if isinstance(event, Frame)], lines


def times(found: list[Frame]) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in found]


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_soft_telecine_is_progressive_film_with_its_times(tmp_path: Path, suffix: str) -> None:
    ffmpeg(PROGRESSIVE.format(rate="24000/1001"), MPEG2, "-f mpeg2video", tmp_path / "film.m2v")
    (tmp_path / "marked.m2v").write_bytes(telecined((tmp_path / "film.m2v").read_bytes()))
    path = tmp_path / f"film{suffix}"
    ffmpeg("-fflags +genpts -i", tmp_path / "marked.m2v", "-c copy", path)
    found, lines = frames(path)
    assert not {Code.DEINTERLACED, Code.TIMESTAMPS_DERIVED} & {line.code for line in lines}
    assert times(found) == describe(path).frames
    assert len(found) == 24
    fields = [round((b - a) * 60_000 / 1001) for a, b in pairwise(times(found))]
    assert fields[:-1] == [3, 2] * 11  # FFmpeg's parser guesses where the last frame lies


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi"])
def test_a_packet_for_each_field(clips: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"paff{suffix}"
    # with its sound: alone, the pictures would begin before 0, which Matroska does not hold
    ffmpeg("-i", clips / "metadata_extractor__Sony_ILCE-7M3_A7M3.mts", "-map v -map a? -c copy -strict -2", path)
    found, lines = frames(path)
    assert Code.TIMESTAMPS_DERIVED not in {line.code for line in lines}
    assert times(found) == describe(path).frames
    assert len(found) == (11 if suffix == ".mp4" else 13)  # mp4's edit list leaves out what is before the key frame
    assert {b - a for a, b in pairwise(times(found))} == {Fraction(1, 25)}


@pytest.mark.parametrize("order", ["pi", "ip", "pip"])
def test_interlacing_that_begins_or_ends_within(tmp_path: Path, order: str) -> None:
    ffmpeg(PROGRESSIVE.format(rate=25), MPEG2, "-f mpeg2video", tmp_path / "p.m2v")
    ffmpeg(INTERLACED, MPEG2, "-flags +ildct+ilme -f mpeg2video", tmp_path / "i.m2v")
    (tmp_path / "all.m2v").write_bytes(b"".join((tmp_path / f"{part}.m2v").read_bytes() for part in order))
    path = tmp_path / "all.ts"
    ffmpeg("-fflags +genpts -i", tmp_path / "all.m2v", "-c copy", path)
    found, lines = frames(path)
    assert times(found) == describe(path).frames
    assert len(found) == 25 * len(order)
    with av.open(str(path)) as container:
        decoded = [
            (frame.interlaced_frame, [zlib.adler32(frame.to_ndarray()[:64].tobytes())])
            for frame in container.decode(video=0)
        ]
    assert [fields for fields, _ in decoded] == [part == "i" for part in order for _ in range(25)]
    same = [[zlib.adler32(f.planes[0].numpy().tobytes())] == luma for f, (_, luma) in zip(found, decoded, strict=True)]
    assert same == [not fields for fields, _ in decoded], "progressive frames stay as they are, the others do not"
    (line,) = [line for line in lines if line.code is Code.DEINTERLACED]
    assert line.values["time"] == pytest.approx(float(times(found)[order.index("i") * 25]))
