"""Sound that a transport stream announces, and that does not come, or comes late."""

from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE, coded, describe, relay
from helpers.pipe_ends import ffmpeg

from vidrts.errors import OutputError
from vidrts.messages import Code

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg is not installed; it makes the films")
SOUND = 0x101
"""PID of the sound in MPEG-TS by ffmpeg."""


def film(target: Path, codec: str, *more: str, late: float = 0, rate: int = 25) -> Path:
    """A second of pictures with sound from `late` seconds on."""
    pictures = f"-f lavfi -i testsrc2=size=64x48:rate={rate}:duration={1 + late}".split()
    sound = f"-f lavfi -itsoffset {late} -i sine=duration=1".split()
    ffmpeg(*pictures, *sound, *more, "-c:v", "mpeg4", "-c:a", codec, "-muxdelay", "0", "-f", "mpegts", target)
    return target


def without(pid: int, path: Path) -> Path:
    """The same transport stream without the packets of a PID."""
    data = path.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    path.write_bytes(b"".join(packet for packet in packets if int.from_bytes(packet[1:3]) & 0x1FFF != pid))
    return path


@pytest.mark.parametrize(("codec", "suffix"), [("mp2", "mp4"), ("ac3", "mkv"), ("aac", "ts"), ("aac", "webm")])
def test_sound_that_is_announced_alone_is_no_loss(codec: str, suffix: str, tmp_path: Path) -> None:
    source = without(SOUND, film(tmp_path / "in.ts", codec))
    lines = relay(source, tmp_path / f"out.{suffix}")
    assert [(code, values["index"]) for code, values in coded(lines) if code is Code.SOUND_NOT_FOUND] == [
        (Code.SOUND_NOT_FOUND, 1)
    ]
    told = describe(tmp_path / f"out.{suffix}")
    assert [stream.kind for stream in told.streams] == ["video"]
    assert len(told.frames) == 25


def test_one_of_two_tracks_comes(tmp_path: Path) -> None:
    source = without(SOUND, film(tmp_path / "in.ts", "ac3", "-map", "0", "-map", "1", "-map", "1"))
    lines = relay(source, tmp_path / "out.mp4")
    assert [values["index"] for code, values in coded(lines) if code is Code.SOUND_NOT_FOUND] == [1]
    told = describe(tmp_path / "out.mp4")
    assert [stream.codec for stream in told.streams if stream.kind == "audio"] == ["ac3"]


def test_sound_that_comes_late_is_kept(tmp_path: Path) -> None:
    """Later than the seven seconds that FFmpeg looks at."""
    source = film(tmp_path / "in.ts", "ac3", late=20, rate=5)
    assert not [line for line in relay(source, tmp_path / "out.mkv") if line.code is Code.SOUND_NOT_FOUND]
    told = describe(tmp_path / "out.mkv")
    (sound,) = (stream for stream in told.streams if stream.kind == "audio")
    assert len(sound.packets) > 20
    assert float(min(sound.times) - told.frames[0]) == pytest.approx(20, abs=0.1)


def test_sound_that_comes_too_late_is_an_error(tmp_path: Path) -> None:
    """The line says what to do, and that works."""
    source = film(tmp_path / "in.ts", "ac3", late=80, rate=1)
    with pytest.raises(OutputError, match=r"stream 1 begins at (79\.9|80\.\d)\d+ s.*; --no-audio") as caught:
        relay(source, tmp_path / "out.mkv")
    words = str(caught.value).split("ffmpeg ")[1].split(";")[0].split()
    ffmpeg(*(str({"IN": source, "OUT.mkv": tmp_path / "again.mkv"}.get(word, word)) for word in words))
    relay(tmp_path / "again.mkv", tmp_path / "out.mkv")
    assert [stream.codec for stream in describe(tmp_path / "out.mkv").streams if stream.kind == "audio"] == ["ac3"]
