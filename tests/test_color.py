"""Colour conversion against zimg (through ffmpeg) and float64, and the promise of residual write-back."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.planes import SITES, full_tags, random_planes
from hypothesis import given, settings
from hypothesis import strategies as st

from vidrts import color, colorplan
from vidrts.errors import UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS, ColorTags, pixel_format
from vidrts.media.read.source import Source
from vidrts.messages import Code

MATRICES = {1: "709", 6: "170m", 9: "2020_ncl"}


@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
def test_no_change_is_the_source_bit_for_bit(name: str) -> None:
    fmt = pixel_format(name)
    for width, height in ((35, 21), (16, 16)):
        planes = random_planes(name, width, height)
        for siting in SITES:
            for field in ("progressive", "tff", "bff"):
                plan = colorplan.plan(full_tags(name, siting=siting), fmt, field=field)
                rgb = color.to_rgb(planes, plan)
                assert rgb.shape == (3, height, width)
                out = color.write_back(planes, torch.zeros(3, height, width), plan)
                assert all(torch.equal(a, b) for a, b in zip(out, planes, strict=True))


@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
def test_a_change_arrives(name: str) -> None:
    """Flat mid-gray plus a flat grey step: luma (or RGB) moves by the step in code values, chroma and alpha do not."""
    fmt = pixel_format(name)
    mid = 2 ** (fmt.depth - 1)
    planes = [
        (torch.full(fmt.plane_size(c, 20, 18), mid) << fmt.shift).to(fmt.dtype) for c in range(len(fmt.order))
    ]  # fmt: skip
    plan = colorplan.plan(full_tags(name), fmt)
    out = color.write_back(planes, torch.full((3, 18, 20), 0.1), plan)
    coloured = 3 if fmt.model == "rgb" else 1
    for component, plane in enumerate(out):
        step = round(0.1 * plan.scale[0]) if component < coloured else 0
        code = plane.to(torch.int64) >> fmt.shift
        assert (code - (mid + step)).abs().max() <= (1 if component < coloured else 0), component
        assert not (plane.to(torch.int64) & ((1 << fmt.shift) - 1)).any()


@pytest.mark.parametrize("siting", SITES)
@pytest.mark.parametrize(("name", "matrix", "full"), [("yuv420p", 1, 0), ("yuv420p10le", 9, 0), ("yuv422p", 6, 1)])
def test_rgb_is_what_zimg_computes(
    name: str, matrix: int, full: int, siting: int, clips: Path, tmp_path: Path
) -> None:  # fmt: skip
    """A second implementation: zimg, bilinear chroma, float output, on a frame of a real clip."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    width, height = 320, 180
    raw, wanted_file = tmp_path / "in.yuv", tmp_path / "out.f32"
    ffmpeg = ["ffmpeg", "-nostdin", "-v", "error", "-y"]
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    subprocess.run(
        [*ffmpeg, "-i", clip, "-frames:v", "1", "-s", f"{width}x{height}", "-pix_fmt", name, "-f", "rawvideo", raw],
        check=True,
    )  # fmt: skip
    spaced = ["-f", "rawvideo", "-s", f"{width}x{height}", "-pix_fmt", name, "-i", raw]
    range_name = "full" if full else "limited"
    chain = (
        f"setparams=range={'pc' if full else 'tv'},zscale=matrixin={MATRICES[matrix]}:rangein={range_name}"
        f":chromalin={SITES[siting]}:matrix=gbr:range=full:filter=bilinear,format=gbrpf32le"
    )
    done = subprocess.run(
        [*ffmpeg, *spaced, "-vf", chain, "-f", "rawvideo", wanted_file], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    green, blue, red = np.fromfile(wanted_file, "<f4").reshape(3, height, width)
    wanted = torch.from_numpy(np.stack((red, green, blue)))
    fmt = pixel_format(name)
    data = np.fromfile(raw, "<u2" if fmt.depth > 8 else "u1")
    planes, start = [], 0
    for component in range(3):
        rows, columns = fmt.plane_size(component, width, height)
        planes.append(torch.from_numpy(data[start : start + rows * columns].reshape(rows, columns).copy()))
        start += rows * columns
    plan = colorplan.plan(ColorTags(matrix=matrix, range=1 + full, siting=siting), fmt)
    got = color.to_rgb(planes, plan)
    assert (got - wanted).abs()[:, 2:-2, 2:-2].max() < 2e-3  # zimg quantises its filter to 14 bits


@settings(max_examples=30)
@given(
    name=st.sampled_from(["yuv444p", "yuv444p10le", "yuvj444p", "gbrp", "gbrp12le", "rgb24"]),
    matrix=st.sampled_from([1, 4, 5, 6, 7, 8, 9]), seed=st.integers(0, 2**16),
)  # fmt: skip
def test_writing_back_inverts_reading(name: str, matrix: int, seed: int) -> None:
    """Without subsampling: read, change RGB, write back, read again gives the changed RGB to about a code value."""
    torch.manual_seed(seed)
    fmt = pixel_format(name)
    plan = colorplan.plan(full_tags(name, matrix=matrix), fmt)
    rgb = torch.rand(3, 16, 16) * 0.4 + 0.3
    grey = color.to_rgb([torch.full((16, 16), 2 ** (fmt.depth - 1)).to(fmt.dtype)] * 3, plan)
    planes = color.write_back([torch.full((16, 16), 2 ** (fmt.depth - 1)).to(fmt.dtype)] * 3, rgb - grey, plan)
    again = color.to_rgb(planes, plan)
    assert (again - rgb).abs().max() < 2.2 / plan.scale[1]


@given(site=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), length=st.integers(16, 61))
def test_down_is_the_adjoint_of_up(site: float, length: int) -> None:
    """<up(a), b> = 2 <a, down(b)> away from the borders: what makes chroma changes land where they were read."""
    half = -(-length // 2)
    a = torch.rand(1, half, dtype=torch.float64)
    b = torch.rand(1, length, dtype=torch.float64)
    a[:, :2] = a[:, -2:] = 0
    b[:, :3] = b[:, -3:] = 0
    up = color.linear_up(a, site, length, dim=1)
    down = color.linear_down(b, site, dim=1)
    assert torch.allclose((up * b).sum(), 2 * (a * down).sum(), atol=1e-12)


def test_clamping_keeps_what_the_source_holds_beyond() -> None:
    fmt = pixel_format("yuv444p")
    plan = colorplan.plan(full_tags("yuv444p"), fmt)
    luma = torch.tensor([[5, 16, 235, 250]], dtype=torch.uint8).repeat(2, 1)
    neutral = torch.full((2, 4), 128, dtype=torch.uint8)
    up = color.write_back([luma, neutral, neutral], torch.full((3, 2, 4), 1.0), plan)[0][0]
    down = color.write_back([luma, neutral, neutral], torch.full((3, 2, 4), -1.0), plan)[0][0]
    assert up.tolist() == [224, 235, 235, 250]
    assert down.tolist() == [5, 16, 16, 31]


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "nv12", "gbrap", "yuva420p", "gray"])
def test_twice_the_size_keeps_flat_areas_and_sizes(name: str) -> None:
    fmt = pixel_format(name)
    width, height = 35, 21
    values = [40 + 30 * c for c in range(len(fmt.order))]
    planes = [
        torch.full(fmt.plane_size(c, width, height), v << fmt.shift).to(fmt.dtype) for c, v in enumerate(values)
    ]  # fmt: skip
    plan = colorplan.plan(full_tags(name), fmt)
    out = color.write_back(planes, torch.zeros(3, 2 * height, 2 * width), plan, scale=2)
    for component, plane in enumerate(out):
        assert tuple(plane.shape) == fmt.plane_size(component, 2 * width, 2 * height)
        assert (plane.to(torch.int64) == values[component] << fmt.shift).all()


