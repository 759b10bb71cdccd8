"""VIQET's measures against the original's values, and each part against a second way to compute it."""

import csv
import math
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.paths import DATA, need
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from scipy import fft, ndimage, special, stats

from vidrts.errors import UnsupportedFormatError
from vidrts.measure.viqet import COLUMNS, DEFAULT_MODEL, MODELS, Scores, load_mos_model, measure
from vidrts.measure.viqet.color_exposure import (
    badly_exposed,
    color_warmth,
    contrast_and_exposure,
    divergence_from_flat_histogram,
    saturation,
)
from vidrts.measure.viqet.cosine import cut_blocks, dct_blocks, zigzag
from vidrts.measure.viqet.edges import canny, measure_edges
from vidrts.measure.viqet.features import extract
from vidrts.measure.viqet.final_noise import fused_multiply_add
from vidrts.measure.viqet.gabor import EDGE_SIZES, edge_kernels, gabor, noise_kernels
from vidrts.measure.viqet.gaussian import fit_asymmetric, symmetric_shape
from vidrts.measure.viqet.neighbours import measure_neighbours
from vidrts.measure.viqet.noise import deviations_of_windows, gabor_activity, measure_block_noise
from vidrts.measure.viqet.preprocess import fit, fitted_size, to_grey
from vidrts.measure.viqet.texture import measure_texture

Picture = NDArray[np.uint8]


def read(path: Path) -> Picture:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="session")
def folder() -> Path:
    return need(DATA / "viqet")


@pytest.fixture(scope="session")
def piece(folder: Path) -> Picture:
    """A small real picture with edges, texture and flat sky: (203, 290, 3)."""
    return read(folder / "kodim19.png")[170:373, 100:390].copy()


@pytest.fixture(scope="session")
def narrow(folder: Path) -> Picture:
    """A real picture that is quick to measure, 140x1200 when fitted: (768, 90, 3)."""
    return read(folder / "kodim19.png")[:, 100:190].copy()


