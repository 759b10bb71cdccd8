"""A segment is a small value that any process can make, in any order; here it is made elsewhere, as bytes."""

import io
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest

from vidrts import EnhanceOptions
from vidrts.errors import InputError, Interrupted
from vidrts.media.read.damage import LossReport
from vidrts.media.read.key_frames import KeyFrames
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.networks.checkpoint import load_model
from vidrts.picture.options import EnhancerOptions
from vidrts.prefetch import Cancelled
from vidrts.segments.executor import Finished, Here, OnFrame
from vidrts.segments.job import Job, cutting_times
from vidrts.segments.options import Segments
from vidrts.segments.run import enhance_in_segments
from vidrts.segments.segment import Busy, Facts, SegmentRunner
from vidrts.workers import Workers

SHORT = "androidx_media__sample_fragmented.mp4"
THIRD = Segments(Fraction(1, 3))


class Elsewhere:
    """Gets each segment as bytes would travel to another machine, makes it alone, the last ones first."""

    def __init__(self, ends_after: int | None = None):
        self.busy = Busy()
        self.nodes = 1
        self.sizes: list[int] = []
        self._ends_after = ends_after

    def run(
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        for number in reversed(numbers):
            if self._ends_after is not None and len(self.sizes) == self._ends_after:
                raise Cancelled
            sent = pickle.dumps((job, number, from_start))
            self.sizes.append(len(sent))
            yield pickle.loads(pickle.dumps(self._there(sent)))

    def _there(self, sent: bytes) -> Finished:
        job, number, from_start = pickle.loads(sent)
        workers = Workers(load_model(job.options.model), job.options.picture, 1)
        file = io.BytesIO()
        ((number, facts),) = SegmentRunner(job, workers).run([number], lambda _: file, from_start=from_start)
        return Finished(number=number, result=file.getvalue(), facts=facts)


def options(model: Path) -> EnhanceOptions:
    return EnhanceOptions(
        model=str(model), picture=EnhancerOptions(device="cpu", precision="fp32"),
        encode=EncodeOptions(video_codec="libx264", preset="ultrafast", threads=1),
    )  # fmt: skip


def test_made_elsewhere_in_another_order_is_the_same_file(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.mkv", tmp_path / "there.mkv"
    enhance_in_segments(clips / SHORT, here, options(tiny_model), THIRD)
    elsewhere = Elsewhere()
    summary = enhance_in_segments(clips / SHORT, there, options(tiny_model), THIRD, executor=lambda _: elsewhere)
    assert summary.frames == 30
    assert there.read_bytes() == here.read_bytes()
    assert max(elsewhere.sizes) < 20_000


def test_what_was_made_elsewhere_is_kept(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    target, how = tmp_path / "out.mkv", Segments(THIRD.length, resume=True)
    with pytest.raises(Interrupted, match="1 of 3 segments"):
        enhance_in_segments(
            clips / SHORT, target, options(tiny_model), how, executor=lambda _: Elsewhere(1)
        )  # fmt: skip
    summary = enhance_in_segments(clips / SHORT, target, options(tiny_model), how)
    assert 0 < summary.earlier < summary.frames == 30


class Misread(Here):
    """Says of the second segment that it begins with another frame; `always`: even if read from the start."""

    def __init__(self, workers: Workers, *, always: bool):
        super().__init__(workers, lambda: None)
        self._always = always

    def run(
        self, job: Job, numbers: Sequence[int], folder: Path, *, from_start: frozenset[int], on_frame: OnFrame
    ) -> Iterator[Finished]:
        for made in super().run(job, numbers, folder, from_start=from_start, on_frame=on_frame):
            wrong = made.number == 1 and (self._always or 1 not in from_start)
            assert made.facts.first is not None
            facts = replace(made.facts, first=(made.facts.first[0], "another")) if wrong else made.facts
            yield replace(made, facts=facts)


def test_a_segment_that_does_not_fit_is_made_again(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    right, target = tmp_path / "right.mkv", tmp_path / "out.mkv"
    enhance_in_segments(clips / SHORT, right, options(tiny_model), THIRD)
    said: list[Message] = []
    enhance_in_segments(
        clips / SHORT, target, options(tiny_model), THIRD, executor=partial(Misread, always=False),
        on_message=said.append,
    )  # fmt: skip
    assert [line.values["number"] for line in said if line.code is Code.SEGMENT_ANEW] == [2]
    assert target.read_bytes() == right.read_bytes()
    with pytest.raises(InputError, match="cannot be cut into segments"):
        enhance_in_segments(
            clips / SHORT, tmp_path / "no.mkv", options(tiny_model), Segments(THIRD.length, resume=True),
            executor=partial(Misread, always=True),
        )  # fmt: skip
    assert not (tmp_path / "no.mkv").exists()


def test_facts_are_there_again() -> None:
    facts = Facts(
        frames=3, parameters=b"\0\1", first=(7, "ab"), after=None, said=(Message(Code.DEINTERLACED, time=0.5),),
        lost=LossReport(packets=2, times=[Fraction(1, 3)], first=Fraction(2, 7), leading=1, ended="why"),
    )  # fmt: skip
    again = Facts.of(facts.plain())
    assert again == facts
    assert (again.said[0].code, again.said[0].values) == (Code.DEINTERLACED, {"time": 0.5})


@pytest.mark.parametrize(
    ("keys", "end", "length", "cuts"),
    [
        ([0, 8, 13, 21], 30, 10, [8, 21]),
        ([0, 4, 17, 24], 30, 10, [10, 17]),
        ([], 36, 10, [10, 20, 30]),
        ([], 34, 10, [10, 20]),
        ([0, 50], 60, 100, []),
        ([], None, 10, []),
    ],
)
def test_cuts(keys: list[int], end: int | None, length: int, cuts: list[int]) -> None:
    found = KeyFrames(tuple(map(Fraction, keys)), None if end is None else Fraction(end))
    assert list(cutting_times(found, Fraction(0), None, Fraction(length))) == [Fraction(cut) for cut in cuts]
