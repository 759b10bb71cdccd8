"""Parameters of encoder libraries: what the library does not know is refused, what it says is heard."""

from pathlib import Path

import av
import pytest
from helpers.pipe_ends import ffmpeg

from vidrts.errors import OptionError
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames."""
    path = tmp_path_factory.mktemp("clip") / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64", "-frames:v", 2, "-c:v", "ffv1", "-pix_fmt", "yuv420p", path)
    return path


@pytest.mark.parametrize(("encoder", "name", "value", "says"), [
    ("libx265", "x265-params", "aq_mod=3", "aq_mod"), ("libsvtav1", "svtav1-params", "nope=3", "nope"),
    ("libx264", "x264-params", "key_int=10", "key_int"), ("libx264", "x264opts", "key_int=10", "key_int"),
    ("libx265", "x265-params", "sao=0:aq-mode=x", "aq-mode: x"), ("libx264", "x264-params", "bframes=x", "bframes"),
    ("libsvtav1", "svtav1-params", "tune=x", "tune: x"), ("libsvtav1", "svtav1-params", "tune=99", "does not open"),
    ("libx265", "x265-params", "aq-mode=9", "does not open"), ("libx265", "x265-params", "aq-mode", "KEY=VALUE"),
])  # fmt: skip
def test_what_the_library_does_not_know(
    encoder: str, name: str, value: str, says: str, clip: Path, tmp_path: Path
) -> None:
    options = EncodeOptions(video_codec=encoder, options={name: value})
    for _ in range(2):  # the log leaves out what it said last
        with (
            pytest.raises(OptionError, match=f"^-e {name}={value}: .*{says}"),
            Source(clip) as source,
            Target(tmp_path / "out.mkv", source.input, options),
        ):
            pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("encoder", "name", "value"), [
    ("libx265", "x265-params", "aq-mode=1:sao=0"), ("libsvtav1", "svtav1-params", "tune=0"),
    ("libx264", "x264-params", "keyint=1"), ("libx264", "x264opts", "no-mbtree:keyint=1"),
])  # fmt: skip
def test_what_it_knows(encoder: str, name: str, value: str, clip: Path, tmp_path: Path) -> None:
    options = EncodeOptions(video_codec=encoder, options={name: value})
    told: list[Message] = []
    with Source(clip) as source, Target(tmp_path / "out.mkv", source.input, options, on_message=told.append) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()
    with av.open(tmp_path / "out.mkv") as made:
        keys = [packet.is_keyframe for packet in made.demux() if packet.size]
    assert keys == [True, encoder == "libx264"]
    assert told == []


def test_what_it_says_of_a_value(clip: Path, tmp_path: Path) -> None:
    options = EncodeOptions(video_codec="libx264", options={"x264-params": "vbv-maxrate=100"})
    told: list[Message] = []
    with Source(clip) as source, Target(tmp_path / "out.mkv", source.input, options, on_message=told.append):
        pass
    text = "VBV maxrate specified, but no bufsize, ignored"
    assert [(line.code, line.values) for line in told] == [(Code.ENCODER_SAYS, {"encoder": "libx264", "text": text})]
    assert av.logging.get_level() is None
