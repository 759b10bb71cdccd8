"""The dts of packets: what no muxer would take is mended, everything else stays."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.paths import ROOT
from hypothesis import given
from hypothesis import strategies as st

from vidrts.media.write.decoding_times import DecodingTimes

GARBAGE = st.one_of(
    st.integers(2**31, 2**62), st.integers(-(2**62), -(2**40)), st.just(4691364230928202726), st.just(0x55555555)
)  # fmt: skip


@st.composite
def coded(draw: st.DrawFn) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """(times in showing order, durations, (pts, dts) in decoding order) as an encoder with B-frames gives them."""
    durations = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=40))
    first = draw(st.integers(-100_000, 10_000_000))
    times = [first + sum(durations[:n]) for n in range(len(durations))]
    order: list[int] = []
    while len(order) < len(times):
        start = len(order)
        order += hierarchy(start, min(start + draw(st.integers(1, 16)), len(times)))
    delay = max(place - order[place] for place in range(len(order)))
    early = [first - n * durations[0] for n in range(delay, 0, -1)]
    decoded = [*early, *times][: len(times)]
    return times, durations, [(times[n], dts) for n, dts in zip(order, decoded, strict=True)]


def hierarchy(start: int, stop: int) -> list[int]:
    """Decoding order of frames start..stop-1: the last first, then the middle of what lies before, and so on."""
    if start >= stop:
        return []

    def halves(low: int, high: int) -> list[int]:
        middle = (low + high) // 2
        return [middle, *halves(low, middle), *halves(middle + 1, high)] if low < high else []

    return [stop - 1, *halves(start, stop - 1)]


def mended(times: list[int], durations: list[int], packets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    decoding = DecodingTimes()
    for time, duration in zip(times, durations, strict=True):
        decoding.shown(time, duration)
    return [decoding.times(*packet) for packet in packets]  # type: ignore[misc]


def muxable(packets: list[tuple[int, int]]) -> bool:
    stamps = [dts for _, dts in packets]
    return all(dts <= pts for pts, dts in packets) and all(a < b for a, b in pairwise(stamps))


@given(coded())
def test_good_times_stay(film: tuple[list[int], list[int], list[tuple[int, int]]]) -> None:
    times, durations, packets = film
    assert muxable(packets)
    assert mended(times, durations, packets) == packets


@given(coded(), st.data())
def test_garbage_is_mended_and_no_pts_moves(
    film: tuple[list[int], list[int], list[tuple[int, int]]], data: st.DataObject
) -> None:
    times, durations, packets = film
    bad = data.draw(st.lists(st.booleans(), min_size=len(packets), max_size=len(packets)))
    base = data.draw(GARBAGE)
    spoiled = [
        (pts, times[0] + base + dts if wrong else dts) for (pts, dts), wrong in zip(packets, bad, strict=True)
    ]  # fmt: skip
    made = mended(times, durations, spoiled)
    assert muxable(made)
    assert [pts for pts, _ in made] == [pts for pts, _ in packets]
    assert all(pts - dts <= sum(durations) + 5 * max(durations) for pts, dts in made)


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-(2**62), 2**62)), max_size=12))
def test_whatever_comes_can_be_muxed(packets: list[tuple[int, int]]) -> None:
    """Even pts twice or backwards, and packets of no frame that went in."""
    assert muxable(mended([0], [1], packets))
    assert muxable([DecodingTimes().times(*packet) for packet in packets[:1]])  # type: ignore[misc]


def test_without_times_nothing_is_made_up() -> None:
    decoding = DecodingTimes()
    decoding.shown(0, 1)
    assert decoding.times(None, 5) == (None, 5)
    assert decoding.times(5, None) == (5, None)


def test_the_first_packet_of_x265() -> None:
    """What it gave for films of one and two frames, of 512 ticks each."""
    assert mended([0], [512], [(0, 4691364230928202726)]) == [(0, -2048)]
    assert mended([0, 512], [512] * 2, [(0, -244813135929), (512, -244813135417)]) == [(0, -2048), (512, -1536)]


@pytest.mark.parametrize("byte", ["1", "165"])
def test_a_film_shorter_than_the_encoders_delay(byte: str, tmp_path: Path) -> None:
    """In a process of its own where memory that nobody wrote is full of ones or zeros: x265 takes it for a time."""
    for frames in (1, 2, 5):
        made = [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=64x64:r=25",
            "-frames:v",
            f"{frames}",
        ]
        subprocess.run([*made, "-pix_fmt", "yuv420p", "-c:v", "ffv1", str(tmp_path / f"{frames}.mkv")], check=True)
    code = (
        "import sys; sys.path.insert(0, 'tests'); from pathlib import Path;"
        "from helpers.media_truth import compare, relay;"
        "from vidrts.media.write.options import EncodeOptions\n"
        "for clip in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    for kind in 'mkv', 'mp4', 'ts':\n"
        "        out = clip.with_suffix(f'.out.{kind}')\n"
        "        relay(clip, out, encode=EncodeOptions(video_codec='libx265'))\n"
        "        print([line for line in compare(clip, out) if 'frames' in line])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "MALLOC_PERTURB_": byte},
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    lines = said.stdout.split("\n")[:-1]
    assert lines == ["[]"] * 9
