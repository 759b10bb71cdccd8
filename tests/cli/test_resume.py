"""`vidrts enhance --resume` and `vidrts jobs`: lines, exit codes, many files."""

import signal
from pathlib import Path

import pytest
from helpers.small_films import small_film

from vidrts.cli import run
from vidrts.cli.progress import ProgressReport
from vidrts.progress import Progress


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames in half a second."""
    return small_film(tmp_path_factory.mktemp("film") / "a.mkv", "testsrc=s=64x48:r=24", frames=12)


def enhance(*arguments: object) -> int:
    return run(["enhance", "--strength", "0", "--device", "cpu", "-preset", "ultrafast", *map(str, arguments)])


def stop_after(frames: int, monkeypatch: pytest.MonkeyPatch, *, film: int = 1) -> list[Progress]:
    """Ctrl-C once so many frames of a film are encoded; returns all that is told of progress, in later runs, too."""
    seen: list[Progress] = []
    told = ProgressReport.frame

    def frame(self: ProgressReport, progress: Progress) -> None:
        told(self, progress)
        fresh = not seen or seen[-1].frames != progress.frames  # a segment that is complete is told of, too
        seen.append(progress)
        begun = sum(each.frames == 1 for each in seen)
        if fresh and begun == film and progress.frames == frames and not progress.earlier:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ProgressReport, "frame", frame)
    return seen


def test_ctrl_c_and_again(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["--segment", "0.16", "--resume", film, "out.mkv"]
    seen = stop_after(7, monkeypatch)
    assert enhance(*command) == 130
    told = capfd.readouterr().err
    assert "2 times" not in told
    assert "twice that of out.mkv" in told
    assert told.splitlines()[-1].endswith("are kept in out.mkv.vidrts, and the same command goes on")
    assert run(["jobs"]) == 0
    assert capfd.readouterr().out.split() == f"33 % out.mkv (1 of 3 segments, of {film})".split()
    assert run(["jobs", "nosuch"]) == 1
    assert "nosuch" in capfd.readouterr().err
    assert enhance(*command) == 0
    told = capfd.readouterr().err
    assert "1 of 3 segment(s) are done" in told
    assert "12 frames, " in told
    assert "of them by an earlier run" in told
    assert seen[-1].frames == seen[-1].total == 12
    assert seen[-1].earlier > 0
    assert run(["jobs", "."]) == 0
    assert capfd.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_every_one_of_many_files(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("a.mkv", "b.mkv"):
        (tmp_path / "in" / name).write_bytes(film.read_bytes())
    command = ["--segment", "0.16", "--resume", "-r", "in", "out"]
    stop_after(7, monkeypatch, film=2)
    assert enhance(*command) == 130
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mkv", "b.mkv.vidrts"]
    capfd.readouterr()
    assert enhance(*command) == 0
    told = capfd.readouterr().err
    assert "in/b.mkv: 1 of 3 segment(s) are done" in told
    assert "1 already there" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mkv", "b.mkv"]
    capfd.readouterr()


def test_folders_of_unfinished_runs_hold_no_films(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = tmp_path / "in" / "b.mkv.vidrts"
    state.mkdir(parents=True)
    for place in (tmp_path / "in" / "a.mkv", state / ".b.1-ab.vidrts.mkv", state / "c.mkv"):
        place.write_bytes(film.read_bytes())
    assert enhance("-r", "in", "out") == 0
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["a.mkv"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--resume", "-", "out.mkv"], 2, "IN is -"),
        (["--resume", "in.mkv", "-"], 2, "OUT is -"),
        (["--segment", "1", "-f", "nut", "in.mkv", "-"], 2, "OUT is -"),
        (["--segment", "0", "in.mkv", "out.mkv"], 2, "--segment 0"),
    ],
)
def test_refusals_are_a_line(arguments: list[str], code: int, named: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert enhance(*arguments) == code
    told = capfd.readouterr()
    assert told.out == ""
    assert named in told.err.splitlines()[-1]


def test_bit_rate_and_rest_are_said(film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert enhance("--segment", "0.16", "-b:v", "200k", film, tmp_path / "out.mkv") == 0
    assert "-b:v is reached in each segment" in capfd.readouterr().err
