"""Sound whose file says how many channels there are, and not which: kept, by FFmpeg's default for the number."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.media_truth import relay
from helpers.paths import DATA, need

from vidrts.errors import OutputError
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

FAST = EncodeOptions(preset="ultrafast")


def made(target: Path, channels: int, *coded: str) -> Path:
    """Half a second of 64x48; the sound of each channel is a tone of 400 Hz more than the one before."""
    tones = "|".join(f"0.2*sin({400 * (k + 1)}*2*PI*t)" for k in range(channels))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.5"]
    command += ["-f", "lavfi", "-i", f"aevalsrc={tones}:s=48000:d=0.5:c={channels}c" if "flac" in coded else
                f"aevalsrc={tones}:s=48000:d=0.5"]  # fmt: skip
    subprocess.run([*command, "-c:v", "mpeg2video", *coded, target], check=True)
    return target


def sound(path: Path) -> np.ndarray:
    """All channels as ffmpeg decodes them, float32, a row for each."""
    with av.open(path) as container:
        channels = container.streams.audio[0].channels
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-"]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(told, np.float32).reshape(-1, channels).T


def tones(path: Path) -> list[int]:
    """The loudest frequency of each channel, in Hz, to the next hundred."""
    found = []
    for channel in sound(path):
        middle = channel[6_000:18_000]  # a quarter of a second
        found.append(round(int(np.abs(np.fft.rfft(middle)).argmax()) * 4, -2))
    return found


def track(path: Path) -> tuple[str, str]:
    """Codec and channel layout; ffprobe 5 reads no layout of PCM in mp4."""
    with av.open(path) as container:
        context = container.streams.audio[0].codec_context
        return context.codec.canonical_name, context.layout.name


@pytest.mark.parametrize("container", ["mkv", "avi", "mxf"])
def test_pcm_without_layout_is_copied_to_mp4(tmp_path: Path, container: str) -> None:
    """ "2 channels" of Matroska, AVI and MXF: mp4 must name each channel of PCM."""
    source = need(DATA / "faults" / "pcm_stereo.mkv")
    if container != "mkv":
        source = made(tmp_path / f"in.{container}", 2, "-c:a", "pcm_s16le")
    assert track(source)[1] == "2 channels"
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    assert not [line for line in lines if line.code in (Code.AUDIO_CONVERTED, Code.AUDIO_MIXED)]
    assert track(tmp_path / "out.mp4") == ("pcm_s16le", "stereo")
    assert np.array_equal(sound(source), sound(tmp_path / "out.mp4"))


@pytest.mark.parametrize(
    ("codec", "container"),
    [("wmav2", "mp4"), ("wmav2", "mov"), ("wmav2", "ts"), ("adpcm_ms", "mp4"), ("pcm_u8", "ts"), ("pcm_s16le", "ts")],
)
def test_sound_without_layout_is_converted(tmp_path: Path, codec: str, container: str) -> None:
    source = need(DATA / "faults" / "w2.wmv")
    if codec != "wmav2":
        source = made(tmp_path / "in.mkv", 2, "-c:a", codec)
    assert track(source)[1] == "2 channels"
    target = tmp_path / f"out.{container}"
    lines = relay(source, target, encode=FAST)
    assert [line.values["encoder"] for line in lines if line.code == Code.AUDIO_CONVERTED] == ["aac"]
    assert track(target) == ("aac", "stereo")
    assert tones(target) == tones(source)


def test_channels_without_order_are_named_never_mixed(tmp_path: Path) -> None:
    """Opus has no 4.0, FFmpeg's default for four; each channel stays what it is."""
    source = made(tmp_path / "in.mkv", 4, "-c:a", "pcm_s16le")
    lines = relay(source, tmp_path / "out.webm", encode=EncodeOptions(options={"preset": "12"}))
    assert [line.code for line in lines if line.code.name.startswith("AUDIO")] == [Code.AUDIO_CONVERTED]
    assert track(tmp_path / "out.webm") == ("opus", "quad")
    assert tones(tmp_path / "out.webm") == tones(source) == [400, 800, 1200, 1600]


def test_a_layout_that_the_encoder_has_not_is_mixed_and_told(tmp_path: Path) -> None:
    source = made(tmp_path / "in.mkv", 8, "-c:a", "flac")
    assert track(source) == ("flac", "7.1")
    lines = relay(source, tmp_path / "out.ts", encode=FAST)
    (line,) = (line for line in lines if line.code == Code.AUDIO_MIXED)
    assert (line.values["before"], line.values["layout"], line.values["encoder"]) == ("7.1", "5.1", "aac")
    assert track(tmp_path / "out.ts") == ("aac", "5.1")


def test_nine_channels_that_nobody_can_name(tmp_path: Path) -> None:
    """FFmpeg has no layout of nine: said before the first frame is encoded, not after the last."""
    source = made(tmp_path / "in.mkv", 9, "-c:a", "pcm_s16le")
    with pytest.raises(OutputError, match="no audio left in mp4"):
        relay(source, tmp_path / "out.mp4", encode=FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    relay(source, tmp_path / "out.mkv", encode=FAST)
    assert np.array_equal(sound(source), sound(tmp_path / "out.mkv"))
