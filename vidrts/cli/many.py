"""`vidrts enhance` with OUT a directory: the files before work, the run, the table after it."""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from vidrts.cli import failures, log
from vidrts.cli.progress import ProgressReport, summary_line
from vidrts.cli.progress_bar import say
from vidrts.cli.words import counted, human_size, spoken_time
from vidrts.errors import Interrupted, OutputError, VidrtsError
from vidrts.media.output_formats import OUTPUT_FORMATS
from vidrts.media.pictures.formats import SUFFIXES, has_quality
from vidrts.messages import Code, Message, Tell
from vidrts.options import EnhanceOptions
from vidrts.options_of_pictures import without_options_of_videos

if TYPE_CHECKING:
    from vidrts.dry_run import Estimate
    from vidrts.folders import Job
    from vidrts.progress import Summary

_HEADS = ("file", "frames", "seconds", "frames/s", "size", "result")


class Enhance[T](Protocol):
    """`pipeline.enhance` or `dry_run.dry_run` of a run, with all else given."""

    def __call__(self, source: str | Path, target: Path, options: EnhanceOptions, *, on_message: Tell) -> T:
        """Enhance one file."""


@dataclass
class _Row:
    """A file and what became of it; with only `job` it was there already. `estimate`: of a dry run."""

    job: "Job"
    summary: "Summary | None" = None
    estimate: "Estimate | None" = None
    failure: str | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """Under `_HEADS`."""
        name, made = str(self.job.source), self.summary
        if (guess := self.estimate) is not None:
            frames = "?" if guess.total is None else str(guess.total)
            seconds = "?" if guess.seconds is None else f"{guess.seconds:.1f}"
            return name, frames, seconds, f"{guess.rate:.1f}", "-", self.result
        if made is None:
            return name, "-", "-", "-", "-", self.result
        rate = f"{made.frames / made.seconds:.1f}" if made.seconds > 0 else "-"
        return name, str(made.frames), f"{made.seconds:.1f}", rate, human_size(made.bytes_written), self.result

    @property
    def result(self) -> str:
        """In words."""
        if self.failure is not None:
            return f"failed: {self.failure.removeprefix(f'{self.job.source}: ')}"
        if self.estimate is not None:
            return "estimated"
        if self.summary is None:
            return "was there"
        return "done" if self.summary.lost is None else f"done; damaged input: {self.summary.lost}"


