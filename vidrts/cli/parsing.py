"""Parsing of option values: times in FFmpeg's syntax, tiles, languages, key=value pairs."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import click

_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d)(\.\d*)?")
_SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(s|ms|us)?")
_UNITS = {None: 1, "s": 1, "ms": 1000, "us": 1_000_000}


def parse_time(text: str) -> Fraction:
    """Seconds, exactly, of FFmpeg's two forms: [HH:]MM:SS[.m] and S[.m][s|ms|us]; raises ValueError."""
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds, rest = match.groups()
        return Fraction(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) + Fraction(
            "0" + rest if rest and rest != "." else 0
        )
    if match := _SECONDS.fullmatch(text):
        number, unit = match.groups()
        return Fraction(number.rstrip(".")) / _UNITS[unit]
    raise ValueError(f"expected [HH:]MM:SS[.m] or seconds such as 12.5, 12.5s or 500ms, got {text!r}")


def parse_tile(text: str) -> tuple[int, int] | Literal["auto", "none"]:
    """`auto`, `none` or WxH in pixels; raises ValueError."""
    if text == "auto":
        return "auto"
    if text == "none":
        return "none"
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise ValueError(f"expected auto, none or WxH such as 512x512, got {text!r}")
    return int(match[1]), int(match[2])


def parse_bit_rate(text: str) -> int:
    """Bits per second of 800k, 5M, 2.5M or a plain number; raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text)
    if not match or Fraction(match[1]) == 0:
        raise ValueError(f"expected a bit rate such as 800k, 5M or 2500000, got {text!r}")
    return int(Fraction(match[1]) * {"": 1, "k": 1000, "m": 10**6, "g": 10**9}[match[2].lower()])


def parse_rate(text: str) -> Fraction:
    """Frames/s of 25, 29.97 or 30000/1001; raises ValueError."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(\d{1,9}))?", text)
    if not match or Fraction(match[1]) == 0 or int(match[2] or 1) == 0:
        raise ValueError(f"expected frames/s such as 25, 29.97 or 30000/1001, got {text!r}")
    return Fraction(match[1]) / int(match[2] or 1)


def parse_pair(text: str) -> tuple[str, str]:
    """(key, value) of key=value; raises ValueError."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ValueError(f"expected key=value such as aq-mode=3, got {text!r}")
    return key, value


def parse_languages(text: str) -> tuple[str, ...]:
    """("eng", "deu") of eng,deu; raises ValueError."""
    found = tuple(part.strip().lower() for part in text.split(","))
    if not all(re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]+)*", part) for part in found):
        raise ValueError(f"expected language tags such as eng or eng,deu, got {text!r}")
    return found


def parse_crop(text: str) -> tuple[int, int, int, int]:
    """(width, height, x, y) of WxH+X+Y in pixels; raises ValueError."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})\+(\d{1,5})\+(\d{1,5})", text)
    if not match or "0" in (match[1], match[2]):
        raise ValueError(f"expected WxH+X+Y in pixels such as 640x360+100+50, got {text!r}")
    return int(match[1]), int(match[2]), int(match[3]), int(match[4])


def parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """((960, 540), (1920, 1080)) of 960x540,1920x1080; raises ValueError."""
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", part.strip())
        if not match:
            raise ValueError(f"expected WxH in pixels such as 1920x1080, got {part!r}")
        found.append((int(match[1]), int(match[2])))
    return tuple(found)


def parse_words(text: str) -> tuple[str, ...]:
    """("a", "b") of a,b; raises ValueError."""
    found = tuple(part.strip() for part in text.split(","))
    if not all(found):
        raise ValueError(f"expected names separated by commas, got {text!r}")
    return found


class Parsed(click.ParamType[Any]):
    """A click type made of one of the parsers above; its ValueError becomes a usage error (exit code 2)."""

    def __init__(self, parser: Any, name: str) -> None:
        self._parser = parser
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Click's hook."""
        if not isinstance(value, str):
            return value
        try:
            return self._parser(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Named(click.Choice[str]):
    """A choice of names; those of `others` stand for one of them each."""

    def __init__(self, names: Sequence[str], others: Mapping[str, str]) -> None:
        super().__init__(names)
        self._others = others

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Click's hook."""
        return super().convert(self._others.get(value, value), param, ctx)


TIME = Parsed(parse_time, "TIME")
TILE = Parsed(parse_tile, "auto|none|WxH")
CROP = Parsed(parse_crop, "WxH+X+Y")
BIT_RATE = Parsed(parse_bit_rate, "RATE")
RATE = Parsed(parse_rate, "RATE")
PAIR = Parsed(parse_pair, "KEY=VALUE")
LANGUAGES = Parsed(parse_languages, "LANG[,LANG]")
SIZES = Parsed(parse_sizes, "WxH[,WxH]")
WORDS = Parsed(parse_words, "NAME[,NAME]")