@pytest.fixture(scope="module")
def reference(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "reference_scores.csv").open() as file:
        return {row["file"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def scores(folder: Path, reference: Mapping[str, object]) -> dict[str, Scores]:
    return {name: measure(read(folder / name)) for name in reference}


def test_the_columns_are_those_of_the_reference(reference: dict[str, dict[str, str]]) -> None:
    header = list(next(iter(reference.values())))
    assert list(COLUMNS) == header[header.index("resolution_mp") :]


@pytest.mark.parametrize("column", [c for c in COLUMNS if c != "flat_region_index"])
def test_the_original_is_met(column: str, scores: dict[str, Scores], reference: dict[str, dict[str, str]]) -> None:
    """Within 1e-6; the version 2 night model hangs on the signs of rounding errors, hence 0.005."""
    tolerance = {"abs": 0.005, "rel": 0} if column.endswith("v2_night") else {"rel": 1e-6, "abs": 0}
    for name, score in scores.items():
        assert score.columns()[column] == pytest.approx(float(reference[name][column]), **tolerance), name


def test_what_scores_say_of_themselves(scores: dict[str, Scores]) -> None:
    score = scores["kodim19.png"]
    assert tuple(score.columns()) == COLUMNS
    assert score.columns()["flat_region_index"] is None and "--flat-region-model" in score.missing["flat_region_index"]
    assert set(score.missing) == {"flat_region_index"}
    assert score.mos_model == "VIQET Preview 1 day"
    assert (score.mos, score.raw_mos) == (score.columns()["MOS_v1_day"], score.columns()["raw_v1_day"])
    assert scores["kodim23__blur1.png"].mos == 1.0 > scores["kodim23__blur1.png"].raw_mos


def test_processed_pictures_are_told_apart(scores: dict[str, Scores]) -> None:
    columns = {name: score.columns() for name, score in scores.items()}

    def value(version: str, column: str) -> float:
        found = columns[f"kodim23{version}.png"][column]
        assert found is not None
        return found

    for column in ("edge_acutance", "texture_acutance", "edge_strength_sum", "edge_gabor_9", "raw_v1_day"):
        assert value("__blur1", column) < value("__bicubic2", column) < value("", column) < value("__usm1", column)
    assert value("__jpegq30", "noise_signature_index") > value("", "noise_signature_index")


def test_each_model_gives_its_own_mos(narrow: Picture) -> None:
    for name, column in (("preview1-day", "v1_day"), ("preview1-night", "v1_night"), ("v2-night", "v2_night")):
        score = measure(narrow, mos_model=MODELS[name])
        assert score.mos == score.columns()[f"MOS_{column}"] and score.raw_mos == score.columns()[f"raw_{column}"]
        assert score.mos_model == MODELS[name].title and score.mos_model.startswith("VIQET ")
    assert load_mos_model() is MODELS[DEFAULT_MODEL]
    assert len({model.title for model in MODELS.values()}) == len(MODELS) == 3


def test_blurring_and_sharpening_move_the_edges(narrow: Picture) -> None:
    image = Image.fromarray(narrow)
    series = [
        *(image.filter(ImageFilter.GaussianBlur(radius)) for radius in (1.6, 0.8, 0.4)),
        image,
        *(image.filter(ImageFilter.UnsharpMask(1, percent, 0)) for percent in (40, 80, 160)),
    ]
    acutances = [measure_edges(fit(np.array(version)).grey).acutance for version in series]
    assert acutances == sorted(acutances) and len(set(acutances)) == len(series)


def test_colour_and_light_move_their_measures(piece: Picture) -> None:
    image = Image.fromarray(piece)
    assert saturation(np.array(ImageEnhance.Color(image).enhance(1.5))) > saturation(piece)
    assert color_warmth(piece[..., ::-1].copy()) != color_warmth(piece)
    dull = to_grey(np.array(ImageEnhance.Contrast(image).enhance(0.4)))
    assert contrast_and_exposure(dull)[0] < contrast_and_exposure(to_grey(piece))[0]
    assert divergence_from_flat_histogram(dull) > divergence_from_flat_histogram(to_grey(piece))


# The fit


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((2040, 1356), (1805, 1200)), ((768, 512), (1800, 1200)), ((3840, 2160), (1920, 1080)), ((80, 80), (1200, 1200))],
)
def test_fitted_sizes(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fitted_size(*size) == fitted


def test_exactly_half_is_the_mean_of_four() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 3840, 3), dtype=np.uint8)
    wanted = picture.reshape(200, 2, 1920, 2, 3).mean(axis=(1, 3))
    assert np.abs(fit(picture).rgb - wanted).max() <= 0.5


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((79, 200, 3), np.uint8), "80 pixels.*200x79"),
        (np.zeros((0, 0, 3), np.uint8), "0x0"),
        (np.zeros((100, 1600, 3), np.uint8), "1920x120.*107x121"),
        (np.zeros((1200, 100, 3), np.uint8), "100x1200.*107x121"),
        (np.zeros((90, 90), np.uint8), "convert"),
        (np.zeros((90, 90, 4), np.uint8), "convert"),
        (np.zeros((90, 90, 3), np.uint16), "uint16"),
        (np.zeros((90, 90, 3)), "float64"),
    ],
)
def test_what_cannot_be_measured_is_refused(picture: NDArray[np.generic], message: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=message) as caught:
        measure(picture)
    assert "\n" not in str(caught.value)


def test_the_smallest_pictures_are_measured(piece: Picture, narrow: Picture) -> None:
    upright, lying = narrow[:, :80], np.repeat(piece[:80, :211], 6, axis=1)
    assert fit(upright).grey.shape == (1200, 125) and fit(lying).grey.shape == (121, 1920)
    for smallest in (piece[:80, :80], upright[:, ::-1], lying):
        assert set(measure(smallest).missing) == {"flat_region_index"}


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_picture_has_no_mos_and_says_so(level: int) -> None:
    score = measure(np.full((540, 90, 3), level, np.uint8))
    assert math.isnan(score.mos) and math.isnan(score.raw_mos)
    assert score.columns()["MOS_v1_day"] is None and "not defined" in score.missing["MOS_v1_day"]
    assert score.columns()["edge_acutance"] == 0
    assert score.columns()["under_exposed_pct"] == (100 if level == 0 else 0)
    assert score.columns()["over_exposed_pct"] == (100 if level == 255 else 0)


# Section 2


