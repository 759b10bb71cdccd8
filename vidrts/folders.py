"""Many files in one run: which files of a folder are videos or pictures, and what their outputs are called.

for job in jobs(["films"], Path("sharp"), recursive=True, tell=print):
    if not job.done:
        enhance(job.source, job.target)
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from vidrts.errors import InputError, OptionError
from vidrts.media.containers import FFmpegErrors, choose_video, open_source, place
from vidrts.media.output_formats import OUTPUT_FORMATS
from vidrts.media.pictures.animation import is_animated
from vidrts.media.pictures.formats import SUFFIXES, can_be_picture, is_picture_name
from vidrts.media.read import picture_streams
from vidrts.media.write.mark import is_marked
from vidrts.media.write.output_path import UNFINISHED
from vidrts.messages import Code, Message, Tell, ignore

_WRITTEN = (*OUTPUT_FORMATS, *SUFFIXES)
_VIDEOS = {
    *OUTPUT_FORMATS,
    *(".avi .wmv .asf .flv .f4v .mpg .mpeg .vob .m2v .ogv .mxf .3gp .3g2 .dv .y4m .mjpeg .rm .rmvb .nut .ivf".split()),
}
"""Extensions of files that are taken for videos even where they cannot be opened: one that is broken has to be told."""
_FALLBACKS = {".bmp": ".png", ".gif": ".png"}
_FALLBACK = ".mkv"
"""Of outputs whose source is a video in a container that vidrts does not write: it holds most kinds of streams."""
_OWN = "made by vidrts; those that are named are enhanced again"
_HIDDEN = re.compile(r"^\.|\.vidrts$")
"""Folders that are not looked into: hidden ones, and what runs with --resume keep beside their outputs."""
_NEITHER = "neither videos nor pictures"
_SHOWN = 3
"""Names in a message about many files."""


@dataclass(frozen=True)
class Names:
    """How an output is named after its source: the stem, then `suffix`, then `extension` (".mkv"; None: kept).

    The extension of a video is not given to pictures, nor a picture's to videos.
    """

    suffix: str = ""
    extension: str | None = None

    def of(self, source: Path) -> Path:
        """The output's name, in the same folder."""
        own = source.suffix.lower()
        kept = source.suffix if own in _WRITTEN else _FALLBACKS.get(own, _FALLBACK)
        fits = self.extension is not None and (self.extension in SUFFIXES) == (kept.lower() in SUFFIXES)
        return source.with_name(f"{source.stem}{self.suffix}{self.extension if fits else kept}")


@dataclass(frozen=True)
class Job:
    """One file to enhance."""

    source: str | Path
    """A path, or a URL."""
    target: Path
    done: bool
    """The target is there already, complete and made by vidrts."""

    @property
    def is_picture(self) -> bool:
        """Whether a picture is written, or numbered ones; else it is a video."""
        return is_picture_name(self.target)


def jobs(
    sources: Sequence[str | os.PathLike[str]],
    folder: Path,
    names: Names | None = None,
    *,
    recursive: bool = False,
    tell: Tell = ignore,
) -> list[Job]:
    """What to enhance into `folder`, which need not exist yet: files, URLs, and what folders among `sources` hold.

    Of a folder the files that are videos or pictures are taken, numbered ones as single pictures; `recursive`: those of
    its sub-folders, too, which keep their places under `folder`. Left out of folders, and told by a message: what is
    neither, animated pictures, unfinished files (.partial), and what vidrts made; untold, hidden files and `folder`
    itself. A file that is named is always taken.

    Raises `InputError` where there is nothing to enhance, `OptionError` where two sources would get one name, or an
    output would replace a source.
    """
    names = names or Names()
    found: dict[tuple[str | Path, Path], None] = {}
    for source in sources:
        path = place(source)
        if isinstance(path, Path) and path.is_dir():
            inside = [(file, file.relative_to(path)) for file in _inside(path, folder, recursive, tell)]
            if not inside and len(sources) > 1:
                tell(Message(Code.NOTHING_TO_ENHANCE, folder=path))
            found |= dict.fromkeys(inside)
        elif isinstance(path, Path):
            found[path, Path(path.name)] = None
        else:
            found[str(source), Path(_of_url(str(source)))] = None
    if not found:
        raise InputError(f"{', '.join(map(str, sources))}: no videos or pictures to enhance")
    pairs = _distinct((source, folder / names.of(name)) for source, name in found)
    pairs = _without_outputs(pairs, tell)
    _check_names(pairs)
    return [Job(source, target, is_done(target)) for source, target in pairs]


def is_done(target: Path) -> bool:
    """Whether there is a file that vidrts made: only complete ones get their name."""
    try:
        return target.is_file() and is_marked(target)
    except OSError:
        return False


