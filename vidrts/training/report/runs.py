"""Training runs as tables: the paper's Tables 1 and 2 beside its printed figures, and what it does not measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vidrts.errors import TrainingError
from vidrts.measure.registry import METRICS, MOS, VIQET
from vidrts.training.improvement import last_pair_gains, shortfalls
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.run_store import Row, RunStore
from vidrts.training.selection import Selection, select

PAPER_CHANGE = (0.95, 1.35, 1.47, 1.48, 1.51, 1.55, 1.62, 1.76)
"""The paper's Table 1: difference ratio of HR1..HR8 in percent."""
PAPER_DELTA = (0.95, 0.40, 0.12, 0.01, 0.03, 0.04, 0.07, 0.14)
VIQET_KEYS = ("mos", *(metric.key for metric in VIQET))
"""The metrics of the paper's Table 2, in its order."""
PAPER_VIQET: Mapping[str, tuple[float, ...]] = {
    "LR": (3.645, 2.8, 52.6, 311.9, 96.3, 116.8, 107.7, 156.8, 101.0, 0.1, 0.4),
    "HR0": (3.825, 2.8, 56.6, 314.8, 108.7, 117.3, 107.8, 163.6, 101.0, 0.1, 0.4),
    "HR1": (3.962, 2.8, 82.7, 322.3, 150.7, 117.7, 107.8, 182.7, 101.3, 0.1, 0.4),
    "HR2": (4.028, 2.8, 92.5, 325.3, 167.8, 118.4, 108.0, 190.0, 101.2, 0.0, 0.4),
    "HR3": (4.057, 2.8, 94.3, 326.2, 171.8, 118.0, 107.8, 191.4, 101.2, 0.0, 0.4),
    "HR4": (4.050, 2.8, 93.1, 326.7, 171.4, 117.1, 107.2, 191.1, 101.3, 0.1, 0.4),
    "HR5": (4.048, 2.8, 92.1, 326.7, 170.5, 117.7, 107.6, 190.7, 101.3, 0.1, 0.4),
    "HR6": (4.038, 2.8, 89.5, 327.6, 168.1, 116.0, 107.8, 188.2, 101.1, 0.0, 0.4),
    "HR7": (4.030, 2.8, 87.9, 329.0, 166.9, 114.6, 107.3, 186.8, 101.1, 0.1, 0.4),
    "HR8": (4.030, 2.8, 87.3, 331.1, 166.1, 111.7, 106.1, 186.2, 101.2, 0.1, 0.4),
}
"""The paper's Table 2: 100 pictures of DIV2K valid, VIQET 2.3.117.87."""
_NONE = "–"


