"""Damage shortly before the end of a stream: what follows it is not lost."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest

from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.media.read import last_frames
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source

FRAMES, DAMAGED = 30, 26


def damaged(folder: Path, name: str, codec: str, garbage: bytes) -> Path:
    """A film whose 27th packet begins with `garbage`; no B-frames, so that packets are in the order of pictures."""
    clean, file = folder / f"clean-{name}", folder / name
    command = "-f lavfi -i testsrc2=size=128x96:rate=25 -frames:v 30 -bf 0 -threads 1 -pix_fmt yuv420p"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", *command.split(), "-c:v", *codec.split(), clean], check=True
    )  # fmt: skip
    with av.open(clean) as source, av.open(file, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        number = 0
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            if number == DAMAGED:
                spoiled = av.Packet(garbage + bytes(packet)[len(garbage) :])
                spoiled.pts, spoiled.dts, spoiled.time_base = packet.pts, packet.dts, packet.time_base
                packet = spoiled
            packet.stream = stream
            target.mux(packet)
            number += 1
    return file


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    ("name", "codec", "garbage"),
    [
        ("a.mp4", "libx264 -preset ultrafast", b"\x7f\xff\xff\xff"),
        ("a.mkv", "libx264 -preset ultrafast -g 5", b"\x7f\xff\xff\xff"),
        ("a.mov", "prores", b"\x00\x00\x00\x00nope"),
    ],
)
def test_frames_after_damage_near_the_end_come(
    name: str, codec: str, garbage: bytes, threads: int, tmp_path: Path
) -> None:
    file = damaged(tmp_path, name, codec, garbage)
    with Source(file, DecodeOptions(threads=threads)) as source:
        times = [event.pts * event.time_base for event in source.events() if isinstance(event, Frame)]
        lost = source.lost
    assert times == [Fraction(n, 25) for n in range(FRAMES) if n != DAMAGED]
    assert lost.packets + lost.missing == 1
    assert lost.times == [Fraction(DAMAGED, 25)]


def test_a_group_that_is_not_kept_whole_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last packets alone, without the key frame, would give pictures of nothing."""
    monkeypatch.setattr(last_frames, "_MOST", 25_000)
    with av.open(damaged(tmp_path, "a.mkv", "mpeg4 -g 60 -q:v 2", b"")) as container:
        stream = container.streams.video[0]
        kept = last_frames.LastFrames(stream.codec_context)
        sizes = [kept.sent(packet) or packet.size for packet in container.demux(stream) if packet.size]
    assert sum(sizes) > 50_000 > 25_000 > sum(sizes[-2:])
    assert kept.after(None) == []


@pytest.mark.parametrize("name", ["a.ogv", "a.mkv"])
def test_a_decoder_that_cannot_be_opened_is_one_line(name: str, tmp_path: Path) -> None:
    clean, file = tmp_path / f"clean-{name}", tmp_path / name
    command = "-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 5 -c:v libtheora"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *command.split(), clean], check=True)
    data = bytearray(clean.read_bytes())
    setup = data.index(b"\x82theora") + 7
    data[setup : setup + 200] = b"\xff" * 200
    file.write_bytes(data)
    with pytest.raises(InputError, match="no frame could be decoded"), Source(file):
        pass
