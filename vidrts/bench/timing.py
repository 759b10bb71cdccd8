"""Timing of several pieces of work against each other: rounds in which each has its turn, so that what slows the
machine for a while slows all of them.

decode, encode = measure([Task("decode", run_decode), Task("encode", run_encode)], Pace(rounds=5))
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vidrts.bench.options import Pace


@dataclass(frozen=True)
class Lap:
    """`units` of work (frames, or calls) took `seconds` by the clock and `cpu_seconds` of all threads together."""

    units: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Task:
    """Something to be timed. `run` does a piece of it and returns the time taken, without that of its preparations."""

    name: str
    run: Callable[[], Lap]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Of one unit of a task: the median of the rounds."""

    seconds: float
    spread: float
    """Standard deviation of the rounds over their mean; 0 where there was one round."""
    cpu_seconds: float


def timed(work: Callable[[], object], units: int = 1, fence: Callable[[], None] = lambda: None) -> Lap:
    """One call of `work`, which does `units`; `fence` waits for a device that works on by itself."""
    fence()
    began, cpu_began = time.perf_counter(), time.process_time()
    work()
    fence()
    return Lap(units, time.perf_counter() - began, time.process_time() - cpu_began)


def measure(
    tasks: Sequence[Task],
    pace: Pace,
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None,
    *,
    warm_up: bool = True,
) -> list[Timing]:
    """Time of a unit of each task, in their order; every other round is walked backwards.

    With `warm_up` each task runs once beforehand, uncounted; programs that start anew each time need none. `on_step`
    gets the next step's name, the steps done and their total.
    """
    total = len(tasks) * (pace.rounds + warm_up)
    done = 0
    rounds: list[list[Lap]] = [[] for _ in tasks]
    for task in tasks if warm_up else ():
        on_step(f"warming up {task.name}", done, total)
        task.run()
        done += 1
    for number in range(pace.rounds):
        order = range(len(tasks)) if number % 2 == 0 else range(len(tasks) - 1, -1, -1)
        for index in order:
            on_step(f"round {number + 1}/{pace.rounds}: {tasks[index].name}", done, total)
            rounds[index].append(_turn(tasks[index], pace.slice))
            done += 1
    return [_timing(laps) for laps in rounds]


def _turn(task: Task, least: float) -> Lap:
    """Laps of `task` until `least` seconds are full, as one."""
    laps = [task.run()]
    while sum(lap.seconds for lap in laps) < least:
        laps.append(task.run())
    return Lap(
        sum(lap.units for lap in laps), sum(lap.seconds for lap in laps), sum(lap.cpu_seconds for lap in laps)
    )  # fmt: skip


def _timing(laps: Sequence[Lap]) -> Timing:
    seconds = [lap.seconds / lap.units for lap in laps]
    return Timing(
        seconds=statistics.median(seconds),
        spread=statistics.stdev(seconds) / statistics.mean(seconds) if len(seconds) > 1 else 0.0,
        cpu_seconds=statistics.median(lap.cpu_seconds / lap.units for lap in laps),
    )
