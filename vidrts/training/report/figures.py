"""The figures of training runs: the paper's Figures 4, 5 and 6, the gain by frequency, and the losses, as PNG."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from vidrts.errors import VidrtsError
from vidrts.measure.registry import METRICS
from vidrts.measure.sharpness import predicted_gain
from vidrts.training.report.runs import PAPER_CHANGE, PAPER_VIQET, VIQET_KEYS, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREY = "0.62"
_GROUND, _INK = "#141414", "#e9e9e9"
_STYLE: dict[Any, Any] = {
    **{f"{part}.facecolor": _GROUND for part in ("figure", "axes", "savefig", "legend")},
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color", "legend.edgecolor"), _GREY),
}
"""As the page has it."""
_COLORS = ("#84b6da", "#f0a35e", "#9fd39a", "#e58c8a", "#c3a6e0", "#d6c36b", "#8fd6d2", "#e0a9c9")
_ZOOM = 2


def draw(runs: Sequence[Run], folder: Path) -> list[tuple[str, Path]]:
    """Draw what the runs have measured so far into `folder`; (caption, file) of each figure.

    Raises `VidrtsError` where matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise VidrtsError("figures need matplotlib: pip install matplotlib") from None
    mpl.use("Agg")
    with mpl.rc_context({**_STYLE, "axes.prop_cycle": f"cycler('color', {list(_COLORS)})"}):
        return _drawn(runs, folder)


def _drawn(runs: Sequence[Run], folder: Path) -> list[tuple[str, Path]]:
    """`draw`, in the style; what has no values is left out."""
    measured = [run for run in runs if run.stages]
    made = []
    if measured:
        made.append((
            "Figure 4: difference ratio from HR0 by stage; an unsharp mask that starts with the same change, repeated.",
            _figure_4(measured, folder / "figure-4.png"),
        ))  # fmt: skip
        if scored := [name for name in VIQET_KEYS if name != "resolution_mp" and _known(measured, name)]:
            made.append((
                "Figure 6: VIQET's measures by stage; those of the paper over its HR0, ours over ours.",
                _figure_6(measured, scored, folder / "figure-6.png"),
            ))  # fmt: skip
        if curved := [run for run in measured if any(_curve(run, n) for n in run.stages)]:
            made.append((
                "Gain by radial frequency, measured on the held-out photographs, beside the linear account's.",
                _gains(curved, folder / "gain.png"),
            ))  # fmt: skip
    for number, run in enumerate(runs, 1):
        file = folder / (f"figure-5-{number}.png" if len(runs) > 1 else "figure-5.png")
        if _figure_5(run, file):
            made.append((f"Figure 5: crops by stage, {run.name}, each pixel {_ZOOM} times as large.", file))
    if any(run.losses for run in runs):
        made.append(("Loss of training, mean between checkpoints.", _losses(runs, folder / "loss.png")))
    return made


def _figure_4(runs: Sequence[Run], file: Path) -> Path:
    figure, (axes,) = _canvas(1)
    for run in runs:
        stages = [0, *run.stages]
        (line,) = axes.plot(
            stages, [0, *(run.measures[n]["difference_ratio"] for n in run.stages)], "o-", label=run.name
        )  # fmt: skip
        if all("usm_difference_ratio" in run.measures[n] for n in run.stages):
            mask = [0, *(run.measures[n]["usm_difference_ratio"] for n in run.stages)]
            axes.plot(stages, mask, "--", color=line.get_color(), alpha=0.7, label=f"unsharp mask, {run.name}")
    last = max(n for run in runs for n in run.stages)
    paper = [0.0, *PAPER_CHANGE][: last + 1]
    axes.plot(range(len(paper)), paper, "s:", color=_GREY, label="paper")
    axes.set(xlabel="stage", ylabel="difference ratio from HR0, %", xticks=range(last + 1), ylim=(0, None))
    return _save(figure, [axes], file)


def _known(runs: Sequence[Run], name: str) -> bool:
    """Whether some run has a value of HR0 and of a stage."""
    return any(name in run.measures.get(0, {}) and name in run.measures[n] for run in runs for n in run.stages)


def _figure_6(runs: Sequence[Run], names: Sequence[str], file: Path) -> Path:
    figure, panels = _canvas(len(names), columns=min(4, len(names)))
    last = max(n for run in runs for n in run.stages)
    for axes, name in zip(panels, names, strict=True):
        whole = name in ("over_exposed_pct", "under_exposed_pct")  # near 0: a ratio would say nothing
        for run in runs:
            points = [(n, run.measures[n][name]) for n in (0, *run.stages) if name in run.measures.get(n, {})]
            if points and points[0][0] == 0:
                base = 1.0 if whole else points[0][1]
                axes.plot([n for n, _ in points], [v / base for _, v in points], "o-", label=run.name, markersize=4)
        values = [PAPER_VIQET[f"HR{n}"][VIQET_KEYS.index(name)] for n in range(min(last, 8) + 1)]
        base = 1.0 if whole else values[0]
        axes.plot(range(len(values)), [v / base for v in values], "s:", color=_GREY, label="paper", markersize=4)
        title = "MOS" if name == "mos" else METRICS[name].name
        axes.set_title(title + (", %" if whole else " / HR0"), fontsize=10)
        axes.set(xticks=range(last + 1), xticklabels=[f"HR{n}" for n in range(last + 1)])
        axes.tick_params(labelsize=8)
    return _save(figure, panels, file, legends=1)


