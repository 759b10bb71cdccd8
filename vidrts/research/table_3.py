"""Table 3, and what it leaves open: eight networks by the paper's way, over their multiply-adds.

A run's stages stand beside those of the same network with as many steps all aimed at HR0 ("once"). MOS rewards
sharpening as such; so each stage is also held to a truth: the held-out photographs, which no training has seen, are
masters that a blur and a reduction make HR0 of (`master_pairs`), and SSIMULACRA2 and PSNR of HR_n are taken against the
masters reduced without blur. One such measure serves all runs, whatever they were trained on.
"""

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vidrts.bench.parts import branch_flop
from vidrts.measure.fidelity import psnr
from vidrts.measure.registry import METRICS
from vidrts.measure.ssimulacra2 import Truth
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build, parameter_count
from vidrts.research import held_out, paper_claims
from vidrts.research.analyses import over_seeds, spread
from vidrts.research.master_pairs import of_master
from vidrts.research.quality_figure import CONTROL, Figure, Point, draw
from vidrts.training.corpus import read_picture
from vidrts.training.report.runs import Run, Table

PAPER: Mapping[str, tuple[float, ...]] = {
    "rts-r1": (2.384, 2.639, 2.701, 2.712),
    "rts-r3": (2.384, 2.637, 2.719, 2.720),
    "rts-r6": (2.384, 2.644, 2.725, 2.744),
    "srcnn": (2.384, 2.603, 2.680, 2.680),
    "vdsr": (2.384, 2.599, 2.668, 2.669),
    "srresnet": (2.384, 2.617, 2.720, 2.703),
    "edsr": (2.384, 2.632, 2.725, 2.737),
}
"""The paper's Table 3: MOS of HR0..HR3 over tiles."""
_LIGHT, _HEAVY = ("fsrcnn", "rts-r1", "rts-r3", "srcnn", "rts-r6"), ("edsr", "srresnet", "vdsr")
_THREE_SEEDS = ("fsrcnn", "rts-r1", "rts-r3", "srcnn")
FEWER: Mapping[str, Mapping[str, Any]] = {
    "srcnn": {"batch": 4},
    "edsr": {"batch": 1, "flats": 4},
    "srresnet": {"batch": 2, "flats": 0, "rate": 1e-4, "later_rate": 5e-5},
    "vdsr": {"batch": 1, "flats": 2},
}
"""What the short schedule gives networks whose step costs 2, 12 and 23 times that of rts-r3: fewer patches a step.

Flat patches would enter SRResNet's normalisation, whose running means are those of photographs. Its authors' rate is
1e-4; at 1e-3 its running means lag far behind (evaluation at -6 dB after 40 steps, where 1e-4 has 11 and a lower loss).
"""
ONE_SEED_POINTS = 0.3
"""What two seeds may differ by in SSIMULACRA2, where there is only one."""


