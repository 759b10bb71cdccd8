"""The models that came with this installation, found by name. Loads without torch."""

import re
from pathlib import Path

from vidrts.errors import ModelError
from vidrts.networks.names import AUTO, DEGRADER
from vidrts.suggestions import did_you_mean

_FOR_ONE_SCALE = re.compile(r"-[248]x$")


def model_folders() -> list[Path]:
    """Where shipped models lie: the package's own data first, then models/ of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return [package / "models", package.parent / "models"]


def shipped_models(scale: int | None = None) -> dict[str, Path]:
    """Name -> file of every model that came with this installation; with `scale`, of those that are used at it.

    NAME-2x is for scale 2 alone, and used there in place of NAME.
    """
    found: dict[str, Path] = {}
    for folder in model_folders():
        for file in sorted(folder.glob("*.safetensors")):
            if file.stem != DEGRADER:
                found.setdefault(file.stem, file)
    if scale is None:
        return found
    own = f"-{scale}x"
    return {
        name: file
        for name, file in found.items()
        if name + own not in found and (name.endswith(own) or not _FOR_ONE_SCALE.search(name))
    }


def find_model(name_or_file: str, scale: int = 1) -> Path:
    """The file of a shipped model's name, or the file named; raises `ModelError` that lists the names.

    scale: a shipped model that has weights of its own for it, NAME-2x, is that file. "auto" depends on the device:
    see `vidrts.networks.auto`.
    """
    shipped = shipped_models()
    for name in (f"{name_or_file}-{scale}x", name_or_file):
        if name in shipped:
            return shipped[name]
    file = Path(name_or_file)
    if file.is_file():
        return file
    names = ", ".join((AUTO, *sorted(shipped)))
    raise ModelError(
        f"model {name_or_file}: neither a shipped model ({names}) nor a file; see `vidrts models`"
        + did_you_mean(name_or_file, (AUTO, *shipped))
    )