def test_contrast_and_exposure_tile_by_tile(piece: Picture) -> None:
    grey = to_grey(piece)
    tiles = [grey[y : y + 7, x : x + 7].astype(float) for y in range(0, 203, 7) for x in range(0, 290, 7)]
    contrast = np.mean([np.ptp(t) / (1e-19 + t.max() + t.min()) for t in tiles])
    deviations = np.array([t.std() for t in tiles])
    busy = [t.mean() for t in tiles if t.std() > deviations.sum() / (len(tiles) + 1)]
    assert contrast_and_exposure(grey) == pytest.approx((contrast, sum(busy) / (len(busy) + 1)), rel=1e-12)


def test_warmth_by_trying_every_black_body(piece: Picture) -> None:
    table = np.loadtxt(
        Path(measure.__code__.co_filename).with_name("tables") / "table_color_warmth.csv", delimiter=",", skiprows=1
    )
    blue, green, red = piece[:200, :288, 2], piece[:200, :288, 1], piece[:200, :288, 0]
    weights = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169))
    planes = [np.minimum(np.rint(a * blue + b * green + c * red), 255) for a, b, c in weights]
    quarters = [p.reshape(50, 4, 72, 4)[:, 1:3, :, 1:3].mean(axis=(1, 3)).ravel() / 256 for p in planes]
    kelvins = [
        table[np.argmin((table[:, 1] - x) ** 2 + (table[:, 2] - y) ** 2), 0] for x, y in zip(*quarters, strict=True)
    ]
    assert color_warmth(piece[:200, :288].copy()) == pytest.approx(np.mean(kelvins), rel=2e-3)  # fixed-point XYZ


def test_saturation_and_histogram_by_hand(piece: Picture) -> None:
    wide = piece.astype(int)
    high, low = wide.max(axis=2), wide.min(axis=2)
    assert saturation(piece) == pytest.approx(np.mean(255 * (high - low) / np.maximum(high, 1)), abs=0.5)
    half = np.array([[10, 20], [20, 255]], np.uint8)  # 255 does not count
    wanted = special.rel_entr([1 / 3, 2 / 3], [1 / 256, 1 / 256]).sum()
    assert divergence_from_flat_histogram(half) == pytest.approx(wanted, rel=1e-12)


def test_badly_exposed_by_scipy(piece: Picture) -> None:
    grey = to_grey(piece)
    grey[:90, :120], grey[60:, 200:] = 255, 0
    side = 203 // 8  # odd: no question of the anchor
    mean = ndimage.uniform_filter(grey.astype(float), side, mode="reflect")
    wanted = 100 * (mean > 254 + 1e-9).mean(), 100 * (mean < 2 - 1e-9).mean()
    assert badly_exposed(grey) == pytest.approx(wanted, abs=1e-9) and min(wanted) > 1


# Section 3


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
@pytest.mark.parametrize(("low", "high", "size"), [(0.1436, 0.268, 13), (0.1, 0.187, 25), (0.0413, 0.077, 45)])
def test_gabor_kernels(low: float, high: float, size: int, orientation: int) -> None:
    kernel = gabor(low, high, size, orientation)
    assert kernel.shape == (size, size) and abs(kernel.sum()) < 1e-4
    assert (kernel == kernel[::-1, ::-1]).all()
    first, second = gabor(low, high, size, 1), gabor(low, high, size, 2)
    assert (kernel == {1: first, 2: second, 3: first.T, 4: second[::-1]}[orientation]).all()
    assert all(value == float(f"{value:.4e}") for value in kernel.flat)
    # The gain peaks at the middle of the band, in the kernel's direction.
    frequencies = np.arange(0, 0.5, 0.005)
    direction = np.radians({1: 0, 2: 45, 3: 90, 4: -45}[orientation])
    y, x = np.mgrid[:size, :size] - size // 2
    along, across = x * np.cos(direction) + y * np.sin(direction), y * np.cos(direction) - x * np.sin(direction)
    gains = [abs((kernel * np.exp(-2j * np.pi * f * along)).sum()) for f in frequencies]
    assert frequencies[np.argmax(gains)] == pytest.approx((low + high) / 2, abs=0.006)
    assert abs((kernel * np.exp(-1j * np.pi * (low + high) * across)).sum()) < 0.5 * max(gains)


