"""A finished file is held against what was written to it; what a container cannot describe is left out before."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.media_truth import coded, describe, relay
from helpers.paths import DATA, need

from vidrts.errors import OutputError
from vidrts.media.output_formats import output_format
from vidrts.media.read.source import Source
from vidrts.media.write.destination import FileDestination
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.reopened import Written
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message

SUFFIXES = [".mp4", ".mov", ".mkv", ".webm", ".ts", ".m2ts"]


def with_id3(path: Path, codec: str) -> Path:
    """A transport stream of 25 frames of `codec` with timed ID3 tags."""
    with av.open(path, "w", format="mpegts") as made:
        video = made.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tags = made.add_data_stream("timed_id3")
        for number in range(25):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            made.mux(video.encode(frame))
            if number % 5 == 0:
                packet = av.Packet(b"ID3\x04\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0")
                packet.stream, packet.pts, packet.dts = tags, number * 3600, number * 3600
                made.mux(packet)
        made.mux(video.encode(None))
    return path


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [(None, ".mp4"), (None, ".mov"), ("mpeg2video", ".mp4"), ("libx265", ".mov"), (None, ".ts"), ("libx265", ".m2ts")],
)
def test_data_that_a_container_cannot_describe_is_left_out(codec: str | None, suffix: str, tmp_path: Path) -> None:
    fault = DATA / "faults" / "timed_id3.ts"
    source, target = with_id3(tmp_path / "in.ts", codec) if codec else need(fault), tmp_path / f"out{suffix}"
    said = relay(source, target, encode=EncodeOptions(preset="ultrafast"))
    lost = [values for code, values in coded(said) if code is Code.STREAM_LEFT_OUT]
    streams = describe(target).streams
    assert len(describe(target).frames) == len(describe(source).frames) >= 25
    if suffix == ".ts":
        assert "timed_id3" in [s.codec for s in streams]
        assert not lost
    else:
        assert [values["codec"] for values in lost] == ["timed_id3"]
        assert "data" not in [s.kind for s in streams]


@pytest.mark.parametrize(("suffix", "held"), [(".ts", False), (".m2ts", True), (".mkv", True)])
def test_subtitles_are_left_out_where_nothing_would_know_them(
    suffix: str, held: bool, clips: Path, tmp_path: Path
) -> None:
    clip = need(clips / "androidx_media__sample_with_pgs_subtitles.mkv")
    with Source(clip) as reader:
        said: list[Message] = []
        options = EncodeOptions(preset="ultrafast")
        with Target(tmp_path / f"out{suffix}", reader.input, options, on_message=said.append) as writer:
            for event, _ in zip(reader.events(writer.streams), range(20), strict=False):
                writer.write(event)
            writer.finish()
    lost = [line.values["codec"] for line in said if line.code is Code.STREAM_LEFT_OUT]
    assert lost == ([] if held else ["hdmv_pgs_subtitle"])
    assert ("hdmv_pgs_subtitle" in [s.codec for s in describe(tmp_path / f"out{suffix}").streams]) is held


def test_a_second_picture_is_left_out_where_there_is_room_for_one(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    inputs = [word for size in ("64x48", "48x32") for word in ("-f", "lavfi", "-i", f"testsrc=s={size}:d=0.2")]
    command = ["ffmpeg", "-nostdin", "-v", "error", *inputs, "-map", "0", "-map", "1", "-c:v", "mpeg2video", source]
    subprocess.run(command, check=True)
    for suffix, kept in ((".m2ts", 1), (".ts", 2)):
        said = relay(source, tmp_path / f"out{suffix}", encode=EncodeOptions(preset="ultrafast"))
        lost = [line.values["index"] for line in said if line.code is Code.STREAM_LEFT_OUT]
        assert lost == [1][: 2 - kept]
        assert len(describe(tmp_path / f"out{suffix}").streams) == kept


def film(path: Path, frames: int = 12, *, sound: bool = True, step: int = 2) -> tuple[Written, int]:
    """A film of `frames` frames, `step` / 50 s apart, and sound; what was written, and the index of the picture."""
    written = Written()
    muxer = {".mkv": "matroska", ".ts": "mpegts", ".m2ts": "mpegts"}.get(path.suffix, path.suffix[1:])
    webm = muxer == "webm"
    with av.open(path, "w", format=muxer) as made:
        tones = made.add_stream("libopus" if webm else "aac", rate=48_000, layout="mono") if sound else None
        video = made.add_stream("libvpx-vp9" if webm else "libx264", rate=50)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = Fraction(1, 50)
        packets = []
        for number in range(frames):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number * step, Fraction(1, 50)
            packets += video.encode(frame)
        packets += video.encode(None)
        if tones is not None:
            size, form = (960, "s16") if webm else (1024, "fltp")
            for number in range(23):
                silence = np.zeros((1, size), "int16" if webm else "float32")
                samples = av.AudioFrame.from_ndarray(silence, form, "mono")
                samples.pts, samples.sample_rate, samples.time_base = number * size, 48_000, Fraction(1, 48_000)
                packets += tones.encode(samples)
            packets += tones.encode(None)
        for packet in packets:
            written.note(packet)
            made.mux(packet)
        return written, video.index


@pytest.mark.parametrize("whole", [1 << 30, 0])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_whole_file_has_no_fault_and_any_other_has(suffix: str, whole: int, tmp_path: Path) -> None:
    written, index = film(tmp_path / f"whole{suffix}")
    assert written.fault(tmp_path / f"whole{suffix}", index, whole=whole) is None
    film(tmp_path / f"short{suffix}", 11)
    assert written.fault(tmp_path / f"short{suffix}", index, whole=whole) is not None
    film(tmp_path / f"fast{suffix}", step=1)
    assert "0.440 s after the first, got 0.220 s" in str(written.fault(tmp_path / f"fast{suffix}", index, whole=whole))
    film(tmp_path / f"silent{suffix}", sound=False)
    assert "expected 1 audio stream(s), got 0" in str(written.fault(tmp_path / f"silent{suffix}", index, whole=whole))
    data = (tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: len(data) // 3])
    assert written.fault(tmp_path / f"cut{suffix}", index, whole=whole) is not None
    (tmp_path / f"no{suffix}").write_bytes(bytes(10_000))
    assert "cannot be opened" in str(written.fault(tmp_path / f"no{suffix}", index, whole=whole))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_of_a_large_file_both_ends_are_read(suffix: str, tmp_path: Path) -> None:
    written, index = film(tmp_path / f"long{suffix}", 500, sound=False)  # 20 s
    assert written.fault(tmp_path / f"long{suffix}", index, whole=0) is None
    film(tmp_path / f"short{suffix}", 499, sound=False)
    assert written.fault(tmp_path / f"short{suffix}", index, whole=0) is not None


@pytest.mark.parametrize("whole", [1 << 30, 0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_more_than_a_day_is_no_fault(suffix: str, whole: int, tmp_path: Path) -> None:
    """The clock of MPEG-TS starts again after 26.5 hours."""
    written, index = film(tmp_path / f"long{suffix}", 300, sound=False, step=20_000)  # 33 h
    assert written.fault(tmp_path / f"long{suffix}", index, whole=whole) is None


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_file_that_lacks_something_gets_no_final_name(suffix: str, tmp_path: Path) -> None:
    written, index = film(tmp_path / f"in{suffix}")
    (tmp_path / "to").mkdir()
    target, kept = tmp_path / "to" / f"out{suffix}", tmp_path / "to" / f"out.partial{suffix}"
    destination = FileDestination(target, tmp_path / f"in{suffix}", output_format(target), EncodeOptions())
    film(Path(destination.begin().removeprefix("file:")), 9)
    destination.started(None)
    destination.completed(None)
    with pytest.raises(OutputError, match=rf"out{suffix}: .*: expected 12 frames, got 9; it is kept as {kept}"):
        destination.verify(written, index)
    assert list(kept.parent.iterdir()) == [kept]
    assert len(describe(kept).frames) == 9
