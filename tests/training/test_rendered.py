"""Rendered pages: all scripts that the machine has, the same for a seed, sharp."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vidrts.errors import TrainingError
from vidrts.messages import Code, Message
from vidrts.training import rendered
from vidrts.training.corpus import read_picture


def test_pages_come_out_the_same_and_hold_fine_detail(tmp_path: Path) -> None:
    said: list[Message] = []
    for folder in ("one", "two"):
        rendered.render_pages(tmp_path / folder, 4, seed=7, on_message=said.append)
    digests = [
        [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((tmp_path / f).iterdir())] for f in ("one", "two")
    ]
    assert digests[0] == digests[1] and len(set(digests[0])) == 4
    assert all(line.code is Code.NO_FONT_FOR_SCRIPT for line in said)
    for page in sorted((tmp_path / "one").iterdir()):
        with Image.open(page) as image:
            assert image.size == (512, 512) and image.mode == "RGB"
            luma = np.asarray(image.convert("L"), dtype=float)
        assert np.abs(np.diff(luma, axis=1)).max() > 60, "edges a pixel wide"


def test_a_font_is_taken_for_the_scripts_that_it_has() -> None:
    for script in rendered._SCRIPTS:
        for font in rendered.fonts_for(script):
            assert rendered.has_letters(font, script)
            assert "LastResort" not in font.name


def test_a_machine_without_fonts_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendered, "_all_fonts", list)
    rendered.fonts_for.cache_clear()
    with pytest.raises(TrainingError, match="no font was found"):
        rendered.render_pages(tmp_path, 1, seed=1)
    rendered.fonts_for.cache_clear()


def test_titles_change_their_own_rows_and_are_sharp(kodak: Path) -> None:
    picture = read_picture(min(kodak.rglob("*.png")))[:, :200, :300].contiguous()
    for seed in range(6):
        titled = rendered.titled(picture, np.random.default_rng(seed))
        assert titled.shape == picture.shape and titled.dtype == torch.uint8
        changed = (titled != picture).any(0).any(1)
        assert changed.any() and not changed.all()
        assert torch.equal(titled, rendered.titled(picture, np.random.default_rng(seed)))
        edges = titled.float().mean(0).diff(dim=1).abs()
        assert edges[changed].max() > 60, "edges a pixel wide"


@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_titles_go_over_pictures_of_any_size(height: int, width: int, seed: int) -> None:
    picture = torch.full((3, height, width), 128, dtype=torch.uint8)
    assert rendered.titled(picture, np.random.default_rng(seed)).shape == (3, height, width)
