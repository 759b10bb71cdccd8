"""A finished run as a model that ships: its file, its card, and the plot of its gain.

python -m vidrts.research.release_model RUN rts-lite --about "..." --photos Kodak24 --clip "fixed camera=FILE" \
  --stage 2 --truth truth.json --title lite/stage-2 --before old/rts-lite

The stage is chosen by the paper's rules, or by whoever publishes: by the truth bench, whose results then go into the
card. What people have written into the card stays: all from `WRITTEN` on.
"""

import shlex
from collections.abc import Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path

import click
import torch

from vidrts.errors import OptionError
from vidrts.images import read_photo
from vidrts.measure.registry import METRICS
from vidrts.networks.checkpoint import LoadedModel, load_model, read_info, save_model
from vidrts.networks.registry import parameter_count
from vidrts.research import baselines
from vidrts.research.analyses import spread
from vidrts.research.model_card import clip_part, photo_part, precision_part, stage_figures
from vidrts.research.truth.card import truth_part
from vidrts.training.degradation.presets import PAIR_PRESETS, PRESETS
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.lr_cache import step_weights
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import Run, Table, read_run, verdict
from vidrts.training.run_store import RunStore

WRITTEN = "## What it says"
"""The heading from which on a card is written by people."""
_STAGES = (
    "psnr_lr_to_hr0", "psnr_lr_to_target", "difference_ratio", "step_ratio", "mos", "gain_at_0.35", "ciede2000",
    "flat_noise", "overshoot", "flat_shift",
)  # fmt: skip
"""The metrics of a stage that a card has."""


def publish(
    run: Run,
    name: str,
    about: str,
    photos: Path,
    clips: Sequence[tuple[str, Path]],
    seeds: Sequence[Run],
    folder: Path,
    count: int = 16,
    *,
    stage: int = 0,
    truth: Sequence[str] = (),
) -> Path:
    """Write name.safetensors, name.md and name-controls.png into `folder`; returns the card.

    photos: a folder of PNG pictures that were not trained on. clips: (name, file), `count` frames of each; the first
    one's flicker is the key figure. seeds: runs of one recipe and other seeds, for error bars. stage: the one to ship,
    0 for that of the paper's rules. truth: what the truth bench says of it, in Markdown (`research.truth.card`). Raises
    `OptionError` for a run that is not finished or has no such stage, and what reading a model raises.
    """
    selection = run.selection
    if stage and stage not in run.stages:
        raise OptionError(f"stage {stage}: {run.folder} has {', '.join(map(str, run.stages)) or 'none'}")
    if not stage and (selection is None or len(run.stages) < run.options.stages):
        raise OptionError(f"{run.folder}: expected a finished run; resume it with `vidrts train --resume {run.folder}`")
    last = stage or (selection.shipped if selection else 1)
    stages = [load_model(RunStore(run.folder).stage_file(n)) for n in range(1, last + 1)]
    chosen = replace(stages[-1], info=replace(stages[-1].info, name=name))
    files = sorted(photos.rglob("*.png"))
    pictures = [read_photo(file) for file in files]
    photo, filmed = photo_part(chosen, pictures), [clip_part(chosen, what, file, count) for what, file in clips]
    comparison = baselines.compare(files, stages, workers=1 if len(files) < 8 else None)
    baselines.plot(comparison, folder / f"{name}-controls.png")
    figures = {**photo.figures, **(filmed[0].figures if filmed else {})}
    save_model(folder / f"{name}.safetensors", chosen.network, replace(chosen.info, figures=figures))
    parts = [
        f"# {name}", about, "\n".join(_facts(run, chosen, by_rules=not stage)), "    " + _command(run.options),
        *(["## Held to the truth", *truth] if truth else []),
        "## Stages, on the held-out photographs", _stages(run).markdown().split("\n\n", 1)[1],
        *_error_bars(seeds, pictures[:8]),
        "## Measured on what it was not trained on", "    " + _publishing(name, photos, clips, seeds),
        _MEASURED.rstrip() + ("\n" + _FORMULA if any("formula" in row for row in photo.rows) else ""),
        f"### Photographs: {photos.name}, {len(files)} pictures", "\n".join(photo.rows),
        *([f"### Clips: first {count} frames", "\n".join((*_CLIPS, *(r for part in filmed for r in part.rows)))]
          if filmed else []),
        "### Precisions", _PRECISIONS, "\n".join(precision_part(chosen, pictures[:8], clips, count).rows),
        "## Beside plain filters", _FILTERS.format(last=chosen.info.stage, count=len(files)),
        baselines.markdown(comparison),
        f"![Gain by radial frequency of the stages and of filters]({name}-controls.png)",
    ]  # fmt: skip
    card = folder / f"{name}.md"
    card.write_text("\n\n".join([*parts, written_part(card)]).rstrip() + "\n")
    return card