def test_kernel_sets() -> None:
    assert tuple(len(kernel) for kernel in edge_kernels()) == EDGE_SIZES
    assert all(kernel == pytest.approx(kernel.T, abs=1e-16) for kernel in edge_kernels())
    assert [[len(kernel) for kernel in scales] for scales in noise_kernels()] == [[45, 25, 13, 7]] * 4
    assert edge_kernels()[0][24, 24] == pytest.approx(
        np.mean([gabor(0.5 * 2**-0.1, 0.5, 49, k)[24, 24] for k in (1, 2, 3, 4)])
    )


def test_edges_by_scipy(piece: Picture) -> None:
    grey = to_grey(piece)
    exact = grey.astype(float)
    edges = measure_edges(grey)
    smooth = ndimage.gaussian_filter(exact, 2, mode="reflect", radius=6)
    strength_mask = canny(np.rint(smooth).astype(np.uint8))
    assert edges.pixel_count == strength_mask.sum()

    soft = exact
    for _ in range(2):
        soft = ndimage.gaussian_filter(soft, 7 / 6, mode="constant", radius=3)
    gradient = np.abs(ndimage.sobel(soft, 0, mode="constant")) + np.abs(ndimage.sobel(soft, 1, mode="constant"))
    assert edges.strength_sum == pytest.approx((gradient / 2)[strength_mask].sum(), rel=1e-12)

    mask = canny(cv2.GaussianBlur(grey, (13, 13), 2, borderType=cv2.BORDER_REFLECT)).astype(float)
    for band, kernel in zip(edges.bands, edge_kernels(), strict=True):
        response = np.abs(ndimage.correlate(exact, kernel, mode="constant")) * mask
        assert band == pytest.approx(response[10:-10, 10:-10].sum(), rel=1e-12)


# Sections 4 to 6


def test_dct_is_scipys_and_zigzag_is_jpegs(piece: Picture) -> None:
    blocks = cut_blocks(to_grey(piece), 34)
    assert blocks.shape == (5 * 8, 34, 34) and (blocks[9] == to_grey(piece)[34:68, 34:68]).all()
    assert dct_blocks(blocks) == pytest.approx(fft.dctn(blocks, axes=(1, 2), norm="ortho"), abs=1e-10)
    assert (dct_blocks(blocks)[3] == cv2.dct(blocks[3])).all()
    assert zigzag(8)[:20].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33]
    assert zigzag(8)[-4:].tolist() == [47, 55, 62, 63] and sorted(zigzag(8)) == list(range(64))


def test_block_noise_block_by_block(piece: Picture) -> None:
    grey = to_grey(piece)
    blocks = cut_blocks(grey, 80)
    windows = np.lib.stride_tricks.sliding_window_view(blocks, (20, 20), axis=(1, 2)).std(axis=(3, 4), ddof=1)
    mean, deviation = deviations_of_windows(grey)
    assert mean == pytest.approx(windows.mean(axis=(1, 2)), rel=1e-12)
    assert deviation == pytest.approx(windows.reshape(6, -1).std(axis=1, ddof=1), rel=1e-12)

    amplitudes, entropies = [], []
    for kernel in (kernel for scales in noise_kernels() for kernel in scales):
        response = cut_blocks(ndimage.correlate(grey.astype(float), kernel, mode="reflect"), 80).reshape(6, -1)
        share = response**2 / (response**2).sum(axis=1, keepdims=True)
        amplitudes.append(np.abs(response).mean(axis=1))
        entropies.append(-np.log((share**3).sum(axis=1)) / 2)
    a, h = np.array(amplitudes), np.array(entropies)
    for got, wanted in zip(gabor_activity(grey), (a, h, a / h), strict=True):
        assert got == pytest.approx(wanted.mean(axis=0), rel=1e-10)


def test_noise_is_that_of_the_calmest_block() -> None:
    """One calm block among busy ones is found; black ones, whose order VIQET leaves open, are not taken."""
    rng = np.random.default_rng(1)
    loud = np.repeat(rng.normal(128, 40, (240, 320, 1)).clip(0, 255).astype(np.uint8), 3, axis=2)
    calm, black = loud.copy(), loud.copy()
    calm[:140, :140] = rng.normal(128, 1, (140, 140, 1)).round()
    black[:140, :140] = 0
    for busy in (loud, black):
        assert measure_block_noise(busy).signature == 1.8 and measure_block_noise(busy).high_frequency > 1
    assert measure_block_noise(calm).signature < 0.5 and measure_block_noise(calm).high_frequency < 1
    assert measure_block_noise(np.zeros_like(loud)).signature == 0


