"""`vidrts enhance` of many files: what is done, skipped, told, and the exit code."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from helpers.small_films import small_film
from PIL import Image

from vidrts.cli import run
from vidrts.cli.progress import ProgressReport
from vidrts.media.write.mark import is_marked
from vidrts.progress import Progress


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_film(tmp_path_factory.mktemp("film") / "a.mkv", "testsrc=s=64x48:r=25", frames=4)


@pytest.fixture
def folder(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with films in "in"; one is broken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("a.mkv", "c.mp4", "sub/d.mkv"):
        shutil.copy(film, tmp_path / "in" / name)
    (tmp_path / "in" / "b.mkv").write_bytes(film.read_bytes()[:200])
    (tmp_path / "in" / "notes.txt").write_text("hello\n")
    return tmp_path


def enhance(model: Path, *arguments: object) -> int:
    return run(["enhance", "--device", "cpu", "--model", str(model), "-preset", "ultrafast", *map(str, arguments)])


def files(folder: Path) -> dict[str, int]:
    """Name -> inode, which a file that is made again changes."""
    return {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def test_a_folder(folder: Path, tiny_model: Path, film: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert enhance(tiny_model, "in", "out") == 1
    told = capfd.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert any("in: left out" in line and "notes.txt" in line for line in lines)
    assert sum("in/b.mkv: " in line for line in lines) == 1, "the broken one is told at once"
    table = [line.split(maxsplit=5) for line in lines[-6:-2]]
    assert table[0] == ["file", "frames", "seconds", "frames/s", "size", "result"]
    assert [(row[0], row[1]) for row in table[1:]] == [("in/a.mkv", "4"), ("in/b.mkv", "-"), ("in/c.mp4", "4")]
    assert [row[-1].endswith(" done") for row in table[1:]] == [True, False, True]
    assert table[2][-1].startswith("failed: cannot be opened")
    assert "2 of 3 files enhanced, 8 frames" in lines[-2]
    assert lines[-1] == "vidrts: 1 of 3 files failed"
    before = files(folder / "out")
    assert sorted(before) == ["a.mkv", "c.mp4"]
    assert all(is_marked(folder / "out" / name) for name in before)

    # the same again, with sub-folders: what is done is left alone
    (folder / "in" / "b.mkv").unlink()
    (folder / "out" / "c.mp4").write_bytes(film.read_bytes())
    assert enhance(tiny_model, "-q", "-r", "in", "out/") == 1
    line = capfd.readouterr().err
    assert "out/c.mp4: already exists and was not made by vidrts" in line and len(line.splitlines()) == 2
    after = files(folder / "out")
    assert sorted(after) == ["a.mkv", "c.mp4", "sub/d.mkv"]
    assert after["a.mkv"] == before["a.mkv"]
    assert (folder / "out" / "c.mp4").read_bytes() == film.read_bytes()

    # nothing is left to do
    assert enhance(tiny_model, "in/a.mkv", "./in/a.mkv", "out") == 0
    assert [line.split()[-2:] for line in capfd.readouterr().err.splitlines()[1:-1]] == [["was", "there"]]


def test_pictures_of_a_folder(folder: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Beside videos, numbered ones, too; each option counts for files of its kind, and a broken picture is one file."""
    rgb = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    for name in ("frame_0001.png", "frame_0002.png", "photo.jpg"):
        Image.fromarray(rgb).save(folder / "in" / name)
    (folder / "in" / "broken.png").write_bytes(b"not a picture")
    (folder / "in" / "b.mkv").unlink()
    names = ["a.x.mp4", "c.x.mp4", "frame_0001.x.png", "frame_0002.x.png", "photo.x.jpg"]
    given = ["in", "out", "--suffix", ".x", "--ext", "mp4", "--strength", "0"]
    given += ["-crf", "30", "-frames:v", "2", "--quality", "80"]
    assert enhance(tiny_model, *given) == 1, "the broken one"
    lines = capfd.readouterr().err.splitlines()
    assert any("-preset" in line and "-crf" in line and "4 picture(s)" in line for line in lines)
    assert [line.split()[:2] for line in lines[-8:-2]] == [
        ["in/a.mkv", "2"], ["in/broken.png", "-"], ["in/c.mp4", "2"], ["in/frame_0001.png", "1"],
        ["in/frame_0002.png", "1"], ["in/photo.jpg", "1"],
    ]  # fmt: skip
    assert "5 of 6 files enhanced, 7 frames" in lines[-2]
    before = files(folder / "out")
    assert sorted(before) == names
    assert np.array_equal(np.asarray(Image.open(folder / "out" / "frame_0002.x.png")), rgb)

    (folder / "in" / "broken.png").unlink()
    assert enhance(tiny_model, *given) == 0
    assert files(folder / "out") == before
    assert sum(line.endswith("was there") for line in capfd.readouterr().err.splitlines()) == 5
    for path in (folder / "in").glob("[ac].*"):
        path.unlink()
    assert enhance(tiny_model, *given, "-y") == 1, "an option of videos with pictures alone is a mistake"
    assert "-crf" in capfd.readouterr().err
    assert files(folder / "out") == before