def test_what_is_assumed_is_said() -> None:
    fmt = pixel_format("yuv420p")
    tags, line = colorplan.assume(ColorTags(), fmt, 1080)
    assert (tags.matrix, tags.range, tags.siting) == (1, 1, 1)
    assert line is not None
    assert (line.code, line.values) == (Code.MATRIX_AND_RANGE_ASSUMED, {"matrix": "BT.709"})
    tags, line = colorplan.assume(ColorTags(), fmt, 576)
    assert tags.matrix == 6
    assert line is not None
    assert (line.code, line.values) == (Code.MATRIX_AND_RANGE_ASSUMED, {"matrix": "BT.601"})
    for known, code in ((ColorTags(matrix=1), Code.RANGE_ASSUMED), (ColorTags(range=1), Code.MATRIX_ASSUMED)):
        line = colorplan.assume(known, fmt, 576)[1]
        assert line is not None and line.code is code
    assert colorplan.assume(ColorTags(matrix=1, range=1), fmt, 576)[1] is None
    assert colorplan.assume(ColorTags(matrix=0, range=1), fmt, 1080)[0].matrix == 1  # identity exists in 4:4:4 alone
    assert colorplan.assume(ColorTags(), pixel_format("gbrp"), 576)[1] is None


def test_rgb_is_of_limited_range_where_its_tag_says_so() -> None:
    for name, step in (("gbrp", 1), ("rgb24", 1), ("gbrp10le", 4)):
        fmt = pixel_format(name)
        tags, line = colorplan.assume(ColorTags(range=1), fmt, 1080)
        assert (tags.range, line) == (1, None)
        plan = colorplan.plan(tags, fmt, keep=True)
        levels = (torch.tensor([[16, 235, 240]]) * step).to(fmt.dtype)
        assert color.to_rgb([levels] * 3, plan)[:, 0, :2].tolist() == [[0, 1]] * 3
        for written in color.write_back([levels] * 3, torch.tensor([[[-0.5, 0.5, 0.5]]]), plan):
            assert written.tolist() == [[16 * step, 235 * step, 240 * step]]
    floats = replace(pixel_format("gbrp16le"), name="gbrpf16le", floating=True)
    for tags, fmt in ((ColorTags(range=1), floats), (ColorTags(), pixel_format("gbrp")),
                      (ColorTags(range=2), pixel_format("gbrp"))):  # fmt: skip
        assert colorplan.assume(tags, fmt, 1080)[0].range == 2


