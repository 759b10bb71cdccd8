"""What the command says of its choices: the line before work, -v, --dry-run, --log, --progress."""

import json
import os
import re
from pathlib import Path

import pytest

from vidrts.cli import run
from vidrts.cli.words import spoken_time

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d{4} "
CHOSEN = (
    r"{out}: model {model}, engine torch, device cpu, precision fp32, encoder libx264 \(crf 30, preset ultrafast\), "
    r"container mp4"
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five frames of y4m: no time to decode, no sound."""
    path = tmp_path_factory.mktemp("film") / "in.y4m"
    path.write_bytes(b"YUV4MPEG2 W64 H48 F25:1 C420\n" + 5 * (b"FRAME\n" + bytes(64 * 48 * 3 // 2)))
    return path


def enhance(model: Path, *arguments: object) -> int:
    """`vidrts enhance` in this process, with every choice given but the container."""
    chosen = ["--device", "cpu", "--engine", "torch", "--precision", "fp32", "-crf", "30", "-preset", "ultrafast"]
    return run(["enhance", "--model", str(model), *chosen, *map(str, arguments)])


def lines(text: str) -> list[str]:
    """Of a program's stderr, without its name."""
    assert all(line.startswith("vidrts: ") for line in text.splitlines()), text
    return [line.removeprefix("vidrts: ") for line in text.splitlines()]


def test_one_line_before_work(film: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.mp4"
    assert enhance(tiny_model, film, out) == 0
    first, *_, last = lines(capfd.readouterr().err)
    assert re.fullmatch(CHOSEN.format(out=re.escape(str(out)), model=re.escape(str(tiny_model))), first)
    assert "5 frames in " in last
    assert enhance(tiny_model, "-q", "-y", film, out) == 0
    assert capfd.readouterr().err == ""


def test_a_dry_run_says_what_v_says_and_the_time(
    film: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert enhance(tiny_model, "--dry-run", film, out) == 0
    assert not out.exists()
    *dry, estimate = lines(capfd.readouterr().err)
    assert re.fullmatch(
        r"\S+out\.mp4: (about )?5 frames in about [\d.]+ s \(about [\d.]+ frames/s, from 5 frames\); "
        r"dry run, nothing written", estimate
    )  # fmt: skip
    assert enhance(tiny_model, "-v", "--progress", "none", film, out) == 0
    *told, _ = lines(capfd.readouterr().err)
    assert told == dry
    assert any(line.startswith("stream 0, video rawvideo: enhanced, libx264 (crf=30 ") for line in told)
    assert any(line.startswith("tiles on cpu: 64x48, batch 1") for line in told)
    # what a run refuses, with its code
    assert enhance(tiny_model, "--dry-run", film, out) == 1
    assert enhance(tiny_model, "--dry-run", film, tmp_path / "out.xyz") == 2


def test_the_log_has_it_all_with_times(
    film: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, out = tmp_path / "run.log", tmp_path / "out.mp4"
    assert enhance(tiny_model, "-v", "--progress", "none", "--log", log, film, out) == 0
    told = lines(capfd.readouterr().err)
    kept = log.read_text().splitlines()
    assert all(re.match(STAMP, line) for line in kept)
    first, *middle, last = [re.sub(STAMP, "", line) for line in kept]
    assert middle == told
    assert re.fullmatch(rf"vidrts \S+: vidrts enhance .*--log {re.escape(str(log))} .*", first)
    assert last == "exit code 0"
    # appended; errors, too, whatever -q says; tracebacks with --debug
    assert enhance(tiny_model, "-q", "--debug", "--log", log, film, out) == 1
    more = log.read_text().splitlines()
    assert more[: len(kept)] == kept
    text = "\n".join(more[len(kept) :])
    assert "already exists" in text and "Traceback" in text and text.endswith("exit code 1")
    # mistakes in the line
    assert enhance(tiny_model, "--log", log, "--strength", "3", film, out) == 2
    assert log.read_text().splitlines()[-1].endswith("exit code 2")
    assert "strength" in log.read_text().splitlines()[-2]


@pytest.mark.parametrize("name", ["none/run.log", ".", "in.bin", "out.mkv"])
def test_a_log_that_cannot_be_is_told_before_work(
    name: str, film: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.bin").write_bytes(b"film\0film")
    assert enhance(tiny_model, "--log", name, film, "out.mp4") == 2
    assert name in capfd.readouterr().err
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("in.bin", 9)]


def test_progress_on_a_descriptor(
    film: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    read, write = os.pipe()
    try:
        assert enhance(tiny_model, "-q", "--progress", f"json:{write}", film, out) == 0
        assert enhance(tiny_model, "-q", "--dry-run", "-y", "--progress", f"json:{write}", film, out) == 0
        assert enhance(tiny_model, "-q", "--progress", f"json:{write}", film, out) == 1
    finally:
        os.close(write)
    with os.fdopen(read) as pipe:
        told = [json.loads(line) for line in pipe]
    stages = [one["stage"] for one in told]
    assert [stage for stage in stages if stage != "enhance"] == ["start", "done", "start", "estimated", "error"]
    assert told[0]["engine"] == "torch" and told[0]["model"] == str(tiny_model) and told[0]["target"] == str(out)
    done = told[stages.index("done")]
    assert (done["frames"], done["bytes"]) == (5, out.stat().st_size)
    assert told[stages.index("estimated")]["eta_s"] > 0
    assert "already exists" in told[-1]["message"]
    assert "already exists" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--progress", "xml"], "xml"),
        (["--progress", "json:999"], "999"),
        (["--progress", "json", "--no-progress"], "--no-progress"),
        (["-q", "-v"], "-q and -v"),
        (["--progress", "ffmpeg:1", "-f", "y4m"], "stdout"),
    ],
)
def test_mistakes(
    arguments: list[str], says: str, film: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = "-" if "-f" in arguments else tmp_path / "out.mp4"
    assert enhance(tiny_model, *arguments, film, out) == 2
    assert says in capfd.readouterr().err


def test_times_have_units() -> None:
    assert [spoken_time(t) for t in (0.04, 59.94, 60, 3599.7, 12_000)] == [
        "0.0 s", "59.9 s", "1 min 0 s", "1 h 0 min", "3 h 20 min",
    ]  # fmt: skip


def test_many_files(
    tiny_model: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each has its line and its objects; a dry run leaves no directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        Path(f"{name}.y4m").write_bytes(film.read_bytes())
    Path("b.y4m").write_bytes(b"nothing")
    names = ["a.y4m", "b.y4m", "c.y4m"]
    assert enhance(tiny_model, "--dry-run", "--ext", "mp4", *names, "out/") == 1
    told = capfd.readouterr().err.splitlines()
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert any(
        re.match(r"vidrts: 2 of 3 files to enhance, in about .*; dry run, nothing written$", line) for line in told
    )
    read, write = os.pipe()
    try:
        more = ["-q", "--log", "log", "--progress", f"json:{write}", "--ext", "mp4"]
        assert enhance(tiny_model, *more, *names, "out/") == 1
    finally:
        os.close(write)
    with os.fdopen(read) as pipe:
        objects = [json.loads(line) for line in pipe]
    stages = [one["stage"] for one in objects if one["stage"] != "enhance"]
    assert stages == ["start", "done", "error", "start", "done"]
    assert [one["target"] for one in objects if one["stage"] == "done"] == ["out/a.mp4", "out/c.mp4"]
    log = Path("log").read_text()
    assert log.count(", encoder libx264 (crf 30, preset ultrafast), container mp4\n") == 2
    assert "2 of 3 files enhanced, 10 frames in " in log and "failed: cannot be opened" in log
    assert all("failed" in line or "b.y4m" in line for line in capfd.readouterr().err.splitlines()), "-q: errors only"
