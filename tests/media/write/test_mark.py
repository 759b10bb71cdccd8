"""vidrts knows its own files: -y replaces those and no other film."""

import subprocess
from pathlib import Path

import pytest
from helpers.media_truth import describe
from helpers.paths import need

from vidrts.cli import run
from vidrts.errors import OutputError
from vidrts.media.read.source import Source
from vidrts.media.write.mark import is_marked
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target

SUFFIXES = [".mp4", ".mov", ".mkv", ".webm", ".ts", ".m2ts"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that ffmpeg made."""
    path = tmp_path_factory.mktemp("film") / "in.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4:r=25"]
    subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", path], check=True)
    return path


def relay(source: Path, target: Path, *, partial: bool = False, **options: object) -> Path:
    """A film as vidrts writes it; its path, or that of the partial file."""
    preset = "12" if target.suffix == ".webm" else "ultrafast"
    with (
        Source(source) as reader,
        Target(target, reader.input, EncodeOptions(preset=preset, **options)) as writer,  # type: ignore[arg-type]
    ):
        for event in reader.events(writer.streams):
            writer.write(event)
        kept = writer.keep_partial() if partial else writer.finish()
    return kept if isinstance(kept, Path) else target


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_vidrts_made_is_known_and_nothing_else(suffix: str, made: Path, tmp_path: Path) -> None:
    foreign = tmp_path / f"foreign{suffix}"
    codec = ["-c:v", "libvpx-vp9"] if suffix == ".webm" else ["-c", "copy"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", made, *codec, foreign], check=True)
    assert not is_marked(foreign)
    own = relay(foreign, tmp_path / f"out{suffix}")
    assert is_marked(own)
    assert is_marked(relay(foreign, tmp_path / f"out{suffix}", partial=True, overwrite=True))
    assert (
        describe(own).frames[-1] - describe(own).frames[0] == describe(foreign).frames[-1] - describe(foreign).frames[0]
    )
    if suffix in (".ts", ".m2ts"):
        assert own.stat().st_size % (188 if suffix == ".ts" else 192) == 0
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", own, "-f", "null", "-"], check=True)
    again = relay(own, tmp_path / f"again{suffix}")
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", again, *codec[:1], "ffv1", tmp_path / "x.mkv"], check=True
    )
    assert not is_marked(tmp_path / "x.mkv")


def test_own_only_replaces_own_and_empty_files(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    options = {"overwrite": True, "own_only": True}
    target.touch()
    relay(made, target, **options)
    first = target.stat().st_ino
    relay(made, target, **options)
    assert target.stat().st_ino != first
    for content in (b"not a film", made.read_bytes(), b"\x47" * 188):
        target.write_bytes(content)
        with pytest.raises(OutputError, match=r"out\.mp4: already exists and was not made by vidrts.*--force"):
            relay(made, target, **options)
        assert target.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_film_that_comes_meanwhile_is_kept(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    options = EncodeOptions(preset="ultrafast", overwrite=True, own_only=True)
    with Source(made) as reader, Target(target, reader.input, options) as writer:
        for event in reader.events(writer.streams):
            writer.write(event)
        target.write_bytes(made.read_bytes())
        with pytest.raises(OutputError, match=r"out\.partial\.mkv"):
            writer.finish()
    assert target.read_bytes() == made.read_bytes()
    assert is_marked(tmp_path / "out.partial.mkv")


def test_the_command_overwrites_no_film_by_chance(
    made: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    films = [tmp_path / name for name in ("a.mkv", "b.mkv")]
    for film in films:
        film.write_bytes(made.read_bytes())
    quick = ["enhance", "-q", "--device", "cpu", "--model", str(tiny_model), "-preset", "ultrafast"]
    names = [str(film) for film in films]
    assert run([*quick, "-y", *names]) == 1
    assert "--force" in capfd.readouterr().err
    assert [film.read_bytes() for film in films] == [made.read_bytes()] * 2
    assert run([*quick, "-i", names[0], "-y", names[1]]) == 0
    assert is_marked(films[1])
    assert run([*quick, "-y", *names]) == 0
    films[1].write_bytes(made.read_bytes())
    assert run([*quick, "--force", *names]) == 0
    assert run([*quick, *names]) == 1, "the default refuses"
    assert films[0].read_bytes() == need(made).read_bytes()
