"""Empty packets repeat the picture before them: nothing is lost."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay
from helpers.paths import DATA, need

from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions


def repeating(path: Path, codec: str) -> Path:
    """Nine pictures and three empty packets, one of them the last."""
    rate = Fraction(1, 10)
    with av.open(path, "w") as container:
        video = container.add_stream(codec, rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = rate
        video.codec_context.options = {"tune": "zerolatency"} if codec == "libx264" else {}
        for number in range(12):
            if number in (3, 4, 11):
                packet: av.Packet = av.Packet(b"")
                packet.stream, packet.pts, packet.dts, packet.time_base = video, number, number, rate
                container.mux(packet)
                continue
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((place * number) & 255 for place in range(plane.buffer_size)))
            frame.pts, frame.time_base = number, rate
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def known_times(path: Path) -> list[Fraction]:
    """Of the frames that Debian's ffmpeg decodes, without a word."""
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "warning",
        "-i",
        path,
        "-map",
        "v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
    ]
    done = subprocess.run([*command, "-"], capture_output=True, check=True, text=True)
    base = Fraction(next(line.split()[2] for line in done.stdout.splitlines() if line.startswith("#tb")))
    return [int(line.split(",")[2]) * base for line in done.stdout.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("codec", ["theora", "mpeg4", "libx264"])
@pytest.mark.parametrize("strict", [False, True])
def test_empty_packets_are_no_damage(tmp_path: Path, codec: str, strict: bool) -> None:
    fault = codec == "theora"
    path = need(DATA / "faults" / "theora_empty_packets.ogv") if fault else repeating(tmp_path / "in.nut", codec)
    with Source(path, DecodeOptions(strict=strict)) as source:
        times = [event.pts * event.time_base for event in source.events() if isinstance(event, Frame)]
        assert str(source.lost) == ""
    assert times == known_times(path)
    if not strict:
        relay(path, tmp_path / "out.mp4", encode=EncodeOptions(preset="ultrafast"))
        assert describe(tmp_path / "out.mp4").frames == times
