"""Damaged sound: counted, told and, with strict, refused, as damaged pictures are; a track of nothing is an error."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe
from helpers.paths import DATA, need

from vidrts.errors import InputError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.audio_damage import AudioLedger, AudioLoss
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.packet_remapper import PacketRemapper
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message


def made(target: Path, *coded: str) -> Path:
    """A film of 64x48 and two thirds of a second with a tone."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.64"]
    command += ["-f", "lavfi", "-i", "sine=1000:r=48000:d=0.64", "-ac", "2", "-c:v", "mpeg2video", *coded]
    subprocess.run([*command, target], check=True)
    return target


def spoiled(source: Path, target: Path, spoil: Callable[[int, bytes], bytes], track: int = 0) -> Path:
    """A copy of a film with each packet of an audio track, by its number, changed by `spoil`."""
    with av.open(source) as whole, av.open(target, "w", options={"strict": "-2"}) as output:
        streams = {s.index: output.add_stream_from_template(s, opaque=True) for s in whole.streams}
        number = 0
        for packet in whole.demux():
            if packet.dts is None:
                continue
            copy = packet
            if packet.stream is whole.streams.audio[track]:
                copy = av.Packet(spoil(number, bytes(packet)))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base = packet.time_base
                number += 1
            copy.stream = streams[packet.stream.index]
            output.mux(copy)
    return target


def relayed(source: Path, target: Path, codec: str | None = "flac", *, strict: bool = False) -> list[Message]:
    """What a run from source to target says of damaged audio; nothing else may be damaged."""
    encode = EncodeOptions(preset="ultrafast" if target.suffix != ".webm" else "12", audio_codec=codec)
    with (
        Source(source, DecodeOptions(strict=strict)) as reader,
        Target(target, reader.input, encode) as writer,
    ):
        for event in reader.events(writer.streams):
            writer.write(event)
        writer.finish()
        assert not str(reader.lost)
        return list(writer.damage)


def loss(lines: list[Message]) -> AudioLoss:
    """The loss of the one track that is damaged."""
    (line,) = lines
    assert line.code == Code.AUDIO_DAMAGED
    assert "\n" not in line
    damage = line.values["damage"]
    assert isinstance(damage, AudioLoss)
    return damage


def garbage(first: int, last: int) -> Callable[[int, bytes], bytes]:
    """Packets from `first` to before `last` become noise of the same length."""
    return lambda number, data: bytes((k * 89 + 41) % 256 for k in range(len(data))) if first <= number < last else data


def test_ac3_whose_second_half_is_garbage(tmp_path: Path) -> None:
    source = need(DATA / "faults" / "ac3_half_garbage.mkv")
    damage = loss(relayed(source, tmp_path / "out.webm", None))
    assert (damage.packets, damage.silent, damage.corrupt, damage.marked) == (44, 0, 0, 0)
    assert abs(float(damage.times[0]) - 0.512) < 0.001
    assert not relayed(source, tmp_path / "copy.mkv", None), "a copy is not decoded"
    with pytest.raises(InputError, match=r"garbage.mkv: damaged at 0.512 s: packet of audio stream 1 .*strict"):
        relayed(source, tmp_path / "strict.webm", None, strict=True)
    assert not (tmp_path / "strict.webm").exists()


@pytest.mark.parametrize("codec", ["aac", "flac", "mp2", "eac3"])
def test_a_few_packets_of_garbage(tmp_path: Path, codec: str) -> None:
    """Each is counted, at its time; the sound around it is there."""
    whole = made(tmp_path / "whole.mkv", "-c:a", codec)
    source = spoiled(whole, tmp_path / "in.mkv", garbage(3, 6))
    damage = loss(relayed(source, tmp_path / "out.mkv", "pcm_s16le"))
    (track,) = (s for s in describe(whole).streams if s.kind == "audio")
    count = damage.packets + damage.silent + damage.corrupt
    assert 1 <= count <= 3, "decoders conceal some"
    assert set(damage.times) <= set(track.times[3:6])
    assert not relayed(whole, tmp_path / "again.mkv", "pcm_s16le", strict=True), "nothing of a whole film is suspected"


@pytest.mark.parametrize("codec", ["flac", "aac", "mp2"])
def test_an_empty_packet_is_no_damage(tmp_path: Path, codec: str) -> None:
    """FFmpeg's FLAC in NUT ends with one; the sound after one in the middle is there."""
    whole = made(tmp_path / "whole.nut", "-c:v", "ffv1", "-c:a", codec)
    source = spoiled(whole, tmp_path / "in.nut", lambda number, data: b"" if number == 5 else data)
    for film, target in ((whole, tmp_path / "whole.mov"), (source, tmp_path / "out.mov")):
        assert not relayed(film, target, "pcm_s16le", strict=True)
        with av.open(film) as reader:
            sizes = [p.size for p in reader.demux(audio=0) if p.dts is not None]
        assert (0 in sizes) == (codec == "flac" or film is source)
    decoded, encoded = (
        sum(frame.samples for frame in _sound(path)) for path in (tmp_path / "whole.mov", tmp_path / "out.mov")
    )
    assert 0 < decoded - encoded < 5000, "all but what the empty packet held"


def _sound(path: Path) -> Iterator[av.AudioFrame]:
    with av.open(path) as reader:
        yield from reader.decode(audio=0)


