"""The search for a GPU's fastest tile: what is tried, what is remembered, and that a broken memory does not matter."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidrts.picture.tile_autotune import Size, cache_file, candidates, fastest
from vidrts.picture.tiles import TileGrid

SIZES = [(512, 270), (960, 540)]


class Clock:
    """Seconds by size; notes what was asked."""

    def __init__(self, seconds: dict[Size, float]) -> None:
        self.seconds = seconds
        self.asked: list[Size] = []

    def __call__(self, size: Size) -> float:
        self.asked.append(size)
        return self.seconds[size]


@given(height=st.integers(16, 4400), width=st.integers(16, 8200))
def test_every_candidate_covers_the_picture(height: int, width: int) -> None:
    found = candidates(height, width)
    assert found and len(set(found)) == len(found)
    for tile_width, tile_height in found:
        assert TileGrid(height, width, tile_height, tile_width, 8).tiles
    assert (width, height) in found


def test_the_fastest_is_tried_once_and_remembered(tmp_path: Path) -> None:
    cache = tmp_path / "vidrts" / "tiles.json"
    clock = Clock({SIZES[0]: 2.0, SIZES[1]: 1.0})
    assert fastest("a card", SIZES, clock, cache) == SIZES[1]
    assert fastest("a card", SIZES, clock, cache) == SIZES[1]
    assert clock.asked == SIZES
    assert fastest("another card", SIZES, Clock({SIZES[0]: 1.0, SIZES[1]: math.inf}), cache) == SIZES[0]
    assert json.loads(cache.read_text()) == {"a card": [960, 540], "another card": [512, 270]}
    assert [p.name for p in cache.parent.iterdir()] == ["tiles.json"]


@pytest.mark.parametrize("held", ["", "[1]", "{", '{"a card": 3}', '{"a card": [7, 7]}', '{"a card": ["x", null]}'])
def test_a_broken_memory_is_done_without(held: str, tmp_path: Path) -> None:
    cache = tmp_path / "tiles.json"
    cache.write_text(held)
    assert fastest("a card", SIZES, Clock({SIZES[0]: 1.0, SIZES[1]: 2.0}), cache) == SIZES[0]
    assert json.loads(cache.read_text())["a card"] == [512, 270]


def test_where_nothing_can_be_done_or_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = tmp_path / "file" / "tiles.json"  # below a file
    assert fastest("a card", SIZES, Clock({SIZES[0]: 3.0, SIZES[1]: 2.0}), cache) == SIZES[1]
    assert fastest("a card", SIZES, Clock({SIZES[0]: 2.0, SIZES[1]: 3.0}), cache) == SIZES[1], "what this process found"
    none = Clock(dict.fromkeys(SIZES, math.inf))
    assert fastest("a card", SIZES, none, tmp_path / "tiles.json") == SIZES[0]
    assert not (tmp_path / "tiles.json").exists()


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file() == tmp_path / "vidrts" / "tiles.json"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_file().parts[-3:] == (".cache", "vidrts", "tiles.json")
