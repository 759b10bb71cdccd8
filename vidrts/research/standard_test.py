"""`python -m vidrts.research experiment x2`: scale 2 on the test pictures of super-resolution, as papers report it.

LR is MATLAB's imresize by 1/2 of Y: bicubic of a = -0.5, antialiased, edges mirrored. PSNR and SSIM are of Y of BT.601
in 16..235, rounded to 8 bits, without 2 pixels at each side. Networks see Y as a grey picture, and their luma counts:
what `vidrts enhance` writes. Beside that, if asked for: LR that H.264 has coded, which is what videos are
enlarged from, and how much enlarged films of fixed cameras flicker.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vidrts.compare.frames import frames, to_rgb
from vidrts.errors import InputError
from vidrts.files import atomic_write
from vidrts.frame import pixel_format
from vidrts.measure.fidelity import psnr, ssim
from vidrts.measure.flicker import flicker
from vidrts.measure.luma import luma
from vidrts.media.tools.codec_roundtrip import through_codec
from vidrts.networks.checkpoint import load_model
from vidrts.networks.registry import parameter_count
from vidrts.ops.lanczos import enlarge
from vidrts.picture.device import pick_device
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.research.truth.work import middle
from vidrts.training.report.runs import Table

QUESTION = "What do models reach at scale 2 on the standard test pictures, beside bicubic, Lanczos and other papers?"
SHAVED = 2
FILM_FRAMES, FILM_SIZE = 16, (180, 320)
"""Of a clip: its first frames, and (height, width) of their middles."""
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "SRCNN (2014)": {"Set5": 36.66, "Set14": 32.45, "BSD100": 31.36, "Urban100": 29.50},
    "FSRCNN (2016)": {"Set5": 37.00, "Set14": 32.63, "BSD100": 31.53, "Urban100": 29.88},
    "VDSR (2016)": {"Set5": 37.53, "Set14": 33.03, "BSD100": 31.90, "Urban100": 30.76},
    "EDSR (2017), full size": {"Set5": 38.11, "Set14": 33.92, "BSD100": 32.32, "Urban100": 32.93},
}
"""PSNR in dB as those papers, and later ones of them, report it; trained on other pictures."""

type Plane = NDArray[np.float64]
type Enlarger = Callable[[Plane], Plane]
"""(h, w) in 0..255 -> (2h, 2w), not rounded."""


@dataclass(frozen=True)
class Score:
    """Means over a set."""

    psnr: float
    ssim: float


def read_y(path: Path) -> Plane:
    """Y of BT.601 in 16..235, rounded, of even width and height; a grey picture's own values. Raises `InputError`."""
    try:
        with Image.open(path) as image:
            grey = image.mode in ("L", "I;16", "1")
            pixels = np.asarray(image.convert("L" if grey else "RGB"), np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a picture ({error})") from None
    if not grey:
        pixels = np.rint(16 + pixels @ np.array([65.481, 128.553, 24.966]) / 255)
    height, width = (side - side % 2 for side in pixels.shape)
    return pixels[:height, :width]


def resized(plane: Plane, factor: float, *, eight_bits: bool = False) -> Plane:
    """MATLAB's imresize(plane, factor) by bicubic, in float64; `eight_bits`: rounded after each direction, as uint8."""
    height, width = plane.shape
    down, across = (_matrix(side, round(side * factor)) for side in (height, width))
    if not eight_bits:
        return down @ plane @ across.T
    return _rounded(_rounded(down @ plane) @ across.T)


def _rounded(plane: Plane) -> Plane:
    return np.floor(plane + 0.5).clip(0, 255)


@cache
def _matrix(size: int, result: int) -> Plane:
    """(result, size): each row the weights of one sample of the result."""
    factor = result / size
    stretch = min(factor, 1.0)  # antialiased: the kernel is as wide as a sample of the result
    centres = (np.arange(result) + 0.5) / factor - 0.5
    reach = int(np.ceil(2 / stretch)) + 1
    places = np.floor(centres)[:, None].astype(int) + np.arange(-reach, reach + 1)
    weights = _cubic(np.asarray((centres[:, None] - places) * stretch, np.float64))
    weights /= weights.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(size), np.arange(size)[::-1]])[places % (2 * size)]
    matrix = np.zeros((result, size))
    np.add.at(matrix, (np.arange(result)[:, None], mirrored), weights)
    return matrix


