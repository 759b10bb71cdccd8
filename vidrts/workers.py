"""Frames enhanced several at a time, each by a worker with an enhancer and a share of the threads of its own.

Two workers on a CPU: while one waits for the last thread of a layer, or for Python, the other computes. Two on each
GPU: while the planes of one frame are copied, another is computed. The picture is the same, and the order is kept.

workers = Workers(load_model("rts-lite"), EnhancerOptions())
with closing(workers.enhanced(frames, depth=4)) as enhanced: ...
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from itertools import cycle, islice

import torch

from vidrts.errors import naming
from vidrts.frame import Frame, StreamInfo
from vidrts.messages import Once, Tell, ignore
from vidrts.networks.checkpoint import LoadedModel
from vidrts.networks.names import LIGHT_MODEL
from vidrts.networks.registry import parameter_count
from vidrts.networks.shipped import shipped_models
from vidrts.picture.computation import Computation
from vidrts.picture.device import pick_devices
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.prefetch import Cancelled, ordered_map
from vidrts.threads import shared_threads, worker_threads

LIGHT_PARAMETERS = 8_179
"""Of `LIGHT_MODEL`, as `parameter_count` counts them."""
_GROWTH = 0.75
"""A frame's time on a CPU grows with this power of the number of parameters: 7 times from rts-lite to rts-r3, which
has 14 times as many (models/bench/README.md); colour conversion takes as long with either."""


def worker_count(device: torch.device) -> int:
    """Workers that suit `device`."""
    return 2 if device.type == "cuda" or torch.get_num_threads() > 1 else 1


class Workers:
    """The workers of a run. Making it checks device, precision and what the model can do: `OptionError`, `DeviceError`.

    `options.device` may name several GPUs, "cuda:0,cuda:1": frames go to whichever is free. `count`: frames enhanced at
    a time, on all devices together; 0: `worker_count` of each. `on_message` gets each line once.
    """

    def __init__(
        self,
        model: LoadedModel,
        options: EnhancerOptions,
        count: int = 0,
        *,
        on_message: Tell = ignore,
    ) -> None:
        tell = Once(on_message)
        devices = pick_devices(options.device)
        places = devices * worker_count(devices[0]) if count == 0 else list(islice(cycle(devices), count))
        self.stopping = threading.Event()
        """Set once nobody waits for frames any longer."""
        self._enhancers = [
            Enhancer(model, replace(options, device=str(place)), on_message=tell, between_tiles=self._check)
            for place in places
        ]
        self._clock = _Clock()
        self._gain = _light_gain(model, options, devices[0])

    @property
    def count(self) -> int:
        """Frames enhanced at a time."""
        return len(self._enhancers)

    @property
    def threads(self) -> int:
        """torch's threads for each."""
        return worker_threads(self.count)

    def computations(self, info: StreamInfo) -> tuple[Computation, ...]:
        """How frames of a stream are computed, for each device; () where they are passed on as they are."""
        height = info.height if info.field_order == "progressive" else (info.height + 1) // 2
        found = (enhancer.computation(height, info.width) for enhancer in self._enhancers)
        return tuple(dict.fromkeys(one for one in found if one is not None))

    @property
    def seconds(self) -> float:
        """In which at least one worker was at work."""
        return self._clock.seconds

    @property
    def light_rate(self) -> float | None:
        """Frames/s of the enhancement alone with `LIGHT_MODEL`, estimated from the rate so far.

        None on a GPU, and where that model would not be much faster.
        """
        rate = self._clock.rate
        return None if self._gain is None or rate is None else self._gain * rate

    def enhanced[T](
        self,
        events: Iterator[Frame | T],
        depth: int,
        wake: Callable[[], bool] = lambda: False,
        source: object = None,
    ) -> Generator[Frame | T]:
        """Each frame enhanced, all else passed on in its place; at most `depth` ahead (see `prefetch.ordered_map`).

        `source`: the file's name, for errors.

        Each worker's thread takes its share of torch's threads. Where nobody waits for them any longer, frames under
        way are given up between two tiles.
        """
        self.stopping.clear()

        def stopped() -> bool:
            if woken := wake():
                self.stopping.set()
            return woken

        def as_worker(enhancer: Enhancer) -> Callable[[Frame | T], Frame | T]:
            return lambda event: self._enhance(enhancer, event, source) if isinstance(event, Frame) else event

        workers = [as_worker(enhancer) for enhancer in self._enhancers]
        with (
            shared_threads(self.count) as begin,
            closing(ordered_map(events, workers, depth, "enhance", stopped, begin)) as done,
        ):
            for event in done:
                try:
                    yield event
                except GeneratorExit:
                    self.stopping.set()
                    raise

    def _check(self) -> None:
        """Between the tiles of a frame."""
        if self.stopping.is_set():
            raise Cancelled

    def _enhance(self, enhancer: Enhancer, frame: Frame, source: object) -> Frame:
        with self._clock, nullcontext() if source is None else naming(source):
            (enhanced,) = enhancer([frame])
        return enhanced


def _light_gain(model: LoadedModel, options: EnhancerOptions, device: torch.device) -> float | None:
    """How many times as fast `LIGHT_MODEL` would be, by the numbers of parameters; None where it is no advice."""
    count = parameter_count(model.network)
    idle = options.strength == 0 and options.scale == 1
    if device.type != "cpu" or idle or count < 2 * LIGHT_PARAMETERS or LIGHT_MODEL not in shipped_models():
        return None
    return float((count / LIGHT_PARAMETERS) ** _GROWTH)


class _Clock:
    """Seconds in which at least one thread was inside its `with`, and how many times per second one leaves it."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._left = 0
        self._lock = threading.Lock()
        self._within = 0
        self._since = 0.0

    @property
    def seconds(self) -> float:
        """So far."""
        with self._lock:
            return self._now()

    @property
    def rate(self) -> float | None:
        """Times that a thread left, over the seconds; None before the first."""
        with self._lock:
            seconds = self._now()
            return self._left / seconds if self._left and seconds else None

    def _now(self) -> float:
        return self._seconds + (time.monotonic() - self._since if self._within else 0)

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._since = time.monotonic()
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._left += 1
            if self._within == 1:
                self._seconds = self._now()
            self._within -= 1
