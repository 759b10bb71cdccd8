"""Which files of folders are enhanced, and what their outputs are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vidrts.errors import InputError, OptionError
from vidrts.folders import Job, Names, jobs
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message


def made_by_ffmpeg(path: Path, *options: str) -> Path:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=0.16:r=25"]
    subprocess.run([*command, *options, path], check=True)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_by_ffmpeg(tmp_path_factory.mktemp("film") / "a.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def own(film: Path) -> Path:
    """A film that vidrts made."""
    target = film.with_name("own.mkv")
    with Source(film) as reader, Target(target, reader.input, EncodeOptions(preset="ultrafast")) as writer:
        for event in reader.events(writer.streams):
            writer.write(event)
        writer.finish()
    return target


@pytest.fixture(scope="module")
def no_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What else lies in folders of films."""
    folder = tmp_path_factory.mktemp("no films")
    made_by_ffmpeg(folder / "moving.gif")
    made_by_ffmpeg(folder / "moving.png", "-f", "apng")
    sound = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", folder / "song.mp4"]
    subprocess.run(sound, check=True)
    (folder / "notes.txt").write_text("hello\n")
    (folder / "unknown.xyz").write_bytes(bytes(1000))
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("picture.png", "photo.jpg", "scan.bmp"):
        made_by_ffmpeg(folder / name, "-frames:v", "1")
    (folder / "broken.webp").write_bytes(b"RIFF")
    return folder


@pytest.fixture
def folder(film: Path, own: Path, no_films: Path, pictures: Path, tmp_path: Path) -> Path:
    """Films, pictures and much else."""
    inside = tmp_path / "in"
    shutil.copytree(no_films, inside)
    shutil.copytree(pictures, inside, dirs_exist_ok=True)
    (inside / "sub" / "deep").mkdir(parents=True)
    for name in ("b.mkv", "A.MKV", "sub/c.mkv", "sub/deep/d.mkv", "no extension", "e.avi", ".hidden.mkv"):
        shutil.copy(film, inside / name)
    shutil.copy(film, inside / "x.partial.mkv")
    shutil.copy(film, inside / "x.partial-12.mkv")
    shutil.copy(own, inside / "sharp.mkv")
    (inside / "broken.mp4").write_bytes(film.read_bytes()[:100])
    (inside / "empty.mov").touch()
    os.mkfifo(inside / "pipe.mkv")
    (inside / "linked").symlink_to(film.parent)
    return inside


def planned(*arguments: object, **more: object) -> tuple[list[Job], list[Message]]:
    told: list[Message] = []
    return jobs(*arguments, tell=told.append, **more), told  # type: ignore[arg-type]


def names(found: list[Job], folder: Path) -> dict[str, str]:
    """Source -> target, below their folders."""
    return {Path(job.source).name: str(job.target.relative_to(folder)) for job in found}


def test_the_videos_and_pictures_of_a_folder_and_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found, told = planned([folder], out)
    assert names(found, out) == {
        "A.MKV": "A.MKV", "b.mkv": "b.mkv", "broken.mp4": "broken.mp4", "empty.mov": "empty.mov", "e.avi": "e.mkv",
        "no extension": "no extension.mkv", "photo.jpg": "photo.jpg", "picture.png": "picture.png",
        "broken.webp": "broken.webp", "scan.bmp": "scan.png",
    }  # fmt: skip
    assert not any(job.done for job in found)
    left = {line.values["names"]: line.values["count"] for line in told}
    assert {line.code for line in told} == {Code.FILES_LEFT_OUT}
    assert left == {
        "sub": 1, "linked": 1, "pipe.mkv": 1, "sharp.mkv": 1, "x.partial-12.mkv, x.partial.mkv": 2,
        "notes.txt, song.mp4, unknown.xyz": 3, "moving.gif, moving.png": 2,
    }  # fmt: skip
    assert not out.exists()


def test_sub_folders_keep_their_places(folder: Path) -> None:
    """OUT within the folder is none of them."""
    out = folder / "sub" / "out"
    out.mkdir()
    shutil.copy(folder / "b.mkv", out / "b.mkv")
    found, _ = planned([folder], out, recursive=True)
    targets = {str(job.target.relative_to(out)) for job in found}
    assert {"b.mkv", "sub/c.mkv", "sub/deep/d.mkv"} < targets
    assert len(found) == 12


