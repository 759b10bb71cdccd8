"""-pix_fmt: another pixel format shows the same picture. The truth is arithmetic, and FFmpeg's zscale in floats."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from helpers.media_truth import relay
from helpers.planes import SITES, random_planes

from vidrts.errors import OptionError
from vidrts.frame import ColorTags, PixelFormat, pixel_format
from vidrts.media.planes import plane_views
from vidrts.media.write.conversion import Conversion
from vidrts.media.write.options import EncodeOptions

WIDTH, HEIGHT = 64, 48


def white(fmt: PixelFormat, limited: bool) -> int:
    return 235 << fmt.depth - 8 if limited else fmt.most


def black(fmt: PixelFormat, limited: bool) -> int:
    return 16 << fmt.depth - 8 if limited else 0


def flat(fmt: PixelFormat, value: int) -> list[torch.Tensor]:
    """A gray picture."""
    values = [value, 1 << fmt.depth - 1, 1 << fmt.depth - 1] if fmt.model == "yuv" else [value] * 3
    return [
        torch.full(fmt.plane_size(c, WIDTH, HEIGHT), values[c] << fmt.shift).to(fmt.dtype)
        for c in range(3 if fmt.model != "gray" else 1)
    ]


PAIRS = [
    ("yuv420p", "gbrp10le", 1), ("yuv420p", "gbrp12le", 2), ("yuv422p10le", "gbrp", 1), ("yuv444p16le", "gbrp16le", 1),
    ("gray", "gray10le", 1), ("gray10le", "gray12le", 1), ("gray10le", "gray", 1), ("gray", "gray16le", 2),
    ("gbrp", "gbrp10le", 2), ("gbrp", "gbrp10le", 1), ("gbrp10le", "gbrp", 1), ("rgb24", "gbrp16le", 2),
    ("gbrp", "yuv420p", 1), ("gbrp10le", "yuv420p10le", 2), ("bgr0", "yuv444p16le", 2), ("gbrp12le", "nv12", 1),
    ("yuv420p", "yuv444p10le", 2), ("yuv420p10le", "yuv420p", 1), ("nv12", "p010le", 1), ("yuvj420p", "yuv420p10le", 2),
    ("yuv420p", "yuvj420p", 1),
]  # fmt: skip


@pytest.mark.parametrize(("held", "target", "coded"), PAIRS)
def test_white_and_black_stay_what_they_are(held: str, target: str, coded: int) -> None:
    fmt, wanted = pixel_format(held), pixel_format(target)
    conversion = Conversion(fmt, wanted, ColorTags(matrix=1, range=coded, primaries=1), 1080)
    same = fmt.model == wanted.model
    limited = coded == 1 and not target.startswith("yuvj") if same else wanted.model == "yuv"
    assert conversion.color.range == (1 if limited else 2)
    for level in (white, black):
        made = conversion(flat(fmt, level(fmt, coded == 1)))
        assert [tuple(plane.shape) for plane in made] == [wanted.plane_size(c, WIDTH, HEIGHT) for c in range(len(made))]
        for one, plane in zip(flat(wanted, level(wanted, limited)), made, strict=False):
            assert torch.equal(one, plane), (level, one[0, 0], plane[:2, :2])


@pytest.mark.parametrize(
    ("held", "target", "coded"),
    [("gray", "gray10le", 1), ("yuv444p", "yuv444p12le", 1), ("gbrp10le", "gbrp12le", 2), ("gbrp", "gbrp16le", 1),
     ("yuva444p", "yuva444p10le", 2)],
)  # fmt: skip
def test_every_code_value_of_another_depth(held: str, target: str, coded: int) -> None:
    """Limited range: a shift. Full range: the share of the highest value, rounded; alpha always is of full range."""
    fmt, wanted = pixel_format(held), pixel_format(target)
    codes = torch.arange(fmt.most + 1).to(fmt.dtype)[None].repeat(2, 1)
    made = Conversion(fmt, wanted, ColorTags(matrix=1, range=coded), 1080)([codes] * len(fmt.order))
    for component, plane in enumerate(made):
        for code, got in enumerate(plane[0].tolist()):
            middle = 1 << fmt.depth - 1 if fmt.model == "yuv" and component in (1, 2) else 0
            if coded == 1 and component < 3:
                exact = Fraction(code << wanted.depth - fmt.depth)
            else:
                exact = Fraction((code - middle) * wanted.most, fmt.most) + (middle << wanted.depth - fmt.depth)
            assert abs(got - min(max(exact, Fraction(0)), wanted.most)) <= Fraction(1, 2) + Fraction(1, 500)


def zscaled(planes: list[torch.Tensor], held: str, target: str, arguments: str) -> list[np.ndarray]:
    """Planes as FFmpeg's zscale converts them, which computes in floats."""
    told = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", held, "-s", f"{WIDTH}x{HEIGHT}", "-i", "-",
         "-vf", f"{arguments},format={target}", "-f", "rawvideo", "-"],
        input=b"".join(plane.numpy().tobytes() for plane in planes), capture_output=True, check=True,
    ).stdout  # fmt: skip
    fmt = pixel_format(target)
    sizes = [fmt.plane_size(c, WIDTH, HEIGHT) for c in range(3)]
    samples = np.frombuffer(told, np.uint8 if fmt.depth == 8 else np.uint16)
    found, start = [], 0
    for rows, columns in sizes:
        found.append(samples[start : start + rows * columns].reshape(rows, columns).astype(int))
        start += rows * columns
    return found