def _curve(run: Run, stage: int) -> list[tuple[float, float]]:
    """(cycles per pixel, gain) in order."""
    return sorted((float(k[5:]), v) for k, v in run.measures[stage].items() if k.startswith("gain_0."))


def _gains(runs: Sequence[Run], file: Path) -> Path:
    figure, panels = _canvas(len(runs), columns=min(2, len(runs)))
    for axes, run in zip(panels, runs, strict=True):
        kernels = run.options.degradation.kernels
        for n in run.stages:
            curve = _curve(run, n)
            (line,) = axes.plot([f for f, _ in curve], [g for _, g in curve], label=f"HR{n}")
            if len(kernels) == 1 and run.options.aim == "recurrent":
                (taps,) = kernels.values()
                grid = [k / 100 for k in range(51)]
                axes.plot(grid, [predicted_gain(taps, n, f) for f in grid], "--", color=line.get_color(), linewidth=0.9)
        axes.axhline(1, color=_GREY, linewidth=0.8)
        note = f"LR by {', '.join(kernels)}; dashed: formula" if len(kernels) == 1 else f"LR by {', '.join(kernels)}"
        axes.set_title(f"{run.name} ({note})", fontsize=9)
        axes.set(xlabel="cycles per pixel", ylabel="gain over HR0")
    return _save(figure, panels, file)


def _losses(runs: Sequence[Run], file: Path) -> Path:
    figure, (axes,) = _canvas(1)
    for run in runs:
        color = None
        begun = 0
        for stage, points in run.losses.items():
            (line,) = axes.plot(
                [begun + step for step, _ in points], [loss for _, loss in points], color=color,
                label=run.name if stage == min(run.losses) else None, linewidth=1.2,
                marker="o" if len(points) == 1 else "",
            )  # fmt: skip
            color = line.get_color()
            if stage > min(run.losses):
                axes.axvline(begun, color=color, linewidth=0.5, linestyle=":")
            begun += points[-1][0]
    axes.set(xlabel="step; upright lines: a new stage, whose target is another", ylabel="loss", yscale="log")
    return _save(figure, [axes], file)


def _figure_5(run: Run, file: Path) -> bool:
    """Crops of the run's examples, a row for each photograph; whether there are any."""
    versions = ["LR", "HR0", *(f"HR{n}" for n in run.stages)]
    rows = list(_examples(run.folder / "examples", versions))
    if not rows:
        return False
    side, gap, label = _ZOOM * max(image.width for row in rows for image in row.values()), 6, 24
    sheet = Image.new("RGB", (len(versions) * (side + gap) - gap, label + len(rows) * (side + gap) - gap), _GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, version in enumerate(versions):
        left = column * (side + gap)
        pen.text((left + side // 2, 3), version, fill=_INK, font=font, anchor="ma")
        for number, row in enumerate(rows):
            if version in row:
                image = row[version]
                large = image.resize((image.width * _ZOOM, image.height * _ZOOM), Image.Resampling.NEAREST)
                sheet.paste(large, (left, label + number * (side + gap)))
    sheet.save(file)
    return True


def _examples(folder: Path, versions: Sequence[str]) -> Iterator[dict[str, Image.Image]]:
    number = 1
    while (folder / f"{number}-HR0.png").is_file():
        row = {}
        for version in versions:
            path = folder / f"{number}-{version}.png"
            if path.is_file():
                with Image.open(path) as image:
                    row[version] = image.convert("RGB")
        yield row
        number += 1


def _canvas(count: int, columns: int = 1) -> "tuple[Any, list[Axes]]":
    """A figure with `count` panels."""
    from matplotlib import pyplot

    rows = -(-count // columns)
    size = (7, 4.2) if count == 1 else (3.3 * columns, 2.5 * rows) if columns > 2 else (5.2 * columns, 3.6 * rows)
    figure, grid = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    panels = list(grid.flat)
    for unused in panels[count:]:
        unused.remove()
    return figure, panels[:count]


def _save(figure: Any, panels: "Sequence[Axes]", file: Path, legends: int | None = None) -> Path:
    """Finish the panels, the first `legends` (None: all) with a legend, and write the figure."""
    from matplotlib import pyplot

    for axes in panels:
        axes.grid(alpha=0.3)
    for axes in panels[:legends]:
        axes.legend(fontsize=8)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return file
