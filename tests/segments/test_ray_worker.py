"""What a worker checks on its node before it makes anything; no cluster is needed."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from vidrts import EnhanceOptions
from vidrts.errors import InputError, OptionError, OutputError, VidrtsError
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import ignore
from vidrts.picture.options import EnhancerOptions
from vidrts.segments import ray_worker
from vidrts.segments.identity import ends
from vidrts.segments.planning import plan
from vidrts.segments.ray_worker import Order, Worker, absolute

SHORT = "androidx_media__sample_fragmented.mp4"


@pytest.fixture
def order(clips: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.setattr(ray_worker, "own_node", lambda: "far 10.0.0.7")
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu"), encode=EncodeOptions(video_codec="ffv1"),
    )  # fmt: skip
    source = clips / SHORT
    planned = plan(
        source, tmp_path / "out.mkv", options, Fraction(1, 3), 1, on_message=ignore, stop_signal=lambda: None
    )
    return Order(
        job=absolute(planned.job), weights=tiny_model.read_bytes(), size=source.stat().st_size, ends=ends(source),
        shared=None,
    )  # fmt: skip


def test_a_worker_makes_a_segment(order: Order, tmp_path: Path) -> None:
    worker, sharing = Worker(), Worker()
    assert worker.begin(order) == "far 10.0.0.7"
    assert sharing.begin(replace(order, shared=tmp_path)) == "far 10.0.0.7"
    sent, facts = worker.make(1, from_start=False)
    written, same = sharing.make(1, from_start=False)
    assert facts == same and facts.complete and facts.frames == 10
    assert written == tmp_path / "000001.part" and written.read_bytes() == sent


def test_what_a_node_lacks_is_named(order: Order, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(b"another film")
    wrong: list[tuple[Order, type[VidrtsError], str]] = [
        (replace(order, version="0.0"), OptionError, "has vidrts .*, expected 0.0"),
        (replace(order, job=replace(order.job, source=tmp_path / "no.mp4")), InputError, "no.mp4: No such file"),
        (replace(order, job=replace(order.job, source=other)), InputError, "other.mp4: is another file there"),
        (replace(order, shared=tmp_path / "nowhere"), OutputError, "nowhere is not there"),
    ]
    for each, kind, said in wrong:
        with pytest.raises(kind, match=f"^node far 10.0.0.7: .*{said}"):
            Worker().begin(each)
