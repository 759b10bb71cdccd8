"""The experiments: recipes of training runs that one command repeats, and the tables that answer their questions.

    python -m vidrts.research experiment kernels --photos DIR --out DIR

Each run lies in its own folder below the experiment's; what is done is not done again, so a killed experiment goes on.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidrts.compare.frames import frames, to_rgb
from vidrts.errors import OptionError
from vidrts.images import to_image
from vidrts.research import analyses, live_sizes, restoration, table_3
from vidrts.research.master_pairs import make_masters
from vidrts.research.quality_figure import Figure
from vidrts.research.some_pictures import take_some
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.recurrence import train
from vidrts.training.recurrence_options import TrainOptions
from vidrts.training.report.page import save_report
from vidrts.training.report.runs import Run, Table, read_run
from vidrts.training.run_store import RunStore
from vidrts.training.training_run import Progress

type Settings = Mapping[str, Any]
type Answer = Callable[[Mapping[str, Run], Path], Sequence[Table | Figure]]
"""Runs by their arm's name, and the experiment's folder -> its tables and figures."""

_SHORT: Settings = {
    "model": "rts-lite", "steps": 3000, "later_steps": 1500, "patch": 64, "crops": 100, "optimizer": "muon",
    "fewer": table_3.FEWER,
}  # fmt: skip
SCALES: Mapping[str, Settings] = {
    "full": {
        "steps": 200_000, "later_steps": 200_000, "patch": 128, "crops": 100, "later_rate": 1e-3, "decay": False,
    },
    "short": _SHORT,
    "brief": {**_SHORT, "patch": 32},
}  # fmt: skip
"""full: the paper's schedule, for a GPU. short: for orderings and gains, minutes a stage on two cores. brief: as many
steps on patches of a quarter, for networks that cost a hundred times as much.

fewer: network -> settings that make its steps cheaper."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question, the runs that answer it, and the tables made of them."""

    question: str
    arms: Mapping[str, Settings]
    """Name of a run -> settings that differ from those of the scale."""
    answer: Answer
    masters: bool = False
    """Train on HR0 made of the photographs, so that something sharper is known."""


_INPUTS = "inputs"
"""Folder of an experiment where runs share the inputs that they have in common; it goes when all are trained."""
_CLEAN = "jpeg:80-98 > triangle"
_GAINS_ALONE: Settings = {"stages": 4, "held_out": 4, "viqet": False}
"""Gain, change and noise differ little from picture to picture, and no score is asked for."""

EXPERIMENTS: Mapping[str, Experiment] = {
    "stages": Experiment(
        question="Tables 1 and 2, Figures 4 and 6: what do eight stages of rts-r3 change, and what do they score?",
        arms={"eight": {"model": "rts-r3", "stages": 8, "degradation": _CLEAN}},
        answer=analyses.by_stage,
    ),
    "networks": Experiment(
        question="Table 3: what do three stages do to eight networks, and are they worth more than a larger one?",
        arms=table_3.arms(_CLEAN),
        answer=table_3.answer,
    ),
    "recurrence": Experiment(
        question="Is it the recurrence, or only longer training? Four arms at equal steps.",
        arms={
            "warm": {"stage_init": "warm"}, "fresh": {"stage_init": "fresh"},
            "longer": {"aim": "originals"},
        },
        answer=analyses.four_arms,
    ),
    "masters": Experiment(
        question="HR0 made of sharper masters: does HR_n come nearer to them, and where does it invent?",
        arms={"masters": {"stages": 3, "patch": 32}},
        answer=analyses.nearer_to_masters,
        masters=True,
    ),
    "kernels": Experiment(
        question="The kernel that makes LR: does the gain follow the product formula, and what do order and JPEG do?",
        arms={
            **{
                kernel.replace(":", "-"): {"degradation": kernel, **_GAINS_ALONE}
                for kernel in ("box", "triangle", "cubic", "lanczos", "gaussian:0.7", "gaussian:1")
            },
            "jpeg-80-before": {"degradation": _CLEAN, **_GAINS_ALONE},
            "jpeg-80-after": {"degradation": "triangle > jpeg:80-98", **_GAINS_ALONE},
            "jpeg-30-after": {"degradation": "triangle > jpeg:30-95", **_GAINS_ALONE},
        },
        answer=analyses.gains,
    ),
    "linear": Experiment(
        question="What is the network worth over linear filters that change as much, on clean and compressed pictures?",
        arms={"clean": {"stages": 2, "degradation": _CLEAN}, "video": {"stages": 2, "degradation": "video"}},
        answer=analyses.against_filters,
    ),
    "denoise": Experiment(
        question="The recurrence on other tasks: does a second stage help denoising or deblurring?",
        arms=restoration.arms(),
        answer=restoration.answer,
    ),
    "live": Experiment(
        question="Which size of Live is worth its time, beside rts-lite?",
        arms=live_sizes.arms(),
        answer=live_sizes.answer,
    ),
}  # fmt: skip


