"""What an output's name stands for: links stay, what is no file is refused, films of others are kept."""

import os
import socket
from pathlib import Path

import pytest
from helpers.media_truth import describe
from helpers.paths import need

from vidrts.errors import OutputError
from vidrts.files import atomic_write
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target

FAST = EncodeOptions(preset="ultrafast")


@pytest.fixture
def clip(clips: Path) -> Path:
    """A film of 10 frames."""
    return need(clips / "androidx_media__sample_mdat_too_long.mp4")


def relay(clip: Path, target: Path, options: EncodeOptions = FAST) -> None:
    """The first frames of a clip, encoded."""
    with Source(clip) as reader, Target(target, reader.input, options) as writer:
        for event, _ in zip(reader.events(writer.streams), range(5), strict=False):
            writer.write(event)
        writer.finish()


@pytest.mark.parametrize(("name", "options"), [("there.mp4", EncodeOptions(preset="ultrafast", overwrite=True)),
                                                ("missing.mkv", FAST)])  # fmt: skip
def test_the_target_of_a_link_is_written_and_the_link_stays(
    name: str, options: EncodeOptions, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    film, link = tmp_path / "elsewhere" / name, tmp_path / f"link{Path(name).suffix}"
    if options.overwrite:
        film.write_bytes(b"")
    link.symlink_to(Path("elsewhere") / name)
    relay(clip, link, options)
    assert link.is_symlink()
    assert not film.is_symlink()
    assert describe(film).frames
    assert [p.name for p in film.parent.iterdir()] == [name]
    with pytest.raises(OutputError, match=r"link.*already exists"):
        relay(clip, link)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("links", [{"a.mp4": "a.mp4"}, {"a.mp4": "b.mp4", "b.mp4": "a.mp4"},
                                   {"a.mp4": "b.mp4", "b.mp4": "b.mp4"}])  # fmt: skip
def test_a_link_in_a_circle_is_an_error(links: dict[str, str], overwrite: bool, clip: Path, tmp_path: Path) -> None:
    for name, to in links.items():
        (tmp_path / name).symlink_to(to)
    with pytest.raises(OutputError, match=r"a\.mp4: is a symbolic link that leads back to itself"):
        relay(clip, tmp_path / "a.mp4", EncodeOptions(overwrite=overwrite, own_only=overwrite))
    with pytest.raises(OSError, match="leads back"), atomic_write(tmp_path / "a.mp4"):
        pass
    assert {path.name: str(path.readlink()) for path in tmp_path.iterdir()} == links


@pytest.mark.parametrize(
    ("kind", "name"), [("FIFO", "out.mkv"), ("FIFO", "out"), ("socket", "out.mp4"), ("device", "out.ts")]
)
def test_what_is_no_file_is_refused_in_a_line(kind: str, name: str, clip: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        made = socket.socket(socket.AF_UNIX)
        made.bind(str(path))
        made.close()
    else:
        path.symlink_to("/dev/null")
    before = path.lstat()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=rf"{name}: is a {kind}, .* - > .*{name}$"):
            relay(clip, path, EncodeOptions(overwrite=overwrite))
    assert path.lstat() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_reports_keep_links_and_go_into_fifos(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("before")
    (tmp_path / "link.json").symlink_to("real.json")
    with atomic_write(tmp_path / "link.json") as part:
        part.write_text("after")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "after"
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with atomic_write(tmp_path / "fifo") as part:
        part.write_text("through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "link.json") as part:
        (part / "no").write_text("no")
    assert (tmp_path / "real.json").read_text() == "after"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fifo", "link.json", "real.json"]
