"""The recurrence on other tasks, denoising and deblurring: is a second stage worth more than as many steps without it?

LR is HR0 reduced by Lanczos, then spoiled; beside it stand pairs of HR0's own size, spoiled likewise. Lanczos is Phase
B's own down-scaler, so that nothing is gained by the kernel (`kernels`) and the task alone is left. Targets of stage n
are HR_{n-1}, the network's own enhanced originals, for LR and pairs alike; without recurrence they stay HR0.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidrts.measure.fidelity import psnr
from vidrts.measure.registry import METRICS
from vidrts.measure.ssimulacra2 import Truth
from vidrts.research import held_out
from vidrts.research.analyses import spread
from vidrts.training.corpus import read_picture
from vidrts.training.report.runs import Run, Table

TASKS: Mapping[str, str] = {"noise": "noise:8", "blur": "blur:1.2"}
"""Task -> what spoils pictures: noise of 8 code values, a Gaussian of 1.2 pixels."""
_WAYS: Mapping[str, Mapping[str, Any]] = {"recurrence": {"pair_aim": "recurrent"}, "longer": {"aim": "originals"}}
ONE_SEED = (0.05, 0.3)
"""What two seeds may differ by in dB and points of SSIMULACRA2, where there is only one."""


def arms() -> dict[str, dict[str, Any]]:
    """Name of each run -> its settings: each task both ways, over three seeds."""
    return {
        f"{task}-{way}-seed-{seed}": {
            "seed": seed, "degradation": f"lanczos > {spoils}", "pairs": spoils, "pair_floor": 0.0, "viqet": False,
            **settings,
        }
        for seed in (1, 2, 3)
        for task, spoils in TASKS.items()
        for way, settings in _WAYS.items()
    }  # fmt: skip


@dataclass(frozen=True)
class _Scores:
    """(dB, points of SSIMULACRA2) against the clean photographs: of what is given, then of each stage."""

    given: tuple[float, float]
    stages: tuple[tuple[float, float], ...]


def answer(runs: Mapping[str, Run], folder: Path) -> list[Table]:
    """For each task the verdict, and what each stage brings back of held-out photographs, over the seeds."""
    ways: dict[str, dict[str, dict[int, _Scores]]] = {}
    for arm, run in runs.items():
        task, way, _ = arm.split("-", 2)
        ways.setdefault(task, {}).setdefault(way, {})[run.options.seed] = _restored(run)
    steps = [run.options.steps for run in runs.values()][:1] + [run.options.later_steps for run in runs.values()][:1]
    return [_verdicts(ways), *(_table(task, found, steps) for task, found in ways.items())]


def _restored(run: Run) -> _Scores:
    """Measured once, and kept in the run's folder."""

    def measure() -> list[tuple[float, float]]:
        spoils = run.options.pairs
        assert spoils is not None
        stages = [held_out.enhancer(run, n) for n in run.stages]
        rows = []
        for seed, picture in enumerate(held_out.pictures_of(run)):
            clean = read_picture(Path(picture["path"]))
            given, truth = held_out.unit(spoils(clean, seed)), held_out.unit(clean)
            reference = Truth(truth)
            versions = [given, *(enhance(given) for enhance in stages)]
            rows.append([(psnr(version, truth), reference.score(version)) for version in versions])
        return [_means(version) for version in zip(*rows, strict=True)]

    given, *after = ((float(db), float(points)) for db, points in held_out.kept(run.folder / "restored.json", measure))
    return _Scores(given, tuple(after))


def _means(scores: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.fmean(db for db, _ in scores), statistics.fmean(points for _, points in scores)


def _table(task: str, ways: Mapping[str, Mapping[int, _Scores]], steps: Sequence[int]) -> Table:
    first, later = steps
    given = next(iter(next(iter(ways.values())).values())).given
    rows = [("as given", "", *_numbers([given]))]
    for way, seeds in ways.items():
        for stage in range(1, min(len(scores.stages) for scores in seeds.values()) + 1):
            found = [scores.stages[stage - 1] for scores in seeds.values()]
            name = f"SR{stage}" if way == "recurrence" else f"SR{stage}, aimed at HR0 again"
            rows.append((name, f"{first + (stage - 1) * later:,}", *_numbers(found)))
    return Table(
        f"{task}: {TASKS[task]}, held-out photographs against what they were",
        ("", "steps", METRICS["psnr_rgb"].title, METRICS["ssimulacra2"].title), tuple(rows),
        "The same noise or blur at the photographs' own size; ±: standard deviation over seeds.",
    )  # fmt: skip


def _numbers(found: Sequence[tuple[float, float]]) -> tuple[str, str]:
    return spread([db for db, _ in found], 2), spread([points for _, points in found], 1)


def _verdicts(ways: Mapping[str, Mapping[str, Mapping[int, _Scores]]]) -> Table:
    rows = []
    for task, found in ways.items():
        seeds = sorted(set(found.get("recurrence", {})) & set(found.get("longer", {})))
        for stage in (2, 3):
            leads = [
                tuple(a - b for a, b in zip(found["recurrence"][s].stages[stage - 1],
                                            found["longer"][s].stages[stage - 1], strict=True))
                for s in seeds
                if len(found["recurrence"][s].stages) >= stage
            ]  # fmt: skip
            if leads:
                rows.append((task, f"SR{stage}", *_said(leads)))
    return Table(
        "Does a later stage help?",
        ("", "", "PSNR over longer training, dB", "SSIMULACRA2 over longer training", "the recurrence"), tuple(rows),
        "Each stage against as many steps aimed at HR0, seed by seed. A lead or lag within the standard deviation over "
        f"seeds (of one seed: within {ONE_SEED[0]} dB and {ONE_SEED[1]} points) is left open.",
    )  # fmt: skip


def _said(leads: Sequence[tuple[float, ...]]) -> tuple[str, str, str]:
    """The mean lead of each measure with its spread, and in words what they say together."""
    signs, texts = [], []
    for k, digits in enumerate((2, 1)):
        values = [lead[k] for lead in leads]
        mean = statistics.fmean(values)
        chance = statistics.stdev(values) if len(values) > 1 else ONE_SEED[k]
        signs.append(0 if abs(mean) <= chance else 1 if mean > 0 else -1)
        texts.append(f"{mean:+.{digits}f}" + (f" ± {chance:.{digits}f}" if len(values) > 1 else ""))
    words = {
        (1, 1): "helps", (-1, -1): "harms", (0, 0): "open: no more than chance",
        (1, -1): "more PSNR, less SSIMULACRA2", (-1, 1): "less PSNR, more SSIMULACRA2",
        (1, 0): "helps by PSNR alone", (0, 1): "helps by SSIMULACRA2 alone",
        (-1, 0): "harms by PSNR alone", (0, -1): "harms by SSIMULACRA2 alone",
    }  # fmt: skip
    return texts[0], texts[1], words[signs[0], signs[1]]
