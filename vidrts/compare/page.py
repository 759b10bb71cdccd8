"""A comparison as one HTML file that needs nothing else: styles, script and pictures are in it."""

import base64
from typing import Any

from vidrts import pages
from vidrts.compare.clip import Clip
from vidrts.compare.comparison import Comparison
from vidrts.compare.plots import clock, plot, timeline
from vidrts.compare.snapshot import gain


def render(comparison: Comparison) -> str:
    """The page as HTML."""
    drawn = [plot(comparison, metric) for metric in comparison.metrics] if len(comparison.samples) > 1 else []
    plots = [one for one in drawn if one]
    return pages.render(
        "comparison.html",
        title=comparison.title,
        comparison=comparison,
        timeline=timeline(comparison) if len(comparison.samples) > 1 else None,
        plots=[one for one in plots if not one.constant],
        constant=[one for one in plots if one.constant],
        verdicts=comparison.verdicts,
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
    files = [f"{comparison.source.name}: {comparison.source.facts}", *(": ".join(one) for one in comparison.results)]
    return [
        *files,
        *comparison.notes,
        times,
        "Metrics are those of full frames, of the coded signal with 0 to 1 as full scale.",
        "Pictures are 8 bit and lossless; the difference is that of the pictures as they are shown here.",
        *(
            ["What is played is a part of the picture, compressed, around the place that changed most."]
            if comparison.clip
            else []
        ),
    ]


def _clip(clip: Clip | None) -> dict[str, Any] | None:
    if clip is None:
        return None
    return {
        "moment": clip.moment, "at": clip.at, "size": clip.size,
        "times": [round(float(time - clip.times[0]), 6) for time in clip.times],
        "clock": [clock(time) for time in clip.times],
        "sides": [[base64.b64encode(frame).decode() for frame in side] for side in clip.sides],
    }  # fmt: skip


def _data(comparison: Comparison) -> dict[str, Any]:
    """What the script has to know."""
    snapshots = comparison.snapshots
    return {
        "sides": comparison.sides,
        "gain": gain(snapshots),
        "first": comparison.first,
        "verdicts": comparison.verdicts,
        "clip": _clip(comparison.clip),
        "moments": [
            {
                "time": clock(snapshot.time),
                "why": snapshot.why,
                "size": snapshot.size,
                "spot": snapshot.spot,
                "values": [
                    [[m.name, m.show(readings.get(m.key))] for m in comparison.metrics if m.headline]
                    for readings in snapshot.readings
                ],
            }
            for snapshot in snapshots
        ],
    }
