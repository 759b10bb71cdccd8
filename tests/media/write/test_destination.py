"""Places that take nothing: the disk is to blame, not the encoder."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from helpers.pipe_ends import ffmpeg

from vidrts import EnhanceOptions, enhance
from vidrts.errors import Interrupted, OutputError
from vidrts.media.output_formats import PIPE_FORMATS
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.reopened import Written
from vidrts.media.write.target import Target


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames."""
    path = tmp_path_factory.mktemp("clip") / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", 3, "-c:v", "ffv1", "-pix_fmt", "yuv420p", path)
    return path


def copy(clip: Path, to: Path | StandardOutput, options: EncodeOptions) -> None:
    """Write the frames of `clip` without a change."""
    with Source(clip) as source, Target(to, source.input, options) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()


@pytest.mark.parametrize("kind", PIPE_FORMATS)
def test_stdout_on_a_full_disk(kind: str, clip: Path) -> None:
    with (
        StandardOutput(os.open("/dev/full", os.O_WRONLY)) as stdout,
        pytest.raises(OutputError, match=r"^stdout: write error: No space left on device$"),
    ):
        copy(clip, stdout, EncodeOptions(format=kind, preset="ultrafast" if kind in ("mp4", "mpegts") else None))


@pytest.mark.parametrize("codec", ["aac", "flac", "mp2"])
def test_the_first_of_several_errors_is_told(codec: str, tmp_path: Path) -> None:
    """The sound is written after the write of a picture failed; FFmpeg then no longer knows why."""
    sounding = tmp_path / "in.nut"
    inputs = [word for name in ("testsrc2=s=64x48:d=0.5", "sine=r=48000:d=0.5") for word in ("-f", "lavfi", "-i", name)]
    ffmpeg(*inputs, "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", codec, sounding)
    with (
        StandardOutput(os.open("/dev/full", os.O_WRONLY)) as stdout,
        pytest.raises(OutputError, match=r"^stdout: write error: No space left on device$"),
    ):
        copy(sounding, stdout, EncodeOptions(format="mpegts"))


@contextmanager
def no_room() -> Iterator[None]:
    """No byte can be written to a file of this process."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_a_file_on_a_full_disk(name: str, clip: Path, tmp_path: Path) -> None:
    with no_room(), pytest.raises(OutputError, match=rf"{name}: write error: File too large$"):
        copy(clip, tmp_path / name, EncodeOptions(video_codec="libx264", preset="ultrafast"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.ts"])
def test_nothing_is_left_in_a_renamed_folder(name: str, clip: Path, tmp_path: Path) -> None:
    folder, renamed = tmp_path / "folder", tmp_path / "renamed"
    folder.mkdir()
    options = EncodeOptions(video_codec="libx264", preset="ultrafast")
    with Source(clip) as source, Target(folder / name, source.input, options) as target:
        for event in source.events(target.streams):
            target.write(event)
        folder.rename(renamed)
        assert list(renamed.iterdir())
    assert not list(renamed.iterdir())


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), Interrupted("stopped", 2)])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_complete_file_outlives_a_signal(
    name: str, signal: BaseException, clip: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a large file again takes a while."""

    def stopped(*_: object) -> None:
        raise signal

    monkeypatch.setattr(Written, "fault", stopped)
    options = EnhanceOptions(model=str(tiny_model), encode=EncodeOptions(video_codec="libx264", preset="ultrafast"))
    with pytest.raises(type(signal)):
        enhance(clip, tmp_path / name, options)
    (kept,) = tmp_path.iterdir()
    assert ".partial." in kept.name
    with av.open(kept) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3
