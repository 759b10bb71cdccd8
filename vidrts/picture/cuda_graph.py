"""A CUDA stream of its own on which planes are uploaded, computed with, and downloaded.

The computation is captured as a CUDA graph once its shapes are known: a frame then costs one launch instead of some
hundred, and no Python time. Several runners in parallel hide the copies of one frame behind the computation of
another. What is captured must neither wait for the host nor read from it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch

from vidrts.messages import Code, Message, Tell, ignore

type Planes = tuple[torch.Tensor, ...]
type Compute = Callable[[Sequence[Planes]], list[Planes]]
"""Planes of pictures on the device -> the planes that come of them, there."""

_KEPT = 4
"""Captures kept: a stream has one shape, two where its last batch is smaller, three where frames and fields mix; each
holds its own memory."""
_ALONE = threading.Lock()
"""Held during everything but a replay: a capture begins by synchronising the device, which breaks the capture of
another runner, and a search for the fastest tile would time the other runner's work, too."""


@dataclass(frozen=True)
class _Capture:
    """A graph, the planes that it reads and those that it writes."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Planes]
    outputs: list[Planes]


class CUDAGraphRunner:
    """Runs computations on one stream of `device`, a CUDA device. One thread at a time.

    `on_message` gets a line where a computation could not be captured; it then runs eagerly, which is slower.
    """

    def __init__(self, device: torch.device, on_message: Tell = ignore) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._on_message = on_message
        self._seen: set[Hashable] = set()
        self._captures: OrderedDict[Hashable, _Capture] = OrderedDict()
        self._captures_at_all = True

    def __call__(self, pictures: Sequence[Planes], compute: Compute, about: Hashable) -> list[Planes]:
        """`compute` on the planes (CPU tensors of any strides) of `pictures`; what comes of it, in pinned memory.

        A plane that `compute` gives back as it is does not come down: the one that went up stands for it.
        `about`: all that decides what `compute` does with planes of given shapes.
        """
        key = (about, tuple((p.shape, p.dtype) for planes in pictures for p in planes))
        self._stream.wait_stream(torch.cuda.current_stream(self._device))  # where weights and matrices were made
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            capture = self._captures.get(key)
            if capture is None:
                with _ALONE:
                    if self._captures_at_all and key in self._seen:
                        capture = self._captured(pictures, compute, key)
                    if capture is None:
                        # The first time step by step: that warms up, and lets memory that runs out be dealt with.
                        inputs = [tuple(self._up(plane) for plane in planes) for planes in pictures]
                        outputs = compute(inputs)
                        self._seen.add(key)
            if capture is not None:
                self._captures.move_to_end(key)
                for planes, places in zip(pictures, capture.inputs, strict=True):
                    for plane, place in zip(planes, places, strict=True):
                        place.copy_(_pinned(plane), non_blocking=True)
                capture.graph.replay()
                inputs, outputs = capture.inputs, capture.outputs
            staged = [
                tuple(plane if made is place else _down(made) for plane, place, made in zip(*each, strict=True))
                for each in zip(pictures, inputs, outputs, strict=True)
            ]
            self._stream.synchronize()  # not the device: other runners continue
        return staged

    def _captured(self, pictures: Sequence[Planes], compute: Compute, key: Hashable) -> _Capture | None:
        inputs = [
            tuple(torch.empty(p.shape, dtype=p.dtype, device=self._device) for p in planes) for planes in pictures
        ]
        graph = torch.cuda.CUDAGraph()
        try:
            compute(inputs)  # once more: another thread may have come here first, and libraries warm up in each
            self._stream.synchronize()
            # Other runners may replay and allocate meanwhile; their work is not captured.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                outputs = compute(inputs)
        except RuntimeError as error:
            self._captures_at_all = False
            self._captures.clear()
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            self._on_message(Message(Code.NO_CUDA_GRAPH, device=self._device, reason=reason))
            return None
        while len(self._captures) >= _KEPT:
            self._captures.popitem(last=False)
        self._captures[key] = _Capture(graph, inputs, outputs)
        return self._captures[key]

    def _up(self, plane: torch.Tensor) -> torch.Tensor:
        return _pinned(plane).to(self._device, non_blocking=True)


def _pinned(plane: torch.Tensor) -> torch.Tensor:
    """A copy in page-locked memory, which torch keeps for the next one once the stream has read it."""
    return plane.contiguous().pin_memory()


def _down(plane: torch.Tensor) -> torch.Tensor:
    staged = torch.empty(plane.shape, dtype=plane.dtype, pin_memory=True)
    return staged.copy_(plane, non_blocking=True)
