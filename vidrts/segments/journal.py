"""`OUT.vidrts/`: what a run in segments has finished, whatever ends it.

    plan.json        what the run is of: see `identity`
    journal          a line of JSON for each finished segment
    000012.packets   a finished segment
    lock             held while a run is at work

A file counts once its line is there, and a line once its file is synced: written under another name, synced, renamed,
the folder synced, then the line. What is damaged or torn does not count and is made again.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidrts.errors import OutputError
from vidrts.files import followed, sync
from vidrts.media.write.mark import is_marked
from vidrts.media.write.packet_file import PacketFile
from vidrts.segments.segment import Facts

SUFFIX = ".vidrts"
CUTS = "where the source is cut"
"""Of a plan."""
_PLAN, _JOURNAL, _LOCK = "plan.json", "journal", "lock"
_OWN = re.compile(r"\d{6}\.(packets|part)|early|lock|(plan\.json|journal)(\.part)?|\..*\.vidrts\.\w+")
"""Names of what runs make in the folder."""


def folder_of(target: Path) -> Path:
    """The folder beside an output, of a symbolic link beside its target."""
    real = followed(target)
    return real.with_name(real.name + SUFFIX)


@dataclass(frozen=True)
class Kept:
    """A finished segment on the disk."""

    path: Path
    size: int
    facts: Facts


class Journal:
    """The folder of one output. `held` must be entered before anything is changed. Raises OSError."""

    def __init__(self, target: Path):
        self.target = target
        self.folder = folder_of(target)

    @property
    def exists(self) -> bool:
        """Whether an earlier run left its plan."""
        return (self.folder / _PLAN).is_file()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, no other run works on this output; raises `OutputError` where one does."""
        self.folder.mkdir(exist_ok=True)
        if foreign := sorted(file.name for file in self.folder.iterdir() if not _OWN.fullmatch(file.name)):
            raise OutputError(
                f"{self.folder}: holds {foreign[0]}, which no run made; move it, or choose another name for the output"
            )
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not _locked(descriptor):
                raise OutputError(f"{self.target}: another run is at work on it, in {self.folder}")
            yield
        finally:
            os.close(descriptor)

    @property
    def joined(self) -> bool:
        """Whether the output is complete, and only this folder was not removed."""
        cuts = self.plan().get(CUTS)
        try:
            whole = isinstance(cuts, list) and segments_noted(self.folder) == len(cuts) + 1
            newer = self.target.stat().st_mtime_ns >= (self.folder / _JOURNAL).stat().st_mtime_ns
            return whole and newer and is_marked(self.target)
        except OSError:
            return False

    def plan(self) -> dict[str, Any]:
        """The plan of the run; empty where it is missing or damaged."""
        return read_plan(self.folder)

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Forget what is there, and note the plan."""
        for file in self.folder.iterdir():
            if file.name != _LOCK:
                file.unlink()
        self._write(_PLAN, json.dumps(plan, indent=1).encode() + b"\n")
        sync(self.folder.parent)

    def finished(self) -> dict[int, Kept]:
        """The segments that are whole, by number; all else in the folder is removed, damaged lines are dropped."""
        found: dict[int, Kept] = {}
        lines: dict[int, bytes] = {}
        with suppress(FileNotFoundError):
            for line in (self.folder / _JOURNAL).read_bytes().splitlines(keepends=True):
                with suppress(ValueError, KeyError, TypeError, OSError):
                    noted = json.loads(line)
                    number, path = int(noted["segment"]), self.folder / _name(int(noted["segment"]))
                    if line.endswith(b"\n") and _digest(path) == noted["sha256"]:
                        with PacketFile(path) as held:
                            found[number] = Kept(path, path.stat().st_size, Facts.of(held.facts))
                        lines[number] = line
        kept = {_PLAN, _JOURNAL, _LOCK, *(each.path.name for each in found.values())}
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()
        self._write(_JOURNAL, b"".join(lines[number] for number in sorted(lines)))
        return found

    def add(self, number: int, result: Path | bytes, facts: Facts) -> Kept:
        """Keep a finished segment, a file of this folder or the bytes of one; once this returns, it is on the disk."""
        path = self.folder / _name(number)
        if isinstance(result, bytes):
            part = self.folder / f"{number:06}.part"
            part.write_bytes(result)
        else:
            part = result
        digest = _digest(part)
        sync(part)
        part.replace(path)
        sync(self.folder)
        line = json.dumps({"segment": number, "frames": facts.frames, "sha256": digest}) + "\n"
        with (self.folder / _JOURNAL).open("ab") as journal:
            journal.write(line.encode())
            journal.flush()
            os.fsync(journal.fileno())
        return Kept(path, path.stat().st_size, facts)

    def remove(self) -> None:
        """The output is complete, or nothing is to be kept; what no run made stays."""
        with suppress(OSError):
            # The plan goes last: a folder without one is of no run.
            for file in sorted(self.folder.iterdir(), key=lambda file: file.name == _PLAN):
                if _OWN.fullmatch(file.name):
                    file.unlink()
            self.folder.rmdir()

    def _write(self, name: str, content: bytes) -> None:
        """A file, whole or as before."""
        part = self.folder / f"{name}.part"
        part.write_bytes(content)
        sync(part)
        part.replace(self.folder / name)
        sync(self.folder)


def sweep(target: Path) -> None:
    """Remove the folder of a complete output, which a run that ended at once left."""
    journal = Journal(target)
    if journal.exists and journal.joined:
        journal.remove()


def read_plan(folder: Path) -> dict[str, Any]:
    """What `plan.json` in a run's folder holds; empty where it is missing or damaged."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / _PLAN).read_text())
        if isinstance(found, dict):
            return found
    return {}


def segments_noted(folder: Path) -> int:
    """Number of segments that the journal in a run's folder has, by its lines alone."""
    numbers = set()
    with suppress(OSError):
        for line in (folder / _JOURNAL).read_bytes().splitlines(keepends=True):
            with suppress(ValueError, KeyError, TypeError):
                number = int(json.loads(line)["segment"])
                if line.endswith(b"\n") and (folder / _name(number)).is_file():
                    numbers.add(number)
    return len(numbers)


def _name(number: int) -> str:
    return f"{number:06}.packets"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours, until the descriptor is closed or the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
