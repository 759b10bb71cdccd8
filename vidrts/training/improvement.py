"""Whether a stage improves on its input: without that, no choice among stages means anything.

What counts depends on what the run is for. With pairs: PSNR of the held-out pairs, over that of their inputs. At scale
2: PSNR of the enlarged LR, over that of Lanczos. Else a stage is to sharpen photographs: a greater amplitude at 0.35
cycles per pixel than the photograph's own, and no lower score.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from vidrts.measure.registry import METRICS, MOS
from vidrts.messages import Code, Message
from vidrts.training.recurrence_options import TrainOptions

type Rows = Iterable[Mapping[str, Any]]


def last_pair_gains(rows: Rows) -> dict[int, float]:
    """Stage -> the last gain on held-out pairs, in dB, that a run's lines of metrics tell."""
    return {row["stage"]: float(row["held_pair_gain"]) for row in rows if "held_pair_gain" in row}


def shortfalls(
    options: TrainOptions, measures: Mapping[int, Mapping[str, float]], pair_gains: Mapping[int, float]
) -> dict[int, Message]:
    """Stage -> why it does not improve on its input; without those that do, and those of which nothing is measured.

    measures: stage -> its measures, 0 has those of the photographs and of LR.
    """
    before = measures.get(0, {})
    found = {n: _shortfall(options, before, row, pair_gains.get(n)) for n, row in measures.items() if n > 0}
    return {n: why for n, why in found.items() if why}


def _shortfall(
    options: TrainOptions, before: Mapping[str, float], row: Mapping[str, float], pair_gain: float | None
) -> Message | None:
    """Why one stage does not improve; NaN counts as no improvement."""
    if options.pairs:
        if pair_gain is None or pair_gain > 0:
            return None
        return Message(Code.PAIRS_NOT_IMPROVED, gain=pair_gain)
    if options.scale == 2:
        made, plain = row.get("psnr_lr_to_hr0"), before.get("psnr_lanczos_to_hr0")
        if made is None or plain is None or made > plain:
            return None
        return Message(Code.NOT_ABOVE_LANCZOS, psnr=made, lanczos=plain)
    gain = row.get("gain_at_0.35")
    if gain is not None and not gain > 1:
        return Message(Code.STAGE_BLURS, gain=METRICS["gain_at_0.35"].number(gain))
    score, own = row.get("mos"), before.get("mos")
    if score is not None and own is not None and not score >= own - MOS.tolerance:
        return Message(Code.SCORE_LOWERED, score=MOS.number(score), own=MOS.number(own))
    return None
