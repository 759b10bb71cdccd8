"""Streams lie beside each other in the file, however long the encoder waits."""

import io
import json
import subprocess
from pathlib import Path

import av
import pytest
from helpers.media_truth import relay
from helpers.paths import DATA, need

from vidrts.media.containers import AnyPacket
from vidrts.media.write import interleaver
from vidrts.media.write.interleaver import Interleaver
from vidrts.media.write.options import EncodeOptions

_REORDERED = 3
"""Frames by which a pts may lie before its place in decoding order; Matroska has no dts."""


def leads(path: Path) -> dict[str, float]:
    """Seconds by which packets of sound and pictures lie ahead of what the other one still lacks, by ffprobe."""
    entries = "packet=codec_type,pts_time,dts_time,pos"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", path]
    packets = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["packets"]
    packets = sorted((p for p in packets if "pos" in p), key=lambda p: int(p["pos"]))
    found = {}
    for kind, other in (("audio", "video"), ("video", "audio")):
        lacking = worst = None
        for packet in reversed(packets):
            at = float(packet.get("dts_time", packet.get("pts_time")))
            if packet["codec_type"] == other:
                lacking = at if lacking is None else min(lacking, at)
            elif lacking is not None:
                worst = at - lacking if worst is None else max(worst, at - lacking)
        assert worst is not None
        found[kind] = worst
    return found


def slides(path: Path, seconds_each: int) -> Path:
    """Pictures that change every few seconds, for half a minute, with sound."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc=s=64x64:r=1/{seconds_each}:d=36"]
    command += ["-f", "lavfi", "-i", "sine=r=16000:d=36", "-c:v", "mpeg4", "-c:a", "mp2", "-ac", "1", path]
    subprocess.run([*map(str, command)], check=True)
    return path


@pytest.mark.parametrize(
    ("made", "target", "encode"),
    [
        (None, "out.mkv", EncodeOptions()),
        (1, "out.ts", EncodeOptions(video_codec="libx265")),
        (2, "out.webm", EncodeOptions(preset="12")),
        (3, "out.mp4", EncodeOptions(preset="veryfast")),
    ],
)
def test_no_stream_lies_ahead(tmp_path: Path, made: int | None, target: str, encode: EncodeOptions) -> None:
    source = slides(tmp_path / "in.mkv", made) if made else need(DATA / "faults" / "fps1_80s.mp4")
    relay(source, tmp_path / target, encode=encode)
    found = leads(tmp_path / target)
    assert found["audio"] <= 1
    assert found["video"] <= (1 + _REORDERED * (made or 1) if target.endswith(("mkv", "webm")) else 1)


def test_packets_wait_for_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[tuple[int, int | None]] = []
    container = av.open(io.BytesIO(), "w", format="matroska")
    streams = [container.add_stream(codec) for codec in ("mpeg4", "aac", "aac")]

    def packet(stream: int, dts: int | None, size: int = 1) -> AnyPacket:
        made: AnyPacket = av.Packet(bytes(size))
        made.stream, made.dts, made.time_base = streams[stream], dts, 1
        return made

    order = Interleaver(lambda p: gone.append((p.stream_index, p.dts)))
    for stream, dts in ((1, 0), (2, None), (1, 3), (2, 1), (2, None), (1, 5)):
        order.other(packet(stream, dts))
    assert gone == [(2, None)], "a cover has no time"
    order.encoded(packet(0, -1))
    order.encoded(packet(0, 3))
    assert gone == [(2, None), (0, -1), (1, 0), (1, 3), (2, 1), (2, None), (0, 3)]
    monkeypatch.setattr(interleaver, "_LIMIT", 100)
    order.other(packet(2, 4, 99))
    assert gone[7:] == []
    order.other(packet(1, 6))
    assert gone[7:] == [(2, 4)], "the oldest goes first where too much is held"
    order.flush()
    assert gone[8:] == [(1, 5), (1, 6)]
