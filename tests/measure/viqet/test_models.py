"""Model files in LIBSVM's format: collapsed, predicted with, and refused when damaged or foreign."""

import math
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import DATA, need
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, special

from vidrts.errors import ModelError
from vidrts.measure.mos_models import DEFAULT_MODEL, NAMES
from vidrts.measure.viqet import FlatRegionModel, load_flat_region_model, load_mos_model, measure, models
from vidrts.measure.viqet.flat import block_features, block_scores, flat_region_index
from vidrts.measure.viqet.gabor import noise_kernels
from vidrts.measure.viqet.preprocess import Fitted, fit

REGRESSION = ["svm_type nu_svr", "kernel_type linear", "nr_class 2"]
CLASSIFIER = ["svm_type nu_svc", "kernel_type rbf", "gamma 0.05", "nr_class 2"]
PROBABILITIES = ["label 1 -1", "probA -4.83426", "probB 0.80188", "nr_sv 3 2"]


def write(path: Path, head: Sequence[str], coefficients: Iterable[float], vectors: NDArray[np.float64]) -> Path:
    """As `svm_save_model` does: zeros left out, 17 digits for a coefficient, 8 for a feature, a blank at the end."""
    lines = [*head, "SV"]
    for coefficient, vector in zip(coefficients, vectors, strict=True):
        pairs = "".join(f"{index}:{value:.8g} " for index, value in enumerate(vector, 1) if value)
        lines.append(f"{coefficient:.17g} {pairs}")
    path.write_text("\n".join(lines) + "\n")
    return path


def regression(path: Path, length: int) -> tuple[Path, NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(length)
    coefficients, vectors = rng.normal(size=9), rng.normal(size=(9, length)).round(4)
    vectors[rng.random(vectors.shape) < 0.2] = 0
    vectors[0, -1] = 1
    return write(path, [*REGRESSION, "total_sv 9", "rho -4.76525"], coefficients, vectors), coefficients, vectors


def classifier(path: Path) -> tuple[Path, NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(20)
    coefficients, vectors = rng.normal(size=5), rng.normal(size=(5, 20)).round(4)
    head = [*CLASSIFIER, "total_sv 5", "rho -0.883247", *PROBABILITIES]
    return write(path, head, coefficients, vectors), coefficients, vectors


@pytest.mark.parametrize(("length", "version"), [(61, 1), (317, 2)])
def test_a_linear_model_is_collapsed(length: int, version: int, tmp_path: Path) -> None:
    path, coefficients, vectors = regression(tmp_path / "mine.txt", length)
    model = load_mos_model(path)
    assert (model.version, model.rho, model.title) == (version, -4.76525, "VIQET with mine.txt")
    for x in np.random.default_rng(0).normal(size=(5, length)):
        kernel = [math.fsum(a * b for a, b in zip(vector, x, strict=True)) for vector in vectors]
        wanted = math.fsum(c * k for c, k in zip(coefficients, kernel, strict=True)) + 4.76525
        assert model.weights @ x - model.rho == pytest.approx(wanted, rel=1e-12)


def test_a_published_model_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its name is, and also where a checkout has turned its line ends."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not at hand to name the content")
    path, _, _ = regression(tmp_path / "MOSModelData_forLandscape.txt", 317)
    blob = subprocess.run([git, "hash-object", "--stdin"], input=path.read_bytes(), capture_output=True, check=True)
    monkeypatch.setitem(models._PUBLISHED, blob.stdout.decode().strip(), "VIQET 2.3 day")
    assert load_mos_model(path).title == "VIQET 2.3 day"
    turned = tmp_path / "copy.txt"
    turned.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_mos_model(turned).title == "VIQET 2.3 day"
    assert (load_mos_model(turned).weights == load_mos_model(path).weights).all()


def edited(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda _: "", "not a LIBSVM model"),
        (lambda text: text[:-40], "cut short"),
        (lambda text: text[: text.rindex("\n", 0, -1) + 1], "total_sv"),
        (lambda text: text[: text.index("SV\n")], "not a LIBSVM model"),
        (lambda text: text[: text.index("SV\n") + 3], "total_sv"),
        (edited("linear", "rbf"), "'nu_svr rbf' model, .* nu_svr linear"),
        (edited("nu_svr", "epsilon_svr"), "nu_svr linear"),
        (edited("svm_type nu_svr\n", ""), "nu_svr linear"),
        (edited("nr_class 2", "nr_class 3"), "nr_class"),
        (edited("rho -4.76525", "rho nan"), "rho"),
        (edited("rho -4.76525\n", ""), "rho"),
        (edited("rho", "svm_type c_svc\nrho"), "line 5"),
        (edited("rho", "colour"), "line 5"),
        (edited(" 61:", " 62:"), "62 features"),
        (lambda text: text.replace(" 61:", " 60:"), "rising"),
        (edited(" 61:", " 0:"), "rising"),
        (edited(" 61:", " 4000000000:"), "rising"),
        (edited(" 61:", " 61="), "rising"),
        (edited(" 61:1", " 61:1_0"), "feature 61"),
        (edited(" 61:1", " 61:1e400"), "feature 61"),
        (edited(" 61:1", " 61:"), "feature 61"),
        (edited(" 61:1", " 61:\u00e9"), "ASCII"),
        (lambda text: text.replace("SV\n", "SV\n\n", 1).replace("total_sv 9", "total_sv 10"), "a coefficient"),
    ],
)
def test_damaged_and_foreign_models_are_refused(damage: Callable[[str], str], message: str, tmp_path: Path) -> None:
    path, _, _ = regression(tmp_path / "model.txt", 61)
    path.write_text(damage(path.read_text()), encoding="utf-8")
    with pytest.raises(ModelError, match=message) as caught:
        load_mos_model(path)
    assert "\n" not in str(caught.value) and "model.txt" in str(caught.value)