def test_a_matrix_that_is_not_linear_is_refused() -> None:
    for matrix in (10, 14, 99):
        with pytest.raises(UnsupportedFormatError, match=str(matrix)):
            colorplan.plan(replace(full_tags("yuv420p"), matrix=matrix), pixel_format("yuv420p"))


@pytest.mark.parametrize("transfer", ["unknown", "bt709", "smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("primaries", ["unknown", "bt2020", "smpte432"])
@pytest.mark.parametrize(("number", "word"), [(10, "bt2020c"), (12, "chroma-derived-nc"), (13, "chroma-derived-c"),
                                              (14, "ictcp")])  # fmt: skip
def test_the_command_that_converts_another_matrix(
    number: int, word: str, primaries: str, transfer: str, tmp_path: Path
) -> None:
    """As it is told for the tags of a film, Debian's ffmpeg does it, and what comes out is taken."""
    clip, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    made = "ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=64x48 -frames:v 1 -pix_fmt yuv420p10le -c:v ffv1"
    tags = f"-colorspace {word} -color_primaries {primaries} -color_trc {transfer} -color_range tv"
    subprocess.run([*made.split(), *tags.split(), str(clip)], check=True)
    with Source(clip) as source, pytest.raises(UnsupportedFormatError) as caught:
        colorplan.plan(source.info.color, source.info.format)
    said = str(caught.value)
    assert said.startswith(f"colour matrix {number} (ITU-T H.273; FFmpeg: {word}) is not supported; expected BT.709")
    command = said[said.index("ffmpeg -i") :].split()
    words = [{"IN": str(clip), "OUT.mkv": str(target)}.get(each, each) for each in command]
    subprocess.run([words[0], "-nostdin", "-v", "error", *words[1:]], check=True)
    with Source(target) as source:
        assert source.info.color.matrix == 9
        colorplan.plan(source.info.color, source.info.format)


@pytest.mark.parametrize("number", [11, 15, 16, 17, 99])
def test_a_matrix_that_ffmpeg_does_not_convert(number: int) -> None:
    with pytest.raises(UnsupportedFormatError, match=rf"matrix {number} .*if the tag is wrong, .* --colorspace"):
        colorplan.plan(ColorTags(matrix=number, range=1, siting=1), pixel_format("yuv420p"))


def test_identity_matrix_holds_gbr() -> None:
    fmt = pixel_format("yuv444p")
    plan = colorplan.plan(ColorTags(matrix=0, range=2, siting=1), fmt)
    green, blue, red = (torch.full((16, 16), v, dtype=torch.uint8) for v in (10, 20, 30))
    rgb = color.to_rgb([green, blue, red], plan)
    assert (rgb[:, 0, 0] * 255).round().tolist() == [30, 10, 20]
