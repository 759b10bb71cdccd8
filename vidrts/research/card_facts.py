"""What every model card has: the table at its top, the command that repeats the training, and what people wrote."""

import shlex
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from vidrts.networks.checkpoint import LoadedModel, read_info
from vidrts.networks.live import Live
from vidrts.networks.registry import parameter_count
from vidrts.training.degradation.presets import PAIR_PRESETS, PRESETS
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.lr_cache import step_weights
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.runs import Run, verdict
from vidrts.training.run_store import RunStore

WRITTEN = "## What it says"
"""The heading from which on a card is written by people."""


def facts(run: Run, model: LoadedModel, *, by_rules: bool) -> list[str]:
    """The table at the card's top."""
    o, info = run.options, model.info
    estimate = parameter_count(model.network.blur_level) if model.network.blur_level else 0
    upscaler = {n: p for n, p in model.network.named_parameters() if not n.startswith("blur_level.")}
    weights = sum(p.numel() for p in upscaler.values() if p.ndim > 1)
    work = f"{weights:,} weights = multiply-adds per pixel"
    if isinstance(model.network, Live):
        fold = model.network.fold
        work = f"{weights:,} weights, {weights / fold**2:,.0f} multiply-adds per pixel: {fold}x{fold} pixels are one"
    rows = {
        "network": f"{info.architecture.upper()}, " + ", ".join(f"{k} = {v}" for k, v in info.numbers.items()),
        "parameters": f"{parameter_count(model.network):,} ({work})"
        + (f", and {estimate:,} that estimate the blur levels" if estimate else ""),
        **({"scale": f"{info.scale} alone"} if info.scale != 1 else {}),
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
                + (f", with {o.teacher_weight:g} of what {o.teacher} makes of their inputs" if o.teacher else "")
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
            else {"input": "luma, three times: inner channels need not keep colours (see `networks/rts.py`)"}
            if info.numbers.get("luma_input")
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
            + f"{o.stage_init} start; seed {o.seed}; bf16 autocast where the processor computes it"
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


def training_command(options: TrainOptions) -> str:
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


def written_part(card: Path) -> str:
    """What people wrote into the card before."""
    held = card.read_text() if card.is_file() else ""
    return held[held.index(WRITTEN) :] if WRITTEN in held else f"{WRITTEN}\n\nNobody has looked at this model yet."
