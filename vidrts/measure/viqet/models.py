"""The MOS models: three that come with vidrts, and any that a LIBSVM file holds."""

import csv
import hashlib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from vidrts.errors import ModelError
from vidrts.measure.mos_models import DEFAULT_MODEL
from vidrts.measure.viqet.features import LENGTHS, Features
from vidrts.measure.viqet.libsvm import LibsvmModel, read_libsvm
from vidrts.measure.viqet.preprocess import F64

LOWEST_MOS, HIGHEST_MOS = 1.0, 4.5

_PUBLISHED = {
    "f4220ab4a6687ac8ddb74162c490e457907d3513": "VIQET 2.3 day",
    "e0f2d4fe20f1e22a4992d94591615667414b3b49": "VIQET 2.3 night",
    "0b8aab86e39174f8cb5a020e32e650f6a2140002": "VIQET Preview 1 day",
    "5fa7f5714a940032ea2e47e6841ffa446be5f059": "VIQET Preview 1 night",
}
"""Git's name for the content of each published model file -> the model's title."""


@dataclass(frozen=True, eq=False)
class MosModel:
    """A linear model: raw MOS = weights . vector - rho. `title` says which one it is wherever a MOS is shown."""

    title: str
    version: int
    """1: the 61 numbers of Preview Release 1; 2: the 317 of version 2."""
    weights: F64
    rho: float

    def raw_mos(self, features: Features) -> float:
        """The model's value before it is limited; NaN where a feature is not defined for the picture."""
        with np.errstate(invalid="ignore"):
            return float(self.weights @ features.vector(self.version) - self.rho)


def clamp_mos(raw: float) -> float:
    """`raw` limited to 1..4.5, as VIQET shows it; NaN stays."""
    return float(np.clip(raw, LOWEST_MOS, HIGHEST_MOS))


def load_mos_model(name_or_file: str | os.PathLike[str] = DEFAULT_MODEL) -> MosModel:
    """A built-in model by its short name, or a LIBSVM model file (nu-SVR, linear), collapsed to one weight vector.

    The largest feature index decides the version: 61 or 317. Raises `ModelError`, one line, for anything else.
    """
    name = os.fspath(name_or_file)
    if name in MODELS:
        return MODELS[name]
    path = Path(name)
    if not _exists(path):
        raise ModelError(f"VIQET model {name}: neither built in ({', '.join(MODELS)}) nor a file")
    model = read_libsvm(path)
    model.check_kind("nu_svr", "linear")
    length = model.vectors.shape[1]
    version = next((v for v, count in LENGTHS.items() if count == length), None)
    if version is None:
        raise ModelError(f"{path}: a model of {length} features, expected 61 (Preview 1) or 317 (version 2)")
    with np.errstate(over="ignore", invalid="ignore"):
        weights = model.coefficients @ model.vectors
    if not np.isfinite(weights).all():
        raise ModelError(f"{path}: its weights overflow; get the file again")
    return MosModel(_title(model), version, weights, model.number("rho"))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no file system takes
        return False


def _title(model: LibsvmModel) -> str:
    """The published model's title if the content is one's, whichever line ends a checkout gave it, else the name."""
    for content in (model.content, model.content.replace(b"\r\n", b"\n")):
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if blob in _PUBLISHED:
            return _PUBLISHED[blob]
    return f"VIQET with {model.path.name}"


def _built_in(title: str, version: int, table: str) -> MosModel:
    """Row 0 of a table is rho, the others are the weights in the order of the vector."""
    text = files(__package__).joinpath("tables", table).read_text()
    rho, *weights = (float(row["weight"]) for row in csv.DictReader(text.splitlines()))
    return MosModel(title, version, np.array(weights), rho)


MODELS = {
    "preview1-day": _built_in("VIQET Preview 1 day", 1, "weights_v1_day_indoor_all.csv"),
    "preview1-night": _built_in("VIQET Preview 1 night", 1, "weights_v1_night.csv"),
    "v2-night": _built_in("VIQET 2.3 night", 2, "weights_v2_night.csv"),
}
"""The built-in models by short name."""
