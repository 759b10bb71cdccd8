"""The index before the samples; the truth is FFmpeg's own +faststart and what its demuxer reads."""

import struct
from pathlib import Path

import pytest
from helpers.media_truth import relay
from helpers.pipe_ends import ffmpeg

from vidrts.media.write import faststart
from vidrts.media.write.faststart import move_index
from vidrts.media.write.options import EncodeOptions


def boxes(path: Path) -> list[str]:
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        found.append(data[at + 4 : at + 8].decode())
        at += size
    return found


def packets(path: Path) -> bytes:
    return ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", "-")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With sound and chapters, which are a track, too."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    chapters = path.with_name("chapters")
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=One\n")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-f", "lavfi", "-i", "sine", "-i", chapters, "-t", "1", "-c:v",
           "libx264", "-c:a", "aac", path)  # fmt: skip
    return path


@pytest.mark.parametrize("wide", [False, True])
def test_all_packets_are_found(wide: bool, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, truth = tmp_path / "film.mp4", tmp_path / "truth.mp4"
    path.write_bytes(film.read_bytes())
    ffmpeg("-i", film, "-map", "0", "-c", "copy", "-movflags", "+faststart", truth)
    if wide:  # as where offsets are beyond 4 GiB
        rebuilt = faststart._rebuilt
        monkeypatch.setattr(faststart, "_rebuilt", lambda *args, **more: rebuilt(*args, **{**more, "wide": True}))
    assert boxes(path).index("moov") > boxes(path).index("mdat")
    assert move_index(path, tmp_path / "beside")
    assert boxes(path) == boxes(truth) == ["ftyp", "moov", "free", "mdat"] or boxes(path)[-1] == "mdat"
    assert packets(path) == packets(film) == packets(truth)
    assert (b"co64" in path.read_bytes()) == wide
    before = path.read_bytes()
    assert move_index(path, tmp_path / "beside") and path.read_bytes() == before, "it is in front already"
    assert [found.name for found in tmp_path.iterdir() if found.name == "beside"] == []


def test_without_room_the_file_stays(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film.read_bytes())
    usage = faststart.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(faststart.shutil, "disk_usage", lambda _: usage._replace(free=100))
    assert not move_index(path, tmp_path / "beside")
    assert path.read_bytes() == film.read_bytes()


@pytest.mark.parametrize(
    ("name", "flags", "order"),
    [
        ("out.mp4", None, "moov mdat"),
        ("out.mov", None, "moov mdat"),
        ("out.mp4", "+faststart+disable_chpl", "moov mdat"),
        ("out.mp4", "-faststart", "mdat moov"),
        ("out.mp4", "frag_keyframe+empty_moov", "moov moof"),
    ],
)
def test_files_that_are_written(name: str, flags: str | None, order: str, film: Path, tmp_path: Path) -> None:
    relay(film, tmp_path / name, encode=EncodeOptions(muxer_flags=flags, video_codec="libx264", preset="ultrafast"))
    found = boxes(tmp_path / name)
    first, second = order.split()
    assert found.index(first) < found.index(second)
    assert [path.name for path in tmp_path.iterdir()] == [name]
