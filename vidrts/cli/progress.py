"""Progress of an enhancing run."""

from typing import TYPE_CHECKING

from vidrts.cli.progress_bar import Steps

if TYPE_CHECKING:
    from vidrts.pipeline import Progress, Summary


def human_size(count: int) -> str:
    """Bytes in the largest fitting decimal unit: 12.3 MB."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def human_time(seconds: float) -> str:
    """h:mm:ss, or m:ss under an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe(progress: "Progress", model: str) -> str:
    """Frames done and total, frames/s, time left, size; what the light model would give where that helps."""
    rate = progress.frames / progress.seconds if progress.seconds > 0 else 0.0
    of = ""
    if progress.total:
        of = f" of about {progress.total}" if progress.about else f"/{progress.total}"
    line = f"{progress.frames}{of} frames, {rate:.2f} frames/s"
    if done := progress.done or (progress.frames / progress.total if progress.total else None):
        line += f", {human_time(progress.seconds * max(0, 1 / done - 1))} left"
    line += f", {human_size(progress.bytes_written)}"
    if progress.light_rate and progress.light_rate > 1.5 * rate:
        line += f" ({model} on a CPU; --model rts-lite enhances about {progress.light_rate:.1f} frames/s)"
    return line


def summary_line(summary: "Summary") -> str:
    """Frames, seconds, frames/s per part, size."""

    def rate(seconds: float) -> str:
        return f"{summary.frames / seconds:.1f}" if seconds > 0 else "-"

    parts = summary.parts
    if summary.pictures:
        count = f"{summary.frames} picture{'s' * (summary.frames != 1)}"
        return f"{summary.target}: {count} in {summary.seconds:.1f} s, {human_size(summary.bytes_written)}"
    return (
        f"{summary.target}: {summary.frames} frames in {summary.seconds:.1f} s,"
        f" {rate(summary.seconds)} frames/s (decode {rate(parts.decode)}, enhance {rate(parts.enhance)},"
        f" encode {rate(parts.encode)}), {human_size(summary.bytes_written)}"
    )


class ProgressReport(Steps):
    """Shows `Progress` values of a run with `model`."""

    file = ""
    """Stands before each: which of many files it is."""

    def __init__(self, model: str, *, show: bool, quiet: bool) -> None:
        super().__init__(show=show, quiet=quiet)
        self._model = model

    def frame(self, progress: "Progress") -> None:
        """Callback for each written frame."""
        line = self.file + describe(progress, self._model)
        if progress.done is None:
            self.show(line, progress.frames, progress.total)
        else:
            self.show(line, round(progress.done * 1000), 1000)
