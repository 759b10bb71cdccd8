"""Degradations: their grammar, and each step against a second computation (NumPy, Pillow, the codecs' own habits)."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from scipy import ndimage  # type: ignore[import-untyped]

from vidrts.errors import OptionError
from vidrts.measure.fidelity import psnr
from vidrts.training.corpus import read_picture
from vidrts.training.degradation.presets import PRESETS
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.degradation.registry import parse_step


@pytest.fixture(scope="module")
def crop(kodak: Path) -> torch.Tensor:
    return read_picture(sorted(kodak.rglob("*.png"))[7])[:, 128:256, 256:384]


def pillow_jpeg(picture: torch.Tensor, quality: int, subsampling: int) -> torch.Tensor:
    buffer = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1)


def block_edges(picture: torch.Tensor, size: int = 8) -> float:
    """Steps across the borders of blocks over those within them; about 1 for a picture without blocks."""
    steps = picture.double().diff(dim=2).abs().mean(dim=(0, 1))
    border = torch.arange(len(steps)) % size == size - 1
    return float(steps[border].mean() / steps[~border].mean())


def test_the_triangle_is_1_3_3_1_and_jpeg_comes_after_it(crop: torch.Tensor) -> None:
    taps = np.array([1, 3, 3, 1]) / 8
    padded = np.pad(crop.numpy().astype(float), ((0, 0), (1, 1), (1, 1)), mode="edge")
    wanted = sum(
        taps[i] * taps[j] * padded[:, i : i + 128 : 2, j : j + 128 : 2][:, :64, :64] for i in range(4) for j in range(4)
    )
    small = Degradation("plain")(crop, seed=1)
    assert small.shape == (3, 64, 64)
    assert np.abs(small.numpy() - wanted).max() <= 0.5 + 1e-4
    quality = int(np.random.default_rng(5).integers(30, 96))
    assert torch.equal(Degradation("video")(crop, seed=5), pillow_jpeg(small, quality, 2))


def test_the_papers_order_is_jpeg_first(crop: torch.Tensor) -> None:
    quality = int(np.random.default_rng(5).integers(80, 99))
    wanted = Degradation("triangle")(pillow_jpeg(crop, quality, 2), seed=0)
    assert torch.equal(Degradation("clean")(crop, seed=5), wanted)
    assert torch.equal(
        Degradation("jpeg:90:444 > box")(crop, 1), Degradation("box")(pillow_jpeg(crop, 90, 0), 1)
    )  # fmt: skip


def test_gaussian_is_pillows_then_every_other_pixel(crop: torch.Tensor) -> None:
    sigma = 1.5
    # Pillow blurs about each pixel, ours about the middle of two: a box over the pair lies between them.
    small = Degradation(f"gaussian:{sigma}")(crop, 1).float()
    image = Image.fromarray(crop.permute(1, 2, 0).numpy()).filter(ImageFilter.GaussianBlur((sigma**2 - 0.25) ** 0.5))
    blurred = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    paired = torch.nn.functional.avg_pool2d(blurred, 2)
    assert (small - paired)[:, 4:-4, 4:-4].abs().mean() < 1.0
    assert (small - Degradation("plain")(crop, 1).float()).abs().mean() > 2.0


def test_noise_has_the_strength_it_says() -> None:
    for value, factor in ((128, 1.0), (230, 0.87), (32, 2.4)):
        flat = torch.full((3, 64, 64), value, dtype=torch.uint8)
        noisy = parse_step("noise:3")([flat], [np.random.default_rng(1)])[0].float()
        assert abs(float(noisy.mean()) - value) < 0.3
        assert float(noisy.std()) == pytest.approx(3 * factor, rel=0.05)
    still = torch.full((3, 8, 8), 100, dtype=torch.uint8)
    assert torch.equal(parse_step("noise:0")([still], [np.random.default_rng(1)])[0], still)


@pytest.mark.parametrize(("fine", "coarse"), [("h264:12", "h264:38"), ("mpeg2:2", "mpeg2:20"), ("hevc:12", "hevc:38")])
def test_a_codec_costs_what_its_quality_says(crop: torch.Tensor, fine: str, coarse: str) -> None:
    rng = np.random.default_rng(1)
    values = [psnr(parse_step(text)([crop], [rng])[0].float(), crop.float(), peak=255) for text in (fine, coarse)]
    assert values[0] > 31  # 4:2:0 alone costs that much here
    assert values[1] < values[0] - 3
    assert values[1] > 18


def test_blocks_come_from_codecs_and_keep_their_size(crop: torch.Tensor) -> None:
    assert block_edges(Degradation("triangle > mpeg2:24")(crop, 1)) > 1.3
    assert block_edges(Degradation("triangle > jpeg:12")(crop, 1)) > 1.3
    assert block_edges(Degradation("jpeg:12 > triangle")(crop, 1), size=8) < 1.3  # they are 4 pixels wide now
    assert block_edges(Degradation("plain")(crop, 1)) < 1.15


def test_the_same_seed_gives_the_same_picture(crop: torch.Tensor) -> None:
    for name in PRESETS:
        degradation = Degradation(name)
        assert torch.equal(degradation(crop, 7), degradation(crop, 7)), name
        assert degradation(crop, 7).shape == (3, 64, 64)
    assert not torch.equal(Degradation("broadcast")(crop, 7), Degradation("broadcast")(crop, 8))


def test_alternatives_are_drawn_by_weight(crop: torch.Tensor) -> None:
    degradation = Degradation("3*box | lanczos")
    box = Degradation("box")(crop, 0)
    share = sum(torch.equal(degradation(crop, seed), box) for seed in range(200)) / 200
    assert 0.65 < share < 0.85


STEPS = st.sampled_from(["jpeg:30-95", "jpeg:50:444", "noise:0-2.5", "h264:18-36", "mpeg2:2-10:1", "hevc:20"])
SCALES = st.sampled_from(["triangle", "box", "cubic", "lanczos", "gaussian:0.9"])


@given(st.lists(st.tuples(st.sampled_from(["", "2*", "0.5*"]), st.lists(STEPS, max_size=2), SCALES,
                          st.lists(STEPS, max_size=2)), min_size=1, max_size=4))  # fmt: skip
def test_a_text_comes_back(parts: list[tuple[str, list[str], str, list[str]]]) -> None:
    text = " | ".join(weight + " > ".join([*before, scale, *after]) for weight, before, scale, after in parts)
    degradation = Degradation(text)
    assert str(degradation) == text
    assert Degradation(str(degradation)) == degradation
    assert str(Degradation(text.replace(" ", ""))) == text


@given(st.text(alphabet="triangle>jpeg:0123456789-.|*noisebxh24 ", max_size=40))
def test_any_other_text_is_one_clear_error(text: str) -> None:
    try:
        degradation = Degradation(text)
    except OptionError as error:
        told = str(error)
    else:
        told = str(degradation)
    assert told
    assert "\n" not in told


@pytest.mark.parametrize(("text", "told"), [
    ("jpeg:30-95", "exactly one step that scales"), ("triangle > box", "exactly one step"), ("sinc", "'sinc'"),
    ("triangle > jpeg:95-30", "low <= high"), ("triangle > h264:60", "0-51"), ("x*triangle", "weight"),
    ("gaussian:9", "0.3 to 4"), ("noise:100 > triangle", "64"), ("", "''"), ("triangle > jpeg:a", "jpeg:LOW-HIGH"),
])  # fmt: skip
def test_a_bad_text_is_named(text: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        Degradation(text)


@pytest.mark.parametrize("codec", ["h264:20:3:2", "hevc:24", "mpeg2:4"])
def test_a_codec_takes_odd_sizes(crop: torch.Tensor, codec: str) -> None:
    """4:2:0 encoders take even sizes alone; half of a photograph often is odd."""
    odd = crop[:, :65, :67]
    coded = Degradation(codec, halves=False)(odd, 3)
    assert coded.shape == odd.shape and psnr(coded.float() / 255, odd.float() / 255) > 24


def test_alternatives_in_brackets_are_drawn_by_their_weights(crop: torch.Tensor) -> None:
    either = Degradation("(3*none | blur:1.5-1.5) > (none | jpeg:50)", halves=False)
    plain, soft = crop, Degradation("blur:1.5-1.5", halves=False)(crop, 0)
    counts = {"none": 0, "blur": 0, "jpeg": 0}
    for seed in range(400):
        found = either(crop, seed)
        if torch.equal(found, plain) or torch.equal(found, soft):
            counts["none" if torch.equal(found, plain) else "blur"] += 1
        else:
            counts["jpeg"] += 1
    assert 160 < counts["jpeg"] < 240 and 2 < counts["none"] / counts["blur"] < 4.5


@given(
    st.recursive(
        st.sampled_from(["none", "blur:0.3-1.6", "jpeg:30-95", "noise:0-3", "h264:17-36:3:2", "enlarged:1.2-2"]),
        lambda inner: st.lists(
            st.tuples(st.sampled_from(["", "2*", "0.5*"]), st.lists(inner, min_size=1, max_size=2)),
            min_size=1, max_size=3,
        ).map(lambda rows: "(" + " | ".join(weight + " > ".join(row) for weight, row in rows) + ")"),
        max_leaves=6,
    )
)  # fmt: skip
def test_what_is_printed_is_understood_again(text: str) -> None:
    once = str(Degradation(text, halves=False))
    assert str(Degradation(once, halves=False)) == once


@pytest.mark.parametrize(
    ("text", "halves", "why"),
    [
        ("(triangle | none)", True, "exactly one step that scales"),
        ("triangle", False, "no step that scales"),
        ("(none | blur:1-2", False, r"expected \) for each \("),
        ("none) > none", False, "expected . or > before"),
        ("0*none", False, "weight above 0"),
        ("blur:2-1", False, "low <= high"),
        ("enlarged:0.5-2", False, "1 <= low"),
        ("motion:90-99", False, "<= 16"),
        ("h264:20:3:99", False, "pan of 0 to 16"),
    ],
)
def test_what_is_wrong_with_a_row_of_steps_is_said(text: str, halves: bool, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        Degradation(text, halves=halves)


def test_blurs_are_scipys_and_keep_the_mean(crop: torch.Tensor) -> None:
    soft = Degradation("blur:1.3-1.3", halves=False)(crop, 1)
    wanted = ndimage.gaussian_filter(crop.numpy().astype(float), (0, 1.3, 1.3), mode="nearest", radius=5)
    assert np.abs(soft.numpy() - wanted).max() < 0.6
    line = torch.zeros(3, 33, 33, dtype=torch.uint8)
    line[:, 16, 16] = 250
    moved = Degradation("motion:6-6", halves=False)(line, 2).float()
    assert abs(float(moved.sum()) / 750 - 1) < 0.05 and int((moved[0] > 8).sum()) >= 6
    y, x = (moved[0].nonzero().float() - 16).T
    assert float(torch.hypot(y, x).max()) < 5, "as long as asked for, and centred"


def test_enlarged_pictures_are_pillows(crop: torch.Tensor) -> None:
    found = Degradation("enlarged:2-2", halves=False)(crop, 4)
    image = Image.fromarray(crop.permute(1, 2, 0).numpy())
    kinds = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)
    candidates = [
        np.array(image.resize((64, 64), down).resize((128, 128), up)).transpose(2, 0, 1)
        for down in kinds
        for up in kinds
    ]
    assert any(np.array_equal(found.numpy(), each) for each in candidates)


def test_a_pan_moves_the_frames_before_the_last(crop: torch.Tensor) -> None:
    """A moving shot is coded worse than a still one, at the same quality."""
    errors = [
        np.mean(
            [psnr(Degradation(f"h264:26:3{pan}", halves=False)(crop, seed) / 255.0, crop / 255.0) for seed in (1, 2)]
        )
        for pan in ("", ":6")
    ]
    assert errors[1] < errors[0]
