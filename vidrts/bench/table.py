"""A result as rows of text, for a terminal or a README."""

from collections.abc import Mapping, Sequence

from vidrts.bench.machine import Machine
from vidrts.bench.result import Result, Row

_OTHERS = 0.05
"""Share of the cores' time taken by others above which a line warns."""
HEADS = ("part", "what", "size", "frames/s", "ms", "±", "CPU ms", "of ceiling")

QUICK_HEADS = ("model", "1080p frames/s", "hours for a film of 2 hours")
_HD, _FILM = 1920 * 1080, 2 * 3600 * 24


def quick_rows(speeds: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Of the source's pixels per second; the film has 24 frames/s."""
    return [(name, hd_rate(rate), f"{_FILM * _HD / rate / 3600:.1f}") for name, rate in speeds.items()]


def hd_rate(pixels: float) -> str:
    """Frames of 1080p per second, for pixels per second."""
    rate = pixels / _HD
    return f"{rate:.1f}" if rate >= 1 else f"{rate:.2f}"


def machine_line(m: Machine) -> str:
    """The machine and the versions in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in m.versions.items())
    gpus = f"; {', '.join(m.gpus)}" if m.gpus else ""
    memory = f"{m.memory / 2**30:.0f} GiB"
    return f"{m.cpu}, {m.cores} cores, {m.threads} torch threads, {memory}{gpus}; {m.system}; {versions}"


def ceiling_lines(result: Result) -> list[str]:
    """Each ceiling in its unit."""
    rows = [row for row in result.rows if row.kind == "ceiling"]
    return [f"{row.name}: {quantity(row.amounts[row.name] / row.seconds, row.unit)}/s ± {percent(row.spread)}"
            for row in rows]  # fmt: skip


def part_rows(result: Result) -> list[tuple[str, ...]]:
    """One row of cells for each part and pipeline, under `HEADS`, sizes together."""
    sizes = dict.fromkeys(row.size for row in result.rows if row.kind != "ceiling")
    return [
        _cells(result, row) for size in sizes for row in result.rows if row.kind != "ceiling" and row.size == size
    ]  # fmt: skip


def ratio_lines(result: Result) -> list[str]:
    """What counts, in words: of each pipeline its rate, overlap, and how the rest compares with the network."""
    lines = []
    for row in result.wholes:
        network = result.part(row, "network")
        slowest, overlap = result.slowest(row), result.overlap(row)
        facts = [f"{row.rate:.2f} frames/s file to file"]
        if overlap is not None and slowest is not None:
            facts.append(f"overlap {overlap:.2f} ({slowest.name} alone {slowest.rate:.2f})")
        if network is not None:
            facts.append(f"{network.seconds / row.seconds:.2f} of the network alone ({network.rate:.2f})")
            if (share := result.share(network)) is not None:
                facts.append(f"network at {percent(share)} of its roofline")
        if (besides := result.besides(row)) is not None:
            facts.append(f"colour, tail and write-back {percent(besides)} of the network's CPU time")
        facts.append(f"cores busy {percent(result.busy(row))}")
        lines.append(f"{row.model}, {row.size}, {row.engine}, x264 {row.preset}: {'; '.join(facts)}")
    return lines


def result_lines(result: Result) -> list[str]:
    """All of a run of `vidrts bench`."""
    return [
        machine_line(result.machine), *ceiling_lines(result), "", *columns(HEADS, part_rows(result)), "",
        *ratio_lines(result), *others_line(result.others),
    ]  # fmt: skip


def others_line(others: float | None) -> list[str]:
    """A warning where other processes took more than a little of the machine."""
    if others is None or others < _OTHERS:
        return []
    return [f"other processes took {percent(others)} of the cores: repeat on an idle machine"]


def quantity(value: float, unit: str) -> str:
    """A rate in the fitting decimal multiple: 412 GFLOP, 18.3 GB."""
    for prefix in ("", "k", "M", "G"):
        if value < 1000:
            return f"{value:.3g} {prefix}{unit}"
        value /= 1000
    return f"{value:.3g} T{unit}"


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 3) -> list[str]:
    """Rows of cells as aligned lines; the first `words` columns are words, the others numbers."""
    widths = [max(len(row[k]) for row in (heads, *rows)) for k in range(len(heads))]
    lines = []
    for row in (heads, *rows):
        sized = enumerate(zip(row, widths, strict=True))
        cells = [cell.ljust(width) if k < words else cell.rjust(width) for k, (cell, width) in sized]
        lines.append("  ".join(cells).rstrip())
    return lines


def number(value: float) -> str:
    """Four significant digits, never as a power of ten."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _cells(result: Result, row: Row) -> tuple[str, ...]:
    what = " ".join(word for word in (row.model, row.engine, row.preset) if word)
    share = result.share(row)
    return (
        row.name, what, row.size, number(row.rate), number(1000 * row.seconds), percent(row.spread),
        number(1000 * row.cpu_seconds), "-" if share is None else percent(share),
    )  # fmt: skip


def percent(ratio: float) -> str:
    """Without decimals."""
    return f"{100 * ratio:.0f} %"
