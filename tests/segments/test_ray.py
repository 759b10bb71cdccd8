"""Segments made on a Ray cluster: one node here, three under `slow`; the file is that of one machine."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vidrts import EnhanceOptions
from vidrts.cli.progress import ProgressReport, summary_line
from vidrts.cli.progress_format import ProgressFormat
from vidrts.errors import InputError, OptionError, VidrtsError
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions
from vidrts.progress import Progress
from vidrts.segments import ray_cluster, ray_executor
from vidrts.segments.journal import folder_of
from vidrts.segments.options import Segments
from vidrts.segments.ray_cluster import Node, default_cpus, slots
from vidrts.segments.run import enhance_in_segments

SHORT = "androidx_media__sample_fragmented.mp4"
"""30 frames in a second, with sound."""
FIFTH = Segments(Fraction(1, 5))


def own(tiny_model: Path) -> EnhanceOptions:
    return EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu", precision="fp32"),
        encode=EncodeOptions(video_codec="libx264", preset="ultrafast", threads=1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of one node with one CPU."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        yield made
        made.shutdown()


def worker_processes() -> set[int]:
    """Of `ray_worker.Worker`, which name themselves by what they do."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(b"ray::Worker"):
                found.add(int(folder.name))
    return found


def test_a_killed_worker_changes_nothing(
    cluster: Any, clips: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Byte for byte what one machine makes; which node made what is told to those who ask."""
    here, there = tmp_path / "here.mkv", tmp_path / "there.mkv"
    enhance_in_segments(clips / SHORT, here, own(tiny_model), FIFTH)
    said: list[Message] = []
    seen: list[Progress] = []

    def kill_once(progress: Progress) -> None:
        if not seen:
            for process in worker_processes():
                os.kill(process, signal.SIGKILL)
        seen.append(progress)

    summary = enhance_in_segments(
        clips / SHORT, there, own(tiny_model), replace(FIFTH, ray=cluster.address), on_progress=kill_once,
        on_message=said.append,
    )  # fmt: skip
    assert there.read_bytes() == here.read_bytes()
    assert summary.frames == 30 and seen[-1].segments == (5, 5) and seen[-1].nodes == 1
    codes = [line.code for line in said]
    assert codes.count(Code.WORKER_GONE) == 1 and codes.count(Code.SEGMENT_OF_NODE) == 5
    begins = next(line.values for line in said if line.code is Code.RAY_BEGINS)
    assert (begins["nodes"], begins["workers"], begins["cpus"]) == (1, 1, 1)
    assert "alone" not in summary_line(summary), "nothing was decoded here"
    node = next(line for line in said if line.code is Code.SEGMENT_OF_NODE)
    for verbose in (False, True):
        ProgressReport(ProgressFormat("none"), verbose=verbose).message(node)
        assert (node in capfd.readouterr().err) is verbose


@pytest.mark.slow
def test_a_run_begun_on_a_cluster_goes_on_here(cluster: Any, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """The nodes write into the run's folder; what a signal ends another executor takes up."""
    here, there = tmp_path / "here.mkv", tmp_path / "there.mkv"
    enhance_in_segments(clips / SHORT, here, own(tiny_model), FIFTH)
    seen: list[Progress] = []
    with pytest.raises(VidrtsError, match="stopped after"):
        enhance_in_segments(
            clips / SHORT, there, own(tiny_model), replace(FIFTH, ray=cluster.address, ray_shared=True, resume=True),
            on_progress=seen.append, stop_signal=lambda: signal.SIGTERM if len(seen) >= 2 else None,
        )  # fmt: skip
    assert len(list(folder_of(there).glob("*.packets"))) >= 2
    summary = enhance_in_segments(clips / SHORT, there, own(tiny_model), replace(FIFTH, resume=True))
    assert 0 < summary.earlier < 30
    assert there.read_bytes() == here.read_bytes() and not folder_of(there).exists()


def test_a_node_that_sees_another_source_is_named(
    cluster: Any, clips: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.mkv"
    monkeypatch.setattr(ray_executor, "ends", lambda path: "of another film")
    with pytest.raises(InputError, match=rf"^node \S+ \S+ \(\w+\): .*{SHORT}: is another file there"):
        enhance_in_segments(clips / SHORT, target, own(tiny_model), replace(FIFTH, ray=cluster.address))
    assert not list(tmp_path.iterdir())


def test_where_no_cluster_answers(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for address, why in (("127.0.0.1:1", "refused"), ("nowhere", "auto or HOST:PORT"), ("a:b", "auto or HOST:PORT")):
        with pytest.raises(OptionError, match=rf"--ray {address}: no cluster answers there \(.*{why}.*ray start"):
            enhance_in_segments(clips / SHORT, tmp_path / "out.mkv", own(tiny_model), replace(FIFTH, ray=address))


def test_workers_have_cpus_that_every_node_has() -> None:
    nodes = [Node("head", 0, 0), Node("small", 2, 0), Node("large", 16, 2)]
    assert default_cpus(nodes) == 2 and default_cpus(nodes[2:]) == 4
    assert slots(nodes, 2, 0) == 9 and slots(nodes, 4, 1) == 2
    for found, cpus, gpus in ((nodes, 32, 0), (nodes[:2], 2, 1)):
        with pytest.raises(OptionError, match="no node has"):
            slots(found, cpus, gpus)
    with pytest.raises(OptionError, match="no node of the cluster has a CPU"):
        default_cpus(nodes[:1])
    with pytest.raises(OptionError, match="--ray-shared"):
        Segments(ray_shared=True)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(VidrtsError, match=r"pip install '\.\[ray\]'"):
        ray_cluster.loaded()


@pytest.mark.slow
def test_a_segment_at_which_workers_end_ends_the_run(
    cluster: Any, clips: Path, tiny_model: Path, tmp_path: Path
) -> None:
    said: list[Message] = []

    def kill() -> None:
        for process in worker_processes():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)

    with pytest.raises(VidrtsError, match="3 workers ended at it"):
        enhance_in_segments(
            clips / SHORT, tmp_path / "out.mkv", own(tiny_model), replace(FIFTH, ray=cluster.address),
            on_message=said.append, stop_signal=kill,
        )  # fmt: skip
    # Some end before their first segment, which is counted apart, and ends the run at three as well.
    assert sum(line.code is Code.WORKER_GONE for line in said) in (3, 4, 5)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_node_that_is_lost_changes_nothing(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Three nodes; after the first segment a worker is killed, after the third a whole node, and another one joins."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    here, there = tmp_path / "here.mkv", tmp_path / "there.mkv"
    how = Segments(Fraction(1, 10))
    enhance_in_segments(clips / SHORT, here, own(tiny_model), how)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        lost = made.add_node(num_cpus=1)
        for _ in range(2):
            made.add_node(num_cpus=1)
        said: list[Message] = []

        def harm(progress: Progress) -> None:
            assert progress.segments is not None
            if progress.segments[0] == 1:
                os.kill(min(worker_processes()), signal.SIGKILL)
            if progress.segments[0] == 3 and lost in made.list_all_nodes():
                made.remove_node(lost, allow_graceful=False)
                made.add_node(num_cpus=1)

        enhance_in_segments(
            clips / SHORT, there, own(tiny_model), replace(how, ray=made.address), on_progress=harm,
            on_message=said.append,
        )  # fmt: skip
    finally:
        made.shutdown()
    assert there.read_bytes() == here.read_bytes()
    assert sum(line.code is Code.WORKER_GONE for line in said) >= 2
    assert len({line.values["node"] for line in said if line.code is Code.SEGMENT_OF_NODE}) >= 2
