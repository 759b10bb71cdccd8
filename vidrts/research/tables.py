"""Results of `scale`, `peers` and `segments` as rows of text."""

from collections.abc import Sequence

from vidrts.bench.table import columns, machine_line, number, others_line, percent
from vidrts.research.peers.peer_benchmark import Outcome
from vidrts.research.scale import Scaling, Step
from vidrts.research.segment_costs import SegmentCosts


def scale_lines(scaling: Scaling) -> list[str]:
    """All of a run of `scale`."""
    o = scaling.options
    blocks = [
        (str(b.frames), number(1000 * b.seconds), f"{b.memory / 2**20:,.0f}") for b in _thinned(scaling.blocks)
    ]  # fmt: skip
    return [
        machine_line(scaling.machine), "",
        *columns(("frames", "ms a frame", "MiB"), blocks, words=0),
        f"{o.model} at {o.film[0]}x{o.film[1]}: a frame of the second half takes {scaling.drift:.2f} of one of the "
        f"first; memory grew by {scaling.growth / 2**20:.1f} MiB over {o.frames - 2 * o.block} frames",
        "",
        *_steps(scaling.sizes, "size", "ns a pixel"), "",
        *_steps(scaling.networks, "network", "ns a multiply-add"),
    ]  # fmt: skip


def peer_lines(outcome: Outcome) -> list[str]:
    """All of a run of `peers`."""
    c = outcome.contest
    first = outcome.standings[0].seconds
    rows = [
        (
            s.model, s.name, number(1 / s.seconds) if s.seconds > 0 else "-",
            f"{first / s.seconds:.2f}" if s.seconds > 0 else "-", percent(s.spread), f"{s.psnr:.1f}" if s.psnr else "-",
            f"{s.memory / 2**20:,.0f}",
        )
        for s in outcome.standings if not s.absent
    ]  # fmt: skip
    heads = ("model", "", "frames/s", "of vidrts", "±", "luma dB", "MiB")
    return [
        machine_line(outcome.machine),
        f"{', '.join(c.models)}, {c.size[0]}x{c.size[1]}, H.264 in, x264 veryfast out; luma against float64",
        "",
        *columns(heads, rows, words=2),
        *(f"{s.model}, {s.name}: left out, {s.absent}" for s in outcome.standings if s.absent),
    ]


def segment_lines(costs: SegmentCosts) -> list[str]:
    """All of a run of `segments`."""
    rows = [
        (
            run.name, f"{run.seconds:.1f}", percent(run.spread),
            "-" if run.cpu_seconds is None else f"{run.cpu_seconds:.1f}", f"{run.size / 1e6:.2f}",
        )
        for run in costs.runs
    ]  # fmt: skip
    lines = [machine_line(costs.machine), "", *columns(("", "s", "±", "CPU s", "MB"), rows, words=1)]
    if costs.options.workers:
        lines.append(f"two workers make {costs.gained:.2f} times the rate of one, where two processes that share "
                     f"nothing make {costs.possible:.2f}")  # fmt: skip
    else:
        whole, cut = costs.run("whole"), costs.run("segments")
        lines.append(f"segments of {costs.options.length} s take {cut.seconds / whole.seconds:.3f} of the time of the "
                     f"whole and {cut.size / whole.size:.3f} of its bytes")  # fmt: skip
    if (join := costs.join) is not None:
        lines.append(f"{join.frames:,} tiny frames with sound, in {join.segments} segments, are joined in "
                     f"{join.seconds:.1f} s ({join.cpu_seconds:.1f} CPU s); {join.size / 1e6:.1f} MB are copied in "
                     f"{join.copy:.2f} s")  # fmt: skip
    return [*lines, *others_line(costs.others)]


def _steps(steps: Sequence[Step], head: str, unit: str) -> list[str]:
    """Time and cost of sizes of something, the cost also against the first."""
    rows = [
        (s.name, number(1000 * s.seconds), percent(s.spread), number(1e9 * s.cost), f"{s.cost / steps[0].cost:.2f}")
        for s in steps
    ]
    return columns((head, "ms", "±", unit, "of the first"), rows, words=1)


def _thinned[T](values: Sequence[T], most: int = 10) -> list[T]:
    """At most `most` of the values, evenly, the first and the last among them."""
    count = min(most, len(values))
    return [values[round(k * (len(values) - 1) / max(1, count - 1))] for k in range(count)]
