"""A figure of quality over multiply-adds, with stages as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A picture in an answer; `file` lies beside it."""

    title: str
    file: str

    def markdown(self) -> str:
        """As Markdown."""
        return f"![{self.title}]({self.file})"


@dataclass(frozen=True)
class Point:
    """A network at one stage."""

    network: str
    multiply_adds: float
    """Per pixel."""
    quality: float
    deviation: float
    """Over seeds; 0 for one."""


type Lines = Mapping[str, Sequence[Point]]
"""What a line stands for -> its networks, in order of their multiply-adds."""

CONTROL = "trained once"
_GREY = "0.45"


def draw(panels: Mapping[str, tuple[Lines, float]], file: Path, start: str = "HR0") -> None:
    """Write a PNG: for each title its lines, and the quality of what `start` names. A line whose name begins with
    "trained once" is a control, grey and dashed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(6.2 * len(panels), 4.6), layout="constrained", squeeze=False
    )
    for panel, (title, (lines, before)) in zip(axes.flat, panels.items(), strict=True):
        places: dict[str, float] = {}
        for number, (name, points) in enumerate(lines.items()):
            control = name.startswith(CONTROL)
            panel.errorbar(
                [p.multiply_adds for p in points], [p.quality for p in points], [p.deviation for p in points],
                fmt="s--" if control else "o-", color=_GREY if control else f"C{number}", capsize=2, markersize=4,
                label=name,
            )  # fmt: skip
            places |= {p.network: p.multiply_adds for p in points}
        panel.axhline(before, color="0.7", linewidth=0.8, linestyle=":", label=start)
        panel.set(xscale="log", xlabel="multiply-adds a pixel", title=title)
        for number, (network, at) in enumerate(sorted(places.items(), key=lambda place: place[1])):
            panel.annotate(
                network, (at, 0.02 + 0.05 * (number % 3)), xycoords=("data", "axes fraction"), fontsize=8, ha="center"
            )  # fmt: skip
        low, high = panel.get_ylim()
        panel.set_ylim(low - 0.25 * (high - low), high)
        panel.grid(alpha=0.3)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
