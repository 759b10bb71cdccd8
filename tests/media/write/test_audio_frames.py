"""Sound whose layout or rate changes within a track: all of it is encoded, at its time and its pitch."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.media_truth import relay
from helpers.paths import DATA, need

from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

LENGTH = Fraction(3, 5)
"""Seconds of each part."""


def changing(target: Path, codec: str, *parts: tuple[int, str]) -> Path:
    """A film of 64x48 with one audio track, whose parts have another rate and layout each: 1 kHz in all channels."""
    with av.open(target, "w") as output:
        video = output.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = output.add_stream(codec, rate=parts[0][0], layout=parts[0][1])
        for number in range(round(len(parts) * LENGTH * 25)):
            picture = np.full((48, 64, 3), number, np.uint8)
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(video.encode(None))
        end = Fraction(0)
        for rate, layout in parts:
            encoder = av.CodecContext.create(codec, "w")
            encoder.sample_rate, encoder.layout, encoder.format = rate, layout, audio.format
            encoder.time_base = Fraction(1, rate)
            count, channels = int(LENGTH * rate), encoder.layout.nb_channels
            wave = np.sin(np.arange(count) / rate * 2000 * np.pi).astype(np.float32) / 4
            frame = av.AudioFrame.from_ndarray(np.tile(wave, (channels, 1)), "fltp", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            for packet in [*encoder.encode(frame), *encoder.encode(None)]:
                packet.stream = audio
                packet.time_base = Fraction(1, rate)
                packet.pts = packet.dts = round(end * rate)
                end += Fraction(packet.duration, rate)  # without overlaps
                output.mux(packet)
    return target


def adts(target: Path) -> Path:
    """A transport stream with stereo and then mono AAC in one track, 1 kHz."""
    folder = target.parent
    make = ["ffmpeg", "-nostdin", "-v", "error", "-y"]
    whole = b""
    for channels in ("2", "1"):
        tone = ["-f", "lavfi", "-i", f"sine=1000:r=48000:d={float(LENGTH)}", "-ac", channels, "-c:a", "aac"]
        subprocess.run([*make, *tone, folder / "part.aac"], check=True)
        whole += (folder / "part.aac").read_bytes()
    (folder / "whole.aac").write_bytes(whole)
    picture = ["-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={float(2 * LENGTH)}", "-i", folder / "whole.aac"]
    subprocess.run([*make, *picture, "-c:v", "mpeg2video", "-c:a", "copy", target], check=True)
    return target


def heard(path: Path) -> tuple[np.ndarray, int]:
    """All channels as ffmpeg decodes them, a row for each, and the rate."""
    with av.open(path) as container:
        context = container.streams.audio[0].codec_context
        channels, rate = context.channels, context.sample_rate
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-"]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(told, np.float32).reshape(-1, channels).T, rate


def pitches(path: Path, parts: int) -> list[list[int]]:
    """The loudest frequency of each channel in the middle of each part, in Hz, to the next ten."""
    found = []
    sound, rate = heard(path)
    assert abs(sound.shape[1] / rate - parts * LENGTH) < 0.1, "as long as its parts, padding of codecs apart"
    for part in range(parts):
        begin = round((part * LENGTH + LENGTH / 3) * rate)
        middle = sound[:, begin : begin + rate // 5]
        assert np.abs(middle).max(axis=1).min() > 0.05, "no channel is silent"
        found.append([round(int(np.abs(np.fft.rfft(row)).argmax()) * 5, -1) for row in middle])
    return found


def told(lines: list[Message]) -> list[tuple[str, str, str]]:
    return [tuple(line.values[key] for key in ("before", "now", "encoded"))
            for line in lines if line.code == Code.AUDIO_CHANGES]  # fmt: skip


def test_stereo_that_becomes_surround(tmp_path: Path) -> None:
    """AC-3 of 2 and then 6 channels, as television has it."""
    source, target = need(DATA / "faults" / "ac3_stereo_then_51.mkv"), tmp_path / "out.mkv"
    lines = relay(source, target, encode=EncodeOptions(preset="ultrafast", audio_codec="flac"))
    assert told(lines) == [("stereo, 48000 Hz", "5.1(side), 48000 Hz", "stereo, 48000 Hz")]
    sound, rate = heard(target)
    assert (sound.shape, rate) == ((2, 60 * 1536), 48000), "each of the 60 packets has 1536 samples"
    assert np.abs(sound[:, -rate // 2 :]).max() > 0.01


@pytest.mark.parametrize("parts", [((44100, "stereo"), (48000, "stereo")), ((48000, "mono"), (32000, "stereo")),
                                   ((32000, "stereo"), (48000, "mono"), (32000, "stereo"))])  # fmt: skip
def test_rate_and_layout_change(tmp_path: Path, parts: tuple[tuple[int, str], ...]) -> None:
    """AC-3; the encoder keeps the first part's."""
    source, target = changing(tmp_path / "in.mkv", "ac3", *parts), tmp_path / "out.mkv"
    lines = relay(source, target, encode=EncodeOptions(preset="ultrafast", audio_codec="flac"))
    rate, layout = parts[0]
    first = f"{layout}, {rate} Hz"
    assert told(lines) == [(first, f"{parts[1][1]}, {parts[1][0]} Hz", first)], "told once"
    with av.open(target) as container:
        assert container.streams.audio[0].codec_context.layout.name == layout
    assert heard(target)[1] == rate
    channels = {"mono": 1, "stereo": 2}[layout]
    assert pitches(target, len(parts)) == [[1000] * channels] * len(parts)


def test_adts_stereo_then_mono(tmp_path: Path) -> None:
    source, target = adts(tmp_path / "in.ts"), tmp_path / "out.webm"
    lines = relay(source, target, encode=EncodeOptions(options={"preset": "12"}))
    assert told(lines) == [("stereo, 48000 Hz", "mono, 48000 Hz", "stereo, 48000 Hz")]
    assert pitches(target, 2) == [[1000, 1000]] * 2


def test_a_range_across_the_change(tmp_path: Path) -> None:
    """Exactly as many samples as the range has, in the encoder's rate."""
    source, target = changing(tmp_path / "in.mkv", "ac3", (44100, "stereo"), (48000, "mono")), tmp_path / "out.mkv"
    cut = DecodeOptions(start=Fraction(1, 5), end=Fraction(1))
    relay(source, target, cut, EncodeOptions(preset="ultrafast", audio_codec="flac"))
    sound, rate = heard(target)
    assert rate == 44100
    assert abs(sound.shape[1] - 0.8 * rate) < 3 * rate / 1000, "Matroska's times are whole milliseconds"
