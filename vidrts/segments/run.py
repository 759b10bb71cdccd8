"""`enhance_in_segments`: as `pipeline.enhance`, in segments that outlive the run.

from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments
summary = enhance_in_segments("in.mkv", "out.mkv", EnhanceOptions(), Segments(resume=True))
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from vidrts import memory
from vidrts.cores import usable_cores
from vidrts.errors import InputError, Interrupted, OptionError, OutputError, VidrtsError, add
from vidrts.messages import Code, Message, Tell, ignore
from vidrts.options import EnhanceOptions
from vidrts.pictures import are_pictures
from vidrts.pipeline import enhance
from vidrts.plan import Plan
from vidrts.prefetch import Cancelled
from vidrts.progress import PartTimes, Progress, Summary
from vidrts.segments.executor import Executor, Finished, Here
from vidrts.segments.identity import THREADS, changed
from vidrts.segments.join import Joining
from vidrts.segments.journal import Journal, Kept
from vidrts.segments.meter import Meter
from vidrts.segments.options import Segments
from vidrts.segments.planning import check_possible, plan
from vidrts.segments.ray_cluster import default_cpus, joined
from vidrts.segments.ray_executor import OnRay
from vidrts.segments.segment import merged
from vidrts.segments.told import Told
from vidrts.segments.unfinished import SOURCE
from vidrts.workers import Workers

type MakeExecutor = Callable[[Workers], Executor]


@memory.named()
def enhance_in_segments(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EnhanceOptions | None = None,
    how: Segments | None = None,
    *,
    executor: MakeExecutor | None = None,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_message: Tell = ignore,
    stop_signal: Callable[[], int | None] = lambda: None,
) -> Summary:
    """As `pipeline.enhance`, of a file into a file; `executor` makes the segments, this process if None.

    With `Segments.resume` no partial file is made: what is finished stays in OUT.vidrts, and the error says so.
    """
    options, how = options or EnhanceOptions(), how or Segments()
    if are_pictures(source, target):  # each is a whole file, made at once
        return enhance(
            source, target, options, on_plan=on_plan, on_progress=on_progress, on_message=on_message,
            stop_signal=stop_signal,
        )  # fmt: skip
    check_possible(source, target, options)
    run = _Run(options, how, on_plan, on_progress, on_message, stop_signal)
    with ExitStack() as cluster:
        if executor is None and how.ray is not None:
            run.threads = default_cpus(cluster.enter_context(joined(how.ray)))
            executor = partial(OnRay, stop_signal=stop_signal, tell=on_message, shared=how.ray_shared)
        return run(source, target, executor or (lambda workers: Here(workers, stop_signal)))


class _Run:
    """One run. Stateful."""

    def __init__(
        self,
        options: EnhanceOptions,
        how: Segments,
        on_plan: Callable[[Plan], None],
        on_progress: Callable[[Progress], None],
        on_message: Tell,
        stop_signal: Callable[[], int | None],
    ):
        self.threads = usable_cores()
        """Of an encoder, where nothing else says."""
        self._given = options
        self._how = how
        self._on_plan = on_plan
        self._on_progress = on_progress
        self._tell = Told(on_message)
        self._stop_signal = stop_signal
        self._began = time.monotonic()
        self._kept: dict[int, Kept] = {}
        self._early: tuple[int, Kept] | None = None
        """The segment that was at work when the run ended."""
        self._earlier = 0
        """Frames that an earlier run had done."""

    def __call__(
        self, source: str | os.PathLike[str], target: str | os.PathLike[str], executor: MakeExecutor
    ) -> Summary:
        """Plan, make what is missing, join."""
        self._journal = journal = Journal(Path(target))
        known = journal.exists
        if known and not (self._how.resume or self._how.restart):
            raise OutputError(
                f"{journal.folder}: holds what an earlier run finished; --resume goes on, --restart begins anew"
            )
        if known and self._how.resume and not self._how.restart and journal.joined:
            return self._swept()
        planned = plan(
            source, target, self._given, self._how.length, self._threads(known=known), on_message=self._tell,
            stop_signal=self._stop_signal,
        )  # fmt: skip
        self._job, self._workers, self._decided = planned.job, planned.workers, planned.plan
        self._identity = planned.identity
        try:
            with journal.held():
                self._find(known=known)
                self._on_plan(self._decided)
                self._announce()
                self._at_work = executor(self._workers)
                try:
                    self._make()
                    summary = self._join()
                except Interrupted:  # a second signal: end at once
                    if not self._how.resume:
                        journal.remove()
                    raise
                except KeyboardInterrupt:
                    if not self._how.resume:
                        self._keep_partial()
                    raise
                except Exception as error:  # noqa: BLE001 - what is finished is kept, whatever it is
                    raise self._ended(error) from error.__cause__
                journal.remove()
        except OSError as error:
            raise OutputError(f"{journal.folder}: {error.strerror or error}{self._kept_words()}") from error
        return summary

    def _swept(self) -> Summary:
        """What an earlier run joined, and was ended before it could say so."""
        journal = self._journal
        with journal.held():
            facts = [kept.facts for kept in journal.finished().values()]
            journal.remove()
        lost = str(merged([each.lost for each in facts])) or None
        frames = sum(each.frames for each in facts)
        return Summary(
            target=journal.target, frames=frames, seconds=time.monotonic() - self._began, parts=PartTimes(),
            bytes_written=journal.target.stat().st_size, lost=lost, earlier=frames,
        )  # fmt: skip

    # Planning -----------------------------------------------------------------------------------------------------

    def _threads(self, *, known: bool) -> int:
        """The encoder's threads: as given, as the earlier run had them, or `threads`."""
        before = self._journal.plan().get(THREADS) if known and not self._how.restart else None
        return self._given.encode.threads or (before if isinstance(before, int) else self.threads)

    def _find(self, *, known: bool) -> None:
        """What is finished already; raises `OptionError` where it is of something else."""
        journal = self._journal
        if not known or self._how.restart:
            journal.begin({SOURCE: str(self._job.source.absolute()), **self._identity})
            return
        before = journal.plan()
        if not before:
            raise OptionError(f"{journal.folder}: plan.json is damaged; --restart begins anew")
        if (what := changed(before, self._identity)) is not None:
            raise OptionError(f"{journal.folder}: is of another run ({what}); --restart begins anew")
        self._kept = journal.finished()
        self._earlier = sum(kept.facts.frames for kept in self._kept.values())

    def _announce(self) -> None:
        """What people should know beforehand."""
        job, encode, folder = self._job, self._given.encode, self._journal.folder
        if encode.bit_rate is not None or "b" in encode.options:
            self._tell(Message(Code.BIT_RATE_OF_SEGMENTS))
        if job.count == 1 and self._decided.info.length is None:
            self._tell(Message(Code.ONE_SEGMENT))
        self._tell(Message(
            Code.SEGMENTS_KEPT, count=job.count, length=float(self._how.length), folder=folder, target=job.target.name,
            source=job.source.stat().st_size / 1e6, free=shutil.disk_usage(folder).free / 1e6,
        ))  # fmt: skip
        if self._kept:
            done = len(self._kept)
            self._tell(Message(Code.SEGMENTS_FOUND, done=done, count=job.count, frames=self._earlier))

    # Making -------------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        """All segments that are missing, then those that do not fit the ones before."""
        job = self._job
        meter = Meter(job, self._began, self._workers)
        for number, kept in sorted(self._kept.items()):
            meter.finished(number, kept.facts.frames, kept.size, earlier=True)
            self._tell.all(kept.facts.said)
        missing = [number for number in range(job.count) if number not in self._kept]
        anew: set[int] = set()
        while missing:
            for made in self._at_work.run(
                job, missing, self._journal.folder, from_start=frozenset(anew),
                on_frame=lambda number, frame, size: self._on_progress(meter.after(number, frame, size)),
            ):  # fmt: skip
                self._tell.all(made.facts.said)
                if made.facts.complete:
                    kept = self._kept[made.number] = self._journal.add(made.number, made.result, made.facts)
                    meter.finished(made.number, kept.facts.frames, kept.size)
                    self._on_progress(meter.progress(self._at_work.nodes))
                else:
                    self._early = made.number, self._loose(made)
            if self._stop_signal() is not None:
                raise Cancelled
            missing = []
            if (wrong := self._misfit()) is not None:
                if wrong in anew:
                    raise InputError(f"{job.source}: cannot be cut into segments, since other frames come when it is "
                                     "read from a place within; leave out --segment and --resume")  # fmt: skip
                anew.add(wrong)
                missing.append(wrong)
                self._tell(Message(Code.SEGMENT_ANEW, number=wrong + 1))
        if not any(kept.facts.frames for kept in self._kept.values()):
            raise InputError(f"{job.source}: no frames in the selected range; check -ss, -to, -t")

    def _loose(self, made: Finished) -> Kept:
        """A file that is in no journal."""
        path = self._journal.folder / "early"
        if isinstance(made.result, bytes):
            path.write_bytes(made.result)
        else:
            made.result.replace(path)
        return Kept(path, path.stat().st_size, made.facts)

    def _misfit(self) -> int | None:
        """The first segment that does not begin with the frame at which the one before ends; None: all fit."""
        after = None
        for number in range(self._job.count):
            facts = self._kept[number].facts
            if facts.frames:
                if after is not None and facts.first != after:
                    return number
                after = facts.after
        return None

    # Joining ------------------------------------------------------------------------------------------------------

    def _join(self) -> Summary:
        """The complete file."""
        at_work = self._at_work.busy
        parts = PartTimes(decode=at_work.decode, enhance=self._workers.seconds, encode=at_work.encode)
        began = time.monotonic()
        segments = [self._kept[number] for number in range(self._job.count)]
        joined = self._joining().complete(segments, self._stop_signal)
        parts.encode += time.monotonic() - began
        return Summary(
            target=self._job.target, frames=sum(kept.facts.frames for kept in segments), parts=parts,
            seconds=time.monotonic() - self._began, bytes_written=joined.size, lost=joined.lost, earlier=self._earlier,
        )  # fmt: skip

    def _joining(self) -> Joining:
        return Joining(self._job, self._journal.folder if self._how.resume else None, self._tell)

    # Ending early -------------------------------------------------------------------------------------------------

    def _ended(self, error: Exception) -> Exception:
        """What to raise for `error`, once all that can be kept is."""
        number = self._stop_signal()
        if self._how.resume:
            frames = sum(kept.facts.frames for kept in self._kept.values())
            words = self._kept_words()
            if self._early is not None:
                self._early[1].path.unlink(missing_ok=True)
            if not self._kept:
                self._journal.remove()
        else:
            frames, words = self._keep_partial()
        if isinstance(error, Cancelled):
            return Interrupted(f"stopped after {frames} frames{words or '; nothing was written'}", number or 0)
        if words:
            add(error, words.removeprefix("; "))
        return error

    def _kept_words(self) -> str:
        if not self._kept:
            return ""
        return (f"; {len(self._kept)} of {self._job.count} segments are kept in {self._journal.folder}, and the same "
                f"command{'' if self._how.resume else ' with --resume'} goes on")  # fmt: skip

    def _keep_partial(self) -> tuple[int, str]:
        """Join what is there into a partial file; the frames in it, and where it is in words."""
        segments: list[Kept] = []
        while len(segments) in self._kept:
            segments.append(self._kept[len(segments)])
        if self._early is not None and self._early[0] == len(segments):
            segments.append(self._early[1])
        frames = sum(kept.facts.frames for kept in segments)
        words = ""
        if frames:
            try:
                words = f"; kept in {self._joining().partial(segments)}"
            except (VidrtsError, OSError):  # a full disk
                if self._kept:
                    return frames, self._kept_words()
        self._journal.remove()
        return frames, words
