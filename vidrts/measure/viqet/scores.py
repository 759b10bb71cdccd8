"""What VIQET says of one picture: the columns as it shows them, and the MOS of the chosen model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from vidrts.measure.mos_models import DEFAULT_MODEL
from vidrts.measure.viqet.features import Features, extract
from vidrts.measure.viqet.flat import FlatRegionModel, flat_region_index
from vidrts.measure.viqet.models import MODELS, MosModel, clamp_mos
from vidrts.measure.viqet.preprocess import Fitted, fit
from vidrts.measure.viqet.texture import texture_acutance

_MOS_COLUMNS = {"v2_night": "v2-night", "v1_day": "preview1-day", "v1_night": "preview1-night"}
_UNDEFINED = "not defined for this picture (it is flat or black, or its pattern repeats)"
_NO_FLAT_MODEL = "needs VIQET's classifier, a file that is not part of vidrts; name it with --flat-region-model"
_NO_FLAT_REGION = "not defined for this picture: it has no flat region"


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The measures of one picture. Produced by `measure`, passive."""

    values: Mapping[str, float]
    """The columns that have a value."""
    missing: Mapping[str, str]
    """Column -> why it has none."""
    mos: float
    """Mean opinion score of the chosen model, 1..4.5; NaN where a measure it needs is not defined."""
    mos_model: str
    """Which model that is, for instance "VIQET Preview 1 day"."""
    raw_mos: float
    """The same before it was limited to 1..4.5."""

    def columns(self) -> dict[str, float | None]:
        """Every column by name, from resolution_mp on; None where `missing` says why."""
        return {name: self.values.get(name) for name in COLUMNS}


COLUMNS = (
    "resolution_mp", "edge_acutance", "noise_signature_index", "flat_region_index", "texture_acutance", "saturation",
    "color_warmth", "illumination", "dynamic_range", "over_exposed_pct", "under_exposed_pct",
    *(f"{kind}_{model}" for model in _MOS_COLUMNS for kind in ("MOS", "raw")),
    "edge_strength_sum", "edge_pixel_count", "freq_noise", "contrast", "exposure", "KL", "final_noise",
    *(f"edge_gabor_{scale}" for scale in range(1, 10)),
)  # fmt: skip
"""The columns in their order."""


def measure(
    picture: NDArray[Any], *, mos_model: MosModel | None = None, flat_region_model: FlatRegionModel | None = None
) -> Scores:
    """Measure (H, W, 3) uint8 RGB of at least 80 pixels a side.

    `mos_model` is Preview 1 day unless given; without `flat_region_model` there is no flat region index. Raises
    `UnsupportedFormatError` for another type, shape or size (`vidrts.measure.viqet.preprocess.fit`).
    """
    fitted = fit(picture)
    features = extract(fitted)
    values = _shown(fitted, features)
    missing = {}
    if flat_region_model is None:
        missing["flat_region_index"] = _NO_FLAT_MODEL
    else:
        values["flat_region_index"] = flat_region_index(fitted, flat_region_model)
        missing["flat_region_index"] = _NO_FLAT_REGION
    model = mos_model or MODELS[DEFAULT_MODEL]
    raw = model.raw_mos(features)
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    return Scores(
        values=finite,
        missing={name: missing.get(name, _UNDEFINED) for name in COLUMNS if name not in finite},
        mos=clamp_mos(raw),
        mos_model=model.title,
        raw_mos=raw,
    )


def _shown(fitted: Fitted, features: Features) -> dict[str, float]:
    """Columns as VIQET's own tables show them: most in percent of a good photograph's value."""
    values = {
        "resolution_mp": fitted.resolution_mp,
        "edge_acutance": features.edges.acutance * 100 / 67.5,
        "noise_signature_index": features.noise.signature * 100 / 0.306,
        "texture_acutance": texture_acutance(features.texture) * 100 / 3.83,
        "saturation": features.saturation * 100 / 75,
        "color_warmth": features.warmth * 100 / 14586,
        "illumination": features.contrast * features.exposure * 100 / 18.2,
        "dynamic_range": (math.log(256) - features.divergence) * 100 / (math.log(256) - 0.58),
        "over_exposed_pct": features.over,
        "under_exposed_pct": features.under,
        "edge_strength_sum": features.edges.strength_sum,
        "edge_pixel_count": float(features.edges.pixel_count),
        "freq_noise": features.noise.high_frequency,
        "contrast": features.contrast,
        "exposure": features.exposure,
        "KL": features.divergence,
        "final_noise": features.final_noise,
    }
    for column, name in _MOS_COLUMNS.items():
        raw = MODELS[name].raw_mos(features)
        values |= {f"MOS_{column}": clamp_mos(raw), f"raw_{column}": raw}
    return values | {f"edge_gabor_{scale}": float(band) for scale, band in enumerate(features.edges.bands, 1)}
