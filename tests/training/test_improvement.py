"""Whether a stage improves on its input, by what its run is for."""

from pathlib import Path
from typing import Any

import pytest

from vidrts.messages import Code
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.improvement import last_pair_gains, shortfalls
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.selection import Selection, select


def options(**settings: Any) -> TrainOptions:
    return TrainOptions(photos=Path("photos"), out=Path("run"), **settings)


PAIRS = {"pairs": Degradation("film", halves=False), "colour": "luma"}
DOUBLE = {"scale": 2, "stages": 1}
SCORED = {"mos": 2.5}


@pytest.mark.parametrize(
    ("settings", "before", "stage", "gain", "code"),
    [
        ({}, SCORED, {"gain_at_0.35": 1.2, "mos": 2.7}, None, None),
        ({}, SCORED, {"gain_at_0.35": 0.9, "mos": 2.2}, None, Code.STAGE_BLURS),
        ({}, {}, {"gain_at_0.35": 1.0}, None, Code.STAGE_BLURS),
        ({}, {}, {"gain_at_0.35": float("nan")}, None, Code.STAGE_BLURS),
        ({}, SCORED, {"gain_at_0.35": 1.2, "mos": 2.3}, None, Code.SCORE_LOWERED),
        ({}, SCORED, {"gain_at_0.35": 1.2, "mos": 2.49}, None, None),  # within the score's tolerance
        ({"degradation": Degradation("clean")}, {}, {"gain_at_0.35": 1.4}, None, None),
        ({}, {}, {"psnr_lr_to_hr0": 30.0}, None, None),  # of an older run, which tells neither
        # A network that takes noise away from pairs blurs a photograph, as it should.
        (PAIRS, SCORED, {"gain_at_0.35": 0.8, "mos": 2.3}, 5.2, None),
        (PAIRS, SCORED, {"gain_at_0.35": 1.2, "mos": 2.7}, -0.1, Code.PAIRS_NOT_IMPROVED),
        # One that enlarges is held against Lanczos; what it makes of a photograph's own size is not asked.
        (DOUBLE, {"psnr_lanczos_to_hr0": 31.0}, {"psnr_lr_to_hr0": 32.0, "gain_at_0.35": 0.9}, None, None),
        (DOUBLE, {"psnr_lanczos_to_hr0": 31.0}, {"psnr_lr_to_hr0": 30.9}, None, Code.NOT_ABOVE_LANCZOS),
        (DOUBLE, {}, {"psnr_lr_to_hr0": 30.9}, None, None),
    ],
)  # fmt: skip
def test_the_measure_is_that_of_the_runs_purpose(
    settings: dict[str, Any], before: dict[str, float], stage: dict[str, float], gain: float | None, code: Code | None
) -> None:
    found = shortfalls(options(**settings), {0: before, 1: stage}, {} if gain is None else {1: gain})
    assert [why.code for why in found.values()] == ([code] if code else [])


def test_the_last_gain_of_each_stage_counts() -> None:
    rows = [{"stage": 1, "loss": 1.0, "held_pair_gain": 0.5}, {"stage": 1, "loss": 0.5}, {"stage": 2, "mos": 3.0},
            {"stage": 1, "loss": 0.1, "held_pair_gain": -0.25}, {"stage": 2, "held_pair_gain": 1}]  # fmt: skip
    assert last_pair_gains(rows) == {1: -0.25, 2: 1.0}


def test_a_stage_that_fails_is_not_chosen() -> None:
    scores, deltas = {1: 3.0, 2: 3.2, 3: 2.9}, {1: 1.0, 2: 0.5, 3: 0.2}
    assert select(scores, deltas).shipped == 2
    assert select(scores, deltas, {2: "blurs"}).shipped == 1
    assert select({}, deltas, {3: "blurs"}).shipped == 2
    # Stage 3 grows again; it is the one that is left.
    assert select({}, {1: 1.0, 2: 0.1, 3: 0.5}, {1: "blurs", 2: "blurs"}).shipped == 3
    none = select(scores, deltas, {1: "a", 2: "b", 3: "c"})
    assert none == Selection(2, 3, None, None, {1: "a", 2: "b", 3: "c"})
    told = none.told(scores, deltas)
    assert told.code is Code.NO_STAGE_IMPROVES  # type: ignore[attr-defined]
    assert told.values == {"reasons": "stage 1: a; stage 2: b; stage 3: c"}  # type: ignore[attr-defined]
