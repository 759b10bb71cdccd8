"""A comparison as one HTML file that needs nothing else: styles, script and pictures are in it."""

import base64
import json
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template

from vidrts.compare.comparison import Comparison
from vidrts.compare.moment_selection import LEAST
from vidrts.compare.plots import clock, plot, timeline
from vidrts.compare.snapshot import Plate, gain
from vidrts.compare.tables import tables

_VERDICTS = {"": "", "same": "as the source"} | {
    word: f"{word} <span>than the source</span>" for word in ("less", "more")
}
_GRADES = {"": "", "less": "lower", "same": "the same", "more": "higher"}
"""Where the source's own value stands before the result's."""


def render(comparison: Comparison) -> str:
    """The page, whole."""
    assets = files("vidrts.compare") / "assets"
    style, script, template = ((assets / f"page.{kind}").read_text("utf-8") for kind in ("css", "js", "html"))
    plates = list(enumerate(comparison.plates, 1))
    return Template(template).substitute(
        title=escape(comparison.title),
        generator=f"vidrts {version('vidrts')}",
        style=style.strip(),
        script=script.strip(),
        files=_files(comparison),
        headlines=_headlines(comparison),
        plates="\n".join(_plate(comparison, number, plate) for number, plate in plates),
        sides=_sides(comparison),
        shown=f'<p class="shown">{escape(" ".join(comparison.shown))}</p>' if comparison.shown else "",
        timeline=timeline(comparison) if len(comparison.samples) > 1 else "",
        thumbnails="\n".join(_thumbnail(number, plate) for number, plate in plates),
        plots=_plots(comparison),
        tables=tables(comparison),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in _notes(comparison)),
        data=_data(comparison),
    )


def _files(comparison: Comparison) -> str:
    """The names of both sides."""
    source, results = comparison.source, comparison.results
    sides = [("source", "Source", source.name, source.facts)]
    if len(results) == 1:
        sides.append(("result", "Result", *results[0]))
    else:
        sides.append(("result", "Results", "; ".join(name for name, _ in results), results[0][1]))
    return "\n".join(
        f'<div class="of-{kind}"><dt>{label}</dt><dd><b>{escape(name)}</b> <span>{escape(facts)}</span></dd></div>'
        for kind, label, name, facts in sides
    )


def _headlines(comparison: Comparison) -> str:
    """The key figures, where there is one result."""
    if len(comparison.results) > 1:
        return ""
    items = []
    for gauge in comparison.gauges:
        if gauge.headline:
            average = comparison.average(gauge)
            verdict = gauge.verdict(average)
            words = _VERDICTS if average is None or average.source is None else _GRADES
            items.append(
                f'<li class="{verdict}"><span>{escape(gauge.name)}</span> <b>{gauge.told(average)}</b> '
                f"<i>{words[verdict]}</i></li>"
            )
    return f'<ul class="headlines" aria-label="Key figures, means">{"".join(items)}</ul>'


def _plate(comparison: Comparison, number: int, plate: Plate) -> str:
    """All pictures of a moment."""
    names = [f"the source, {comparison.source.name}", *(f"the result, {name}" for name, _ in comparison.results)]
    width, height = plate.size
    images = [
        f'<img src="data:image/{plate.format};base64,{base64.b64encode(data).decode()}" width="{width}" '
        f'height="{height}" alt="Frame at {clock(plate.time)} of {escape(name)}" draggable="false">'
        for data, name in zip(plate.pictures, names, strict=True)
    ]
    return f'<div class="plate" id="moment-{number}">{"".join(images)}</div>'


def _thumbnail(number: int, plate: Plate) -> str:
    """The button that shows a moment."""
    picture = base64.b64encode(plate.thumbnail).decode()
    return (
        f'<li><button type="button"><img src="data:image/webp;base64,{picture}" alt="">'
        f"<small><b>{number}</b> {clock(plate.time)}<br>{escape(plate.why)}</small></button></li>"
    )


def _sides(comparison: Comparison) -> str:
    """Which picture is on which side, where there are more than two."""
    if len(comparison.results) < 2:
        return ""
    pickers = []
    for side, chosen in (("left", 0), ("right", 1)):
        options = "".join(
            f'<option value="{k}"{" selected" if k == chosen else ""}>{escape(name)}</option>'
            for k, name in enumerate(comparison.sides)
        )
        label = f"<span>{side.title()}</span>"
        pickers.append(f'<label class="pick">{label} <select id="{side}">{options}</select></label>')
    return "\n".join(pickers)


def _plots(comparison: Comparison) -> str:
    """The section of plots, where there is a course of time to show."""
    if len(comparison.samples) < 2:
        return ""
    drawn = "\n".join(plot(comparison, gauge) for gauge in comparison.gauges)
    return (
        '<section class="part" aria-labelledby="plots-title"><h2 id="plots-title">Over time</h2>'
        f"<p>{len(comparison.samples)} moments. Upright lines: those shown above. Dashed: where a result that equals "
        f'its source lies.</p><div class="plots">{drawn}</div></section>'
    )


def _notes(comparison: Comparison) -> list[str]:
    """How pictures and numbers came about."""
    notes = list(comparison.notes)
    if comparison.samples:
        notes.append("Times count from the source's first frame; frames are matched by time.")
    else:
        notes.append(
            "Times count from the first frame. Frames are shown as the encoder gets them, before it loses any of it."
        )
    return [
        *notes,
        "Measures are of whole frames, of the coded signal with 0 to 1 as full scale.",
        "Pictures are 8 bit and lossless; the difference is that of the pictures as they are shown here.",
    ]


def _data(comparison: Comparison) -> str:
    """What the script has to know, as JSON that is safe inside a script element."""
    plates = comparison.plates
    data = {
        "sides": comparison.sides,
        "gain": gain(plates),
        "first": max(range(len(plates)), key=lambda k: (plates[k].why != LEAST, plates[k].reach)),
        "moments": [
            {
                "time": clock(plate.time),
                "why": plate.why,
                "size": plate.size,
                "spot": plate.spot,
                "values": [[[g.name, g.told(r[g.key])] for g in comparison.gauges] for r in plate.readings],
            }
            for plate in plates
        ],
    }
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
