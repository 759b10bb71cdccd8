"""Options of `vidrts enhance` for runs in segments: --segment, --resume, --ray and theirs."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import click

from vidrts.cli.parsing import TIME
from vidrts.segments.options import LENGTH, Segments

LONG_JOBS = ("segment", "resume", "restart", "ray", "ray_shared")
_OPTIONS = (
    click.option(
        "--segment", type=TIME, metavar="SECONDS",
        help=f"Enhance in segments of about this length, each encoded on its own; default with --resume: {LENGTH}.",
    ),
    click.option(
        "--resume", is_flag=True,
        help="Keep finished segments in OUT.vidrts, and go on where an earlier run of this command ended, however it "
        "did.",
    ),
    click.option("--restart", is_flag=True, help="As --resume, but begin anew."),
    click.option(
        "--ray", metavar="auto|ADDRESS",
        help="Let the nodes of a Ray cluster make the segments; auto: the cluster that this machine belongs to.",
    ),
    click.option("--ray-shared", is_flag=True, help="All nodes see OUT's directory, and write segments there."),
)  # fmt: skip


def long_job_options[F: Callable[..., Any]](command: F) -> F:
    """All of them."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def segments_of(given: Mapping[str, Any]) -> Segments | None:
    """How a run is cut, by these options' values; None: it is not. Raises `OptionError`."""
    resume = given["resume"] or given["restart"]
    segments = Segments(
        LENGTH if given["segment"] is None else given["segment"], resume=resume, restart=given["restart"],
        ray=given["ray"], ray_shared=given["ray_shared"],
    )  # fmt: skip
    return segments if resume or given["segment"] is not None or given["ray"] is not None else None
