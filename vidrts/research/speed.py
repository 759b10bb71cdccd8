"""The figure of models/bench that shows how fast machines are, from what `vidrts bench --json` kept of them.

python -m vidrts.research.speed models/bench/*.json models/speed.png
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from vidrts.errors import InputError

Values = Mapping[str, Any]
PARTS = ("decode", "colour in", "blur level", "network", "tail", "write-back", "encode")
"""In the order of a frame's way; what they are called in the JSON."""
_COLORS = ("#8da0cb", "#a6d854", "#e78ac3", "#fc8d62", "#e5c494", "#66c2a5", "#b3b3b3")


def segments(result: Values, whole: Values) -> list[tuple[str, float]]:
    """(part, its time alone over the whole pipeline's time of a frame), those that were measured.

    They add up to more than 1 as far as the parts ran at the same time.
    """
    found = []
    for name in PARTS:
        row = next((r for r in result["rows"] if r["kind"] == "part" and r["name"] == name and _fits(r, whole)), None)
        if row is not None:
            found.append((name, row["seconds"] / whole["seconds"]))
    return found


def _fits(part: Values, whole: Values) -> bool:
    return all(part[key] in ("", whole[key]) for key in ("size", "model", "engine", "preset"))


def title(whole: Values) -> str:
    """What a bar stands for."""
    rate = whole["rate"]
    told = f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"
    return f"{whole['model']}, {whole['size']}\n{whole['engine']}: {told} frames/s"


def read(file: Path) -> Values:
    """A kept result; raises `InputError`."""
    try:
        values: Values = json.loads(file.read_text())
        if not any(row["kind"] == "whole" for row in values["rows"]):
            raise InputError(f"{file}: holds no whole pipeline; run `vidrts bench --json {file.name}` again")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: is no result of `vidrts bench --json` ({error})") from None
    return values


def draw(results: Sequence[Values], target: Path) -> None:
    """One panel for each machine, one bar for each pipeline: its parts one after another, the whole as a line."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    counts = [sum(row["kind"] == "whole" for row in result["rows"]) for result in results]
    figure, panels = pyplot.subplots(
        len(results), 1, figsize=(8, 1.5 + 0.62 * sum(counts) + 0.5 * len(results)), layout="constrained",
        squeeze=False, gridspec_kw={"height_ratios": counts},
    )  # fmt: skip
    colors = dict(zip(PARTS, _COLORS, strict=True))
    for result, axes in zip(results, panels[:, 0], strict=True):
        wholes = [row for row in result["rows"] if row["kind"] == "whole"]
        for place, whole in enumerate(wholes):
            left = 0.0
            for name, share in segments(result, whole):
                axes.barh(place, share, left=left, color=colors[name], edgecolor="white", height=0.7)
                if share > 0.05:
                    axes.text(left + share / 2, place, f"{100 * share:.0f}", ha="center", va="center", fontsize=8)
                left += share
        axes.axvline(1, color="black", linewidth=1)
        axes.set_yticks(range(len(wholes)), [title(whole) for whole in wholes], fontsize=8)
        axes.invert_yaxis()
        machine = result["machine"]
        named = ", ".join([*machine["gpus"], f"{machine['cpu']}, {machine['cores']} cores"])
        axes.set_title(f"{named}, x264 {wholes[0]['preset']}", fontsize=9, loc="left")
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.tick_params(axis="x", labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[-1, 0].set_xlabel("time of each part alone; 100 % (the line) is what a frame takes file to file", fontsize=8)
    handles = [mpl.patches.Patch(color=colors[name], label=name) for name in PARTS]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(PARTS), fontsize=8, frameon=False)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


@click.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.argument("target", type=click.Path(path_type=Path))
def command(files: tuple[Path, ...], target: Path) -> None:
    """Draw FILES, what `vidrts bench --json` kept of machines, into TARGET, a picture."""
    draw([read(file) for file in files], target)


if __name__ == "__main__":
    command()
