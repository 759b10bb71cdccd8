"""The photographs that no training sees, so that the truth bench can decide with them."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePath

_SALT = "vidrts truth bench\n"


def held_for_truth(names: Sequence[str], count: int = 4) -> frozenset[str]:
    """Those `count` of a folder's file names that are held out: the smallest by SHA-256 of a salt and the name.

    Only a name's last part is looked at, the result has the names as given; a folder with fewer gives all of them.
    The order, the pictures' bytes and the machine do not matter, and a picture that is added later moves at most one.
    """
    return frozenset(sorted(names, key=lambda name: (_digest(name), name))[:count])


def _digest(name: str) -> str:
    return hashlib.sha256((_SALT + PurePath(name).name).encode("utf-8", "surrogateescape")).hexdigest()
