"""Parts of a film, read from places within: together they are the film, and their ends tell so."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.paths import DATA, need

from vidrts.errors import InputError, OptionError
from vidrts.frame import Frame
from vidrts.media.input import Input
from vidrts.media.read import key_frames
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.section import Seams, Section, check_filters
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message

OPTIONS = DecodeOptions(threads=1)


def opened(path: Path) -> Input:
    with Source(path, OPTIONS) as source:
        return source.input


def section(
    path: Path, whole: Input, begin: Fraction | None, end: Fraction | None, said: list[Message], *, anew: bool = False
) -> tuple[list[tuple[int, int]], Seams, str]:
    """(pts, sum of luma) of the frames, the seams, the damage."""
    with Section(path, OPTIONS, whole, begin=begin, end=end, from_start=anew, on_message=said.append) as part:
        frames = [(frame.pts, int(frame.planes[0].long().sum())) for frame in part.frames()]
        return frames, part.seams, str(part.lost)


@pytest.mark.parametrize(
    ("name", "cuts"),
    [
        ("video/androidx_media__sample_h262_mpeg_audio.ps", ["0.03", "0.07"]),
        ("video/androidx_media__sample.avi", ["0.5", "1.01", "2"]),
        ("faults/ts_video_gap_13s.ts", ["1", "5", "10", "14"]),
        ("faults/bframes_no_ctts.mp4", ["0.4", "0.9"]),
    ],
)
def test_parts_are_the_whole(name: str, cuts: Sequence[str], request: pytest.FixtureRequest) -> None:
    path = need(DATA / name)
    told: list[Message] = []
    with Source(path, OPTIONS, on_message=told.append) as source:
        whole = source.input
        frames = [(e.pts, int(e.planes[0].long().sum())) for e in source.events(()) if isinstance(e, Frame)]
        lost = str(source.lost)
    edges = [None, *(whole.start_time + Fraction(cut) for cut in cuts), None]
    said: list[Message] = []
    parts = [section(path, whole, begin, end, said) for begin, end in pairwise(edges)]
    assert [each for part, _, _ in parts for each in part] == frames
    full = [seams for part, seams, _ in parts if part]
    assert [seams.after for seams in full[:-1]] == [seams.first for seams in full[1:]]
    assert full[-1].after is None
    assert {damage for _, _, damage in parts} <= {"", lost}
    assert {line.code for line in said} == {line.code for line in told}


def test_from_the_start_is_the_same(clips: Path) -> None:
    path = clips / "androidx_media__sample.avi"
    whole, said = opened(path), list[Message]()
    wanted = section(path, whole, Fraction(1), Fraction(2), said)
    assert section(path, whole, Fraction(1), Fraction(2), said, anew=True) == wanted
    assert len(wanted[0]) > 10


def test_a_part_may_be_empty(clips: Path) -> None:
    path = clips / "androidx_media__sample.avi"
    assert section(path, opened(path), Fraction(100), None, []) == ([], Seams(), "")


def test_a_clock_that_jumps_is_refused(clips: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.ts"
    twice.write_bytes((clips / "androidx_media__bbb_2500ms.ts").read_bytes() * 2)
    with pytest.raises(InputError, match="clock jumps") as caught:
        key_frames.key_frames(twice, opened(twice))
    assert str(twice) in str(caught.value)


def test_the_index_tells_of_key_frames(clips: Path) -> None:
    path = clips / "intel__car-detection.mp4"
    found = key_frames.key_frames(path, opened(path))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = [packet.pts * stream.time_base for packet in container.demux(stream) if packet.is_keyframe]
    assert list(found.times) == shown
    assert len(shown) == 7
    assert found.nearest(shown[2] + 1, Fraction(2)) == shown[2]
    assert found.nearest(shown[2] + 1, Fraction(1, 2)) is None


def test_filters_of_one_frame_alone() -> None:
    check_filters(None)
    check_filters("crop=64:48,scale=32:-2,unsharp")
    with pytest.raises(OptionError, match="atadenoise"):
        check_filters("crop=64:48,atadenoise")


def test_messages_of_attempts_are_not_told(clips: Path) -> None:
    """Before a place is found at which decoding can begin, others are tried."""
    path = need(DATA / "faults" / "ts_video_gap_13s.ts")
    said: list[Message] = []
    section(path, opened(path), Fraction(17), None, said)
    assert Code.TIMESTAMP_JUMP not in {line.code for line in said}