def _cubic(x: Plane) -> Plane:
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def lanczos(plane: Plane) -> Plane:
    """Lanczos-3 by 2."""
    doubled: Plane = enlarge(torch.from_numpy(plane)[None, None], 2)[0, 0].numpy()
    return doubled


def by_model(name_or_file: str, device: str = "auto") -> Enlarger:
    """The luma of a model's SR in float32. Raises as `load_model` and `pick_device`."""
    where = pick_device(device)
    upscaler = TiledUpscaler(load_model(name_or_file, 2).network, where, torch.float32, scale=2)

    def enlarged(plane: Plane) -> Plane:
        grey = torch.from_numpy(plane / 255).float().expand(1, 3, -1, -1)
        result: Plane = luma(upscaler(grey.to(where))[0].cpu()).double().numpy() * 255
        return result

    return enlarged


def coded(plane: Plane, crf: int) -> Plane:
    """Y after H.264 at this crf, as the last of three frames of a still shot."""
    height, width = plane.shape
    even = np.pad(_rounded(plane), ((0, height % 2), (0, width % 2)), mode="edge").astype(np.uint8)
    chroma = torch.full((even.shape[0] // 2, even.shape[1] // 2), 128, dtype=torch.uint8)
    frames = [(torch.from_numpy(even), chroma, chroma)] * 3
    decoded = through_codec(frames, pixel_format("yuv420p"), "libx264", {"crf": str(crf), "preset": "medium"})
    return decoded[-1][0][:height, :width].double().numpy()


def score(pictures: Sequence[Path], enlarger: Enlarger, crf: int | None = None) -> Score:
    """The means over `pictures`; crf: of LR that H.264 has coded."""
    rows = []
    for path in pictures:
        truth = read_y(path)
        low = resized(truth, 0.5)
        got = _rounded(enlarger(low if crf is None else coded(low, crf)))
        a, b = (torch.from_numpy(plane[SHAVED:-SHAVED, SHAVED:-SHAVED].copy()) for plane in (got, truth))
        rows.append((psnr(a, b, 255), ssim(a, b, 255)))
    return Score(*(float(mean) for mean in np.mean(rows, axis=0)))


def film_flicker(clip: Path, enlarger: Enlarger) -> float:
    """Flicker of a clip that `enlarger` enlarges, over that of the same enlarged by Lanczos. Raises `InputError`."""
    found = [luma(middle(to_rgb(frame), *FILM_SIZE)).double().numpy() * 255 for frame in frames(clip, FILM_FRAMES)]
    if len(found) < 2:
        raise InputError(f"{clip}: expected at least two frames")
    ours, source = (
        torch.from_numpy(np.stack([_rounded(way(plane)) for plane in found])) / 255 for way in (enlarger, lanczos)
    )
    try:
        return flicker(ours, source)
    except ValueError as error:
        raise InputError(f"{clip}: {error}; expected a film of a camera that stands still") from None


def run_standard_test(
    sets: Sequence[Path],
    out: Path,
    models: Sequence[str],
    *,
    crfs: Sequence[int] = (),
    clips: Sequence[Path] = (),
    device: str = "auto",
    on_message: Callable[[str], None] = lambda line: None,
) -> Path:
    """Measure `models` on each folder of pictures and write answer.md and scores.json to `out`; returns the former.

    A set is named by its folder, or the folder above one called HR. crfs: LR coded by H.264 at each of these, too.
    clips: films of fixed cameras, whose flicker is measured (and kept in flicker.json).

    Raises `InputError` for a folder without pictures and a clip of which no pixel stands still.
    """
    found = {_name(folder): _pictures(folder) for folder in sets}
    ways: dict[str, Enlarger] = {"bicubic": lambda plane: resized(plane, 2), "Lanczos-3": lanczos}
    ways |= {name: by_model(name, device) for name in models}
    scores: dict[str, dict[str, Score]] = {}
    for way, enlarger in ways.items():
        scores[way] = {
            _column(name, crf): score(pictures, enlarger, crf)
            for crf in (None, *crfs)
            for name, pictures in found.items()
        }
        on_message(f"{way}: " + ", ".join(f"{name} {s.psnr:.2f} dB" for name, s in scores[way].items()))
    out.mkdir(parents=True, exist_ok=True)
    kept = {way: {name: vars(s) for name, s in row.items()} for way, row in scores.items()}
    with atomic_write(out / "scores.json") as file:
        file.write_text(json.dumps(kept, indent=1) + "\n")
    counts = {name: parameter_count(load_model(name, 2).network) for name in models}
    tables = [table(scores, list(found), counts), *(coded_table(scores, list(found), crf) for crf in crfs)]
    if clips:
        flickers = {way: {clip.name: film_flicker(clip, enlarger) for clip in clips} for way, enlarger in ways.items()}
        with atomic_write(out / "flicker.json") as file:
            file.write_text(json.dumps(flickers, indent=1) + "\n")
        tables.append(flicker_table(flickers))
    with atomic_write(out / "answer.md") as file:
        file.write_text("\n\n".join([f"# {QUESTION}", *(each.markdown() for each in tables)]) + "\n")
    return out / "answer.md"


def table(scores: Mapping[str, Mapping[str, Score]], sets: Sequence[str], counts: Mapping[str, int]) -> Table:
    """PSNR and SSIM by set, the published ones last."""
    own = [
        (way, f"{counts[way]:,}" if way in counts else "", *(f"{row[s].psnr:.2f} / {row[s].ssim:.4f}" for s in sets))
        for way, row in scores.items()
    ]
    others = [
        (f"{name}, as published", "", *(f"{row[s]:.2f}" if s in row else "" for s in sets))
        for name, row in PUBLISHED.items()
    ]
    return Table(
        "PSNR in dB / SSIM of Y at scale 2", ("", "parameters", *sets), (*own, *others),
        "LR by MATLAB's bicubic; 2 pixels at each side do not count.",
    )  # fmt: skip


def coded_table(scores: Mapping[str, Mapping[str, Score]], sets: Sequence[str], crf: int) -> Table:
    """PSNR and SSIM by set, of LR coded at this crf."""
    rows = [
        (way, *(f"{row[key].psnr:.2f} / {row[key].ssim:.4f}" for key in (_column(name, crf) for name in sets)))
        for way, row in scores.items()
    ]
    return Table(
        f"LR coded by H.264 at crf {crf}", ("", *sets), tuple(rows), "The last of three frames of a still shot."
    )


def flicker_table(flickers: Mapping[str, Mapping[str, float]]) -> Table:
    """By clip."""
    height, width = FILM_SIZE
    names = list(next(iter(flickers.values())))
    rows = [(way, *(f"{row[name]:.3f}" for name in names)) for way, row in flickers.items()]
    return Table(
        "Flicker of enlarged films, where nothing moves", ("", *names), tuple(rows),
        f"Change from frame to frame over that of the same films enlarged by Lanczos: the first {FILM_FRAMES} frames, "
        f"their middle {width}x{height} pixels.",
    )  # fmt: skip


def _column(name: str, crf: int | None) -> str:
    return name if crf is None else f"{name}, crf {crf}"


def _name(folder: Path) -> str:
    folder = folder.resolve()
    return folder.parent.name if folder.name == "HR" else folder.name


def _pictures(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".png", ".bmp", ".jpg", ".tif"))
    if not found:
        raise InputError(f"{folder}: no pictures; expected PNG, BMP, JPEG or TIFF files")
    return found
