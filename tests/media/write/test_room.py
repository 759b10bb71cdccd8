"""Room for an index that is written last."""

import errno
import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from vidrts.media.write.room import Room


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A disk with `size` bytes left, of which 4 KiB are root's."""
    disk = SimpleNamespace(f_blocks=1000, f_frsize=1, f_bfree=size, f_bavail=size - 4096)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)


def test_a_disk_is_full_while_the_index_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film"
    path.write_bytes(bytes(300_000))
    room = Room(path)
    free(monkeypatch, 200_000)
    room.take(300_000)  # all of it is on the disk already
    room.take(100_000)  # in a buffer
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        room.take(50_000)
    free(monkeypatch, 300_000)
    room.take(1)


def test_the_index_grows_with_the_packets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film"
    path.touch()
    room = Room(path)
    free(monkeypatch, 200_000)
    for _ in range(2000):
        room.take(0)
    free(monkeypatch, 100_000)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        room.take(0)
    Room(path).take(0)


def test_the_limit_of_file_sizes_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.touch()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        room = Room(path)
        room.take(400_000)
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            room.take(100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    path.unlink()
    Room(path).take(1 << 60)  # a folder that is gone is no full disk


def test_with_ample_room_the_disk_is_asked_once_a_mebibyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film"
    path.touch()
    room = Room(path)
    free(monkeypatch, 1 << 40)
    room.take(1)
    asked = []
    monkeypatch.setattr(os, "statvfs", asked.append)  # gives None: any look at it would fail
    room.take(500_000)
    assert not asked
    free(monkeypatch, 1000)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        room.take(1 << 20)
