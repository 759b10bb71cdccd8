"""Every real clip in segments of half a second: as without, frame by frame, stream by stream."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from helpers.media_truth import FFPROBE, compare

from vidrts import EnhanceOptions, enhance
from vidrts.errors import VidrtsError
from vidrts.media.output_formats import OUTPUT_FORMATS
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions
from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments

EXPECTED = Path(__file__).parents[1] / "conformance.json"
NAMES = sorted(json.loads(EXPECTED.read_text()))
CHEAP = {
    "androidx_media__sample_with_ass_subtitles.mkv", "androidx_media__sample.avi", "mediabunny__no-initial-keyframe.ts",
    "androidx_media__sample_h262_mpeg_audio.ps",
}  # fmt: skip
"""With subtitles; without pts; damaged at its start; interlaced: these run always."""
HALF = Segments(Fraction(1, 2))
ALL = [pytest.param(name, marks=() if name in CHEAP else pytest.mark.slow) for name in NAMES]
LOSSLESS = EnhanceOptions(
    picture=EnhancerOptions(strength=0, device="cpu"), encode=EncodeOptions(video_codec="ffv1", threads=1)
)


@dataclass
class Outcome:
    """What became of a clip."""

    packets: dict[int, list[tuple[int | None, str]]] = field(default_factory=dict)
    """pts and MD5 of every packet, by stream; FFV1's are equal where the pictures are."""
    said: list[Message] = field(default_factory=list)
    refused: str | None = None
    lost: str | None = None


def outcome(clip: Path, target: Path, options: EnhanceOptions, how: Segments | None) -> Outcome:
    found = Outcome()
    try:
        if how is None:
            summary = enhance(clip, target, options, on_message=found.said.append)
        else:
            summary = enhance_in_segments(clip, target, options, how, on_message=found.said.append)
    except VidrtsError as error:
        found.refused = str(error)
        assert not list(target.parent.iterdir())
        return found
    found.lost = summary.lost
    found.said = [line for line in found.said if line.code is not Code.SEGMENTS_KEPT]
    packets = defaultdict(list)
    with av.open(str(target)) as container:
        for packet in container.demux():
            if packet.size:
                packets[packet.stream_index].append((packet.pts, hashlib.md5(bytes(packet)).hexdigest()))
    found.packets = dict(packets)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    target.unlink()
    return found


def both(clip: Path, folder: Path, options: EnhanceOptions) -> tuple[Outcome, Outcome]:
    """In segments, and without."""
    return outcome(clip, folder / "out.mkv", options, HALF), outcome(clip, folder / "out.mkv", options, None)


@pytest.mark.parametrize("name", ALL)
def test_pixels_times_streams_and_messages(name: str, clips: Path, tmp_path: Path) -> None:
    in_segments, whole = both(clips / name, tmp_path, LOSSLESS)
    assert in_segments == whole


@pytest.mark.parametrize("name", ALL)
def test_a_part(name: str, clips: Path, tmp_path: Path) -> None:
    options = replace(LOSSLESS, decode=DecodeOptions(start=Fraction(1, 5), end=Fraction(8, 5)))
    in_segments, whole = both(clips / name, tmp_path, options)
    assert in_segments == whole


@pytest.mark.parametrize(
    "decode", [{"interlaced": "keep"}, {"filters": "crop=64:48,hflip"}, {"interlaced": "error"}], ids=str
)  # fmt: skip
def test_fields_and_filters(decode: dict[str, Any], clips: Path, tmp_path: Path) -> None:
    options = replace(LOSSLESS, decode=DecodeOptions(**decode))
    in_segments, whole = both(clips / "androidx_media__sample_h262_mpeg_audio.ps", tmp_path, options)
    assert in_segments == whole


@pytest.mark.slow
@pytest.mark.skipif(FFPROBE is None, reason="ffprobe is not installed; it tells what the files hold")
@pytest.mark.parametrize("name", NAMES)
def test_its_own_container(name: str, clips: Path, tmp_path: Path) -> None:
    """The differences to the source are those of a run without segments, which `tests/test_conformance.py` keeps."""
    expected = json.loads(EXPECTED.read_text())[name]
    clip = clips / name
    target = tmp_path / (clip.stem + (clip.suffix if clip.suffix in OUTPUT_FORMATS else ".mkv"))
    options = replace(LOSSLESS, encode=EncodeOptions(threads=1))
    if "refused" in expected:
        with pytest.raises(VidrtsError):
            enhance_in_segments(clip, target, options, HALF)
    else:
        assert enhance_in_segments(clip, target, options, HALF).frames == expected["frames"]
        assert compare(clip, target) == expected["differences"]