@dataclass
class Batch:
    """Files enhanced into directories, one after the other.

    `again`: those that are done, too; `force`: whatever has the output's name is replaced. `alone`: one file was
    named; it is told of as if OUT were its output's name.
    """

    jobs: "Sequence[Job]"
    again: bool
    force: bool
    alone: bool
    rows: list[_Row] = field(default_factory=list)
    stopped: Interrupted | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return not self.again and all(job.done for job in self.jobs)

    def sweep(self) -> None:
        """Remove what runs with --resume left beside outputs that are complete."""
        from vidrts.segments.journal import sweep

        for job in self.jobs:
            if job.done:
                sweep(job.target)

    def run(
        self,
        enhance: Enhance["Summary | Estimate"],
        options: EnhanceOptions,
        report: ProgressReport,
        stop_signal: Callable[[], int | None],
        *,
        debug: bool,
    ) -> None:
        """Enhance what is not done. An error ends the run only if there is no other file; others are told at once.

        With a dry run as `enhance`, directories are made for its time.
        """
        from vidrts.dry_run import Estimate

        options = replace(options, encode=replace(options.encode, overwrite=True, own_only=not self.force))
        of_pictures = options
        pictures = sum(job.is_picture for job in self.jobs)
        if 0 < pictures < len(self.jobs):  # where all are of one kind, each refuses what is for the other
            of_pictures, given = without_options_of_videos(options)
            if given:
                report.message(Message(Code.FOR_VIDEOS_ONLY, options=", ".join(given), count=pictures))
        any_quality = any(has_quality(job.target) for job in self.jobs)
        with _directories() as make:
            for number, job in enumerate(self.jobs, 1):
                if job.done and not self.again:
                    self.rows.append(_Row(job))
                    continue
                try:
                    if (signal := stop_signal()) is not None:
                        raise Interrupted("stopped", signal)
                    make(job.target)
                    report.file = "" if self.alone else f"{number}/{len(self.jobs)} {job.source}: "
                    tell = report.message if self.alone else _about(job.source, report.message)
                    fitting = of_pictures if job.is_picture else options
                    if any_quality and not has_quality(job.target):
                        fitting = replace(fitting, encode=replace(fitting.encode, quality=None))
                    made = enhance(job.source, job.target, fitting, on_message=tell)
                    if isinstance(made, Estimate):
                        self.rows.append(_Row(job, estimate=made))
                        report.estimated(made)
                        continue
                    self.rows.append(_Row(job, made))
                    report.done_for_programs(made)
                    if not self.alone:
                        report.note(f"{number}/{len(self.jobs)} {summary_line(made)}")
                except Interrupted as error:
                    self.stopped = error
                    return
                except Exception as error:
                    if self.alone:
                        raise
                    if debug:
                        log.note(traceback.format_exc())
                        traceback.print_exc()
                    line = failures.line(error)
                    if str(job.source) not in line and str(job.target) not in line:
                        line = f"{job.source}: {line}"
                    self.rows.append(_Row(job, failure=line))
                    report.error(line)

    def finish(self, *, quiet: bool) -> None:
        """Print the table, and how far the run came; raises `VidrtsError` if files failed or the run was stopped."""
        if self.is_done:
            self.rows = [_Row(job) for job in self.jobs]
        made = [row.summary for row in self.rows if row.summary is not None]
        failed = sum(row.failure is not None for row in self.rows)
        guesses = [row.estimate for row in self.rows if row.estimate is not None]
        there = len(self.rows) - len(made) - failed - len(guesses)
        already = "already there, made by vidrts; -y enhances again"
        if self.alone and self.stopped is not None:
            raise self.stopped
        if not self.alone:
            for line in _table(self.rows):
                log.note(line)
                if not quiet:
                    say(line)
            if guesses:
                seconds = sum(one.seconds or 0 for one in guesses)
                unknown = "more than " if any(one.seconds is None for one in guesses) else ""
                told = f"{len(guesses)} of {len(self.jobs)} files to enhance, in about {unknown}{spoken_time(seconds)}"
            else:
                frames, seconds = sum(one.frames for one in made), sum(one.seconds for one in made)
                told = f"{len(made)} of {len(self.jobs)} files enhanced, {counted(frames)} in {spoken_time(seconds)}"
            tell(
                f"{told}{f'; {there} {already}' if there else ''}{'; dry run, nothing written' * bool(guesses)}",
                quiet=quiet,
            )
        elif not guesses:
            tell(summary_line(made[0]) if made else f"{self.jobs[0].target}: {already}", quiet=quiet)
        if self.stopped is not None:
            left = len(self.jobs) - len(self.rows)
            raise Interrupted(
                f"{self.stopped}; {len(made) + there} of {len(self.jobs)} files are done, {failed} failed, {left} are "
                f"left; the same command{' without -y' if self.again else ''} goes on with these",
                self.stopped.signal_number,
            )
        if failed:
            raise VidrtsError(f"{failed} of {len(self.jobs)} files failed")


def tell(line: str, *, quiet: bool) -> None:
    """Put a line into the log, and print it unless `quiet`."""
    log.note(line)
    if not quiet:
        say(f"vidrts: {line}")