def arms(degradation: str) -> dict[str, dict[str, Any]]:
    """Name of each run -> its settings, the cheap ones first."""

    def of_seeds(names: Sequence[str], *seeds: int) -> dict[str, dict[str, Any]]:
        return {f"{name}-seed-{seed}": {"model": name, "seed": seed} for seed in seeds for name in names}

    def once(names: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {f"{name}-once": {"model": name, "aim": "originals"} for name in names}

    found = {
        **of_seeds(_LIGHT, 1), **once(_LIGHT), **of_seeds(_THREE_SEEDS, 2, 3), **of_seeds(_HEAVY, 1), **once(["edsr"])
    }  # fmt: skip
    return {name: {**settings, "stages": 3, "degradation": degradation} for name, settings in found.items()}


@dataclass(frozen=True)
class _Stage:
    """The scores of HR_n, means over the held-out photographs."""

    mos: float
    """Of tiles."""
    points: float
    """SSIMULACRA2 against the sharper master ..."""
    db: float
    """... and PSNR."""


type _Seeds = list[list[_Stage]]
"""For each seed HR0, HR1, ... HRn."""


def answer(runs: Mapping[str, Run], folder: Path) -> list[Table | Figure]:
    """The claims of Table 3, its MOS of tiles and of whole pictures, and quality over multiply-adds."""
    recurrent = {arm: run for arm, run in runs.items() if run.options.aim == "recurrent"}
    scores, once = _by_network(recurrent, folder), _by_network(_others(runs, recurrent), folder)
    parts: list[Table | Figure] = []
    if scores:
        parts += [_claims(scores), _tiles(scores, recurrent), _against_masters(scores)]
    if scores or once:
        parts += [_price(scores, once, runs)]
    if asked := _thrice_or_once(scores, once, runs):
        parts.append(asked)
    if scores:
        parts.append(_figure(scores, once, folder))
    return [*parts, *over_seeds(recurrent)]


def _others(runs: Mapping[str, Run], without: Mapping[str, Run]) -> dict[str, Run]:
    return {arm: run for arm, run in runs.items() if arm not in without}


def _by_network(runs: Mapping[str, Run], folder: Path) -> dict[str, _Seeds]:
    """Scores by network, those with the fewest multiply-adds first."""
    found: dict[str, _Seeds] = {}
    for run in runs.values():
        found.setdefault(run.options.model, []).append(_scores(run, folder))
    return dict(sorted(found.items(), key=lambda item: multiply_adds(item[0])))


def _scores(run: Run, folder: Path) -> list[_Stage]:
    """HR0 and the stages, measured once and kept: HR0 in the experiment's folder, the stages in the run's."""
    hashes = "".join(picture["sha256"] for picture in held_out.pictures_of(run))
    name = f"originals-{hashlib.sha256(hashes.encode()).hexdigest()[:16]}.json"

    def stages() -> list[list[float]]:
        return [_measured(run, n) for n in run.stages]

    kept = [
        held_out.kept(folder / name, lambda: _measured(run, 0)),
        *held_out.kept(run.folder / "table-3.json", stages),
    ]
    return [_Stage(*numbers) for numbers in kept]


def _measured(run: Run, stage: int) -> list[float]:
    """(MOS of tiles, SSIMULACRA2, PSNR) of HR_n, 0 for the photographs as they are."""
    tiles, points, db = [], [], []
    enhance = held_out.enhancer(run, stage) if stage else lambda picture: picture
    for held in held_out.pictures_of(run):
        photograph = read_picture(Path(held["path"]))
        tiles += _tiles_of(enhance(held_out.unit(photograph)))
        truth, soft = map(held_out.unit, of_master(photograph))
        nearer = enhance(soft)
        points.append(Truth(truth).score(nearer))
        db.append(psnr(nearer, truth))
    return [held_out.mos(tiles), statistics.fmean(points), statistics.fmean(db)]


def _tiles_of(picture: torch.Tensor) -> list[torch.Tensor]:
    """4 columns and 2 rows."""
    return [tile for row in picture.tensor_split(2, dim=1) for tile in row.tensor_split(4, dim=2)]


def multiply_adds(name: str) -> float:
    """Of a network of `RECIPES`, per pixel of HR_n; of RTS without the linear extension, as in the model cards."""
    return branch_flop(build(*RECIPES[name]).eval()) / 2


def _claims(scores: Mapping[str, _Seeds]) -> Table:
    of_paper = {name: [[s.mos for s in seed] for seed in scores[name]] for name in PAPER if name in scores}
    return paper_claims.of_networks(of_paper, PAPER, small="rts-r1", best="rts-r6", falls="srresnet")


def _tiles(scores: Mapping[str, _Seeds], runs: Mapping[str, Run]) -> Table:
    options = {run.options.model: (f"{_seen(run):,}", f"{run.options.rate:g}") for run in runs.values()}
    count = max(len(seed) for seeds in scores.values() for seed in seeds)
    rows = []
    for name, seeds in scores.items():
        found = list(zip(*([s.mos for s in seed] for seed in seeds), strict=True))
        paper = [f"{v:.3f}" for v in PAPER.get(name, ())][: len(found)] or ["–"] * len(found)
        rows.append((name, str(len(seeds)), *map(spread, found), *paper, *options[name]))
    stages = [f"HR{n}" for n in range(count)]
    return Table(
        "Table 3: MOS of tiles", ("", "seeds", *stages, *(f"paper, {s}" for s in stages), "patches seen", "rate"),
        tuple(rows),
        "MOS of VIQET Preview 1 day, the paper's of VIQET 2.3: orderings compare, values do not. Networks whose steps "
        "cost twice an rts-r3 step and more see fewer patches, in as many steps.",
    )  # fmt: skip


def _seen(run: Run) -> int:
    """Patches in all stages' steps."""
    o = run.options
    return o.batch * (o.steps + (o.stages - 1) * o.later_steps)


def _against_masters(scores: Mapping[str, _Seeds]) -> Table:
    rows = []
    for name, seeds in scores.items():
        stages = list(zip(*seeds, strict=True))
        rows.append((
            name, *(spread([s.points for s in stage], 1) for stage in stages),
            *(spread([s.db for s in stage], 2) for stage in stages),
        ))  # fmt: skip
    heads = [f"HR{n}" for n in range(max(len(seed) for seeds in scores.values() for seed in seeds))]
    return Table(
        "Against sharper masters", ("", *(f"SSIMULACRA2, {h}" for h in heads), *(f"PSNR, dB, {h}" for h in heads)),
        tuple(rows),
        "HR0 here: the held-out photographs as masters, blurred (a Gaussian of 1.6 of their pixels) and reduced by "
        "half; the truth: reduced by Lanczos alone. No network was trained on such pictures.",
    )  # fmt: skip


def _price(scores: Mapping[str, _Seeds], once: Mapping[str, _Seeds], runs: Mapping[str, Run]) -> Table:
    rows = []
    seen = {run.options.model: _seen(run) for run in runs.values()}
    for name in sorted({*scores, *once}, key=multiply_adds):
        ours, same = scores.get(name, []), once.get(name, [])
        cells = []
        for key, digits in (("mos", 3), ("points", 1)):
            for seeds, stage in ((ours, 1), (ours, -1), (same, -1)):
                cells.append(spread([getattr(seed[stage], key) for seed in seeds], digits))
        parameters = parameter_count(build(*RECIPES[name]))
        rows.append((name, f"{parameters:,}", f"{multiply_adds(name):,.0f}", f"{seen[name]:,}", *cells))
    ways = ("first stage", "last stage", "once, as many steps")
    return Table(
        "Quality over multiply-adds",
        ("", "parameters", "multiply-adds a pixel", "patches seen", *(f"MOS of tiles, {way}" for way in ways),
         *(f"SSIMULACRA2, {way}" for way in ways)),
        tuple(rows),
        "Once: all steps aimed at HR0, by the same schedule. A pass costs the same after any stage.",
    )  # fmt: skip


def _thrice_or_once(scores: Mapping[str, _Seeds], once: Mapping[str, _Seeds], runs: Mapping[str, Run]) -> Table | None:
    """Each network after all its stages against each that is as large or larger and was trained once for as long."""
    seen = {run.options.model: _seen(run) for run in runs.values()}
    chances = [_chance(scores, key, one) for key, one in (("mos", paper_claims.ONE_SEED), ("points", ONE_SEED_POINTS))]
    rows = []
    for small, seeds in scores.items():
        for large, (control, *_) in once.items():
            times = multiply_adds(large) / multiply_adds(small)
            if times < 1:
                continue
            cells = []
            for key, digits, chance in (("mos", 3, chances[0]), ("points", 1, chances[1])):
                lead = statistics.fmean(getattr(seed[-1], key) for seed in seeds) - getattr(control[-1], key)
                said = "open" if abs(lead) < chance else "better" if lead > 0 else "worse"
                cells.append(f"{lead:+.{digits}f}: {said}")
            rows.append((small, large, f"{times:.1f}", f"{seen[large] / seen[small]:.2f}", *cells))
    if not rows:
        return None
    return Table(
        "Is a small network after all stages better than a large one trained once for as many steps?",
        ("after all stages", "trained once", "times the multiply-adds", "times the patches", "MOS of tiles",
         "SSIMULACRA2"),
        tuple(rows),
        f"The lead of the first over the second. Within {chances[0]:.3f} and {chances[1]:.1f}, the greatest standard "
        "deviations over seeds (or what is taken for them), it is left open.",
    )  # fmt: skip


def _chance(scores: Mapping[str, _Seeds], key: str, one_seed: float) -> float:
    """The greatest standard deviation over seeds."""
    spreads = [
        statistics.stdev(getattr(stage, key) for stage in stages)
        for seeds in scores.values()
        if len(seeds) > 1
        for stages in zip(*seeds, strict=True)
    ]
    return max(spreads, default=one_seed)


def _figure(scores: Mapping[str, _Seeds], once: Mapping[str, _Seeds], folder: Path) -> Figure:
    panels = {
        "MOS of tiles": ("mos", scores), f"{METRICS['ssimulacra2'].name} against sharper masters": ("points", scores),
    }  # fmt: skip
    drawn = {}
    for title, (key, found) in panels.items():
        stages = max(len(seed) for seeds in found.values() for seed in seeds)
        lines = {
            f"HR{n}": [_point(name, [getattr(seed[n], key) for seed in seeds]) for name, seeds in found.items()]
            for n in range(1, stages)
        }
        if once:
            lines[f"{CONTROL}, as many steps"] = [
                _point(name, [getattr(seed[-1], key) for seed in seeds]) for name, seeds in once.items()
            ]
        drawn[title] = lines, statistics.fmean(getattr(seed[0], key) for seeds in found.values() for seed in seeds)
    draw(drawn, folder / "networks.png")
    return Figure("Quality over multiply-adds a pixel, stages as lines", "networks.png")


def _point(name: str, values: Sequence[float]) -> Point:
    return Point(name, multiply_adds(name), statistics.fmean(values), statistics.stdev(values) if values[1:] else 0.0)
