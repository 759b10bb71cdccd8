"""The tables with which each experiment answers its question; each takes runs by name and the experiment's folder."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from PIL import Image

from vidrts.measure.difference import difference_ratio, step_ratio
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.luma import luma
from vidrts.measure.metric import Metric
from vidrts.measure.registry import METRICS
from vidrts.measure.sharpness import predicted_gain, radial_gain
from vidrts.networks.checkpoint import load_model
from vidrts.research import baselines, held_out, paper_claims
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.report.runs import Run, Table
from vidrts.training.report.runs import tables as run_tables
from vidrts.training.run_store import RunStore
from vidrts.training.validation import GAIN_AT

type Runs = Mapping[str, Run]

CLIPS = "clips"
"""The folder of an experiment that has a folder of frames for each clip."""
_BESIDE_FILTERS = (
    "difference_ratio", "mos", "edge_acutance", "texture_acutance", "overshoot", "noise_gain", "block_borders",
)  # fmt: skip
"""The metrics of the network and of filters."""
COMPRESSED = ("jpeg:40", "h264:30", "hevc:32")
"""What the held-out photographs go through, at their own size, to stand for frames of compressed video."""


def by_stage(runs: Runs, folder: Path) -> list[Table]:
    """The claims that each run can judge, and its Tables 1 and 2."""
    return [table for run in runs.values() for table in (paper_claims.of_stages(run), *run_tables(run))]


def four_arms(runs: Runs, folder: Path) -> list[Table]:
    """Recurrence warm and fresh, longer training on the originals, and SR_1 frozen and applied to its own output."""
    warm = runs["warm"]
    originals = held_out.originals(warm)
    enhance = held_out.enhancer(warm, 1)
    before, rows = originals, []
    for stage in range(1, len(warm.stages) + 1):
        after = [enhance(p) for p in before]
        rows.append((
            f"HR{stage}", METRICS["difference_ratio"].number(held_out.mean_of(difference_ratio, after, originals)),
            METRICS["step_ratio"].number(held_out.mean_of(step_ratio, after, before)),
            METRICS["gain_at_0.35"].number(_gain(after, originals)), METRICS["mos"].number(held_out.mos(after)),
        ))  # fmt: skip
        before = after
    frozen = Table(
        "Frozen: SR_1 applied again and again",
        ("", *(METRICS[key].title for key in ("difference_ratio", "step_ratio", "gain_at_0.35", "mos"))), tuple(rows),
    )  # fmt: skip
    keys = ("difference_ratio", "step_ratio", "gain_at_0.35", "mos", "alpha", "psnr_lr_to_hr0", "flat_noise")
    return [*(table for key in keys for table in each(runs, METRICS[key])), frozen]


def nearer_to_masters(runs: Runs, folder: Path) -> list[Table]:
    """HR_n against the sharper truth: fidelity, and in which areas it is farther from it than HR0 is."""
    tables = []
    for name, run in runs.items():
        paths = [Path(p["path"]) for p in held_out.pictures_of(run)]
        truths = [held_out.unit(read_picture(folder / "pictures" / "truth" / path.name)) for path in paths]
        versions = list(held_out.versions(run))
        rows = []
        for stage, pictures in enumerate(versions):
            shares = [areas_apart(p, o, t) for p, o, t in zip(pictures, versions[0], truths, strict=True)]
            rows.append((
                f"HR{stage}", METRICS["psnr_rgb"].number(held_out.mean_of(psnr, pictures, truths)),
                METRICS["ssim"].number(held_out.mean_of(lambda a, b: ssim(luma(a), luma(b)), pictures, truths)),
                *(f"{statistics.fmean(share[k] for share in shares):.2f}" for k in range(3)),
            ))  # fmt: skip
        tables.append(Table(
            f"{name}: against the sharper truth",
            ("", METRICS["psnr_rgb"].title, METRICS["ssim"].title, "error in flat areas", "in texture", "at edges"),
            tuple(rows),
            "Errors are means of |HR_n - truth| over those of HR0: below 1 nearer to the truth, above 1 invented. "
            "Flat, texture, edges: luma of the truth spans below 0.04, up to 0.2, and more within 5x5 pixels.",
        ))  # fmt: skip
    return tables


def gains(runs: Runs, folder: Path) -> list[Table]:
    """Gain at 0.35 cycles per pixel of each stage beside the product formula."""
    rows = []
    for name, run in runs.items():
        (taps,) = run.options.degradation.kernels.values()
        cells = []
        for n in run.stages:
            cells += [f"{run.measures[n]['gain_at_0.35']:.2f}", f"{predicted_gain(taps, n, GAIN_AT):.2f}"]
        rows.append((name, *cells, f"{run.measures[run.stages[-1]]['difference_ratio']:.2f}"))
    stages = max(len(run.stages) for run in runs.values())
    heads = [text for n in range(1, stages + 1) for text in (f"HR{n}", f"HR{n}, formula")]
    note = "The formula holds along an axis, for a network that inverts the kernel perfectly and does nothing else."
    return [
        Table("Gain at 0.35 cycles per pixel", ("LR by", *heads, "from HR0, %"), tuple(rows), note),
        *each(runs, METRICS["flat_noise"]),
    ]


def against_filters(runs: Runs, folder: Path) -> list[Table]:
    """The network beside filters: on the held-out photographs, on compressed versions of them, on frames of clips."""
    tables = []
    for name, run in runs.items():
        models = [load_model(RunStore(run.folder).stage_file(n)) for n in run.stages]
        kinds = {kind: _compressed(run, kind, folder / "compressed" / kind.replace(":", "-"))
                 for kind in ("clean", *COMPRESSED)}  # fmt: skip
        for clip in sorted((folder / CLIPS).glob("*")):
            kinds[f"frames of {clip.name}"] = sorted(clip.glob("*.png"))
        for kind, files in kinds.items():
            comparison = baselines.compare(files, models, workers=1 if len(files) < 8 else None)
            rows = []
            for row in comparison.rows:
                if row.name != "LR":
                    rows.append((
                        row.name,
                        *(METRICS[key].number(row.values[key]) for key in _BESIDE_FILTERS),
                    ))  # fmt: skip
            heads = ("", *(METRICS[key].title for key in _BESIDE_FILTERS))
            note = f"Block borders: {METRICS['block_borders'].meaning}"
            tables.append(Table(f"{name} on pictures: {kind}", heads, tuple(rows), note))
    return tables


def over_seeds(runs: Runs) -> Iterator[Table]:
    """Each network's figures, with their standard deviation over the seeds."""
    for measure in ("mos", "difference_ratio", "gain_at_0.35", "psnr_lr_to_hr0", "flat_noise"):
        values: dict[str, dict[int, list[float]]] = {}
        for run in runs.values():
            for n in run.stages:
                if measure in run.measures[n]:
                    values.setdefault(run.options.model, {}).setdefault(n, []).append(run.measures[n][measure])
        if values:
            stages = sorted({n for held in values.values() for n in held})
            rows = [(network, *(spread(held.get(n, ())) for n in stages)) for network, held in values.items()]
            measured_on = {tuple(p["name"] for p in held_out.pictures_of(run)) for run in runs.values()}
            note = (
                "Each seed is measured on other photographs: most of the spread is theirs."
                if len(measured_on) > 1
                else ""
            )
            yield Table(METRICS[measure].title, ("", *(f"HR{n}" for n in stages)), tuple(rows), note)


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean, with the standard deviation where there are several."""
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def each(runs: Runs, metric: Metric) -> list[Table]:
    """One metric of all runs, a column for each stage; nothing where no run has it."""
    stages = sorted({n for run in runs.values() for n in run.stages if metric.key in run.measures[n]})
    rows = [
        (name, *(metric.number(run.measures.get(n, {}).get(metric.key)) for n in stages)) for name, run in runs.items()
    ]  # fmt: skip
    return [Table(metric.title, ("", *(f"HR{n}" for n in stages)), tuple(rows))] if stages else []


def _gain(pictures: Sequence[torch.Tensor], originals: Sequence[torch.Tensor]) -> float:
    def at(enhanced: torch.Tensor, source: torch.Tensor) -> float:
        frequencies, curve = radial_gain(enhanced, source)
        return curve[int(np.argmin([abs(f - GAIN_AT) for f in frequencies]))]

    return held_out.mean_of(at, pictures, originals)


def areas_apart(picture: torch.Tensor, original: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, float]:
    """Error against the truth over that of the original in flat areas, texture and at edges; 1 where there is none."""
    plane = luma(truth)[None]
    span = (F.max_pool2d(plane, 5, 1, 2) + F.max_pool2d(-plane, 5, 1, 2))[0]
    errors = [(p - truth).abs().mean(dim=0) for p in (picture, original)]
    shares = []
    for low, high in ((-1.0, 0.04), (0.04, 0.2), (0.2, 2.0)):
        inside = (span > low) & (span <= high)
        before = float(errors[1][inside].sum())
        shares.append(float(errors[0][inside].sum()) / before if before else 1.0)
    return shares[0], shares[1], shares[2]


def _compressed(run: Run, kind: str, folder: Path) -> list[Path]:
    """The held-out photographs after one step of a degradation, as PNG, or as they are for "clean"."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed, picture in enumerate(held_out.pictures_of(run)):
        samples = read_picture(Path(picture["path"]))
        if kind != "clean":
            samples = Degradation(kind, halves=False)(samples, seed)
        file = folder / f"{seed:03}.png"
        Image.fromarray(samples.permute(1, 2, 0).contiguous().numpy()).save(file)
        files.append(file)
    return files
