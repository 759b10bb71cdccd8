"""LIBSVM's model files, text format: header lines, "SV", then one support vector a line."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidrts.errors import ModelError
from vidrts.measure.viqet.preprocess import F64

_LARGEST_FILE = 64 * 2**20
"""Bytes; the largest model of VIQET has some 3 million."""
_MOST_VECTORS, _LARGEST_INDEX = 10_000, 1_000
"""VIQET's models have up to some 700 support vectors of up to 317 features."""
_KEYS = {"svm_type", "kernel_type", "degree", "gamma", "coef0", "nr_class", "total_sv", "rho", "label",
         "probA", "probB", "prob_density_marks", "nr_sv"}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class LibsvmModel:
    """A parsed model of one decision function. Produced by `read_libsvm`."""

    path: Path
    content: bytes
    header: dict[str, list[str]]
    coefficients: F64  # (N,)
    vectors: F64  # (N, largest index)

    def check_kind(self, svm_type: str, kernel_type: str) -> None:
        """Raises `ModelError` for another type or kernel."""
        kind = " ".join(_word(self.header, key)[:40] for key in ("svm_type", "kernel_type"))
        if kind != f"{svm_type} {kernel_type}":
            raise ModelError(f"{self.path}: a {kind!r} model, expected {svm_type} {kernel_type}; name another file")

    def number(self, key: str) -> float:
        """The one number of a header line; raises `ModelError` where there is none."""
        return _number(_word(self.header, key), self.path, key)


def read_libsvm(path: Path) -> LibsvmModel:
    """Parse a model file of two classes or a regression.

    Raises `ModelError`, one line, for a file that is missing, too large, not LIBSVM's, cut short or damaged.
    """
    content = _read(path)
    lines = content.decode("ascii").split("\n")
    if lines.pop() != "":
        raise ModelError(f"{path}: the LIBSVM model is cut short (its last line has no end); get the file again")
    header: dict[str, list[str]] = {}
    for place, line in enumerate(lines):
        words = line.split()
        if words == ["SV"]:
            _check(header, len(lines) - place - 1, path)
            return LibsvmModel(path, content, header, *_parse_vectors(lines[place + 1 :], path))
        if not words or words[0] not in _KEYS or words[0] in header:
            break
        header[words[0]] = words[1:]
    raise ModelError(f"{path}: not a LIBSVM model (line {len(header) + 1} is none of its header); name another file")


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: not a file; name a LIBSVM model file")
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError(f"{path}: {path.stat().st_size} bytes, a LIBSVM model for VIQET has a few million")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the model file cannot be read ({error.strerror})") from error
    if not content.isascii():
        raise ModelError(f"{path}: not a LIBSVM model (it is not ASCII text); name another file")
    return content


def _check(header: dict[str, list[str]], vectors: int, path: Path) -> None:
    """What every model of VIQET says of itself, against what the file holds."""
    if _word(header, "nr_class") != "2":
        raise ModelError(
            f"{path}: nr_class {_word(header, 'nr_class')[:40]!r}, expected 2, as all of VIQET's models have"
        )
    if _word(header, "total_sv") != str(vectors):
        announced = _word(header, "total_sv")[:40]
        raise ModelError(f"{path}: {vectors} support vectors where total_sv says {announced!r}; get the file again")
    if not 0 < vectors <= _MOST_VECTORS:
        raise ModelError(f"{path}: {vectors} support vectors, expected 1 to {_MOST_VECTORS}; name another file")


def _parse_vectors(lines: list[str], path: Path) -> tuple[F64, F64]:
    """The coefficients (N,) and the vectors (N, largest index), what a line leaves out being 0."""
    coefficients = np.zeros(len(lines))
    vectors = np.zeros((len(lines), _LARGEST_INDEX))
    largest = 0
    for row, line in enumerate(lines):
        coefficient, *pairs = line.split() or [""]
        coefficients[row] = _number(coefficient, path, "a coefficient")
        last = 0
        for pair in pairs:
            index, _, value = pair.partition(":")
            if not (index.isdecimal() and last < (last := int(index[:9])) <= _LARGEST_INDEX):
                raise ModelError(
                    f"{path}: {pair[:40]!r} where a feature 1..{_LARGEST_INDEX} in rising order was expected"
                )
            vectors[row, last - 1] = _number(value, path, f"feature {last}")
        largest = max(largest, last)
    return coefficients, vectors[:, :largest].copy()


def _word(header: dict[str, list[str]], key: str) -> str:
    words = header.get(key, [])
    return words[0] if len(words) == 1 else ""


def _number(text: str, path: Path, what: str) -> float:
    """A finite decimal number; `float` alone would take "nan", "1_0" and more."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ModelError(f"{path}: {what} is {text[:40]!r}, expected a number; get the file again")
    return value
