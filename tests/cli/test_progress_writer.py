"""Progress for programs, read as programs read it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidrts.cli import progress_writer
from vidrts.cli.progress_format import ProgressFormat, parse_progress
from vidrts.cli.progress_writer import ProgressWriter
from vidrts.progress import PartTimes, Progress, Summary

SUMMARY = Summary(target=Path("out.mp4"), frames=50, seconds=25.0, parts=PartTimes(), bytes_written=900_000, lost=None)


def frame(number: int) -> Progress:
    """After `number` of 50 frames, 25 in a second of video, 2 in a second of work."""
    return Progress(
        frames=number, total=50, seconds=number / 2, bytes_written=number * 10_000, light_rate=None, done=number / 50,
        time=number / 25,
    )  # fmt: skip


def written(kind: Any, use: Callable[[ProgressWriter], object]) -> str:
    """What `use` writes into a pipe."""
    read, write = os.pipe()
    try:
        use(ProgressWriter(ProgressFormat(kind, write)))
    finally:
        os.close(write)
    with os.fdopen(read) as pipe:
        return pipe.read()


def all_frames(writer: ProgressWriter) -> None:
    """A run of 50 frames."""
    for number in range(1, 51):
        writer.frame(frame(number))
    writer.done(SUMMARY)


def blocks(text: str) -> list[dict[str, str]]:
    """FFmpeg's blocks, as wrappers of ffmpeg read them: a block ends with the key progress."""
    found: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found[-1][key] = value.strip()
        if key == "progress":
            found.append({})
    assert found.pop() == {}, "the last block is whole"
    return found


def test_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_writer, "INTERVAL", 0)
    *updates, last = map(json.loads, written("json", all_frames).splitlines())
    assert len(updates) == 50
    assert updates[24] == {
        "stage": "enhance", "frames": 25, "total": 50, "fps": 2.0, "eta_s": 12.5, "bytes": 250_000,
    }  # fmt: skip
    assert last == {
        "stage": "done", "frames": 50, "total": 50, "fps": 2.0, "eta_s": 0.0, "bytes": 900_000, "target": "out.mp4",
        "seconds": 25.0,
    }  # fmt: skip


def test_updates_are_bounded() -> None:
    """Fifty frames in no time are one update, and the end."""
    assert [json.loads(line)["stage"] for line in written("json", all_frames).splitlines()] == ["enhance", "done"]
    assert [block["progress"] for block in blocks(written("ffmpeg", all_frames))] == ["continue", "end"]


def test_blocks_of_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_writer, "INTERVAL", 0)
    found = blocks(written("ffmpeg", all_frames))
    assert found[24] == {
        "frame": "25", "fps": "2.00", "stream_0_0_q": "-1.0", "bitrate": "2000.0kbits/s", "total_size": "250000",
        "out_time_us": "1000000", "out_time_ms": "1000000", "out_time": "00:00:01.000000", "dup_frames": "0",
        "drop_frames": "0", "speed": "0.08x", "progress": "continue",
    }  # fmt: skip
    assert [block["progress"] for block in found] == [*["continue"] * 50, "end"]
    assert (found[-1]["frame"], found[-1]["total_size"], found[-1]["out_time"]) == ("50", "900000", "00:00:02.000000")


def test_keys_are_those_of_ffmpeg(tmp_path: Path) -> None:
    """Truth: the installed ffmpeg."""
    import subprocess

    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=1", "-progress", "pipe:1"]
    told = subprocess.run([*command, tmp_path / "out.mp4"], capture_output=True, text=True, check=True).stdout
    assert [*blocks(told)[-1]] == [*blocks(written("ffmpeg", all_frames))[-1]]


def test_a_failure_is_the_last_word() -> None:
    told = written("json", lambda writer: writer.failed("out.mp4: write error")).splitlines()
    assert [(one["stage"], one["message"], one["frames"]) for one in map(json.loads, told)] == [
        ("error", "out.mp4: write error", 0)
    ]
    assert blocks(written("ffmpeg", lambda writer: writer.failed("x")))[-1]["progress"] == "end"


def test_a_reader_that_is_gone_or_asleep_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_writer, "INTERVAL", 0)
    monkeypatch.setattr(progress_writer, "_PATIENCE", 0.0)
    read, write = os.pipe()
    try:
        os.close(read)
        all_frames(ProgressWriter(ProgressFormat("json", write)))
    finally:
        os.close(write)
    read, write = os.pipe()  # nobody reads: the pipe fills, and the rest is left out
    try:
        writer = ProgressWriter(ProgressFormat("json", write))
        for _ in range(100):
            all_frames(writer)
        told = os.read(read, 1 << 20).decode()
        assert len(told) < 100 * 50 * 50
        assert all(json.loads(line) for line in told.splitlines()), "no line is cut"
        writer.done(SUMMARY)
        assert json.loads(os.read(read, 1 << 20))["stage"] == "done", "and it goes on once somebody reads"
    finally:
        os.close(read)
        os.close(write)


def test_forms() -> None:
    assert parse_progress("auto").kind == "auto"
    assert parse_progress("json") == ProgressFormat("json", 2)
    read, write = os.pipe()
    try:
        assert parse_progress(f"ffmpeg:{write}") == ProgressFormat("ffmpeg", write)
        for text in (f"json:{read}", "json:x", "json:-1", "json:", "yaml", "auto:2", f"json:{2**70}", ""):
            with pytest.raises(ValueError, match=r"^expected .*, got ") as caught:
                parse_progress(text)
            assert repr(text) in str(caught.value)
    finally:
        os.close(read)
        os.close(write)