_FORMULA = """\
"formula" is the gain of a perfect linear inverse of the triangle (the product of D/B over the stages)."""
_MEASURED = """\
"unsharp mask" has sigma 1 and the amount that changes each picture by as much. Flicker is the mean frame-to-frame
change over that of the source, where the source stands still; flat noise the noise of the flattest tenth of blocks over
that of the source.
"""
_CLIPS = (
    "| clip | difference ratio | flicker | unsharp's | flat noise | unsharp's |", "|---|---|---|---|---|---|",
)  # fmt: skip
_PRECISIONS = """\
Of the residual branch on a CPU: against float64, and whether scores and flicker notice."""
_FILTERS = """\
LR is the photograph as the training degrades it, HR0 the photograph, HR1 to HR{last} what the stages make of it; the
others are FFmpeg's unsharp (5x5) and cas, and the linear filter that inverts the triangle, each so strong that it
changes every picture by as much as the last stage; and the linear filter that has HR{last}'s own mean gain. Means over
{count} pictures."""


def _facts(run: Run, model: LoadedModel, *, by_rules: bool) -> list[str]:
    """The table at the card's top."""
    o, info = run.options, model.info
    estimate = parameter_count(model.network.blur_level) if model.network.blur_level else 0
    upscaler = {n: p for n, p in model.network.named_parameters() if not n.startswith("blur_level.")}
    weights = sum(p.numel() for p in upscaler.values() if p.ndim > 1)
    rows = {
        "network": f"{info.architecture.upper()}, " + ", ".join(f"{k} = {v}" for k, v in info.numbers.items()),
        "parameters": f"{parameter_count(model.network):,} ({weights:,} weights = multiply-adds per pixel)"
        + (f", and {estimate:,} that estimate the blur levels" if estimate else ""),
        "stage shipped": (
            f"{info.stage} of {o.stages}. {verdict(run)}"
            if by_rules
            else f"{info.stage}, chosen by hand; {len(run.stages)} of {o.stages} planned were trained."
        ),
        "LR": f"`{o.degradation}`"
        + "".join(f" (`--degrade {n}`)" for n, t in PRESETS.items() if t == info.degradation),
        **(
            {
                "pairs": f"`{o.pairs}`, weight {o.pair_weight:g}, floor {o.pair_floor:g}, truth: "
                + ("HR0" if o.pair_aim == "originals" else "HR of the stage before")
            }
            if o.pairs
            else {}
        ),
        "steps": _steps([recipe for recipe in (o.degradation, o.pairs) if recipe]),
        **(
            {
                "input": "luma, and two blur levels of the whole picture, estimated of each frame (see "
                "`networks/blur_level.py`)"
            }
            if info.numbers.get("blur_level")
            else {}
        ),
        "colour": "trained on luma alone (`--chroma keep`)" if info.colour == "luma" else "trained on R'G'B'",
        "data": f"{_trained_on(run)}, and {run.photographs} photographs more held out: see [data](data.md)",
        "data hash": f"`{info.data_hash}`",
        "training": (
            _start(run)
            + f"{o.crops} crops a photograph of {2 * o.patch} px, batch {o.batch}, {o.steps:,} steps at {o.rate:g} for "
            f"stage 1, {o.later_steps:,} at {o.later_rate:g} for each later one"
            + (", along a cosine; " if o.decay else "; ")
            + ("Adam, and Muon for the inner convolutions; " if o.optimizer == "muon" else "Adam; ")
            + f"{o.flats} flat patches beside each batch; "
            + ("the mean of Phase B's targets locked; " if o.lock_mean else "")
            + (f"photographs shrunk to {o.shrink:g} to {o.shrink_below:g}, " if o.shrink != 1 else "")
            + (f"{100 * o.grey:g} % of crops grey, " if o.grey else "")
            + (f"{o.rendered} pages of text and line art, " if o.rendered else "")
            + ("turned and mirrored; " if o.turn else "")
            + f"{o.stage_init} start; seed {o.seed}; bf16 autocast"
        ),
        "licence": info.licence,
    }
    return ["| | |", "|---|---|", *(f"| {title} | {text.replace('|', r'\|')} |" for title, text in rows.items())]


def _steps(recipes: Sequence[Degradation]) -> str:
    """What the steps of recipes do, and the hashes of weights that they use."""
    kinds = {kind: None for recipe in recipes for kind in recipe.kinds}
    weights = [f"Weights of `{step}`: `{digest}`." for step, digest in step_weights(*recipes).items()]
    return " ".join([*(f"`{kind}`: {kind.about}" for kind in kinds), *weights])


def _start(run: Run) -> str:
    """What the first stage began as, where it was not new weights."""
    file = RunStore(run.folder).init_file
    if not file.is_file():
        return ""
    before = read_info(file)
    return f"started from the weights of {before.name}, stage {before.stage}, as it was before; "


def _trained_on(run: Run) -> str:
    manifest = RunStore(run.folder).manifest()
    names = [p["name"] for p in manifest["pictures"] if p["use"] == "training"] if manifest else []
    stills = sum(name.startswith("stills-") for name in names)
    return f"{len(names) - stills} photographs" + (f", {stills} stills or drawn pages" if stills else "")


