"""A comparison as one HTML file that needs nothing else: styles, script and pictures are in it."""

from typing import Any

from vidrts import pages
from vidrts.compare.comparison import Comparison
from vidrts.compare.moment_selection import LEAST
from vidrts.compare.plots import clock, plot, timeline
from vidrts.compare.snapshot import gain


def render(comparison: Comparison) -> str:
    """The page as HTML."""
    plots = (plot(comparison, metric) for metric in comparison.metrics) if comparison.samples else ()
    return pages.render(
        "comparison.html",
        title=comparison.title,
        comparison=comparison,
        timeline=timeline(comparison) if len(comparison.samples) > 1 else None,
        plots=[drawn for drawn in plots if drawn],
        notes=_notes(comparison),
        data=_data(comparison),
        clock=clock,
    )


def _notes(comparison: Comparison) -> list[str]:
    """How pictures and numbers came about."""
    if comparison.samples:
        times = "Times count from the source's first frame; frames are matched by time."
    else:
        times = (
            "Times count from the first frame. Frames are shown as the encoder gets them, before it loses any of it."
        )
    return [
        *comparison.notes,
        times,
        "Metrics are those of full frames, of the coded signal with 0 to 1 as full scale.",
        "Pictures are 8 bit and lossless; the difference is that of the pictures as they are shown here.",
    ]


def _data(comparison: Comparison) -> dict[str, Any]:
    """What the script has to know."""
    snapshots = comparison.snapshots
    return {
        "sides": comparison.sides,
        "gain": gain(snapshots),
        "first": max(range(len(snapshots)), key=lambda k: (snapshots[k].why != LEAST, snapshots[k].reach)),
        "moments": [
            {
                "time": clock(snapshot.time),
                "why": snapshot.why,
                "size": snapshot.size,
                "spot": snapshot.spot,
                "values": [
                    [[metric.name, metric.show(readings.get(metric.key))] for metric in comparison.metrics]
                    for readings in snapshot.readings
                ],
            }
            for snapshot in snapshots
        ],
    }