@pytest.mark.parametrize(("held", "target"), [("yuv420p", "gbrp10le"), ("yuv422p10le", "gbrp12le")])
@pytest.mark.parametrize("siting", [1, 2])
def test_colours_are_zscales(held: str, target: str, siting: int) -> None:
    """Of a noisy picture: all but the few values where rounding could go either way."""
    fmt = pixel_format(held)
    planes = random_planes(held, WIDTH, HEIGHT)
    made = Conversion(fmt, pixel_format(target), ColorTags(matrix=9, range=1, siting=siting), 1080)(planes)
    truth = zscaled(
        planes, held, target, f"setparams=range=tv,zscale=matrixin=2020_ncl:rangein=limited:chromalin={SITES[siting]}"
        ":matrix=gbr:range=full:filter=bilinear",
    )  # fmt: skip
    for component, (place, _) in enumerate(pixel_format(target).order):
        difference = np.abs(made[component].numpy().astype(int) - truth[place])
        assert difference.max() <= 1
        assert np.mean(difference) < 0.02


def test_lowering_the_depth_is_dithered() -> None:
    """A shade between two code values stays one on average, so that gradients get no bands."""
    fmt = pixel_format("yuv420p10le")
    made = Conversion(fmt, pixel_format("yuv420p"), ColorTags(matrix=1, range=1), 1080)(flat(fmt, 401))[0]
    assert set(made.unique().tolist()) == {100, 101}
    assert made.float().mean() == 100.25


def test_alpha_is_kept_and_made_opaque() -> None:
    with_alpha, without = pixel_format("yuva420p"), pixel_format("yuv420p")
    planes = random_planes("yuva420p", WIDTH, HEIGHT)
    deep = Conversion(with_alpha, pixel_format("gbrap10le"), ColorTags(matrix=1, range=1), 1080)(planes)[3]
    assert (deep.int() - planes[3].int() * 1023 / 255).abs().max() <= 0.5
    assert len(Conversion(with_alpha, pixel_format("gbrp"), ColorTags(), 1080)(planes)) == 3
    opaque = Conversion(without, pixel_format("yuva444p10le"), ColorTags(), 1080)(planes[:3])[3]
    assert opaque.unique().tolist() == [1023]


def test_identity_that_is_subsampled_becomes_true_chroma() -> None:
    """Planes G, B, R of a 4:4:4 source cannot be halved."""
    fmt = pixel_format("yuv444p")
    planes = [torch.full((HEIGHT, WIDTH), value, dtype=torch.uint8) for value in (0, 0, 255)]  # red
    conversion = Conversion(fmt, pixel_format("yuv420p"), ColorTags(matrix=0, range=2), 1080)
    assert (conversion.color.matrix, conversion.color.range) == (1, 1)
    assert [plane.unique().tolist() for plane in conversion(planes)] == [[63], [102], [240]]


def test_what_cannot_be_converted() -> None:
    for held, target, matrix in (("gray", "yuv420p", 1), ("gbrp", "gray", 1), ("yuv420p10le", "gbrp", 14)):
        with pytest.raises(OptionError, match=f"-pix_fmt {target}"):
            Conversion(pixel_format(held), pixel_format(target), ColorTags(matrix=matrix, range=1), 1080)


@pytest.mark.parametrize(
    ("pixel", "encoder", "wanted", "most"),
    [("yuv420p", "ffv1", "gbrp10le", 1023), ("gray", "ffv1", "gray10le", 940), ("gbrp", "libx265", "yuv420p10le", 940)],
)
def test_white_of_a_limited_source_in_a_file(tmp_path: Path, pixel: str, encoder: str, wanted: str, most: int) -> None:
    fmt = pixel_format(pixel)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", pixel, "-s", f"{WIDTH}x{HEIGHT}", "-i", "-", "-c:v",
         encoder, "-x265-params", "lossless=1:log-level=none", "-color_range", "tv", tmp_path / "in.mkv"],
        input=b"".join(plane.numpy().tobytes() for plane in flat(fmt, 235)), check=True, capture_output=True,
    )  # fmt: skip
    relay(tmp_path / "in.mkv", tmp_path / "out.mkv", encode=EncodeOptions(video_codec="ffv1", pixel_format=wanted))
    with av.open(str(tmp_path / "out.mkv")) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == wanted
    assert plane_views(frame, pixel_format(wanted))[0].unique().tolist() == [most]
