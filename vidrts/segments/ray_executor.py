"""`OnRay`: segments made by the workers of a Ray cluster. A number goes out, encoded bytes come back, never a frame."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vidrts.errors import VidrtsError
from vidrts.messages import Code, Message, Tell
from vidrts.prefetch import Cancelled
from vidrts.segments import ray_cluster
from vidrts.segments.executor import Finished, OnFrame
from vidrts.segments.identity import ends
from vidrts.segments.job import Job
from vidrts.segments.ray_worker import Order, Worker, absolute
from vidrts.segments.segment import Busy
from vidrts.workers import Workers

_OUTSTANDING = 2
"""Segments given to a worker: the next one waits where it will be made."""
_POLL = 0.5
"""Seconds between two looks at signals, and at nodes that joined."""
_DEATHS = 3
"""Workers that may end while they make the same segment."""
_PATIENCE = 30.0
"""Seconds without a worker after which that is told."""


@dataclass(eq=False)
class _Hired:
    """A worker, and the segments that it was given, in order."""

    actor: Any
    node: str = ""
    """Its name; empty until it is ready."""
    given: list[int] = field(default_factory=list)


class OnRay:
    """Makes segments on all nodes of the cluster that this process belongs to (`ray_cluster.joined`).

    `workers`: this process's, which say how frames are computed. `shared`: workers write into the folder of the run.
    A worker that ends, alone or with its node, is replaced, and its segments are made again, of which `tell` is told.
    """

    def __init__(
        self, workers: Workers, stop_signal: Callable[[], int | None], tell: Tell, *, shared: bool = False
    ) -> None:  # fmt: skip
        self._workers = workers
        self._stop_signal = stop_signal
        self._tell = tell
        self._shared = shared
        self._ray = ray_cluster.loaded()
        self._staff: list[_Hired] = []
        self.busy = Busy()
        """Of this process, which makes nothing."""
        self.nodes = 0

    def run(  # noqa: D102 - Executor's
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        self._staff = []
        self._due: deque[int] = deque(numbers)
        self._pending: dict[Any, tuple[_Hired, int | None]] = {}
        self._ends: Counter[int] = Counter()
        self._from_start = from_start
        self._cpus = job.options.encode.threads
        self._gpus = 1 if job.options.picture.device.startswith("cuda") or self._on_gpu(job) else 0
        self._hired = self._ray.remote(num_cpus=self._cpus, num_gpus=self._gpus)(Worker)
        found = ray_cluster.nodes()
        self._tell(Message(
            Code.RAY_BEGINS, nodes=len(found), workers=ray_cluster.slots(found, self._cpus, self._gpus),
            cpus=self._cpus, names=", ".join(node.name for node in found),
        ))  # fmt: skip
        order = self._ray.put(self._order(job, folder))
        try:
            yield from self._made(order)
        finally:
            for hired in self._staff:
                self._ray.kill(hired.actor)
            self._staff = []

    def _on_gpu(self, job: Job) -> bool:
        return any(each.device.startswith("cuda") for each in self._workers.computations(job.facts.info))

    def _order(self, job: Job, folder: Path) -> Order:
        """Engine and precision are this machine's: other processors would choose others."""
        job = absolute(job)
        picture = job.options.picture
        for each in self._workers.computations(job.facts.info)[:1]:
            picture = replace(picture, engine=each.engine, precision=each.precision)
        return Order(
            job=replace(job, options=replace(job.options, picture=picture)),
            weights=Path(job.options.model).read_bytes(), size=job.source.stat().st_size, ends=ends(job.source),
            shared=folder.absolute() if self._shared else None,
        )  # fmt: skip

    def _made(self, order: Any) -> Iterator[Finished]:
        began, told = time.monotonic(), False
        while self._due or self._pending:
            if self._stop_signal() is not None:
                raise Cancelled
            self._hire(order)
            ready, _ = self._ray.wait(list(self._pending), num_returns=1, timeout=_POLL)
            for reference in ready:
                hired, number = self._pending.pop(reference)
                result = self._result(reference, hired)
                if result is None:
                    continue
                if number is None:
                    hired.node = result
                else:
                    hired.given.remove(number)
                    made, facts = result
                    self._tell(Message(Code.SEGMENT_OF_NODE, number=number + 1, node=hired.node))
                    yield Finished(number=number, result=made, facts=facts)
            self._deal_out()
            self.nodes = len({hired.node for hired in self._staff if hired.node})
            if not (self.nodes or told) and time.monotonic() - began > _PATIENCE:
                told = True
                self._tell(Message(Code.NO_WORKER, cpus=self._cpus, gpus=self._gpus))

    def _hire(self, order: Any) -> None:
        """As many workers as the cluster has room for now, and there is work for."""
        wanted = min(
            ray_cluster.slots(ray_cluster.nodes(), self._cpus, self._gpus),
            len(self._due) + sum(bool(hired.given) for hired in self._staff),
        )  # fmt: skip
        while len(self._staff) < wanted:
            hired = _Hired(self._hired.remote())
            self._staff.append(hired)
            self._pending[hired.actor.begin.remote(order)] = hired, None

    def _deal_out(self) -> None:
        """One segment each, and where there are many a second that waits."""
        for round_ in range(_OUTSTANDING):
            for hired in self._staff:
                few = round_ and len(self._due) < len(self._staff)  # a second would keep it from one who is free
                if hired.node and len(hired.given) <= round_ and self._due and not few:
                    number = self._due.popleft()
                    hired.given.append(number)
                    made = hired.actor.make.remote(number, from_start=number in self._from_start)
                    self._pending[made] = hired, number

    def _result(self, reference: Any, hired: _Hired) -> Any:
        """What came back; None where the worker is gone, whose segments are due again. Raises what it raised."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, VidrtsError):
                raise error.cause from None
            raise VidrtsError(f"node {hired.node}: {error.cause!r}") from None
        except errors.RayError as error:
            if hired in self._staff:
                self._gone(hired, error)
            return None

    def _gone(self, hired: _Hired, error: Exception) -> None:
        self._staff.remove(hired)
        self._pending = {key: value for key, value in self._pending.items() if value[0] is not hired}
        self._due.extendleft(reversed(hired.given))
        reason = str(error).splitlines()[0]
        self._tell(Message(Code.WORKER_GONE, node=hired.node or "?", count=len(hired.given), reason=reason))
        self._ray.kill(hired.actor)
        at_work = hired.given[0] if hired.given else -1  # -1: before its first one
        self._ends[at_work] += 1
        if self._ends[at_work] >= _DEATHS:
            what = f"segment {at_work + 1}" if hired.given else "the start"
            raise VidrtsError(f"{what}: {_DEATHS} workers ended at it, the last on node {hired.node or '?'}: {reason}")