def why_left_out(path: Path) -> str | None:
    """Why a file in a folder is not to be enhanced, in words; None for what is, or by its name should be."""
    if path.is_dir():
        return "links to directories"
    if not path.is_file():
        return "not regular files"
    if UNFINISHED.search(path.stem):
        return "unfinished files"
    if can_be_picture(path):
        return _why_picture_left_out(path)
    try:
        container = open_source(path)
    except InputError:
        return None if path.suffix.lower() in _VIDEOS else _NEITHER
    with container:
        try:
            choose_video(path, container, None)
            if picture_streams.untimed(container):
                next(picture_streams.packets(container, path), None)
            return _OWN if is_marked(path, container) else None
        except InputError:
            return _NEITHER
        except FFmpegErrors:
            return None


def _why_picture_left_out(path: Path) -> str | None:
    try:
        if is_marked(path):
            return _OWN
    except OSError:
        return None
    return "animated pictures; ffmpeg -i FILE OUT.mkv makes videos of them" if is_animated(path) else None


def _inside(folder: Path, output: Path, recursive: bool, tell: Tell) -> Iterator[Path]:
    """The videos and pictures in `folder`, in order; tells what is left out."""
    left: defaultdict[str, list[Path]] = defaultdict(list)
    unread: list[OSError] = []
    for base, inner, files in folder.walk(on_error=unread.append):
        kept = sorted(name for name in inner if not _HIDDEN.search(name) and not _same(base / name, output))
        inner[:] = kept if recursive else []
        if kept and not recursive:
            left["sub-directories; -r takes them"] = [base / name for name in kept]
        for path in sorted(base / name for name in files if not name.startswith(".")):
            if (why := why_left_out(path)) is None:
                yield path
            else:
                left[why].append(path)
    for error in unread:
        left[f"cannot be read ({error.strerror})"].append(Path(error.filename))
    for why, paths in left.items():
        shown = [str(path.relative_to(folder)) for path in paths[:_SHOWN]]
        more = [f"{len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
        tell(Message(Code.FILES_LEFT_OUT, folder=folder, count=len(paths), reason=why, names=", ".join(shown + more)))


def _same(path: Path, other: Path) -> bool:
    return other.exists() and path.samefile(other)


def _of_url(url: str) -> str:
    """The file name in a URL; raises `InputError`."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name:
        raise InputError(f"{url}: has no file name to give the output; expected OUT to be a file name")
    return name


type _Pair = tuple[str | Path, Path]
type _Identity = tuple[int, int]


def _identity(place: str | Path) -> _Identity | None:
    """What two names of one file share; None for a URL and where there is none."""
    try:
        found = place.stat() if isinstance(place, Path) else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def _distinct(pairs: Iterable[_Pair]) -> list[_Pair]:
    """Each once, though a file may be named twice, or be in a folder that is named, too."""
    return list({(_identity(source) or str(source), target): (source, target) for source, target in pairs}.values())


def _without_outputs(pairs: list[_Pair], tell: Tell) -> list[_Pair]:
    """The pairs, without sources that an earlier run made of another one here (as with IN *.mp4 and OUT ./).

    Raises `OptionError` where another source would be replaced.
    """
    sources = {identity: source for source, _ in pairs if (identity := _identity(source)) is not None}
    made: set[str | Path] = set()
    wrong: list[str] = []
    for source, target in pairs:
        hit = sources.get(_identity(target) or (-1, -1))
        if hit is None:
            continue
        if _identity(source) != _identity(hit) and isinstance(hit, Path) and is_done(hit):
            made.add(hit)
        else:
            wrong.append(f"{source} would be written to {target}, which is {'itself' if hit == source else 'a source'}")
    if wrong:
        raise OptionError(f"{_few(wrong)}; expected another directory as OUT, or --suffix")
    for source in made:
        tell(Message(Code.MADE_BY_VIDRTS, file=source))
    return [pair for pair in pairs if pair[0] not in made]


def _check_names(pairs: list[_Pair]) -> None:
    """Raise `OptionError` if two sources have one target."""
    by_target: defaultdict[str, list[_Pair]] = defaultdict(list)
    for source, target in pairs:
        by_target[os.path.abspath(target)].append((source, target))  # noqa: PTH100 - "..", which Path keeps
    same = [f"{' and '.join(str(s) for s, _ in each)} would both be written to {each[0][1]}"
            for each in by_target.values() if len(each) > 1]  # fmt: skip
    if same:
        raise OptionError(f"{_few(same)}; enhance them into different directories, or rename one")


def _few(lines: list[str]) -> str:
    more = [f"{len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "; ".join(lines[:_SHOWN] + more)
