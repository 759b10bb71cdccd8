"""A finished run of `vidrts train --scale 2` as a model that ships: its file, its card, and crops of what it makes.

python -m vidrts.research.release_2x RUN rts-r3-2x --about "..." --photos Set5/HR --photos Set14/HR --crf 23 \
  --crop Set14/HR/zebra.png:96x96+100+200

What people have written into the card stays: all from `card_facts.WRITTEN` on.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import click
import torch
from PIL import Image

from vidrts.errors import OptionError
from vidrts.images import read_photo
from vidrts.measure.luma import luma
from vidrts.networks.checkpoint import LoadedModel, load_model, save_model
from vidrts.picture.device import pick_device
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.research.card_facts import facts, training_command, written_part
from vidrts.research.figures import labelled_row, stacked
from vidrts.research.standard_test import lanczos, resized, run_standard_test
from vidrts.training.report.runs import Run, read_run
from vidrts.training.run_store import RunStore


@dataclass(frozen=True)
class Crop:
    """A part of a picture, in pixels of the result."""

    picture: Path
    width: int
    height: int
    x: int
    y: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of FILE:WxH+X+Y; raises `OptionError` for anything else."""
        found = re.fullmatch(r"(.+):(\d+)x(\d+)\+(\d+)\+(\d+)", text)
        if found is None:
            raise OptionError(f"--crop {text}: expected FILE:WxH+X+Y")
        return cls(Path(found[1]), *map(int, found.groups()[1:]))


def publish(
    run: Run, name: str, about: str, sets: Sequence[Path], folder: Path, *, crfs: Sequence[int] = (),
    crops: Sequence[Crop] = (),
) -> Path:  # fmt: skip
    """Write name.safetensors, name.md and, with crops, name-crops.webp into `folder`; returns the card.

    sets, crfs: of the standard test. Raises `OptionError` for a run for another scale, one that is not finished
    or no better than Lanczos, and what the test raises.
    """
    if run.options.scale != 2 or not run.stages:
        raise OptionError(f"{run.folder}: expected a finished run of `vidrts train --scale 2`")
    if run.selection and run.selection.shipped is None:
        raise OptionError(f"{run.folder}: no stage improves on its input ({run.selection.reasons}); train longer")
    model = load_model(RunStore(run.folder).stage_file(1))
    chosen = replace(model, info=replace(model.info, name=name, figures={}))
    file = folder / f"{name}.safetensors"
    save_model(file, chosen.network, chosen.info)
    with TemporaryDirectory() as work:
        answer = run_standard_test(sets, Path(work), [str(file)], crfs=crfs).read_text().replace(str(file), name)
    tables = answer.split("\n", 1)[1].strip().replace("### ", "## ")
    parts = [
        f"# {name}", about, "\n".join(facts(run, chosen, by_rules=False)), "    " + training_command(run.options),
        tables, "    " + _test_command(name, sets, crfs),
    ]  # fmt: skip
    if crops:
        _crops(chosen, crops).save(folder / f"{name}-crops.webp", quality=92)
        parts.append(f"![Crops: the truth, bicubic, Lanczos, {name}, of LR by bicubic, in luma]({name}-crops.webp)")
    card = folder / f"{name}.md"
    card.write_text("\n\n".join([*parts, written_part(card)]).rstrip() + "\n")
    return card


def _test_command(name: str, sets: Sequence[Path], crfs: Sequence[int]) -> str:
    words = ["python -m vidrts.research experiment x2"]
    words += [f"--photos {shlex.quote('/'.join(folder.parts[-2:]))}" for folder in sets]
    words += [f"--crf {crf}" for crf in crfs]
    return " ".join([*words, f"--model {name} --out OUT"])


def _crops(model: LoadedModel, crops: Sequence[Crop]) -> Image.Image:
    """A row for each crop: the truth and what enlarges LR by 2, each with the truth's own colour differences."""
    device = pick_device("auto")
    upscaler = TiledUpscaler(model.network, device, torch.float32, scale=2)
    rows = []
    for crop in crops:
        rgb = read_photo(crop.picture)
        rgb = rgb[:, : rgb.shape[1] // 2 * 2, : rgb.shape[2] // 2 * 2]
        low = torch.stack([torch.from_numpy(resized(channel.double().numpy(), 0.5)).float() for channel in rgb])
        truth, dull = luma(rgb), luma(low).double().numpy()
        lumas = {
            "truth": truth,
            "bicubic": torch.from_numpy(resized(dull, 2)),
            "Lanczos-3": torch.from_numpy(lanczos(dull)),
            model.info.name: luma(upscaler(low.clamp(0, 1)[None].to(device))[0].cpu()),
        }
        part = (slice(None), slice(crop.y, crop.y + crop.height), slice(crop.x, crop.x + crop.width))
        pictures = [(title, (rgb + (y - truth)[None]).float().clamp(0, 1)[part]) for title, y in lumas.items()]
        rows.append(labelled_row(pictures, zoom=2))
    return stacked(rows)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("name")
@click.option("--about", required=True, help="One sentence: what it is.")
@click.option("--photos", "sets", multiple=True, required=True, type=click.Path(path_type=Path), help="As x2's.")
@click.option("--crf", "crfs", multiple=True, type=click.IntRange(0, 51), help="As x2's.")
@click.option("--crop", "crops", multiple=True, metavar="FILE:WxH+X+Y", help="A row of the card's picture.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
def command(
    run: Path, name: str, about: str, sets: tuple[Path, ...], crfs: tuple[int, ...], crops: tuple[str, ...], out: Path
) -> None:
    """Make a run for scale 2 a model that ships, with its card."""
    click.echo(publish(read_run(run), name, about, sets, out, crfs=crfs, crops=[Crop.parse(text) for text in crops]))


if __name__ == "__main__":
    command()
