"""Workers between the stages: the order, the bound, errors and endings, and that their number changes no bit."""

import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.networks import tiny_network
from helpers.toy_networks import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vidrts.bench.clip import sample
from vidrts.errors import UnsupportedFormatError
from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.media.read.source import Source
from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import LoadedModel, ModelInfo, load_model
from vidrts.networks.names import LIGHT_MODEL
from vidrts.networks.network import Network
from vidrts.networks.registry import parameter_count
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.forward import Folded
from vidrts.picture.options import EnhancerOptions
from vidrts.prefetch import Cancelled, ordered_map
from vidrts.workers import LIGHT_PARAMETERS, Workers


@settings(deadline=None)  # how long a thread waits for its turn is not judged
@given(items=st.lists(st.integers()), workers=st.integers(1, 4), depth=st.integers(1, 8))
def test_every_item_once_and_in_order(items: list[int], workers: int, depth: int) -> None:
    with closing(ordered_map(iter(items), [lambda k: 2 * k] * workers, depth, "test")) as done:
        assert list(done) == [2 * item for item in items]


def test_workers_work_at_the_same_time_and_slow_ones_keep_the_order() -> None:
    met = threading.Barrier(2)

    def meet(item: int) -> int:
        met.wait(30)  # passes only when both workers are within it
        return item

    with closing(ordered_map(iter(range(6)), [meet, meet], 1, "test")) as done:
        assert list(done) == list(range(6))


def test_never_further_ahead_than_the_depth() -> None:
    made = []
    reached = threading.Semaphore(0)

    def upstream() -> Iterator[int]:
        for k in range(100):
            made.append(k)
            reached.release()
            yield k

    with closing(ordered_map(upstream(), [lambda k: k], 3, "test")) as done:
        assert next(done) == 0
        for _ in range(5):  # one given, three waiting, one being handed over
            reached.acquire()
        assert not reached.acquire(timeout=0.3)
        assert len(made) == 5


