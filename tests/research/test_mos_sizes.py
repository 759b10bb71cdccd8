"""The ladder of sizes on which the MOS is tried."""

import numpy as np
import pytest
from helpers.paths import DATA, need
from PIL import Image

from vidrts.research.mos_sizes import KINDS, rows, versions


def test_versions_are_the_photograph_at_one_size() -> None:
    photo = Image.effect_noise((300, 200), 60).convert("RGB")
    plain, blurred, noisy = versions(photo, 100)
    assert {v.shape for v in (plain, blurred, noisy)} == {(100, 150, 3)}
    assert blurred.std() < plain.std() < noisy.std()
    assert np.abs(noisy.astype(int) - plain).mean() == pytest.approx(8 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_photograph_has_no_row_above_its_own_size() -> None:
    (photo,) = [need(DATA / "viqet") / "kodim03.png"]
    found = []
    for row in rows([photo], workers=1):
        found.append(row.split(" | ")[:2])
        if len(found) == 2 + len(KINDS):  # the first size it has
            break
    assert found[2:] == [["| 512", kind] for kind in KINDS]
