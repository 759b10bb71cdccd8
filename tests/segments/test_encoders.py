"""Encoders whose segments are one stream once they are joined, as ffmpeg decodes it."""

import shutil
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.joined import NEEDS_FFMPEG, decoded_without_warnings, frame_hashes
from helpers.small_films import small_film

from vidrts import EnhanceOptions
from vidrts.errors import OutputError
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.packet_file import PacketFile
from vidrts.media.write.segment_encoder import SegmentEncoder
from vidrts.picture.options import EnhancerOptions
from vidrts.segments import planning
from vidrts.segments.executor import Finished, Here, OnFrame
from vidrts.segments.job import Job
from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments
from vidrts.workers import Workers

pytestmark = NEEDS_FFMPEG
TICK = Fraction(1, 25)
"""Of the source's time base."""
FAST = {"libx264": "veryfast", "libx265": "ultrafast", "libsvtav1": "12"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 frames of moving patterns at 25 frames/s, in NUT."""
    path = tmp_path_factory.mktemp("source") / "in.nut"
    return small_film(path, "testsrc2=s=96x64:r=25", codec="rawvideo", frames=23)


class Recording(Here):
    """Makes segments here, and keeps a copy of each in `copies`."""

    def __init__(self, workers: Workers, copies: Path):
        super().__init__(workers, lambda: None)
        self._copies = copies

    def run(
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        for made in super().run(job, numbers, folder, from_start=from_start, on_frame=on_frame):
            assert isinstance(made.result, Path)
            shutil.copyfile(made.result, self._copies / f"{made.number}.packets")
            yield made


def decoded_alone(segment: Path, film: Path) -> list[str]:
    """MD5 of the frames of one segment, as ffmpeg decodes it in a file of its own."""
    made = segment.with_suffix(film.suffix)
    with av.open(str(film)) as joined, av.open(str(made), "w") as out, PacketFile(segment) as held:
        stream = out.add_stream_from_template(joined.streams.video[0], opaque=True)
        if held.facts["parameters"]:  # as the encoder gave them: a container stores them in another form
            stream.codec_context.extradata = bytes.fromhex(held.facts["parameters"])
        for part in held:
            packet = part.packet()
            packet.stream, packet.time_base = stream, TICK
            out.mux(packet)
    return [frame.digest for frame in frame_hashes(made)]


@pytest.mark.parametrize("last", [1, 2, 3])
@pytest.mark.parametrize(
    ("encoder", "extension"),
    [("libx264", "mp4"), ("libx264", "ts"), ("libx265", "mp4"), ("libsvtav1", "mkv"),
     ("libvpx-vp9", "webm"), ("ffv1", "mkv"), ("prores_ks", "mov")],
)  # fmt: skip
def test_joined_segments_are_one_stream(
    encoder: str, extension: str, last: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = tuple(Fraction(frame, 25) for frame in (9, 23 - last))
    monkeypatch.setattr(planning, "cutting_times", lambda *_: cuts)
    target = tmp_path / f"out.{extension}"
    wide = "yuv422p10le" if encoder == "prores_ks" else None
    options = EnhanceOptions(
        picture=EnhancerOptions(strength=0, device="cpu"),
        encode=EncodeOptions(video_codec=encoder, preset=FAST.get(encoder), threads=1, pixel_format=wide),
    )
    summary = enhance_in_segments(
        source, target, options, Segments(), executor=lambda workers: Recording(workers, tmp_path)
    )
    assert summary.frames == 23
    parts = [decoded_alone(tmp_path / f"{number}.packets", target) for number in range(3)]
    assert [len(part) for part in parts] == [9, 14 - last, last]
    got = frame_hashes(target)
    assert [frame.digest for frame in got] == [digest for part in parts for digest in part]
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        shown = sorted(packet.pts for packet in packets)
        base, slack = stream.time_base, Fraction(1, 2000) if extension in ("mkv", "webm") else 0
        assert len(shown) == 23
        assert all(abs((pts - shown[0]) * base - Fraction(frame, 25)) <= slack for frame, pts in enumerate(shown))
        assert all(a.dts < b.dts for a, b in pairwise(packets))
        assert all(packet.dts <= packet.pts for packet in packets)
    decoded_without_warnings(target)


def test_other_parameter_sets_are_an_error(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SegmentEncoder.__init__

    def other(self: SegmentEncoder, *given: object, **more: object) -> None:
        made(self, *given, **more)  # type: ignore[arg-type]
        self.parameters += b"\0"

    monkeypatch.setattr(SegmentEncoder, "__init__", other)
    with pytest.raises(OutputError, match="libx264 gave one segment other parameter sets"):
        enhance_in_segments(source, tmp_path / "out.mp4", EnhanceOptions(picture=EnhancerOptions(strength=0)))
    assert not list(tmp_path.iterdir())