def test_what_is_no_model_file_is_refused(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (9, 9)).save(picture)
    for name, message in (
        (picture, "ASCII"),
        (tmp_path, "not a file"),
        (tmp_path / "none.txt", "preview1-day, preview1-night, v2-night"),
        ("preview2", "neither built in"),
        ("x" * 5000, "neither built in"),
        (classifier(tmp_path / "flat.txt")[0], "nu_svc rbf.*nu_svr linear"),
    ):
        with pytest.raises(ModelError, match=message):
            load_mos_model(name)
    for name, message in (
        (regression(tmp_path / "mos.txt", 61)[0], "nu_svc rbf"),
        (tmp_path / "none.txt", "not a file"),
        ("x" * 5000, "cannot be read"),
    ):
        with pytest.raises(ModelError, match=message):
            load_flat_region_model(name)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (edited("probA -4.83426\n", ""), "20 features and no probabilities"),
        (edited("probB 0.80188\n", ""), "probB"),
        (edited("gamma 0.05", "gamma 0"), "gamma"),
        (edited(" 20:", " 21:"), "21 features"),
    ],
)
def test_damaged_flat_region_models_are_refused(edit: Callable[[str], str], message: str, tmp_path: Path) -> None:
    path, _, _ = classifier(tmp_path / "flat.txt")
    path.write_text(edit(path.read_text()))
    with pytest.raises(ModelError, match=message):
        load_flat_region_model(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_gives_a_model_or_one_error(data: st.DataObject, tmp_path: Path) -> None:
    path, _, _ = (regression(tmp_path / "a.txt", 61), classifier(tmp_path / "b.txt"))[data.draw(st.integers(0, 1))]
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        kind = data.draw(st.sampled_from(["cut", "drop", "change", "insert", "repeat"]))
        if kind == "cut":
            del content[at:]
        elif kind == "drop":
            del content[at : at + data.draw(st.integers(1, 60))]
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=4))
        elif kind == "repeat":
            content[at:at] = content[at : at + 200]
        elif content:
            content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for load in (load_mos_model, load_flat_region_model):
        message = ""
        try:
            model = load(path)
        except ModelError as error:
            message = str(error)
        else:
            if isinstance(model, FlatRegionModel):
                assert not (model.flat_probability(np.ones((2, 20))) > 1).any()
            else:
                assert np.isfinite(model.weights).all() and math.isfinite(model.rho)
        assert "\n" not in message


# The flat region index


def test_probabilities_by_the_formula(tmp_path: Path) -> None:
    """Within the 0.004 that LIBSVM's iteration leaves."""
    path, coefficients, vectors = classifier(tmp_path / "flat.txt")
    model = load_flat_region_model(path)
    samples = np.random.default_rng(0).normal(size=(40, 20))
    for x, got in zip(samples, model.flat_probability(samples), strict=True):
        kernel = [math.exp(-0.05 * sum((a - b) ** 2 for a, b in zip(v, x, strict=True))) for v in vectors]
        decision = sum(c * k for c, k in zip(coefficients, kernel, strict=True)) + 0.883247
        assert got == pytest.approx(1 - 1 / (1 + math.exp(-4.83426 * decision + 0.80188)), abs=0.004)


