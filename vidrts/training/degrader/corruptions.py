"""Fifteen kinds of damage, each of a strength that is drawn: what the classifier of damage is trained on.

The kinds are those of ImageNet-C (Hendrycks and Dietterich 2019), made by code of our own: frost is drawn, not pasted.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

type Picture = NDArray[Any]
"""(H, W, 3) float R'G'B' in 0..1."""
type Kind = Callable[[Picture, np.random.Generator, float], Picture]
"""Damages a picture; the last is the strength, 0 to 1."""


def corrupted(picture: Picture, kind: str, rng: np.random.Generator) -> Picture:
    """A picture damaged by one of `KINDS` at a strength of 0.2 to 1, clamped."""
    made: Picture = np.clip(KINDS[kind](picture, rng, rng.uniform(0.2, 1)), 0, 1).astype(np.float32)
    return made


def _gaussian_noise(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    made: Picture = x + (0.03 + 0.12 * s) * rng.standard_normal(x.shape, dtype=np.float32)
    return made


def _shot_noise(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    photons = 80 * (1 - s) + 8
    return (rng.poisson(np.clip(x, 0, 1) * photons) / photons).astype(np.float32)


def _impulse_noise(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    hit = rng.random(x.shape)
    share = 0.01 + 0.08 * s
    return np.where(hit < share / 2, 0, np.where(hit > 1 - share / 2, 1, x)).astype(np.float32)


def _defocus_blur(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    radius = 1.2 + 2.3 * s
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return _filtered(x, disc)


def _glass_blur(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    reach = 0.8 + 1.7 * s
    return _warped(x, rng.uniform(-reach, reach, (2, *x.shape[:2])).astype(np.float32))


def _motion_blur(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    length, angle = 4 + 8 * s, rng.uniform(0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = np.abs(rows * np.cos(angle) - columns * np.sin(angle))
    return _filtered(x, np.clip(1 - across, 0, 1) * (np.abs(along) <= length / 2))


def _zoom_blur(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    height, width = x.shape[:2]
    factors = np.linspace(1, 1.06 + 0.14 * s, 8)
    layers = [
        cv2.warpAffine(
            x,
            cv2.getRotationMatrix2D((width / 2, height / 2), 0, factor),
            (width, height),
            borderMode=cv2.BORDER_REFLECT,
        )
        for factor in factors
    ]
    return np.mean(layers, axis=0).astype(np.float32)


def _snow(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    flakes = np.where(rng.random(x.shape[:2]) < 0.01 + 0.03 * s, 1.0, 0.0).astype(np.float32)
    flakes = _motion_blur(np.repeat(flakes[..., None], 3, 2), rng, 0.3 * s) * 4
    made: Picture = 0.9 * x + 0.1 + np.clip(flakes, 0, 0.9)
    return made


def _frost(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    ice = np.abs(_clouds(x.shape[:2], rng, 3.0)) ** 0.5
    ridges = np.clip(1.2 - 2 * ice, 0, 1)[..., None] * np.array([0.8, 0.9, 1.0], np.float32)
    return (1 - 0.25 * s) * x + (0.3 + 0.4 * s) * ridges


def _fog(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    thick = (0.35 + 0.35 * s) * (0.75 + 0.25 * _clouds(x.shape[:2], rng, 16.0))[..., None]
    made: Picture = x * (1 - thick) + 0.85 * thick
    return made


def _brightness(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    return x + 0.12 + 0.3 * s


def _contrast(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    mean = x.mean(axis=(0, 1), keepdims=True)
    return mean + (0.6 - 0.45 * s) * (x - mean)


def _elastic(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    flow = np.stack([_clouds(x.shape[:2], rng, 4.0) for _ in range(2)])
    return _warped(x, np.float32(1.5 + 2.5 * s) * flow)


def _pixelate(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    height, width = x.shape[:2]
    factor = 1.8 + 2.2 * s
    small = cv2.resize(x, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)


def _jpeg(x: Picture, rng: np.random.Generator, s: float) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray((255 * np.clip(x, 0, 1)).round().astype(np.uint8)).save(buffer, "JPEG", quality=round(30 - 24 * s))
    buffer.seek(0)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded, np.float32) / np.float32(255)


def _filtered(x: Picture, taps: NDArray[np.float64]) -> Picture:
    return np.asarray(cv2.filter2D(x, -1, taps / taps.sum(), borderType=cv2.BORDER_REFLECT), np.float32)


def _warped(x: Picture, flow: NDArray[np.float32]) -> Picture:
    rows, columns = np.mgrid[: x.shape[0], : x.shape[1]].astype(np.float32)
    return np.asarray(cv2.remap(x, columns + flow[0], rows + flow[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def _clouds(size: tuple[int, ...], rng: np.random.Generator, sigma: float) -> NDArray[np.float32]:
    """Smooth noise of about -1 to 1."""
    noise = cv2.GaussianBlur(rng.standard_normal(size, dtype=np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(noise / (2 * noise.std() + 1e-6), np.float32)


KINDS: Mapping[str, Kind] = {
    "gaussian noise": _gaussian_noise, "shot noise": _shot_noise, "impulse noise": _impulse_noise,
    "defocus blur": _defocus_blur, "glass blur": _glass_blur, "motion blur": _motion_blur, "zoom blur": _zoom_blur,
    "snow": _snow, "frost": _frost, "fog": _fog, "brightness": _brightness, "contrast": _contrast,
    "elastic": _elastic, "pixelate": _pixelate, "jpeg": _jpeg,
}  # fmt: skip
