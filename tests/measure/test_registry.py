"""The list of metrics: complete, told apart, and read by everything that measures or prints."""

import numpy as np
import pytest
from helpers.paths import DATA, need
from PIL import Image, ImageFilter

from vidrts.measure.metric import Reading
from vidrts.measure.registry import COMPARED, METRICS, MOS, VIQET
from vidrts.measure.viqet import COLUMNS, measure
from vidrts.media.tools import filter_metrics


def test_each_metric_has_one_entry_and_one_function() -> None:
    assert len(METRICS) == len({id(metric) for metric in METRICS.values()})
    assert all(key == metric.key for key, metric in METRICS.items())
    assert len({metric.name for metric in COMPARED}) == len(COMPARED), "columns are told apart"
    for metric in COMPARED:
        assert metric.meaning.endswith(".") and metric.meaning[0].isupper()
        assert (metric.measure is not None) == (metric.kind in ("pair", "luma", "sequence"))
    assert {m.key for m in METRICS.values() if m.kind == "filter"} == set(filter_metrics.KEYS)
    assert {metric.key for metric in VIQET} <= set(COLUMNS)


def test_values_are_printed_as_their_entry_says() -> None:
    assert METRICS["flicker"].text(1.234) == "×1.23"
    assert METRICS["delta_scalar"].text(0.4) == "+0.40 points"
    assert METRICS["delta_scalar"].text(-0.4) == "−0.40 points"
    assert (METRICS["psnr_y"].title, METRICS["psnr_y"].text(31.456)) == ("PSNR-Y, dB", "31.46 dB")
    assert METRICS["ssim"].show(Reading(0.98765)) == "0.9877"
    assert METRICS["cambi"].show(Reading(2, source=4.5)) == "4.50 → 2.00"
    assert METRICS["mos"].show(None) == METRICS["mos"].number(None) == "–"


@pytest.mark.parametrize(("photo", "side"), [("budgie__dragonfly-on-lavender__65c6e9.jpg", MOS.smallest)])
def test_the_mos_tells_sharp_from_blurred_at_its_smallest_size(photo: str, side: int) -> None:
    """And does not far below: both are at the end of the scale, or the blurred picture is the better one."""
    with Image.open(need(DATA / "train" / "photos2k") / photo) as image:
        whole = image.convert("RGB")

    def mos(height: int, blur: float) -> float:
        size = (round(whole.width * height / min(whole.size)), round(whole.height * height / min(whole.size)))
        small = whole.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(blur))
        return measure(np.asarray(small)).mos

    sharp, blurred = mos(side, 0), mos(side, 1)
    assert sharp > 1.3
    assert sharp > blurred + 0.3
    assert mos(160, 0) <= mos(160, 1)
