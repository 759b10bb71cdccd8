"""Packets in files of our own: everything that an encoder gave is there again."""

import io
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidrts.media.write.packet_file import EncodedPacket, PacketFile, PacketWriter

TICKS = st.one_of(st.none(), st.integers(-(1 << 62), 1 << 62))
SIDE = st.dictionaries(
    st.sampled_from(["new_extradata", "matroska_block_additional"]), st.binary(min_size=1, max_size=9)
).map(lambda pieces: tuple(pieces.items()))
PACKETS = st.builds(
    EncodedPacket, TICKS, TICKS, st.integers(0, 1 << 40), st.booleans(), st.binary(min_size=1, max_size=50), SIDE
)


def written(packets: list[EncodedPacket], path: Path) -> bytes:
    file = io.BytesIO()
    writer = PacketWriter(file)
    for packet in packets:
        writer.add(packet)
    writer.finish({"frames": len(packets)})
    path.write_bytes(file.getvalue())
    return file.getvalue()


@given(packets=st.lists(PACKETS, max_size=5))
def test_there_and_back(packets: list[EncodedPacket], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("packets") / "a.packets"
    written(packets, path)
    with PacketFile(path) as held:
        assert list(held) == packets
        assert held.times == [(packet.pts, packet.dts) for packet in packets]
        assert held.facts == {"frames": len(packets)}


@given(packet=PACKETS)
def test_ffmpeg_packets_hold_the_same(packet: EncodedPacket) -> None:
    assert EncodedPacket.of(packet.packet()) == packet


@pytest.mark.parametrize("left", [0, 5, 17, 30, -1, -10, -30])
def test_what_is_cut_off_is_no_file_of_packets(left: int, tmp_path: Path) -> None:
    path = tmp_path / "a.packets"
    whole = written([EncodedPacket(0, 0, 1, True, b"payload")], path)
    path.write_bytes(whole[:left])
    with pytest.raises(ValueError, match="packets"):
        PacketFile(path)


def test_alpha_travels_beside_the_payload(tmp_path: Path) -> None:
    """libvpx-vp9 puts the alpha plane into side data."""
    context = av.CodecContext.create("libvpx-vp9", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "yuva420p", Fraction(1, 25)
    frame = av.VideoFrame(64, 48, "yuva420p")
    frame.pts = 0
    made = [EncodedPacket.of(packet) for packet in [*context.encode(frame), *context.encode(None)]]
    written(made, tmp_path / "a.packets")
    with PacketFile(tmp_path / "a.packets") as held:
        (again,) = list(held)
    assert "matroska_block_additional" in dict(again.side_data)
    assert [again] == made
