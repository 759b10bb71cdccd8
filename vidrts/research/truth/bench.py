"""`python -m vidrts.research experiment truth`: what the enhanced picture is worth, held to the truth.

    run_truth([photos2k, photos1600], out, scale="short")

It trains nothing. Photographs that no training sees decide (`training.holdout`); other pictures are only reported.
"""

import hashlib
import json
import multiprocessing
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vidrts.cores import usable_cores
from vidrts.errors import OptionError
from vidrts.files import atomic_write
from vidrts.networks.names import DEFAULT_MODEL
from vidrts.networks.shipped import find_model, shipped_models
from vidrts.research.truth.candidates import FILTERS
from vidrts.research.truth.damage import ROWS, SHORT, Row
from vidrts.research.truth.result import Result, finite, verdict
from vidrts.research.truth.sources import FRAMES, SIDE, Photo, held_out, spread
from vidrts.research.truth.tables import tables
from vidrts.research.truth.work import MADE, Film, Job, carry_out, key, start

QUESTION = "What is the enhanced picture worth, held to the truth: models at three strengths, unsharp and cas?"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    photos: int | None
    """Of the held-out photographs; None: all."""
    rows: tuple[Row, ...]
    scored: tuple[int, ...]
    """Numbers of a clip's frames that are measured, from 0."""
    models: tuple[str, ...]
    """Where none are named; empty: all that are shipped."""
    also: int
    """Pictures of `also` that are measured, one frame each."""
    film: int
    """Frames of a fixed-camera clip."""
    side: int = SIDE
    frames: int = FRAMES


SCALES: Mapping[str, Scale] = {
    "full": Scale(photos=None, rows=ROWS, scored=(6, 9), models=(), also=6, film=16),
    "short": Scale(photos=3, rows=SHORT, scored=(6,), models=(DEFAULT_MODEL, "rts-lite"), also=0, film=6),
}


def run_truth(
    photos: Sequence[Path],
    out: Path,
    *,
    scale: str | Scale = "short",
    models: Sequence[str] = (),
    device: str = "auto",
    clips: Sequence[Path] = (),
    also: Path | None = None,
    workers: int | None = None,
    on_message: Callable[[str], None] = lambda line: None,
) -> Path:
    """Measure, and write answer.md and truth.json below `out`; returns answer.md.

    photos: folders, of each of which the held-out photographs decide. models: names or files; the first sets the change
    that filters are held to. clips: of fixed cameras, for flicker. also: a folder of pictures that are only reported.
    Spoiled clips are kept in `out`, so that a second run with other models encodes nothing, and so is what was found of
    each photograph, so that a run that was stopped goes on. Raises `InputError`,
    `ModelError`, `MissingPackageError`, `OptionError`.
    """
    how = SCALES[scale] if isinstance(scale, str) else scale
    names = tuple(models) or how.models or _default_first(tuple(shipped_models(1)))
    for name in names:
        find_model(name)
    titled = tuple(zip(_titles(names), names, strict=True))
    began = time.monotonic()

    def job(photo: Photo, scored: tuple[int, ...], decides: bool) -> Job:
        return Job(photo, how.rows, scored, titled, device, out / "clips", decides, how.side, how.frames)

    jobs = [job(photo, how.scored, True) for photo in held_out(photos)[: how.photos]]
    if also and how.also:
        jobs += [job(photo, how.scored[:1], False) for photo in spread(also, how.also)]
    films = [Film(clip, how.film, titled, device) for clip in clips]
    out.mkdir(parents=True, exist_ok=True)
    found = _measured([*films, *jobs], out / "found", workers or usable_cores(), on_message)
    result = Result(
        {row.name: row.kind for row in how.rows}, _titles(names),
        {j.photo.path.name: found[j] for j in jobs if j.decides},
        {j.photo.path.name: found[j] for j in jobs if not j.decides},
        {f.clip.name: found[f] for f in films},
    )  # fmt: skip
    return _write(result, jobs, how, out, time.monotonic() - began, on_message)


