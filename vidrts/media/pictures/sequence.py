"""Numbered pictures, as FFmpeg's image2 names them: frames/%05d.png."""

import re
from dataclasses import dataclass
from pathlib import Path

from vidrts.errors import InputError
from vidrts.media.pictures.formats import SUFFIXES
from vidrts.media.pictures.read import Header, header
from vidrts.messages import Code, Message, Tell

_NUMBER = re.compile(r"%%|%(\d*)d")
_FIRSTS = 5
"""The first picture has one of so many numbers from the start number on (FFmpeg's start_number_range)."""
_TOLD = 10
"""Missing numbers that are told one by one."""


def is_pattern(path: Path) -> bool:
    """Whether a name stands for numbered pictures: it has one %d or %0Nd, and there is no file of that very name."""
    numbers = [match for match in _NUMBER.finditer(path.name) if match[0] != "%%"]
    return len(numbers) == 1 and path.suffix.lower() in {*SUFFIXES, ".bmp"} and not path.exists()


def numbered(pattern: Path, number: int) -> Path:
    """The file of this number."""

    def replaced(match: re.Match[str]) -> str:
        return "%" if match[0] == "%%" else str(number).zfill(int(match[1] or 0))

    return pattern.with_name(_NUMBER.sub(replaced, pattern.name))


@dataclass(frozen=True)
class PictureSequence:
    """The pictures of a pattern that are there, in order. Made by `find`."""

    pattern: Path
    numbers: tuple[int, ...]
    header: Header
    """Of each."""

    def file(self, number: int) -> Path:
        """The picture of this number."""
        return numbered(self.pattern, number)


def find(pattern: Path, start: int | None, tell: Tell) -> PictureSequence:
    """The pictures of `pattern`; the first is numbered `start` (0) to 4 more, as FFmpeg has it. Tells of gaps.

    Raises `InputError` where there are none, and for one that is of another size or kind than the first.
    """
    there = sorted(existing(pattern))
    begin = start or 0
    first = next((number for number in there if begin <= number < begin + _FIRSTS), None)
    if first is None:
        later = next((number for number in there if number >= begin), None)
        found = "there is none" if later is None else f"the first is {later}: give -start_number {later}"
        raise InputError(f"{pattern}: no picture numbered {begin} to {begin + _FIRSTS - 1}; {found}")
    numbers = [number for number in there if number >= first]
    if missing := sorted(set(range(first, numbers[-1])) - set(numbers)):
        named = ", ".join(map(str, missing[:_TOLD])) + (", ..." if len(missing) > _TOLD else "")
        tell(Message(
            Code.NUMBERS_MISSING, first=first, last=numbers[-1], count=len(missing), numbers=named
        ).about(pattern))  # fmt: skip
    kind = header(numbered(pattern, first))
    for number in numbers[1:]:
        path = numbered(pattern, number)
        if (other := header(path)) != kind:
            raise InputError(
                f"{path}: {other.width}x{other.height}, {other.mode}, but the first picture, "
                f"{numbered(pattern, first).name}, is {kind.width}x{kind.height}, {kind.mode}; enhance them separately"
            )
    return PictureSequence(pattern, tuple(numbers), kind)


def existing(pattern: Path) -> set[int]:
    """The numbers of the files that fit a pattern."""
    parts, at = [], 0
    for place in _NUMBER.finditer(pattern.name):
        parts += [re.escape(pattern.name[at : place.start()]), "%" if place[0] == "%%" else r"(\d+)"]
        at = place.end()
    expression = re.compile("".join([*parts, re.escape(pattern.name[at:])]))
    if not pattern.parent.is_dir():
        return set()
    fits = (match for path in pattern.parent.iterdir() if (match := expression.fullmatch(path.name)) is not None)
    return {number for match in fits if numbered(pattern, number := int(match[1])).name == match[0]}