def test_fused_multiply_add_rounds_once() -> None:
    rng = np.random.default_rng(2)
    a = float(rng.uniform(0.01, 0.3))
    b, c = rng.uniform(0, 65025, 500), rng.uniform(-65025, 65025, 500)
    exact = [float(Fraction(a) * Fraction(x) + Fraction(y)) for x, y in zip(b, c, strict=True)]
    assert (fused_multiply_add(a, b, c) == exact).all()
    assert (a * b + c != exact).any()


def test_texture_bins_by_definition(piece: Picture) -> None:
    grey = to_grey(piece)
    corners = [(y, x) for y in range(0, 203 - 35, 36) for x in range(0, 290 - 35, 36)]
    blocks = np.array([fft.dctn(grey[y : y + 36, x : x + 36].astype(float), norm="ortho") for y, x in corners])
    coefficients = blocks.reshape(len(blocks), -1)[:, zigzag(36)]
    variance = coefficients.var(axis=0)
    ratio = variance / (np.abs(coefficients - coefficients.mean(axis=0)).mean(axis=0) ** 2 + 1e-7)
    shapes = [slow_symmetric_shape(r) for r in ratio[:3]]
    got = measure_texture(grey)
    for first, values in ((6, ratio), (12, variance), (18, np.abs(coefficients).mean(axis=0))):
        wanted = [values[max(k, 1) : k + 216].mean() for k in range(0, 1296, 216)]
        assert got[first : first + 6] == pytest.approx(wanted, rel=1e-11)
    assert symmetric_shape(ratio[:3]).tolist() == shapes
    assert got[0] == pytest.approx(symmetric_shape(ratio[1:216]).mean(), rel=1e-12)


def slow_symmetric_shape(ratio: float) -> float:
    """The definition word by word: the first k with rho(k) >= ratio > rho(k + 1)."""
    shape = 0.03
    while shape + 0.001 <= 10:
        here, there = (
            special.gamma(1 / s) * special.gamma(3 / s) / special.gamma(2 / s) ** 2 for s in (shape, shape + 0.001)
        )
        if here >= ratio > there:
            return shape
        shape += 0.001
    return 11


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 5.0])
def test_symmetric_shapes_are_recovered(shape: float) -> None:
    samples = stats.gennorm.rvs(shape, size=400_000, random_state=3)
    ratio = samples.var() / np.abs(samples - samples.mean()).mean() ** 2
    assert float(symmetric_shape(np.array(ratio))) == pytest.approx(shape, rel=0.05)


def test_symmetric_shape_at_the_ends() -> None:
    got = symmetric_shape(np.array([0.0, 1.0, 1.34, 1.36, 2.0, 1e3, 1e90]))
    assert got[[0, 1, 2, 6]].tolist() == [11, 11, 11, 11]
    assert got[3] == slow_symmetric_shape(1.36) and got[4] == pytest.approx(1, abs=0.0011) and got[5] < 0.1


@pytest.mark.parametrize(
    ("shape", "left", "right"), [(0.6, 1.0, 1.0), (1.0, 2.0, 0.5), (2.0, 0.3, 3.0), (4.0, 1.0, 2.0)]
)
def test_asymmetric_shapes_are_recovered(shape: float, left: float, right: float) -> None:
    """An asymmetric generalised Gaussian: each side has its scale, and weight in proportion to it."""
    rng = np.random.default_rng(4)
    size = np.abs(stats.gennorm.rvs(shape, size=400_000, random_state=rng))
    is_left = rng.random(size.size) < left / (left + right)
    samples = np.where(is_left, -left * size, right * size)
    fit = fit_asymmetric(samples, 0.001, 20, guard=1e-7)
    assert fit.shape == pytest.approx(shape, rel=0.05)
    assert (fit.left * fit.scale, fit.right * fit.scale) == pytest.approx((left, right), rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_asymmetric_shape_by_trying_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=60) ** (2 * seed + 1)
    fit = fit_asymmetric(samples, 0.001, 20, guard=1e-7)
    left, right = (math.sqrt(np.mean(s * s)) for s in (samples[samples < 0], samples[samples > 0]))
    gh = left / (1e-7 + right)
    wanted = np.abs(samples).mean() ** 2 / np.mean(samples**2) * (gh**3 + 1) * (gh + 1) / (gh**2 + 1) ** 2
    shapes = np.arange(1, 20_001) / 1000
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = special.gamma(2 / shapes) ** 2 / (special.gamma(1 / shapes) * special.gamma(3 / shapes))
    assert fit.shape == shapes[np.nanargmin((ratios - wanted) ** 2)]
    assert (fit.left, fit.right) == pytest.approx((left, right))


