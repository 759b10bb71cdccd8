"""FFmpeg's syntax of filter graphs, "crop=w=640:h=360,scale=1280:-2"; the options of each filter stay text.

Quotes and backslashes as in FFmpeg's av_get_token and graphparser.c.
"""

from dataclasses import dataclass

_SPACE = " \n\t\r"


@dataclass(frozen=True)
class FilterWords:
    """One filter as it is written: [in] name=arguments [out]."""

    name: str
    arguments: str = ""
    """Without this level's quotes and backslashes; FFmpeg reads the rest."""
    inputs: tuple[str, ...] = ()
    """Labels of links that come in; `outputs`: that go out."""
    outputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={self.arguments}" if self.arguments else self.name


def parse(text: str) -> list[list[FilterWords]]:
    """The chains of a graph, in order; raises `ValueError` with what is wrong."""
    reader = _Reader(text)
    chains: list[list[FilterWords]] = []
    reader.skip()
    while reader.rest:
        chains.append(_chain(reader))
        if reader.rest and not reader.take(";"):
            raise ValueError(f"expected , or ; before {reader.rest!r}")
        reader.skip()
    if not chains:
        raise ValueError("expected filters such as crop=640:360,scale=1280:-2")
    return chains


class _Reader:
    """The text that is not read yet."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def skip(self) -> None:
        self.rest = self.rest.lstrip(_SPACE)

    def take(self, mark: str) -> bool:
        """Whether the text goes on with this mark, which is read then."""
        if not self.rest.startswith(mark):
            return False
        self.rest = self.rest[1:]
        return True

    def token(self, ends: str) -> str:
        """Up to one of `ends`; a backslash takes what follows as it is, so do single quotes."""
        self.skip()
        found, fixed, at = "", 0, 0
        while at < len(self.rest) and self.rest[at] not in ends:
            mark = self.rest[at]
            at += 1
            if mark == "\\" and at < len(self.rest):
                found += self.rest[at]
                at += 1
                fixed = len(found)
            elif mark == "'":
                quoted, closed, _ = self.rest[at:].partition("'")
                found += quoted
                at += len(quoted) + len(closed)
                fixed = len(found) if closed else fixed
            else:
                found += mark
        self.rest = self.rest[at:]
        return found[:fixed] + found[fixed:].rstrip(_SPACE)


def _chain(reader: _Reader) -> list[FilterWords]:
    """Filters separated by commas."""
    found = [_filter(reader)]
    while reader.take(","):
        found.append(_filter(reader))
    return found


def _filter(reader: _Reader) -> FilterWords:
    inputs = _labels(reader)
    name = reader.token("=,;[").partition("@")[0]
    if not name:
        raise ValueError(f"expected a filter's name before {reader.rest!r}" if reader.rest else
                         "expected a filter's name at the end")  # fmt: skip
    arguments = reader.token("[],;") if reader.take("=") else ""
    return FilterWords(name, arguments, inputs, _labels(reader))


def _labels(reader: _Reader) -> tuple[str, ...]:
    """[a][b]."""
    found = []
    reader.skip()
    while reader.take("["):
        label = reader.token("]")
        if not label or not reader.take("]"):
            raise ValueError("expected a label such as [a], with a name and a closing ]")
        found.append(label)
        reader.skip()
    return tuple(found)