def planned(
    sources: Sequence[str],
    target: str,
    options: EnhanceOptions,
    *,
    recursive: bool,
    suffix: str | None,
    extension: str | None,
    force: bool,
    tell: Tell,
) -> Batch | None:
    """What to enhance where; None if OUT is one output's file name. Writes nothing.

    Raises `OptionError` and `click.UsageError` for what makes no sense with many files, else as `folders.jobs` does.
    """
    folders = [source for source in sources if _is_directory(source)]
    if "-" in sources and len(sources) > 1:
        raise click.UsageError(f"expected - (stdin) as the only IN, got {len(sources)} of them.")
    directory = _directory(sources, folders, target)
    if directory is None:
        for name, value in (("-r", recursive), ("--suffix", suffix), ("--ext", extension)):
            if value:
                raise click.UsageError(f"{name} is for OUT a directory, got {target}.")
        return None
    if "-" in sources:
        raise click.UsageError(f"stdin has no file name to keep: expected OUT to be a file name, got {target}.")
    if recursive and not folders:
        raise click.UsageError("-r looks into sub-directories, and no IN is a directory; the frame rate is kept.")
    if options.decode.raw is not None:
        raise click.UsageError("--raw describes stdin: expected - as IN.")
    if options.encode.format is not None:
        raise click.UsageError("-f is for OUT -, a pipe; --ext selects the container.")
    from vidrts.folders import Names, jobs
    from vidrts.media.write.encoder_choice import known

    if options.encode.video_codec is not None:
        known(options.encode.video_codec)
    return Batch(
        jobs(sources, directory, Names(suffix or "", extension), recursive=recursive, tell=tell),
        again=options.encode.overwrite,
        force=force,
        alone=len(sources) == 1 and not folders,
    )


def _directory(sources: Sequence[str], folders: Sequence[str], target: str) -> Path | None:
    """OUT if it is a directory, or is to become one; None if it is a file name.

    Raises `OutputError`, and `click.UsageError` for a pipe.
    """
    path = Path(target)
    if _is_directory(target):
        if not os.access(path, os.W_OK | os.X_OK):
            raise OutputError(f"{target}: directory not writable")
        return path
    several = len(sources) > 1 or bool(folders)
    what = f"{sources[0]} is one" if folders else f"there are {len(sources)} inputs"
    if target == "-" and several:
        raise click.UsageError(f"expected a directory as OUT, since {what}, got -, a pipe, which takes one file.")
    named = target.endswith("/") and "://" not in target
    if (several or named) and os.path.lexists(path):
        raise OutputError(f"{target}: is a file, expected a directory as OUT{f', since {what}' if several else ''}")
    # With a folder as IN and no video's extension it can be nothing else.
    if named or (folders and path.suffix.lower() not in (*OUTPUT_FORMATS, *SUFFIXES)):
        if not path.parent.is_dir():
            raise OutputError(f"{target}: no such directory: {path.parent}")
        return path
    if several:
        raise OutputError(f"{target}: no such directory; expected one, since {what}; write {target}/ to make it")
    return None


def _is_directory(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # a name that is too long
        return False


@contextmanager
def _directories() -> Iterator[Callable[[Path], None]]:
    """A function that makes the directory of a file; those that stay empty are removed at the end."""
    made: list[Path] = []

    def make(target: Path) -> None:
        missing = [folder for folder in target.parents if not folder.exists()]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{target}: its directory cannot be made: {error.strerror}") from error
        made.extend(reversed(missing))

    try:
        yield make
    finally:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()


def _table(rows: Sequence[_Row]) -> Iterator[str]:
    """Aligned lines: names to the left, numbers to the right, the result last, which may be long."""
    lines = [_HEADS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS) - 1)]
    for name, *numbers, result in lines:
        cells = [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))]
        yield "  ".join([*cells, result])


def _about(source: str | Path, tell: Tell) -> Tell:
    return lambda line: tell(line.about(source))


def checked_suffix(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Callback of --suffix."""
    if value is not None and ("/" in value or not value):
        raise click.BadParameter(f"expected a part of a file name such as .sharp, got {value!r}")
    return value


def checked_extension(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Callback of --ext: with its dot."""
    if value is None:
        return None
    extension = f".{value.lower().removeprefix('.')}"
    known = (*OUTPUT_FORMATS, *SUFFIXES)
    if extension not in known:
        raise click.BadParameter(f"expected one of {', '.join(e[1:] for e in known)}, got {value}")
    return extension