@pytest.mark.parametrize(("height", "width"), [(203, 290), (34 + 17 * 6, 34 + 17 * 7)])
def test_neighbours_map_by_map(height: int, width: int, piece: Picture) -> None:
    """Also where the last row and column of the maps are never filled, a defect that is kept."""
    grey = to_grey(piece)[:height, :width]
    shape = (height - 34) // 17 + 1, (width - 34) // 17 + 1
    maps = np.zeros((4, 3, *shape))
    for i, y in enumerate(range(0, height - 34, 17)):
        for j, x in enumerate(range(0, width - 34, 17)):
            c = cv2.dct(grey[y : y + 34, x : x + 34].astype(float))
            lines = c[0, 1:], c[1:, 0], np.diag(c)[1:], np.diag(c[:, ::-1])
            maps[:, :, i, j] = [[line[:10].mean(), line[10:21].mean(), line[21:].mean()] for line in lines]
    values = []
    for line in maps:
        for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
            for band in line:
                y, x = np.indices(shape)
                d = band - band[(y - shift[0]) % shape[0], (x - shift[1]) % shape[1]]
                d -= d.mean()
                fit = fit_asymmetric(d, 0.001, 20, guard=1e-7)
                values.append((fit.shape, (fit.left + fit.right) / 2 * fit.scale, np.abs(d).mean(), d.std()))
    wanted = np.array(values).reshape(16, 3, 4).transpose(2, 0, 1)
    got = measure_neighbours(grey).reshape(4, 16, 4)
    # Unfilled places give differences of 0, whose sign is that of rounding errors: mean and s.d. do not mind.
    first = 2 if (height - 34) % 17 == 0 else 0
    assert got[first:, :, :3] == pytest.approx(wanted[first:], rel=1e-6)
    assert got[first:, :, 3] == pytest.approx(wanted[first:, :, 2] / wanted[first:, :, 1], rel=1e-6)


# Section 7


def test_vectors_hold_every_measure_in_its_place(narrow: Picture) -> None:
    features = extract(fit(narrow))
    one, two = np.expm1(features.vector(1)), np.expm1(features.vector(2))
    assert one.shape == (61,) and two.shape == (317,)
    assert one[[0, *range(2, 53), *range(53, 61)]] == pytest.approx(two[[*range(52), *range(53, 61)]])
    assert one[1] == pytest.approx(features.final_noise)
    assert two[[0, 1, 4, 18]] == pytest.approx(
        [features.noise.signature, features.divergence, features.edges.pixel_count, features.noise.high_frequency]
    )
    assert two[19:43] == pytest.approx(features.texture) and two[61:] == pytest.approx(features.neighbours)
    assert two[52] == pytest.approx(features.edges.strength_sum / math.exp(features.noise.signature))
    t = features.texture
    shape_middle = t[1:5].mean()
    assert two[59:61] == pytest.approx([t[0] / (1 + (shape_middle + t[4]) / 2), shape_middle / (1 + t[5])])
    assert two[53] == pytest.approx(t[18] / (1 + (t[19:23].mean() + t[23]) / 2))


def test_nothing_of_it_needs_torch() -> None:
    code = "import sys, vidrts.measure.viqet; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_notice_lies_beside_the_tables() -> None:
    tables = Path(measure.__code__.co_filename).with_name("tables")
    assert "Eclipse Public License" in (tables / "NOTICE").read_text()