def _titles(names: Sequence[str]) -> tuple[str, ...]:
    """Shipped models by their names, files by the last folder and their own."""
    shipped = shipped_models()
    titles = tuple(name if name in shipped else "/".join(Path(name).with_suffix("").parts[-2:]) for name in names)
    if len(set(titles)) < len(titles):
        raise OptionError(f"models {', '.join(titles)}: expected each once, of different names")
    return titles


def _measured(
    work: Sequence[Job | Film], kept: Path, workers: int, tell: Callable[[str], None]
) -> dict[Job | Film, Any]:
    """What each job found, by as many processes as `workers`, by this one itself where it is one; kept as files."""
    kept.mkdir(exist_ok=True)
    files = {about: kept / f"{_about(about)}.json" for about in work}
    found: dict[Job | Film, Any] = {about: json.loads(f.read_text()) for about, f in files.items() if f.is_file()}

    def done(about: Job | Film, result: Any) -> None:
        found[about] = result
        with atomic_write(files[about]) as part:
            part.write_text(json.dumps(result))
        tell(f"{len(found)} of {len(work)}: {_file(about).name}")

    left = [about for about in work if about not in found]
    if workers == 1:
        for about in left:
            done(about, carry_out(about))
    elif left:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(left)), mp_context=context, initializer=start) as pool:
            waiting = {pool.submit(carry_out, about): about for about in left}
            try:
                for future in as_completed(waiting):
                    done(waiting[future], future.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return found


def _file(about: Job | Film) -> Path:
    return about.clip if isinstance(about, Film) else about.photo.path


def _about(about: Job | Film) -> str:
    """A name for what a job finds: by its own settings, what its models and its source hold, and the filters' grids."""
    contents = [find_model(file).read_bytes() for _, file in about.models] + [_file(about).read_bytes()]
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    grids = {name: tried.grid for name, tried in FILTERS.items()}
    return key(MADE, digests, grids, about)


def _write(
    result: Result, jobs: Sequence[Job], how: Scale, out: Path, seconds: float, tell: Callable[[str], None]
) -> Path:
    verdicts = {model: verdict(result, model) for model in result.models}
    photos = [f"{j.photo.path.parent.name}/{j.photo.path.name}: {j.photo.motion}" for j in jobs if j.decides]
    about = {
        "photos": photos, "also": [f"{j.photo.path.name}: {j.photo.motion}" for j in jobs if not j.decides],
        "side": how.side, "frames": how.frames, "scored": how.scored, "seconds": round(seconds),
        "machine": {"system": f"{platform.system()} {platform.machine()}", "cores": usable_cores(),
                    "python": platform.python_version(), "torch": torch.__version__},
    }  # fmt: skip
    said = {model: [asdict(v) | {"met": v.met} for v in found] for model, found in verdicts.items()}
    (out / "truth.json").write_text(json.dumps({"about": about, **result.stored(), "verdicts": finite(said)}, indent=1))
    numbers = ", ".join(map(str, how.scored))
    clips = f"{len(photos)} photographs decide, as clips of {how.frames} frames, {how.side}x{how.side} pixels;"
    parts = [
        "# truth", QUESTION, *(table.markdown() for table in tables(result, verdicts)),
        f"{clips} frames {numbers} are measured, from 0: {'; '.join(photos)}.",
    ]  # fmt: skip
    answer = out / "answer.md"
    answer.write_text("\n\n".join(parts) + "\n")
    for model in result.models:
        gain, harm = result.frontier(model)
        met = f"{sum(v.met for v in verdicts[model])} of {len(verdicts[model])} demands met"
        tell(f"{model} x1: {gain:+.2f} dB on soft rows, {harm:+.2f} dB on sharp ones; {met}")
    tell(f"{seconds:.0f} s")
    return answer


def _default_first(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (name != DEFAULT_MODEL, name)))
