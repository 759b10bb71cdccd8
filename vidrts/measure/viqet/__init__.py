"""VIQET 2.3, the Video Quality Experts Group's measure of photographs, without its program.

for scores in measure_many(pictures): print(scores.mos_model, scores.mos, scores.columns())

Nothing here needs torch. The tables in tables/ come from VIQET's model files, which are under the Eclipse Public
License 1.0 (tables/NOTICE).
"""

from vidrts.measure.mos_models import DEFAULT_MODEL
from vidrts.measure.viqet.flat import FlatRegionModel, load_flat_region_model
from vidrts.measure.viqet.models import MODELS, MosModel, load_mos_model
from vidrts.measure.viqet.pool import measure_many
from vidrts.measure.viqet.scores import COLUMNS, Scores, measure

__all__ = [
    "COLUMNS",
    "DEFAULT_MODEL",
    "MODELS",
    "FlatRegionModel",
    "MosModel",
    "Scores",
    "load_flat_region_model",
    "load_mos_model",
    "measure",
    "measure_many",
]