def test_an_error_comes_after_the_items_before_it_and_others_are_dropped() -> None:
    def fail(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    done = ordered_map(iter(range(50)), [fail, fail], 4, "test")
    assert list(islice(done, 2)) == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(done)


def test_the_consumer_may_leave_and_wake() -> None:
    gate = threading.Event()

    def wait(item: int) -> int:
        gate.wait(30)
        return item

    done = ordered_map(iter(range(50)), [wait], 2, "test", wake=lambda: gate.set() or True)
    with pytest.raises(Cancelled):
        next(done)
    done.close()
    with closing(ordered_map(iter(range(50)), [lambda k: k], 2, "test")) as done:
        assert next(done) == 0


def enhanced(model: Path, frames: list[Frame], workers: int, said: list[str] | None = None) -> list[Frame]:
    workers = Workers(load_model(model), EnhancerOptions(device="cpu"), workers, on_message=(said or []).append)
    with closing(workers.enhanced(iter(frames), depth=2)) as done:
        return list(done)


def test_the_number_of_workers_changes_no_bit(tiny_model: Path) -> None:
    with Source(sample()) as source:
        frames = list(islice((event for event in source.events() if isinstance(event, Frame)), 5))
        (one, two, three) = (enhanced(tiny_model, frames, workers) for workers in (1, 2, 3))
    assert [frame.pts for frame in two] == [frame.pts for frame in frames]
    for a, b, c in zip(one, two, three, strict=True):
        assert all(
            torch.equal(x, y) and torch.equal(x, z) for x, y, z in zip(a.planes, b.planes, c.planes, strict=True)
        )
    assert any(not torch.equal(x, y) for x, y in zip(one[0].planes, frames[0].planes, strict=True))


def gray(size: int, pts: int) -> Frame:
    fmt = pixel_format("yuv420p")
    planes = [torch.full(fmt.plane_size(k, size, size), 100, dtype=torch.uint8) for k in range(3)]
    return Frame(planes=tuple(planes), format=fmt, color=ColorTags(), pts=pts, time_base=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["wake", "close"])
def test_frames_under_way_are_given_up_between_tiles(
    way: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second frame's second tile lasts until the consumer has left: no third one follows."""
    passes: list[object] = []
    entered = threading.Event()
    computed = Folded.__call__

    def counting(self: Folded, *arguments: Any) -> torch.Tensor:
        passes.append(self)
        if len(passes) == 5:
            entered.set()
            workers.stopping.wait(30)
        return computed(self, *arguments)

    monkeypatch.setattr(Folded, "__call__", counting)
    workers = Workers(load_model(tiny_model), EnhancerOptions(device="cpu", tile=(48, 16)), 1)
    events = workers.enhanced(iter([gray(48, 0), gray(48, 1)]), 2, lambda: way == "wake" and entered.is_set())
    next(events)
    entered.wait(30)
    if way == "wake":
        with pytest.raises(Cancelled):
            next(events)
    events.close()
    assert len(passes) == 5


def test_lines_for_people_come_once_and_other_events_pass(tiny_model: Path) -> None:
    said: list[Message] = []
    threads = torch.get_num_threads()
    workers = Workers(load_model(tiny_model), EnhancerOptions(device="cpu"), 2, on_message=said.append)
    events = [gray(32, 0), "a packet", gray(32, 1), gray(32, 2)]
    with closing(workers.enhanced(iter(events), depth=4)) as done:
        found = list(done)
    assert [event if isinstance(event, str) else event.pts for event in found] == [0, "a packet", 1, 2]
    assert [line.code for line in said] == [Code.MATRIX_AND_RANGE_ASSUMED]
    assert torch.get_num_threads() == threads
    assert workers.seconds > 0


def test_what_a_worker_refuses_is_raised(tiny_model: Path) -> None:
    with pytest.raises(UnsupportedFormatError, match="8x8"):
        enhanced(tiny_model, [gray(32, 0), gray(8, 1)], 2)


def model_of(network: Network) -> LoadedModel:
    """A model that no file holds, trained on R'G'B'."""
    info = ModelInfo(name="made", architecture="rts", numbers={}, stage=1, degradation="", data_hash="")
    return LoadedModel(network, info, Path("made.safetensors"))


def large_enlarger() -> Network:
    """A network that enlarges by 4 alone, with 20,000 parameters that do nothing."""
    network = toy(4)
    network.register_parameter("idle", nn.Parameter(torch.zeros(20_000)))
    return network


def test_what_the_hint_takes_the_light_model_for() -> None:
    assert parameter_count(load_model(LIGHT_MODEL).network) == LIGHT_PARAMETERS


@pytest.mark.parametrize(
    ("network", "picture"),
    [
        (tiny_network(n=3, channels=32), {}),
        (tiny_network(n=3, channels=32), {"chroma": "sharpen"}),  # which the light model does not offer
        (large_enlarger(), {"scale": 4}),  # neither this
    ],
)  # fmt: skip
def test_the_hint_at_the_light_model_enhances_nothing_and_refuses_nothing(
    network: Network, picture: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    real = Enhancer.__call__
    monkeypatch.setattr(Enhancer, "__call__", lambda self, frames: passes.append(1) or real(self, frames))
    workers = Workers(model_of(network), EnhancerOptions(device="cpu", precision="fp32", **picture), 2)  # type: ignore[arg-type]
    assert workers.light_rate is None
    with closing(workers.enhanced(iter([gray(32, n) for n in range(3)]), depth=2)) as done:
        assert len(list(done)) == 3
    assert len(passes) == 3
    light = workers.light_rate
    assert light is not None
    assert light > 3 / workers.seconds  # what it is to be compared with


def test_the_time_of_a_frame_counts_while_it_is_enhanced(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that take turns without a pause have worked all the time."""
    within: list[float] = []
    real = Enhancer.__call__
    monkeypatch.setattr(Enhancer, "__call__", lambda self, frames: within.append(workers.seconds) or real(self, frames))
    workers = Workers(load_model(tiny_model), EnhancerOptions(device="cpu"), 1)
    with closing(workers.enhanced(iter([gray(32, 0)]), depth=2)) as done:
        list(done)
    assert 0 < within[0] < workers.seconds


def test_no_hint_where_it_would_be_no_advice(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = model_of(tiny_network(n=3, channels=32))

    def hint(model: LoadedModel, strength: float = 1.0) -> float | None:
        workers = Workers(model, EnhancerOptions(device="cpu", precision="fp32", strength=strength), 1)
        with closing(workers.enhanced(iter([gray(32, 0)]), depth=2)) as done:
            list(done)
        return workers.light_rate

    assert hint(load_model(tiny_model)) is None  # smaller
    assert hint(large, strength=0) is None  # no network runs
    monkeypatch.setattr("vidrts.workers.shipped_models", dict)
    assert hint(large) is None  # not installed
