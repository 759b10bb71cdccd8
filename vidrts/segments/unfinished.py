"""Runs that ended before their output was complete, by what they left on the disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidrts.segments.journal import CUTS, SUFFIX, Journal, read_plan, segments_noted

SOURCE = "source"
"""Of a plan: its name."""


@dataclass(frozen=True)
class Unfinished:
    """A run that the same command goes on with."""

    target: Path
    source: str
    """Its name as it was then; "?" where the plan is damaged."""
    done: int
    """Segments."""
    count: int
    """Of all segments; 0 where the plan is damaged."""


def unfinished(folder: Path) -> Iterator[Unfinished]:
    """The unfinished runs whose outputs are to be in `folder` and the folders in it, by name."""
    for state in sorted(folder.rglob(f"*{SUFFIX}")):
        target = state.with_name(state.name.removesuffix(SUFFIX))
        if not state.is_dir() or Journal(target).joined:
            continue
        plan = read_plan(state)
        cuts = plan.get(CUTS)
        count = len(cuts) + 1 if isinstance(cuts, list) else 0
        yield Unfinished(
            target=target, source=str(plan.get(SOURCE, "?")),
            done=segments_noted(state), count=count,
        )  # fmt: skip
