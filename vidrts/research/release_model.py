"""A finished run as a model that ships: its file, its card, and the plot of its gain.

python -m vidrts.research.release_model RUN rts-lite --about "..." --photos Kodak24 --clip "fixed camera=FILE" \
  --stage 2 --truth truth.json --title lite/stage-2 --before old/rts-lite

The stage is chosen by the paper's rules, or by whoever publishes: by the truth bench, whose results then go into the
card. What people have written into the card stays: all from `card_facts.WRITTEN` on.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import torch

from vidrts.errors import OptionError
from vidrts.images import read_photo
from vidrts.measure.registry import METRICS
from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import load_model, save_model
from vidrts.research import baselines
from vidrts.research.analyses import spread
from vidrts.research.card_facts import facts, training_command, written_part
from vidrts.research.model_card import clip_part, photo_part, precision_part, stage_figures
from vidrts.research.truth.card import truth_part
from vidrts.training.report.runs import Run, Table, read_run
from vidrts.training.run_store import RunStore

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
    `OptionError` for a run that is not finished, has no such stage or none that improves on its input, and what reading
    a model raises.
    """
    selection = run.selection
    if stage and stage not in run.stages:
        raise OptionError(f"stage {stage}: {run.folder} has {', '.join(map(str, run.stages)) or 'none'}")
    if not stage and (selection is None or len(run.stages) < run.options.stages):
        raise OptionError(f"{run.folder}: expected a finished run; resume it with `vidrts train --resume {run.folder}`")
    if not stage and selection and selection.shipped is None:
        raise OptionError(f"{run.folder}: {Message(Code.NO_STAGE_IMPROVES, reasons=selection.reasons)}")
    last = stage or (selection and selection.shipped) or 1
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
        f"# {name}", about, "\n".join(facts(run, chosen, by_rules=not stage)), "    " + training_command(run.options),
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