def without_sync(first: int, last: int) -> Callable[[int, bytes], bytes]:
    """TrueHD's packets from `first` to before `last` lose their sync words, on which its decoder depends."""
    return lambda number, data: data.replace(b"\xf8\x72\x6f\xba", bytes(4)) if first <= number < last else data


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_truehd_of_which_nothing_decodes(tmp_path: Path, target: str) -> None:
    """Without sync words FFmpeg's parser drops all of it, without an error; encoded (mp4) or copied (mkv)."""
    source = made(tmp_path / "whole.mkv", "-c:a", "truehd", "-strict", "-2")
    source = spoiled(source, tmp_path / "in.mkv", without_sync(0, 1000))
    with pytest.raises(InputError, match=r"no audio could be decoded: audio stream 1 \(truehd\): .*--no-audio"):
        relayed(source, tmp_path / target, None)
    assert not (tmp_path / target).exists()


def test_an_empty_track_is_no_damage(tmp_path: Path) -> None:
    """A track without data loses nothing."""
    whole = made(tmp_path / "whole.mkv", "-c:a", "aac")
    with av.open(whole) as reader, av.open(tmp_path / "in.mkv", "w") as output:
        streams = {s.index: output.add_stream_from_template(s, opaque=True) for s in reader.streams}
        for packet in reader.demux(reader.streams.video[0]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    assert not relayed(tmp_path / "in.mkv", tmp_path / "out.mkv")


@pytest.mark.parametrize(("last", "silent"), [(1000, (500, 560)), (400, (100, 200))])
def test_truehd_that_falls_silent(tmp_path: Path, last: int, silent: tuple[int, int]) -> None:
    """mp4 needs no parser: the decoder takes the packets and gives nothing, to the end or to the next sync word."""
    whole = made(tmp_path / "whole.mp4", "-c:a", "truehd", "-strict", "-2")
    damage = loss(relayed(spoiled(whole, tmp_path / "in.mp4", without_sync(200, last)), tmp_path / "out.mkv"))
    assert silent[0] <= damage.silent <= silent[1]
    assert not relayed(whole, tmp_path / "again.mkv", strict=True)


def test_sound_that_fails_at_the_end_loses_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder, drained, may tell of damage; then the encoder still holds all pictures."""
    packets = PacketRemapper.packets

    def failing(self: PacketRemapper, packet: av.Packet | None, *, early: bool = False) -> Iterator[av.Packet]:
        if packet is None:
            raise InputError("film: damaged")
        return packets(self, packet, early=early)

    monkeypatch.setattr(PacketRemapper, "packets", failing)
    source = made(tmp_path / "in.mkv", "-c:a", "mp2")
    with Source(source) as reader, Target(tmp_path / "a.mkv", reader.input, EncodeOptions()) as writer:
        for event in reader.events(writer.streams):
            writer.write(event)
        with pytest.raises(InputError):
            writer.finish()
        writer.rescue()
    assert [len(s.times) for s in describe(tmp_path / "a.partial.mkv").streams if s.kind == "video"] == [16]


def ledger(tmp_path: Path) -> tuple[AudioLedger, av.Packet, int]:
    """That of a TrueHD track, one of its packets, and its ticks per second."""
    with av.open(made(tmp_path / "whole.mkv", "-c:a", "truehd", "-strict", "-2")) as container:
        stream = container.streams.audio[0]
        return AudioLedger(stream, "film"), next(container.demux(stream)), int(1 / stream.time_base)


def test_hours_of_silence_need_no_memory(tmp_path: Path) -> None:
    """Packets that give no sound are counted while they come."""
    counts, packet, second = ledger(tmp_path)
    for number in range(60_000):
        packet.pts = packet.dts = number * second // 1000
        counts.decoded(packet, [], early=False)
    assert counts.loss.silent > 49_000
    counts.decoded(None, [], early=False)
    assert counts.loss.silent == 60_000


def test_one_of_two_tracks_is_lost(tmp_path: Path) -> None:
    """A warning, as the other one is there; with all lost, an error."""
    film = ["-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a", "ac3"]
    source = spoiled(made(tmp_path / "whole.mkv", *film), tmp_path / "one.mkv", garbage(0, 1000))
    assert loss(relayed(source, tmp_path / "out.mkv")).packets == 20
    source = spoiled(source, tmp_path / "none.mkv", garbage(0, 1000), track=1)
    with pytest.raises(InputError, match=r"audio stream 1 \(ac3\): .*; audio stream 2 \(ac3\)"):
        relayed(source, tmp_path / "none-out.mkv")


def test_packets_that_the_demuxer_marks(tmp_path: Path) -> None:
    """A transport stream that lacks a packet of its audio: copied, and told."""
    whole = made(tmp_path / "whole.ts", "-c:a", "mp2", "-b:a", "384k")
    data = whole.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    audio = [k for k, packet in enumerate(packets) if int.from_bytes(packet[1:3]) & 0x1FFF == 0x101]
    del packets[audio[len(audio) // 2]]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(packets))
    damage = loss(relayed(source, tmp_path / "out.mkv", None))
    assert damage.marked >= 1
    with pytest.raises(InputError, match="marked as corrupt"):
        relayed(source, tmp_path / "strict.mkv", None, strict=True)
    assert not relayed(whole, tmp_path / "whole.mkv", None, strict=True)
