"""Applying a degrader to pictures and videos: what comes of it depends on the file and a seed alone."""

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vidrts import color, colorplan
from vidrts.errors import InputError, Interrupted, OutputError, VidrtsError, add
from vidrts.files import atomic_write
from vidrts.frame import Frame
from vidrts.images import as_rgb, read_picture, to_image
from vidrts.media.read.open import open_video
from vidrts.media.write.open import open_target
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message, Once, Tell, ignore
from vidrts.training.corpus import SUFFIXES
from vidrts.training.degrader.control import MOST_DIFFERENCE, MOST_DISPLACED
from vidrts.training.degrader.damage import Damaged, Damager

MANIFEST = "manifest.jsonl"


def apply_to_folder(
    source: Path,
    target: Path,
    damager: Damager,
    *,
    seed: int = 1,
    overwrite: bool = False,
    on_message: Tell = ignore,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Write each picture of a folder, damaged, as PNG, and a line on each in `MANIFEST`; (written, dropped).

    A snapshot is drawn for each picture. Pictures that come out in other colours or displaced are dropped. The
    manifest, of {"file", "of", "views", "psnr", "difference", "displaced", "kept"}, is written last. Raises
    `InputError`, `OutputError`.
    """
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{source}: holds no picture; expected PNG, JPEG, TIFF, WebP or BMP files")
    names = _names(source, files)
    if (target / MANIFEST).exists() and not overwrite:
        raise OutputError(f"{target}: holds damaged pictures already; -y overwrites them")
    if target.resolve() == source.resolve():
        raise OutputError(f"{target}: is the folder of the pictures themselves; choose another output")
    lines, dropped = [], 0
    for number, path in enumerate(files):
        made = damager(as_rgb(read_picture(path, on_message)), _rng(seed, path.relative_to(source).as_posix()))
        name = names[number]
        with _writing(target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            if made.fit.keeps:
                save_png(target / name, made.picture)
            else:
                dropped += 1
                (target / name).unlink(missing_ok=True)  # of an earlier run
        lines.append(json.dumps({"file": name, "of": path.relative_to(source).as_posix(), **_about(made)}) + "\n")
        on_picture(number + 1, len(files))
    with _writing(target / MANIFEST), atomic_write(target / MANIFEST) as part:
        part.write_text("".join(lines))
    if dropped:
        on_message(_dropped(dropped, len(files)))
    return len(files) - dropped, dropped


def apply_to_video(
    source: str | os.PathLike[str],
    target: Path,
    damager: Damager,
    *,
    seed: int = 1,
    overwrite: bool = False,
    on_message: Tell = ignore,
    on_frame: Callable[[int, int | None], None] = lambda done, total: None,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> int:
    """Write a video, every frame damaged by one snapshot that is drawn for the whole; all else is kept; the frames.

    Frames that come out in other colours or displaced are counted in a message. A run that ends early keeps what is
    done as `vidrts enhance` does. Raises a `VidrtsError`.
    """
    tell = Once(on_message)
    rng = _rng(seed, Path(source).name)
    drawn = damager.draw(rng)
    frames = beyond = 0
    with (
        open_video(source, on_message=tell, stop_signal=stop_signal) as reader,
        open_target(target, reader.input, EncodeOptions(overwrite=overwrite), on_message=tell) as writer,
    ):
        try:
            for event in reader.events(writer.streams):
                if not isinstance(event, Frame):
                    writer.write(event)
                    continue
                planes, kept = _damaged(event, damager, rng, drawn, tell)
                writer.write(replace(event, planes=planes))
                frames, beyond = frames + 1, beyond + (not kept)
                on_frame(frames, reader.info.frames)
                if (number := stop_signal()) is not None:
                    raise Interrupted(f"stopped after {frames} frames; kept in {writer.keep_partial()}", number)
            if not frames:
                raise InputError(f"{source}: no frames")
            writer.finish()
        except VidrtsError as error:
            if not isinstance(error, Interrupted) and (kept_in := writer.rescue()) is not None:
                add(error, kept_in)
            raise
        if (lost := reader.lost.summary()) is not None:
            tell(lost)
    if beyond:
        on_message(Message(
            Code.FRAMES_BEYOND_LIMITS, count=beyond, total=frames, difference=MOST_DIFFERENCE, pixels=MOST_DISPLACED
        ))  # fmt: skip
    return frames


def save_png(path: Path, picture: torch.Tensor) -> None:
    """(3, H, W) in 0..1 as PNG of 8 bit, whole or not at all; raises OSError."""
    with atomic_write(path) as part, part.open("wb") as file:
        to_image(picture).save(file, "PNG")


def _damaged(
    frame: Frame, damager: Damager, rng: np.random.Generator, drawn: int, tell: Tell
) -> tuple[tuple[torch.Tensor, ...], bool]:
    """Its planes, damaged, and whether they are within the limits."""
    tags, line = colorplan.assume(frame.color, frame.format, frame.height)
    if line:
        tell(line)
    plan = colorplan.plan(tags, frame.format)
    made = damager(color.to_rgb(frame.planes, plan).clamp(0, 1), rng, drawn)
    planes = color.from_rgb(made.picture, plan)
    written = planes[: len(frame.planes)]
    return (*written, *frame.planes[len(written) :]), made.fit.keeps


def _names(source: Path, files: Sequence[Path]) -> list[str]:
    """Of the PNG files: those of the pictures, which keep their suffix where two would have one name."""
    plain = [path.relative_to(source).with_suffix(".png").as_posix() for path in files]
    return [
        name if plain.count(name) == 1 else path.relative_to(source).as_posix() + ".png"
        for name, path in zip(plain, files, strict=True)
    ]


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng((seed, zlib.crc32(name.encode())))


def _about(made: Damaged) -> dict[str, object]:
    return {
        "views": made.snapshot.views, "psnr": round(made.snapshot.psnr, 3),
        "difference": round(made.fit.difference, 3), "displaced": round(made.fit.displaced, 3), "kept": made.fit.keeps,
    }  # fmt: skip


def _dropped(count: int, total: int) -> Message:
    return Message(Code.PAIRS_DROPPED, count=count, total=total, difference=MOST_DIFFERENCE, pixels=MOST_DISPLACED)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