def _command(options: TrainOptions) -> str:
    """The line that repeats a training: what differs from the defaults."""
    words = ["vidrts train --photos PHOTOS --model", options.model]
    for f in fields(TrainOptions):
        value, default = (
            getattr(options, f.name),
            f.default_factory() if f.default_factory is not MISSING else f.default,
        )
        if f.name in ("photos", "out", "model", *TrainOptions.free) or value == default:
            continue
        flag = "flat-patches" if f.name == "flats" else f.name.replace("_", "-")
        if f.name == "degradation":
            text = str(value)
            words.append(f"--degrade {next((n for n, t in PRESETS.items() if t == text), shlex.quote(text))}")
        elif f.name == "pairs":
            text = str(value)
            words.append(f"--pairs {next((n for n, t in PAIR_PRESETS.items() if t == text), shlex.quote(text))}")
        elif f.name == "init":
            words.append("--init BEFORE.safetensors")
        elif isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            words += [f"--{flag} {shlex.quote(Path(one).name)}" for one in value]
        else:
            words.append(f"--{flag} {value}")
    return " ".join([*words, "--out RUN"])


def _publishing(name: str, photos: Path, clips: Sequence[tuple[str, Path]], seeds: Sequence[Run]) -> str:
    words = ["python -m vidrts.research.release_model RUN", name, "--about TEXT --photos", photos.name]
    words += [f"--clip {shlex.quote(f'{what}={file.name}')}" for what, file in clips]
    words += [f"--seed-run {run.name}" for run in seeds]
    return " ".join(words)


def _stages(run: Run) -> Table:
    known = [METRICS[key] for key in _STAGES if all(key in run.measures[n] for n in run.stages)]
    rows = [(str(n), *(metric.text(run.measures[n][metric.key]) for metric in known)) for n in run.stages]
    before = run.measures.get(0, {}).get("mos")
    note = f"HR0 itself scores {METRICS['mos'].number(before)}. " if before is not None else ""
    note += (
        "The last column is the greatest shift of a channel over 27 flat colours (10, 50 and 90 % in each of R', G', "
        "B') in code values of 8 bit (`vidrts.measure.color_shift.flat_shift`)."
    )
    return Table("Stages", ("stage", *(metric.name for metric in known)), tuple(rows), note)


def _error_bars(seeds: Sequence[Run], pictures: Sequence[torch.Tensor]) -> list[str]:
    if not seeds:
        return ["There is one run of one seed: no error bars."]
    o = seeds[0].options
    told = (
        f"Mean and standard deviation of {len(seeds)} runs that differ in nothing but the seed ({o.model}, "
        f"`{o.degradation}`, {o.steps:,} and {o.later_steps:,} steps), each a mean of the same {len(pictures)} "
        "photographs that none was trained on."
    )
    stages = seeds[0].stages
    values: dict[str, dict[int, list[float]]] = {}
    for run in seeds:
        for n in stages:
            for key, value in stage_figures(load_model(RunStore(run.folder).stage_file(n)), pictures).items():
                values.setdefault(key, {}).setdefault(n, []).append(value)
    rows = [(METRICS[key].title, *(spread(held[n]) for n in stages)) for key, held in values.items()]
    table = Table("Error bars", ("", *(f"HR{n}" for n in stages)), tuple(rows))
    return ["### Error bars", told, table.markdown().split("\n\n", 1)[1]]


def written_part(card: Path) -> str:
    """What people wrote into the card before."""
    held = card.read_text() if card.is_file() else ""
    return held[held.index(WRITTEN) :] if WRITTEN in held else f"{WRITTEN}\n\nNobody has looked at this model yet."


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--about", required=True, help="One sentence: what it is.")
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="PNG pictures that were not trained on.")
@click.option("--clip", "clips", multiple=True, metavar="NAME=FILE", help="The first one's flicker is the key figure.")
@click.option("--frames", "count", type=int, default=16, show_default=True, help="Frames of each clip.")
@click.option("--seed-run", "seeds", multiple=True, type=click.Path(path_type=Path), help="Runs for error bars.")
@click.option("--stage", type=int, default=0, help="The stage to ship, instead of the paper's rules.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.json of a bench that has measured it.")
@click.option("--title", default="", help="The model's name in truth.json; without, its own.")
@click.option("--before", default="", help="Name in truth.json of the weights before it.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
def command(
    run: Path,
    name: str,
    about: str,
    photos: Path,
    clips: tuple[str, ...],
    count: int,
    seeds: tuple[Path, ...],
    stage: int,
    truth: Path | None,
    title: str,
    before: str,
    out: Path,
) -> None:
    """Make a run a model that ships, with its card."""
    held = truth_part(truth, title or name, before) if truth else ()
    pairs = [(what, Path(file)) for what, _, file in (clip.partition("=") for clip in clips)]
    click.echo(
        publish(
            read_run(run), name, about, photos, pairs, [read_run(s) for s in seeds], out, count, stage=stage, truth=held
        )
    )


if __name__ == "__main__":
    command()