@pytest.mark.parametrize(
    ("sigmoid", "wanted"),
    [
        (0.10084513220469155, 0.10068905175178869),
        (0.4184287538584597, 0.4180368037495484),
        (0.6475235246629355, 0.6453437480364702),
        (0.7774445497296656, 0.7774443622397705),
        (0.8835794379468684, 0.8835792469527326),
        (0.9571763347616613, 0.955663820487185),
        (0.9757760584153122, 0.9752469873934584),
    ],
)
def test_probabilities_are_libsvms(sigmoid: float, wanted: float) -> None:
    """Pairs of Platt's sigmoid and what LIBSVM (3.2x, scikit-learn's copy) then gave as the class's probability."""
    decision = math.log(sigmoid / (1 - sigmoid))
    model = FlatRegionModel(np.zeros((1, 20)), np.zeros(1), rho=-decision, gamma=1, prob_a=-1, prob_b=0)
    assert 1 - model.flat_probability(np.zeros((1, 20))) == pytest.approx(wanted, rel=1e-12)


def always(flat: bool) -> FlatRegionModel:
    return FlatRegionModel(np.zeros((1, 20)), np.zeros(1), rho=30 if flat else -30, gamma=1, prob_a=-1, prob_b=0)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    with Image.open(need(DATA / "viqet" / "kodim23.png")) as image:
        return fit(np.array(image.convert("RGB")))


@pytest.fixture(scope="module")
def features(fitted: Fitted) -> NDArray[np.float64]:
    return block_features(fitted.grey)


def test_the_originals_index_is_made_of_our_block_scores(fitted: Fitted) -> None:
    """Its classifier is not at hand, but a median of its flat blocks is the score of one block or the mean of two."""
    scores = block_scores(fitted) * 100 / 0.137
    assert scores.shape == (8 * 12,)
    pairs = (scores[:, None] + scores) / 2
    assert np.abs(pairs / 145.4546768 - 1).min() < 1e-8  # reference_scores.csv, kodim23.png
    assert np.abs(pairs / 146.1 - 1).min() > 1e-8


def test_the_index_is_that_of_the_flat_block(fitted: Fitted, features: NDArray[np.float64]) -> None:
    """A support vector at one block's features, so narrow that it makes this one flat alone."""
    scores = block_scores(fitted)
    assert features.shape == (96, 20)
    one = FlatRegionModel(features[[17]], np.array([-60.0]), rho=-30, gamma=1e3, prob_a=-1, prob_b=0)
    assert flat_region_index(fitted, one) == pytest.approx(scores[17] * 100 / 0.137)


def test_block_features_by_hand(fitted: Fitted, features: NDArray[np.float64]) -> None:
    """Mean and variance of |t| from a float64 filter of scipy's; the scales from the samples' sides."""
    corner = fitted.grey[:200, :200].astype(float)  # the first block and more than a kernel's reach around it
    for orientation, scales in enumerate(noise_kernels()):
        response = np.mean([ndimage.correlate(corner, kernel, mode="reflect") for kernel in scales], axis=0)[:150, :150]
        mean, variance, shape, left, right = features[0, 5 * orientation :][:5]
        amplitude = np.abs(response)
        assert (mean, variance) == pytest.approx((amplitude.mean(), amplitude.var()), rel=1e-9)
        ratio = math.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
        sides = [math.sqrt(np.mean(s**2)) * ratio for s in (response[response < 0], response[response > 0])]
        assert (left, right) == pytest.approx(sides, rel=1e-9)


def test_scores_say_why_there_is_no_index() -> None:
    with Image.open(need(DATA / "viqet" / "kodim23.png")) as image:
        picture = np.array(image.convert("RGB"))[:, 300:380]
    with_index = measure(picture, flat_region_model=always(True))
    median = np.median(block_scores(fit(picture)))
    assert with_index.columns()["flat_region_index"] == pytest.approx(median * 100 / 0.137)
    assert not with_index.missing
    strip = np.tile(picture, (2, 1, 1))[:890]  # its blocks have 13 pixels, a quarter of which is one window
    assert measure(strip, flat_region_model=always(True)).columns()["flat_region_index"] is None
    without = measure(picture, flat_region_model=always(False))
    assert without.columns()["flat_region_index"] is None and "no flat region" in without.missing["flat_region_index"]


def test_the_names_that_options_know_are_the_models_that_there_are() -> None:
    assert tuple(models.MODELS) == NAMES
    assert DEFAULT_MODEL in NAMES
