"""The makers of pictures and card numbers, on small pieces of real pictures."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from vidrts.compare.frames import frames, to_rgb
from vidrts.images import read_photo, to_image
from vidrts.networks.checkpoint import load_model
from vidrts.research import figures, model_card
from vidrts.research.ffmpeg_filters import ffmpeg_unsharp


@pytest.fixture
def pieces(kodak: Path, tmp_path: Path) -> Path:
    """Two small pieces of Kodak pictures."""
    folder = tmp_path / "pieces"
    folder.mkdir()
    for path in sorted(kodak.rglob("*.png"))[:2]:
        with Image.open(path) as image:
            image.crop((100, 100, 260, 228)).save(folder / path.name)
    return folder


def test_a_frame_and_a_photo_are_seen_as_they_are(clips: Path, pieces: Path) -> None:
    rgb = read_photo(next(pieces.iterdir()))
    assert rgb.shape == (3, 128, 160)
    with Image.open(next(pieces.iterdir())) as image:
        assert np.array_equal(np.array(to_image(rgb)), np.array(image.convert("RGB")))
    found = list(frames(clips / "vmaf__Seeking_30_480_1050.mp4", 2, Fraction(1)))
    assert len(found) == 2
    assert to_rgb(found[0]).shape == (3, 480, 720)
    assert 0.05 < float(to_rgb(found[0]).mean()) < 0.95


def test_before_after(pieces: Path, tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "row.png"
    done = CliRunner().invoke(
        figures.command,
        ["before-after", str(next(pieces.iterdir())), str(target), "--model", str(tiny_model), "--crop", "60x40+10+20",
         "--zoom", "2"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    with Image.open(target) as image:
        assert image.width == 3 * 120 + 2 * 6
        pixels = torch.from_numpy(np.array(image.convert("RGB")))[:80]
    source, enhanced = pixels[:, :120], pixels[:, 126:246]
    original = (read_photo(next(pieces.iterdir()))[:, 20:60, 10:70] * 255).round().to(torch.uint8).permute(1, 2, 0)
    assert torch.equal(source[::2, ::2], original)
    assert not torch.equal(source, enhanced)


def test_weights_of_before_and_a_fixed_unsharp_stand_beside_a_model(
    pieces: Path, tiny_model: Path, tmp_path: Path
) -> None:
    target, photo = tmp_path / "row.png", next(pieces.iterdir())
    done = CliRunner().invoke(
        figures.command,
        ["before-after", str(photo), str(target), "--model", str(tiny_model), "--crop", "60x40+10+20",
         "--before", str(tiny_model), "--unsharp", "0.3"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rgb = read_photo(photo)
    with Image.open(target) as image:
        assert image.width == 4 * 60 + 3 * 6
        pixels = torch.from_numpy(np.array(image.convert("RGB")))[:40].permute(2, 0, 1).float() / 255
    before, now, mask = (pixels[..., 66 * k : 66 * k + 60] for k in (1, 2, 3))
    change = now - rgb[:, 20:60, 10:70]
    inside = ((now > 0) & (now < 1)).all(0)
    assert (change.amax(0) - change.amin(0))[inside].max() < 0.01, "R, G and B change alike"
    assert (before - now).abs().max() > 0.01, "before, chroma was sharpened, too"
    assert torch.equal(mask, (ffmpeg_unsharp(rgb, 0.3)[:, 20:60, 10:70] * 255).round() / 255)


def test_a_sheet_of_crops(clips: Path, pieces: Path, tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    photo = next(pieces.iterdir())
    moments = [f"{photo}@0:60x40+10+20", f"{clips / 'vmaf__Seeking_30_480_1050.mp4'}@0.5:50x40+300+200"]
    done = CliRunner().invoke(figures.command, [
        "crops", str(target), "--model", str(tiny_model), "--no-control", "--zoom", "1",
        *(word for moment in moments for word in ("--moment", moment)),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    with Image.open(target) as image:
        pixels = np.array(image.convert("RGB"))
    assert pixels.shape == (2 * (40 + 26), 2 * 60 + 6, 3)
    frame = to_rgb(next(frames(clips / "vmaf__Seeking_30_480_1050.mp4", 1, Fraction("0.5"))))[:, 200:240, 300:350]
    assert np.array_equal(pixels[66:106, :50], np.array(to_image(frame)))


def test_card_numbers_and_key_figures(clips: Path, pieces: Path, tiny_model: Path) -> None:
    model = load_model(tiny_model)
    pictures = [read_photo(p)[:, :80] for p in sorted(pieces.rglob("*.png"))]  # flat ones are quick to measure
    photos = model_card.photo_part(model, pictures)
    assert "| formula, stage 1 | 1.01 | 1.09 | 1.28 | 1.50 | 1.54 |" in photos.rows
    assert set(photos.figures) == {"gain_at_0.35", "difference_ratio"}
    assert f"Difference ratio {photos.figures['difference_ratio']:.2f} %." in photos.rows
    clip = model_card.clip_part(model, "car", clips / "intel__car-detection.mp4", 2)
    assert clip.rows[0].startswith("| car | ") and f" | {clip.figures['flicker']:.2f} | " in clip.rows[0]
    figures = model_card.stage_figures(model, pictures)
    assert figures["gain_at_0.35"] == pytest.approx(photos.figures["gain_at_0.35"], rel=0.01)
    assert figures["difference_ratio"] == pytest.approx(photos.figures["difference_ratio"], rel=0.01)
    heads, _, *rows = model_card.precision_part(model, pictures, [], 2).rows
    assert heads == f"| precision | PSNR, photograph | VIQET, {len(pictures)} photographs |"
    assert [row.split(" | ")[0] for row in rows] == ["| fp32", "| bf16", "| int8"]


def test_a_moving_picture(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Frames in a row, the video's time for each, and each what `before-after` shows of it."""
    clip, crop = str(clips / "intel__car-detection.mp4"), ["--crop", "48x32+100+100", "--model", str(tiny_model)]
    target, still = tmp_path / "moving.webp", tmp_path / "still.png"
    for words in (
        ["moving", clip, str(target), "--at", "16", "--frames", "3", "--slower", "2", *crop],
        ["before-after", clip, str(still), "--at", str(16 + 1.5 / 12.5), *crop],
    ):
        done = CliRunner().invoke(figures.command, words)
        assert done.exit_code == 0, done.output
    with Image.open(target) as image, Image.open(still) as wanted:
        assert (getattr(image, "n_frames", 0), image.size) == (3, wanted.size)
        image.seek(1)
        apart = np.abs(np.array(image.convert("RGB"), float) - np.array(wanted.convert("RGB"), float))
        assert image.info["duration"] == 160
    assert apart.mean() < 4, "but for what WebP loses"
