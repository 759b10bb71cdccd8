"""Films that begin without a key frame, and ranges without a frame: what is told is so."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.media_truth import FFPROBE
from helpers.paths import need
from helpers.pipe_ends import ffmpeg

from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.media.read.damage import LossReport
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg is not installed; it makes the films")
MADE = {
    "mpeg2.ts": "-c:v mpeg2video -bf 2", "vp8.mkv": "-c:v libvpx -cpu-used 8", "h264.ts": "-c:v libx264 -bf 2",
    "mpeg2.mpg": "-c:v mpeg2video -bf 2", "mpeg4.ts": "-c:v mpeg4", "xvid.avi": "-c:v mpeg4 -vtag XVID",
}  # fmt: skip
GROUP = 12
DROPPED = 7


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole films of 50 frames with sound, and `late.NAME` without the first seven packets of the picture."""
    folder = tmp_path_factory.mktemp("films")
    inputs = f"-f lavfi -i testsrc2=size=64x48:rate=25:duration=2 -f lavfi -i sine=duration=2 -g {GROUP}"
    for name, words in MADE.items():
        ffmpeg(*inputs.split(), *words.split(), "-c:a", "mp2", folder / name)
        with av.open(folder / name) as film, av.open(folder / f"late.{name}", "w") as late:
            streams = {stream.index: late.add_stream_from_template(stream) for stream in film.streams}
            pictures = 0
            for packet in film.demux():
                pictures += packet.stream.type == "video"
                if packet.dts is not None and (packet.stream.type != "video" or pictures > DROPPED):
                    packet.stream = streams[packet.stream_index]
                    late.mux(packet)
    return folder


def read(path: Path, **options: object) -> tuple[list[tuple[float, bytes]], LossReport]:
    """Times from the file's start, and pictures; the damage."""
    with Source(path, DecodeOptions(**options)) as source:  # type: ignore[arg-type]
        late = source.input.shift - source.input.start_time
        frames = [
            (float(event.pts * event.time_base + late), b"".join(plane.numpy().tobytes() for plane in event.planes))
            for event in source.events() if isinstance(event, Frame)
        ]  # fmt: skip
        return frames, source.lost


@pytest.mark.parametrize("name", ["mpeg2.ts", "vp8.mkv", "h264.ts", "mpeg2.mpg"])
def test_frames_before_the_first_key_frame_are_told_as_such(name: str, films: Path) -> None:
    frames, lost = read(films / f"late.{name}")
    assert len(frames) == 50 - GROUP
    assert lost == LossReport(leading=GROUP - DROPPED, first=lost.first)
    assert lost.first is not None
    assert float(lost.first) == pytest.approx(frames[0][0])
    with pytest.raises(InputError, match="--strict"):
        read(films / f"late.{name}", strict=True)
    assert read(films / f"late.{name}", start=Fraction(9, 10))[1] == LossReport()


@pytest.mark.parametrize("name", ["mpeg4.ts", "xvid.avi"])
def test_frames_that_a_decoder_makes_up_are_damaged(name: str, films: Path) -> None:
    """MPEG-4's decoder takes grey for the reference that is missing."""
    frames, lost = read(films / f"late.{name}")
    assert len(frames) == 50 - DROPPED
    assert lost.corrupt == GROUP - DROPPED
    with pytest.raises(InputError, match="--strict"):
        read(films / f"late.{name}", strict=True)
    assert read(films / name)[1] == LossReport()


@pytest.mark.parametrize("name", ["mpeg4.ts", "mpeg2.ts"])
def test_a_cut_of_a_stream_without_an_index_has_whole_frames(name: str, films: Path) -> None:
    """A seek may end between key frames; what FFmpeg decodes from there is not the film's picture."""
    whole = read(films / name)[0]
    for start in (Fraction(9, 10), Fraction(13, 10)):
        part, lost = read(films / name, start=start)
        assert [picture for _, picture in part] == [picture for _, picture in whole[-len(part) :]]
        assert lost == LossReport()


def refusal(path: Path, start: Fraction, end: Fraction | None) -> str:
    with pytest.raises(InputError, match=r"selected range.*-ss, -to, -t") as caught:
        Source(path, DecodeOptions(start=start, end=end))
    return str(caught.value)


def test_a_range_before_the_first_frame_that_can_be_decoded(clips: Path, films: Path) -> None:
    clip = need(clips / "mediabunny__no-initial-keyframe.ts")  # starts at 112.711 s, its key frame is at 114.847 s
    assert "first frame that can be decoded is at 2.136 s" in refusal(clip, Fraction(0), Fraction(1, 2))
    for name in ("mpeg2.ts", "vp8.mkv"):
        first = read(films / f"late.{name}")[0][0][0]
        assert f"first frame that can be decoded is at {first:.3f} s" in (
            refusal(films / f"late.{name}", Fraction(0), Fraction(1, 10))
        )


def test_a_range_after_the_last_frame_and_between_two(films: Path, tmp_path: Path) -> None:
    assert "last frame that can be decoded is at 1.960 s" in refusal(films / "xvid.avi", Fraction(9), None)
    last = read(films / "h264.ts")[0][-1][0]  # the clock starts at 1.4 s and more
    assert f"last frame that can be decoded is at {last:.3f} s" in refusal(films / "h264.ts", Fraction(5, 2), None)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=4", "-c:v", "ffv1", tmp_path / "slow.mkv")
    assert "frames at 1.000 s and 2.000 s, none between" in (
        refusal(tmp_path / "slow.mkv", Fraction(11, 10), Fraction(19, 10))
    )