@dataclass(frozen=True)
class Table:
    """A table for Markdown and for pages."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def markdown(self) -> str:
        """As Markdown, with its title as a heading."""
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.heads, *self.rows)]
        lines.insert(1, "|---" * len(self.heads) + "|")
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.note] if self.note else [])])


@dataclass(frozen=True)
class Run:
    """What a report needs of one run. Made by `read_run`, passive."""

    name: str
    folder: Path
    options: TrainOptions
    photographs: int | None
    """Held-out photographs over which measures are means; None where the run does not say."""
    measures: Mapping[int, Row]
    """Stage -> measures; 0 has those of HR0 and LR."""
    losses: Mapping[int, tuple[tuple[int, float], ...]]
    """Stage -> (step, mean loss) in order."""
    pair_gains: Mapping[int, float] = field(default_factory=dict)
    """Stage -> its last gain on held-out pairs, in dB."""

    @property
    def stages(self) -> tuple[int, ...]:
        """The stages that were measured, from 1."""
        return tuple(stage for stage in self.measures if stage > 0)

    @property
    def selection(self) -> Selection | None:
        """Which stage ships, if any; None while there is none."""
        deltas = {n: self.delta(n) for n in self.stages}
        scores = {n: self.measures[n]["mos"] for n in self.stages if "mos" in self.measures[n]}
        return select(scores, deltas, shortfalls(self.options, self.measures, self.pair_gains)) if deltas else None

    def delta(self, stage: int) -> float:
        """DR(HR_n, HR0) - DR(HR_{n-1}, HR0) in percent points."""
        ratios = {0: 0.0} | {n: float(self.measures[n]["difference_ratio"]) for n in self.stages}
        return ratios[stage] - ratios.get(stage - 1, 0.0)


def read_run(folder: Path) -> Run:
    """The run in a folder, finished or not; raises `TrainingError` where there is none."""
    files = RunStore(folder)
    options = files.options()
    if not isinstance(options, TrainOptions):
        raise TrainingError(f"{folder}: a run of --method {options.method}, of which there is no report")
    losses: dict[int, list[tuple[int, float]]] = {}
    for row in files.rows():
        if "loss" in row:
            losses.setdefault(row["stage"], []).append((row["step"], row["loss"]))
    manifest = files.manifest()
    held_out = [p for p in manifest["pictures"] if p["use"] == "validation"] if manifest else None
    return Run(
        folder.resolve().name, folder, options, None if held_out is None else len(held_out), files.measures(),
        {stage: tuple(points) for stage, points in losses.items()}, last_pair_gains(files.rows()),
    )  # fmt: skip


def tables(run: Run) -> tuple[Table, ...]:
    """Table 1, Table 2 where VIQET measured, and the measures that the paper lacks, of one run."""
    scored = any(key in run.measures[n] for n in run.stages for key in VIQET_KEYS)
    return (_table_1(run), _nearness(run), *([_table_2(run)] if scored else []), _price(run))


def _table_1(run: Run) -> Table:
    rows = []
    for n in run.stages:
        m = run.measures[n]
        rows.append((
            f"HR{n}", _text(m, "difference_ratio"), METRICS["delta_scalar"].number(run.delta(n)),
            _text(m, "step_ratio"), *(_nth(paper, n) for paper in (PAPER_CHANGE, PAPER_DELTA)),
            _text(m, "usm_difference_ratio"), _text(m, "usm_step_ratio"),
            _text(m, "mean_difference"), _text(m, "rms_difference"),
        ))  # fmt: skip
    null = run.measures.get(0, {}).get("null_ratio")
    return Table(
        "Table 1: difference ratio in percent",
        ("", "from HR0", "delta", "from the stage before", "paper: from HR0", "paper: delta", "unsharp: from HR0",
         "unsharp: from the one before", "mean of full scale", "rms over mean"),
        tuple(rows),
        f"Lanczos there and back, d(U(HR0)), alone changes {null:.2f} %." if null is not None else "",
    )  # fmt: skip


def _nearness(run: Run) -> Table:
    rows = []
    for n in run.stages:
        m = run.measures[n]
        spread = f" ± {m['alpha_sd']:.3f}" if "alpha_sd" in m else ""
        rows.append((
            f"SR{n}", _text(m, "psnr_lr_to_hr0"), _text(m, "psnr_lr_to_target"), _text(m, "ssim_lr_to_hr0"),
            _text(m, "ssim_lr_to_target"), _text(m, "alpha") + spread, _text(m, "alpha_correlation"),
            _text(m, "blue_difference"),
        ))  # fmt: skip
    plain = run.measures.get(0, {})
    lanczos = f"Lanczos alone comes within {_text(plain, 'psnr_lanczos_to_hr0')} dB of HR0. "
    return Table(
        "SR_n(LR) against HR0 and its target HR_{n-1}",
        ("", "PSNR to HR0, dB", "PSNR to target, dB", "SSIM to HR0", "SSIM to target", "alpha", "correlation",
         "d(s) - b, %"),
        tuple(rows),
        (lanczos if "psnr_lanczos_to_hr0" in plain else "")
        + "alpha of eq. 11 by least squares, with its spread over the photographs; the paper has 0.779 ± 0.098 in "
        "stage 1. Correlation: how well D(R(y)) and R(x) are proportional at all. d(s) - b: difference ratio of the "
        "layer at input size and HR_n, of which the paper says that they agree; no loss acts on that layer.",
    )  # fmt: skip


def _table_2(run: Run) -> Table:
    base = run.measures.get(0, {})
    held = {
        "LR": {name: base.get(f"lr_{name}") for name in VIQET_KEYS},
        "HR0": {name: base.get(name) for name in VIQET_KEYS},
        **{f"HR{n}": {name: run.measures[n].get(name) for name in VIQET_KEYS} for n in run.stages},
    }
    rows = [(version, *(METRICS[name].number(m.get(name)) for name in VIQET_KEYS)) for version, m in held.items()]
    rows += [
        (f"paper, {version}", *(METRICS[name].number(v) for name, v in zip(VIQET_KEYS, values, strict=True)))
        for version, values in PAPER_VIQET.items()
        if version in held
    ]
    return Table(
        "Table 2: VIQET",
        ("", "MOS", *(metric.title for metric in VIQET)),
        tuple(rows),
        "MOS here is that of VIQET Preview 1 day, the paper's that of VIQET 2.3: the two do not compare, their order "
        f"does. Here it is the mean over photographs of at least {MOS.smallest} pixels a side: below, it is not "
        "meaningful.",
    )


def _price(run: Run) -> Table:
    metrics = [METRICS[key] for key in ("gain_at_0.35", "ciede2000", "flat_noise", "overshoot", "flat_shift")]
    rows = [(f"HR{n}", *(_text(run.measures[n], metric.key) for metric in metrics)) for n in run.stages]
    return Table(
        "What else changes",
        ("", *(metric.title for metric in metrics)),
        tuple(rows),
        " ".join(f"{metric.name}: {metric.meaning[0].lower()}{metric.meaning[1:]}" for metric in metrics),
    )


def verdict(run: Run) -> str:
    """Both stopping rules and the stage that ships, in one line; "" while no stage is done."""
    selection = run.selection
    if selection is None:
        return ""
    scores = {n: run.measures[n]["mos"] for n in run.stages if "mos" in run.measures[n]}
    told = selection.told(scores, {n: run.delta(n) for n in run.stages})
    return told[0].upper() + told[1:] + "."


def described(run: Run) -> str:
    """The run in one line."""
    o = run.options
    over = f"; means over {run.photographs} held-out photographs" if run.photographs else ""
    return (
        f"{o.model}, LR by {o.degradation}; {o.steps:,} steps in stage 1 and {o.later_steps:,} in each later one, "
        f"batch {o.batch} of {o.patch} px, {o.optimizer}, rate {o.rate:g} and {o.later_rate:g}, {o.stage_init} start, "
        f"targets {o.aim}, seed {o.seed}{over}."
    )


def _text(measures: Row, name: str) -> str:
    return METRICS[name].number(measures.get(name))


def _nth(values: Sequence[float], n: int) -> str:
    return f"{values[n - 1]:.2f}" if n <= len(values) else _NONE