def run_experiment(
    name: str,
    photos: Path,
    out: Path,
    *,
    scale: str | Settings = "short",
    device: str = "auto",
    clips: Sequence[Path] = (),
    arms: Sequence[str] = (),
    take: int | None = None,
    crop: tuple[int, int] | None = None,
    on_message: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[Progress, TrainOptions], None] = lambda progress, options: None,
) -> Path:
    """Train what is not trained yet, and write answer.md and the report of all runs; returns answer.md.

    scale: a name of `SCALES`, or settings of one's own for all arms. clips: videos; `linear` measures frames of them,
    too, the others have no use for them. arms: train only these, and answer with those that are done: several machines
    or processes can share the work. take: so many of the photographs, evenly by name; crop: (width, height) of the most
    that is taken of each. Raises `OptionError` for an
    unknown name, and what `train` raises: `TrainingError` where a run there has other settings.
    """
    if name not in EXPERIMENTS:
        raise OptionError(f"experiment {name!r}: expected one of {', '.join(EXPERIMENTS)}")
    experiment = EXPERIMENTS[name]
    if unknown := set(arms) - set(experiment.arms):
        raise OptionError(f"arm {min(unknown)!r}: expected one of {', '.join(experiment.arms)}")
    settings = SCALES[scale] if isinstance(scale, str) else scale
    for clip in clips:
        _keep_frames(clip, out / analyses.CLIPS / clip.stem)
    if take is not None:
        photos = take_some(photos, take, out / "photographs", crop)
    source = make_masters(photos, out / "pictures", on_message) if experiment.masters else photos
    done = []
    for arm, changes in experiment.arms.items():
        options = _options(source, out / arm, {"stages": 3, **settings, **changes, "device": device})
        if _done(options):
            on_message(f"{arm}: done already")
            done.append(arm)
            continue
        if arms and arm not in arms:
            continue
        on_message(f"{arm}:")
        resume = (options.out / "settings.json").is_file()
        train(options, resume=resume, on_message=on_message, on_progress=lambda p, o=options: on_progress(p, o))  # type: ignore[misc]
        done.append(arm)
    if len(done) == len(experiment.arms):
        shutil.rmtree(out / _INPUTS, ignore_errors=True)
    on_message("measuring what was trained, which takes minutes")
    runs = {arm: read_run(out / arm) for arm in done}
    parts = experiment.answer(runs, out)
    save_report([run.folder for run in runs.values()], out / "report")
    said = [f"# {name}", experiment.question, *(part.markdown() for part in parts)]
    target = out / "answer.md"
    target.write_text("\n\n".join([*said, f"The runs: [report](report/report.html), scale {_named(scale)}."]) + "\n")
    return target


def _keep_frames(clip: Path, folder: Path, count: int = 6, every: int = 5) -> None:
    """Every so-many-th of a clip's first frames that are not black, as PNG; raises what opening a video raises."""
    if folder.is_dir():
        return
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    kept = 0
    for number, frame in enumerate(frames(clip, 100 * count * every)):
        if number % every == 0 and (picture := to_rgb(frame)).mean() > 0.05:
            to_image(picture).save(part / f"{number:03}.png")
            kept += 1
            if kept == count:
                break
    part.replace(folder)


def _options(photos: Path, out: Path, settings: Settings) -> TrainOptions:
    settings = dict(settings)
    settings |= settings.pop("fewer", {}).get(settings.get("model"), {})
    degradation = Degradation(settings.get("degradation", "video"))
    pairs = Degradation(settings["pairs"], halves=False) if "pairs" in settings else None
    own = {"degradation": degradation, "pairs": pairs, "cache": str(out.parent / _INPUTS)}
    return TrainOptions(photos=photos, out=out, **{**settings, **own})


def _done(options: TrainOptions) -> bool:
    """Whether the run is there, with these settings and all its stages."""
    folder = RunStore(options.out)
    if not folder.stage_file(options.stages).is_file() or not (options.out / "selection.json").is_file():
        return False
    held, wanted = folder.options().stored(), options.stored()
    return all(held[name] == wanted[name] for name in wanted if name not in TrainOptions.free)


def _named(scale: str | Settings) -> str:
    return scale if isinstance(scale, str) else ", ".join(f"{name} {value}" for name, value in scale.items())