def test_pictures_that_are_named_stay_pictures(folder: Path, tmp_path: Path) -> None:
    found, _ = planned([folder / name for name in ("photo.jpg", "%03d.png", "x.bmp")], tmp_path)
    assert [job.target.name for job in found] == ["photo.jpg", "%03d.png", "x.png"]
    for extension, made in ((".webm", ["photo.jpg", "b.webm"]), (".webp", ["photo.webp", "b.mkv"])):
        found, _ = planned([folder / "photo.jpg", folder / "b.mkv"], tmp_path, Names(extension=extension))
        assert [job.target.name for job in found] == made


def test_suffix_and_extension(folder: Path, tmp_path: Path) -> None:
    found, _ = planned(
        [folder / "b.mkv", str(folder / "e.avi"), "http://host/a%20b.ts?x=1"], tmp_path, Names(".x", ".mp4")
    )
    assert [job.target.name for job in found] == ["b.x.mp4", "e.x.mp4", "a b.x.mp4"]
    assert found[2].source == "http://host/a%20b.ts?x=1"
    with pytest.raises(InputError, match="http://host/: has no file name"):
        planned(["http://host/"], tmp_path)


def test_what_is_named_is_taken_once_and_known_when_done(folder: Path, own: Path, film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(own, out / "sharp.mkv")
    shutil.copy(film, out / "c.mkv")
    (out / "d.mkv").touch()
    sub = folder / "sub"
    found, told = planned([folder / "sharp.mkv", sub / "c.mkv", sub / ".." / "sub" / "c.mkv", sub, sub / "deep"], out)
    assert names(found, out) == {"sharp.mkv": "sharp.mkv", "c.mkv": "c.mkv", "d.mkv": "d.mkv"}
    assert [job.done for job in found] == [True, False, False], "another program's file and an empty one are not"
    assert [line.values["names"] for line in told] == ["deep"]
    missing, _ = planned([tmp_path / "none.mkv"], out)
    assert missing == [Job(tmp_path / "none.mkv", out / "none.mkv", done=False)]


def test_two_sources_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copy(folder / "b.mkv", folder / "b.mp4")
    for sources, options in (
        ([folder / "b.mkv", folder / "b.mp4"], {"names": Names(extension=".mkv")}),
        ([folder / "b.mkv", folder / "b.mp4", folder / "sub" / "b.mkv"], {}),
    ):
        (folder / "sub" / "b.mkv").touch()
        with pytest.raises(OptionError, match=r"in/b\.mkv and .*b\.mk?[pv]4? would both be written to .*out/b\.mkv"):
            jobs(sources, out, **options)


def test_a_folder_without_videos_and_pictures_is_an_error_if_there_is_nothing_else(
    no_films: Path, film: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no videos or pictures to enhance"):
        jobs([no_films], tmp_path)
    found, told = planned([no_films, film], tmp_path)
    assert [job.source for job in found] == [film]
    assert [line.code for line in told] == [Code.FILES_LEFT_OUT, Code.FILES_LEFT_OUT, Code.NOTHING_TO_ENHANCE]


def test_no_source_is_replaced(folder: Path, own: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"b\.mkv, which is itself.*--suffix"):
        jobs([folder], folder)
    shutil.copy(folder / "b.mkv", folder / "e.mkv")
    with pytest.raises(OptionError, match=r"e\.mkv, which is a source"):
        jobs([folder / "e.avi", folder / "e.mkv"], folder, Names("", ".mkv"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.mkv").symlink_to(folder / "A.MKV")
    with pytest.raises(OptionError, match=r"out/b\.mkv, which is a source"):
        jobs([folder / "b.mkv", folder / "A.MKV"], tmp_path / "out")


def test_outputs_beside_their_sources_are_no_sources_of_the_next_run(film: Path, own: Path, tmp_path: Path) -> None:
    shutil.copy(film, tmp_path / "a.mkv")
    shutil.copy(own, tmp_path / "a.x.mkv")
    named, told = planned(sorted(tmp_path.glob("*.mkv")), tmp_path, Names(".x"))
    whole, _ = planned([tmp_path], tmp_path, Names(".x"))
    assert named == whole == [Job(tmp_path / "a.mkv", tmp_path / "a.x.mkv", done=True)]
    assert [line.code for line in told] == [Code.MADE_BY_VIDRTS]
