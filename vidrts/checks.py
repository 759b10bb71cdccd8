"""Checks of the values of options. Each raises `OptionError`: "crf: expected 0 or more, got 'abc'"."""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Rational, Real

from vidrts.errors import OptionError

THREADS = 256
"""The most threads that can be asked for."""


def check(name: str, got: object, expected: str, fits: bool) -> None:
    """Raise unless the value `fits`."""
    if not fits:
        raise OptionError(f"{name}: expected {expected}, got {got!r}")


def check_name(name: str, got: object, known: Sequence[str]) -> None:
    """One of the names `known`."""
    check(name, got, f"{', '.join(known[:-1])} or {known[-1]}", isinstance(got, str) and got in known)


def check_text(name: str, got: object, what: str) -> None:
    """A string that is not empty, or None."""
    check(name, got, f"{what} as a string, or None", got is None or (isinstance(got, str) and got != ""))


def check_flag(name: str, got: object) -> None:
    """True or False."""
    check(name, got, "True or False", isinstance(got, bool))


def check_threads(name: str, got: object) -> None:
    """A number of threads; 0: automatic."""
    check(name, got, f"0 (automatic) to {THREADS}", is_integer(got) and 0 <= got <= THREADS)  # type: ignore[operator]


def check_mapping(name: str, got: object) -> None:
    """Strings by strings."""
    fits = isinstance(got, Mapping) and all(isinstance(text, str) for pair in got.items() for text in pair)
    check(name, got, "a mapping of strings to strings", fits)


def check_made(name: str, got: object, kind: type) -> None:
    """An object of the class `kind`."""
    check(name, got, f"{kind.__name__}(...)", isinstance(got, kind))


def is_integer(value: object) -> bool:
    """True and False are integers to Python; numpy's integers are none, but count as such."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """A finite float or an integer, numpy's, too; no `Fraction`, which torch does not multiply by."""
    real = is_integer(value) or (isinstance(value, Real) and not isinstance(value, Rational))
    return real and math.isfinite(value)  # type: ignore[arg-type]
