"""What an enhancing run says of itself: choices, progress, messages, the summary."""

from typing import TYPE_CHECKING

from vidrts.cli import log
from vidrts.cli.plan_lines import details, headline
from vidrts.cli.progress_bar import Steps
from vidrts.cli.progress_format import ProgressFormat
from vidrts.cli.progress_writer import ProgressWriter
from vidrts.cli.words import counted, human_size, human_time, spoken_time
from vidrts.messages import Code

if TYPE_CHECKING:
    from vidrts.dry_run import Estimate
    from vidrts.plan import Plan
    from vidrts.progress import Progress, Summary

_DETAILS = {Code.SEGMENT_OF_NODE}
"""Messages for `-v` and the log alone."""


def describe(progress: "Progress", model: str) -> str:
    """Frames done and total, frames/s, time left, size; what the light model would give where that helps."""
    rate = progress.rate
    done = counted(progress.frames)
    if progress.total:
        of = " of about " if progress.about else "/"
        done = f"{progress.frames}{of}{counted(progress.total)}"
    line = f"{done}, {rate:.2f} frames/s"
    if progress.segments is not None:
        line += f", {progress.segments[0]}/{progress.segments[1]} segments"
        line += f" on {progress.nodes} nodes" if progress.nodes > 1 else ""
    if (left := progress.left) is not None:
        line += f", {human_time(left)} left"
    line += f", {human_size(progress.bytes_written)}"
    if progress.light_rate and progress.light_rate > 1.5 * rate:
        line += f" ({model} on a CPU; --model rts-lite enhances about {progress.light_rate:.1f} frames/s)"
    return line


def summary_line(summary: "Summary") -> str:
    """Frames, time, frames/s of the whole and of each stage alone, size."""

    def rate(seconds: float) -> str:
        return f"{(summary.frames - summary.earlier) / seconds:.1f} frames/s" if seconds > 0 else "no time"

    parts = summary.parts
    earlier = f", {summary.earlier} of them by an earlier run," if summary.earlier else ""
    if summary.pictures:
        count = counted(summary.frames, "picture")
        return f"{summary.target}: {count} in {spoken_time(summary.seconds)}, {human_size(summary.bytes_written)}"
    alone = (
        f" (each stage alone: decode {rate(parts.decode)}, enhance {rate(parts.enhance)}, encode {rate(parts.encode)})"
    )
    return (
        f"{summary.target}: {counted(summary.frames)}{earlier} in {spoken_time(summary.seconds)},"
        f" {rate(summary.seconds)}{alone if parts.decode else ''}, {human_size(summary.bytes_written)}"
    )


def estimate_line(plan: "Plan", estimate: "Estimate") -> str:
    """About how long a run takes."""
    whole = "unknown number of frames"
    if estimate.seconds is not None and estimate.total is not None:
        about = "" if plan.info.frames is not None else "about "
        whole = f"{about}{counted(estimate.total)} in about {spoken_time(estimate.seconds)}"
    timed = f"about {estimate.rate:.2f} frames/s, from {counted(estimate.frames)}"
    return f"{plan.target}: {whole} ({timed}); dry run, nothing written"


class ProgressReport(Steps):
    """Says what runs do: on stderr as far as asked, all of it in the log, and progress in the form that was chosen.

    `quiet`: nothing but errors on stderr; `verbose`: every decision.
    """

    file = ""
    """Stands before the progress: which of many files it is."""

    def __init__(self, form: ProgressFormat, *, quiet: bool = False, verbose: bool = False) -> None:
        super().__init__(show=form.kind == "auto", quiet=quiet)
        self._verbose = verbose
        self._programs = ProgressWriter(form) if form.kind in ("json", "ffmpeg") else None
        self._model = ""
        self._plan: Plan | None = None

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        if isinstance(raised[1], BaseException):
            self.failed(raised[1])

    def plan(self, plan: "Plan") -> None:
        """Callback for what was decided."""
        self._plan, self._model = plan, plan.model
        self.message(headline(plan))
        for line in details(plan):
            if self._verbose:
                self.message(line)
            else:
                log.note(line)
        if self._programs is not None:
            self._programs.plan(plan)

    def frame(self, progress: "Progress") -> None:
        """Callback for each written frame."""
        line = self.file + describe(progress, self._model)
        if self._programs is not None:
            self._programs.frame(progress)
        elif progress.done is None:
            self.show(line, progress.frames, progress.total)
        else:
            self.show(line, round(progress.done * 1000), 1000)

    def message(self, line: str) -> None:
        """Show a message, some only where every decision is asked for."""
        log.note(line)
        if self._verbose or getattr(line, "code", None) not in _DETAILS:
            super().message(line)

    def note(self, line: str) -> None:
        """Show a message that is part of the progress."""
        if not self._show:
            log.note(line)
        super().note(line)

    def error(self, line: str) -> None:
        """Show an error that does not end the runs."""
        if self._quiet:
            log.note(line)
        super().error(line)
        if self._programs is not None:
            self._programs.failed(line)

    def done(self, summary: "Summary") -> None:
        """Say what a run did."""
        self.message(summary_line(summary))
        self.done_for_programs(summary)

    def done_for_programs(self, summary: "Summary") -> None:
        """Tell programs alone what a run did."""
        if self._programs is not None:
            self._programs.done(summary)

    def estimated(self, estimate: "Estimate") -> None:
        """Say about how long the run of the last plan would take."""
        assert self._plan is not None
        self.message(estimate_line(self._plan, estimate))
        if self._programs is not None:
            self._programs.estimated(estimate)

    def failed(self, error: BaseException) -> None:
        """Tell programs that a run ended by an error or a signal; people are told where it is caught."""
        if self._programs is not None:
            self._programs.failed(str(error) or type(error).__name__)