def test_again_and_by_force(folder: Path, tiny_model: Path, film: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = ["in/a.mkv", "in/c.mp4"]
    assert enhance(tiny_model, *names, "out/", "--suffix", ".x", "--ext", "mkv") == 0
    before = files(folder / "out")
    assert sorted(before) == ["a.x.mkv", "c.x.mkv"]
    (folder / "out" / "c.x.mkv").write_bytes(film.read_bytes())
    assert enhance(tiny_model, "-y", *names, "out", "--suffix", ".x", "--ext", "mkv") == 1
    after = files(folder / "out")
    assert after["a.x.mkv"] != before["a.x.mkv"]
    assert (folder / "out" / "c.x.mkv").read_bytes() == film.read_bytes()
    assert "--force" in capfd.readouterr().err
    assert enhance(tiny_model, "-q", "--force", "in/c.mp4", "out", "--suffix", ".x", "--ext", "mkv") == 0
    assert is_marked(folder / "out" / "c.x.mkv")
    assert capfd.readouterr().err == ""


def test_one_file_into_a_folder(folder: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert enhance(tiny_model, "in/a.mkv", "out/") == 0
    told = capfd.readouterr().err.splitlines()
    assert told[-1].startswith("vidrts: out/a.mkv: 4 frames in "), "as with the whole name, without a table"
    before = files(folder / "out")
    assert enhance(tiny_model, "-i", "in/a.mkv", "out") == 0
    assert "-y" in capfd.readouterr().err
    assert files(folder / "out") == before
    assert enhance(tiny_model, "in/b.mkv", "new/") == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert not (folder / "new").exists(), "what stays empty is removed"


def test_ctrl_c_ends_all(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A signal at the first frame of the second file: the first is there, the second partly, the third not."""
    shown = ProgressReport.frame

    def interrupting(self: ProgressReport, progress: Progress) -> None:
        shown(self, progress)
        if self.file.startswith("2/"):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ProgressReport, "frame", interrupting)
    (folder / "in" / "b.mkv").unlink()
    assert enhance(tiny_model, "-r", "in", "out") == 130
    lines = capfd.readouterr().err.splitlines()
    assert "out/c.partial.mp4; 1 of 3 files are done, 0 failed, 2 are left" in lines[-1]
    assert any(line.split()[:2] == ["in/a.mkv", "4"] for line in lines)
    assert sorted(files(folder / "out")) == ["a.mkv", "c.partial.mp4"]


def test_no_error_of_one_file_ends_the_others(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("vidrts.pipeline.enhance", broken)
    assert enhance(tiny_model, "in", "out", "-q") == 1
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(": unexpected ZeroDivisionError: a mistake of ours")[0] for line in lines[:-1]] == [
        "vidrts: in/a.mkv", "vidrts: in/b.mkv", "vidrts: in/c.mp4",
    ]  # fmt: skip
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("in/a.mkv in/c.mp4 out", 1, "write out/ to make it"),
        ("in/a.mkv in/c.mp4", 1, "in/c.mp4: already exists"),
        ("in/a.mkv in/c.mp4 in/sub/d.mkv", 1, "in/sub/d.mkv: is a file, expected a directory"),
        ("in out.mp4", 1, "out.mp4: no such directory; expected one, since in is one"),
        ("in none/out/", 1, "no such directory: none"),
        ("in in", 2, "in/a.mkv, which is itself"),
        ("in/a.mkv - out/", 2, "(stdin) as the only IN"),
        ("- out/", 2, "no file name to keep"),
        ("in -", 2, "a pipe, which takes one file"),
        ("in/a.mkv in/c.mp4 -", 2, "a pipe, which takes one file"),
        ("-f y4m in out", 2, "--ext"),
        ("--raw 64x48:yuv420p@25 in out", 2, "stdin"),
        ("--ext avi in out", 2, "mkv"),
        ("--suffix a/b in out", 2, "a/b"),
        ("--ext mkv in/a.mkv out.mkv", 2, "OUT a directory"),
        ("-r in/a.mkv out/", 2, "no IN is a directory"),
        ("-c:v nosuch in out", 2, "nosuch"),
        ("--ext mkv in/a.mkv in/a.mp4 out/", 2, "in/a.mkv and in/a.mp4 would both be written to out/a.mkv"),
        ("--scale 4 in out", 2, "scale"),
        ("in/*.mkv out/", 1, "in/*.mkv: no such file; the shell"),
        ("in/* in/c.mp4 out/", 1, "1 of 2"),
    ],
)
def test_mistakes_are_told_before_any_work(
    arguments: str, code: int, says: str, folder: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = files(folder)
    assert enhance(tiny_model, *arguments.split()) == code
    told = capfd.readouterr()
    assert says in told.err and told.out == ""
    assert set(files(folder)) - set(before) == ({"out/c.mp4"} if "1 of 2" in says else set())
