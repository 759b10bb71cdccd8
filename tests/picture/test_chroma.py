"""Colour is kept: chroma bit for bit, grey stays grey, RGB moves alike; against float64, Lanczos and ffmpeg."""

import copy
import math
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.networks import tiny_network
from helpers.toy_networks import toy
from PIL import Image

from vidrts import EnhanceOptions, color, colorplan, enhance
from vidrts.cli import run
from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS, ColorTags, FieldOrder, Frame, pixel_format
from vidrts.images import read_photo
from vidrts.measure.difference import difference_ratio
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.networks import shipped
from vidrts.networks.checkpoint import load_model, read_info, save_model
from vidrts.networks.network import Network
from vidrts.networks.shipped import shipped_models
from vidrts.ops.lanczos import halve
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import Chroma, EnhancerOptions
from vidrts.picture.tiled_upscaler import TiledUpscaler, enhanced_rgb
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.validation import Validation

CPU = torch.device("cpu")
KEEP = EnhancerOptions(device="cpu", precision="fp32", engine="torch")
MATRICES = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Number in H.273 -> weights of R' and B' in Y'."""


def framed(planes: list[torch.Tensor], name: str, field_order: FieldOrder = "progressive", **tags: int) -> Frame:
    fmt = pixel_format(name)
    stored = tuple((plane.to(torch.int64) << fmt.shift).to(fmt.dtype) for plane in planes)
    return Frame(planes=stored, format=fmt, color=ColorTags(**tags), pts=0, time_base=Fraction(1, 25),
                 field_order=field_order)  # fmt: skip


def random_frame(name: str, width: int = 36, height: int = 34, field_order: FieldOrder = "progressive",
                 low: float = 0, high: float = 1, **tags: int) -> Frame:  # fmt: skip
    """Random codes between two shares of the whole range."""
    fmt = pixel_format(name)
    least, most = int(low * 2**fmt.depth), int(high * 2**fmt.depth)
    sizes = [fmt.plane_size(c, width, height) for c in range(len(fmt.order))]
    return framed([torch.randint(least, most, size) for size in sizes], name, field_order, **tags)


def codes(frame: Frame) -> list[torch.Tensor]:
    return [plane.to(torch.int64) >> frame.format.shift for plane in frame.planes]


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(a, b)


# Y'CbCr -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, fmt in PIXEL_FORMATS.items() if fmt.model == "yuv"])
def test_chroma_is_the_sources_bit_for_bit(name: str) -> None:
    """In every format and depth, whatever matrix, range, transfer (PQ, HLG), siting and field order."""
    enhancer = Enhancer(tiny_network(), replace(KEEP, strength=1.7))
    for matrix, transfer, tagged_range, siting, order in (
        (1, 1, 1, 1, "progressive"), (1, 1, 2, 2, "tff"), (4, 1, 1, 3, "progressive"), (5, 1, 1, 4, "bff"),
        (6, 6, 1, 5, "progressive"), (7, 7, 1, 6, "progressive"), (8, 1, 2, 1, "progressive"),
        (9, 16, 1, 3, "progressive"), (9, 18, 1, 1, "progressive"), (9, 16, 2, 2, "tff"),
    ):  # fmt: skip
        frame = random_frame(
            name, height=37, matrix=matrix, transfer=transfer, range=tagged_range, siting=siting, field_order=order
        )
        (out,) = enhancer([frame])
        assert all(same(a, b) for a, b in zip(out.planes[1:], frame.planes[1:], strict=True)), (matrix, order)
        assert not same(out.planes[0], frame.planes[0])
        assert (out.color, out.field_order) == (frame.color, order)
        assert order != "progressive" or all(a is b for a, b in zip(out.planes[1:], frame.planes[1:], strict=True))


def exact_luma(network: Network, rgb: torch.Tensor) -> torch.Tensor:
    """Y(d(SR(x))) - Y(x) of (3, H, W) in float64, the long way; BT.709."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    margin = network.spec.reach[2] + 4
    prepared = network.prepared(rgb[None].float()).double() if network.sees_luma_alone else rgb[None]
    wide = torch.nn.functional.pad(prepared, (margin,) * 4, mode="replicate")
    with torch.no_grad():
        resolved = halve(copy.deepcopy(network).double()(wide))[0, :, margin:-margin, margin:-margin]
    return torch.einsum("c,chw->hw", weights, resolved - rgb)


def weighing(kr: float, kb: float) -> torch.Tensor:
    """R'G'B' -> Y' Cb Cr by the textbook: Cb = (B' - Y') / (2 - 2 Kb), Cr = (R' - Y') / (2 - 2 Kr)."""
    kg = 1 - kr - kb
    rows = [[kr, kg, kb], [-kr / (2 - 2 * kb), -kg / (2 - 2 * kb), 0.5], [0.5, -kg / (2 - 2 * kr), -kb / (2 - 2 * kr)]]
    return torch.tensor(rows, dtype=torch.float64)


def seen_by_network(true_rgb: torch.Tensor, kr: float, kb: float) -> torch.Tensor:
    """R'G'B' whose BT.709 luma is the Y' that these weights give, with the colour differences of that Y'."""
    matrix = torch.linalg.inv(weighing(*MATRICES[1])) @ weighing(kr, kb)
    return torch.einsum("rc,chw->rhw", matrix, true_rgb).clamp(0, 1)


YCGCO = torch.tensor([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0, -0.5]], dtype=torch.float64)


@pytest.mark.parametrize("model", ["tiny", "tiny of luma", "rts-lite"])
@pytest.mark.parametrize("matrix", [*MATRICES, 8])
@pytest.mark.parametrize(("name", "full"), [("yuv444p", False), ("yuv444p10le", True), ("yuv444p16le", False)])
def test_luma_is_what_float64_says(name: str, full: bool, matrix: int, model: str) -> None:
    network = load_model(model).network if model == "rts-lite" else tiny_network(luma_input=int("luma" in model))
    frame = random_frame(name, low=0.2, high=0.8, matrix=matrix, range=2 if full else 1)
    (out,) = Enhancer(network, KEEP)([frame])
    most, step = frame.format.most, 2.0 ** (frame.format.depth - 8)
    black, span, chroma_span = (0.0, most, most) if full else (16 * step, 219 * step, 224 * step)
    y, cb, cr = (plane.double() for plane in codes(frame))
    planes = torch.stack([(y - black) / span, *((c - 128 * step) / chroma_span for c in (cb, cr))])
    to_planes = YCGCO if matrix == 8 else weighing(*MATRICES[matrix])
    true_rgb = torch.einsum("rc,chw->rhw", torch.linalg.inv(to_planes), planes)
    rgb = seen_by_network(true_rgb, float(to_planes[0, 0]), float(to_planes[0, 2]))
    if network.sees_luma_alone:
        rgb = planes[:1].clamp(0, 1).expand(3, -1, -1)
    wanted = y + span * exact_luma(network, rgb)
    low, high = (y.clamp(max=black), y.clamp(min=black + span))
    wanted = torch.minimum(torch.maximum(wanted, low), high)
    off = (codes(out)[0] - wanted).abs().max()
    assert off <= 0.5 + 1e-3 * step
    assert (codes(out)[0] - codes(frame)[0]).abs().max() > 4


def test_luma_is_held_to_the_legal_range_or_to_the_sources_own_excess() -> None:
    plan = colorplan.plan(ColorTags(matrix=1, range=1, siting=1), pixel_format("yuv444p"), keep=True)
    luma = torch.tensor([[0, 10, 16, 20, 100, 230, 235, 250, 255]], dtype=torch.uint8)
    neutral = torch.full_like(luma, 7)
    for change, wanted in ((1.0, [219, 229, 235, 235, 235, 235, 235, 250, 255]),
                           (-1.0, [0, 10, 16, 16, 16, 16, 16, 31, 36])):  # fmt: skip
        out = color.write_back([luma, neutral, neutral], torch.full((1, 1, 9), change), plan)
        assert out[0].tolist() == [wanted]
        assert out[1] is neutral and out[2] is neutral


# Grey -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(
    "name",
    ["yuv420p", "yuv422p", "yuv444p", "yuvj420p", "nv12", "yuv420p10le", "p010le", "yuv422p12le", "yuv444p16le",
     "yuva420p"],
)  # fmt: skip
def test_a_grey_film_stays_grey(name: str, scale: int) -> None:
    """U = V = 128 comes out so, and Y as from a grey format."""
    fmt = pixel_format(name)
    frame = random_frame(name, matrix=6, range=2 if fmt.full_range else 1)
    neutral = torch.full(fmt.plane_size(1, frame.width, frame.height), 2 ** (fmt.depth - 1))
    frame = framed([codes(frame)[0], neutral, neutral, *codes(frame)[3:]], name, matrix=6, range=frame.color.range)
    enhancer = Enhancer(tiny_network(), replace(KEEP, strength=2, scale=scale))
    (out,) = enhancer([frame])
    assert all((plane == 2 ** (fmt.depth - 1)).all() for plane in codes(out)[1:3])
    grey = "gray" if fmt.depth == 8 else f"gray{fmt.depth}le"
    (alone,) = enhancer([framed(codes(frame)[:1], grey, range=frame.color.range)])
    assert (codes(alone)[0] - codes(out)[0]).abs().max() <= 1


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("primaries", [1, 9])
@pytest.mark.parametrize("name", ["gbrp", "gbrp10le", "gbrp16le", "rgb24", "bgr0", "gbrap", "rgba64le"])
def test_grey_in_rgb_stays_grey(name: str, primaries: int, scale: int) -> None:
    frame = random_frame(name, primaries=primaries)
    frame = framed([codes(frame)[0]] * 3 + codes(frame)[3:], name, primaries=primaries)
    (out,) = Enhancer(tiny_network(), replace(KEEP, strength=2, scale=scale))([frame])
    assert same(out.planes[0], out.planes[1]) and same(out.planes[1], out.planes[2])
    assert scale == 2 or not same(out.planes[0], frame.planes[0])


@pytest.mark.parametrize("model", sorted(shipped_models(1)))
def test_no_coloured_rims_at_strength_2(model: str) -> None:
    """A step between two greys, as Y'CbCr and as RGB; `sharpen` is there to see that the network would make some."""
    step = torch.where(torch.arange(64).repeat(40, 1) < 32, 60, 190)
    neutral = torch.full_like(step, 128)
    options = replace(KEEP, strength=2)
    loaded = load_model(model)
    (out,) = Enhancer(loaded, options)([framed([step, neutral, neutral], "yuv444p", matrix=1, range=1)])
    assert all((plane == 128).all() for plane in out.planes[1:])
    (out,) = Enhancer(loaded, options)([framed([step] * 3, "gbrp")])
    assert same(out.planes[0], out.planes[1]) and same(out.planes[0], out.planes[2])
    if loaded.info.colour == "rgb":
        (out,) = Enhancer(loaded, replace(options, chroma="sharpen"))([framed([step] * 3, "gbrp")])
        assert not same(out.planes[0], out.planes[2])


# RGB --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "primaries"), [("gbrp", 1), ("rgb24", 2), ("gbrp10le", 9), ("gbrp16le", 1)])
def test_red_green_and_blue_move_alike(name: str, primaries: int) -> None:
    """By the change of Y', BT.2020's for its primaries; against float64."""
    network = tiny_network()
    frame = random_frame(name, low=0.4, high=0.6, primaries=primaries)
    (out,) = Enhancer(network, KEEP)([frame])
    moved = [after - before for after, before in zip(codes(out), codes(frame), strict=True)]
    most = frame.format.most
    assert all((moved[0] - other).abs().max() <= (1 if most == 65535 else 0) for other in moved[1:])  # float32 rounds
    rgb = seen_by_network(torch.stack(codes(frame)).double() / most, *MATRICES[9 if primaries == 9 else 1])
    wanted = most * exact_luma(network, rgb)
    assert (moved[0] - wanted).abs().max() <= 0.5 + 1e-3 * most / 255
    assert wanted.abs().max() > 4


def test_each_of_rgb_is_clipped_alone() -> None:
    plan = colorplan.plan(ColorTags(range=2), pixel_format("gbrp"), keep=True)
    planes = [torch.tensor([[value]], dtype=torch.uint8) for value in (250, 100, 3)]
    up = color.write_back(planes, torch.full((1, 1, 1), 20 / 255), plan)
    down = color.write_back(planes, torch.full((1, 1, 1), -20 / 255), plan)
    assert [int(p) for p in up] == [255, 120, 23]
    assert [int(p) for p in down] == [230, 80, 0]


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("primaries", [1, 9])
@pytest.mark.parametrize(("name", "rgb"), [("yuv444p", "gbrp"), ("yuv444p10le", "gbrp10le"), ("yuva444p", "gbrap")])
def test_the_identity_matrix_is_rgb(name: str, rgb: str, primaries: int, scale: int) -> None:
    enhancer = Enhancer(tiny_network(), replace(KEEP, scale=scale))
    frame = random_frame(name, matrix=0, range=2, primaries=primaries)
    green, blue, red, *alpha = codes(frame)
    (out,) = enhancer([frame])
    (wanted,) = enhancer([framed([red, green, blue, *alpha], rgb, primaries=primaries)])
    red, green, blue, *alpha = codes(wanted)
    for a, b in zip(codes(out), [green, blue, red, *alpha], strict=True):
        assert (a - b).abs().max() <= 1
        assert (a != b).float().mean() < 0.01


# Larger -------------------------------------------------------------------------------------------------------


def lanczos(count: int, first: float, scale: int) -> np.ndarray:
    """(scale*count, count): Lanczos-3, normalised, edges replicated; output m lies at input m/scale + first."""
    matrix = np.zeros((scale * count, count))
    for m in range(scale * count):
        at = m / scale + first
        taps = {k: abs(k - at) for k in range(math.floor(at) - 3, math.floor(at) + 5)}
        values = {k: np.sinc(d) * np.sinc(d / 3) for k, d in taps.items() if d < 3}
        for k, value in values.items():
            matrix[m, min(max(k, 0), count - 1)] += value / sum(values.values())
    return matrix


@pytest.mark.parametrize(
    ("name", "siting", "x", "y"),
    [("yuv420p", 1, 0.0, 0.5), ("yuv420p10le", 3, 0.0, 0.0), ("p010le", 2, 0.5, 0.5), ("yuv422p", 1, 0.0, None),
     ("yuv444p16le", 0, None, None)],
)  # fmt: skip
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_larger_size_has_chroma_by_lanczos(
    scale: int, name: str, siting: int, x: float | None, y: float | None
) -> None:
    """A chroma sample lies x, y luma samples from its first luma sample, before and after; None: not subsampled."""
    frame = random_frame(name, width=33, height=27, low=0.2, high=0.8, siting=siting)
    (out,) = Enhancer(toy(2, 4, 8), replace(KEEP, scale=scale))([frame])
    assert (out.width, out.height) == (33 * scale, 27 * scale)

    def shift(site: float | None) -> float:
        # Luma sample i lies at scale*i + middle of the enlarged grid; there chroma sample m lies at 2m + site.
        middle = (scale - 1) / 2
        return -middle / scale if site is None else ((site - middle) / scale - site) / 2

    for before, after in zip(codes(frame)[1:], codes(out)[1:], strict=True):
        rows, columns = before.shape
        down, across = lanczos(rows, shift(y), scale), lanczos(columns, shift(x), scale)
        wanted = down @ before.double().numpy() @ across.T
        wanted = wanted.clip(0, frame.format.most)[: after.shape[0], : after.shape[1]]
        assert np.abs(after.numpy() - wanted).max() <= 0.5 + 2e-6 * frame.format.most


# Pictures that are measured ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("chroma", ["keep", "sharpen"])
@pytest.mark.parametrize("strength", [1, 0.6, 2])
def test_what_is_measured_is_what_users_get(strength: float, chroma: Chroma, scale: int) -> None:
    network = tiny_network()
    frame = random_frame("gbrp16le")
    (out,) = Enhancer(network, replace(KEEP, strength=strength, chroma=chroma, scale=scale))([frame])
    rgb = torch.stack(codes(frame)).float() / 65535
    resolver = TiledUpscaler(network, CPU, torch.float32, scale=2 if scale == 2 else 1, luma=chroma == "keep")
    got = enhanced_rgb(resolver, rgb[None], strength)[0]
    assert (got * 65535 - torch.stack(codes(out))).abs().max() <= 0.6


@pytest.mark.parametrize("luma", [False, True])
def test_a_run_is_measured_as_its_loss_looks(luma: bool, kodak: Path, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    with Image.open(min(kodak.rglob("*.png"))) as image:
        image.crop((200, 100, 328, 196)).save(path)
    network = tiny_network()
    validation = Validation([path], Degradation("triangle"), CPU, tmp_path / "examples", viqet=False, luma=luma)
    measures = validation.after(network, 1)
    photo = read_photo(path)
    (picture,) = enhanced_rgb(TiledUpscaler(network, CPU, torch.float32, luma=luma), photo[None])
    assert measures["difference_ratio"] == pytest.approx(difference_ratio(picture, photo), rel=1e-5)
    assert {"alpha", "alpha_sd", "blue_difference"} & set(measures) == (
        set() if luma else {"alpha", "alpha_sd", "blue_difference"}
    )
    assert "psnr_lr_to_hr0" in measures
    grey = read_photo(path).mean(dim=0, keepdim=True).expand(3, -1, -1)
    (made,) = enhanced_rgb(TiledUpscaler(network, CPU, torch.float32, luma=luma), grey[None])
    assert ((made[0] - made[1]).abs().max() < 1e-6) == luma


# Models trained on luma -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def luma_model(tiny_model: Path) -> Path:
    path = tiny_model.with_name("luma.safetensors")
    save_model(path, tiny_network(), replace(read_info(tiny_model), name="luma", colour="luma"))
    return path


def says(model: str | Path) -> str:
    return f'{model}: trained on luma alone, cannot sharpen chroma; use --chroma keep (chroma="keep" in Python)'


def test_weights_of_luma_cannot_sharpen_chroma(luma_model: Path, clips: Path, tmp_path: Path) -> None:
    sharpen = replace(KEEP, chroma="sharpen")
    with pytest.raises(OptionError) as error:
        Enhancer(load_model(luma_model), sharpen)
    assert str(error.value) == says(luma_model)
    target = tmp_path / "out.mkv"
    with pytest.raises(OptionError, match=re.escape(says(luma_model))):
        enhance(clips / "androidx_media__bt601.mov", target, EnhanceOptions(model=str(luma_model), picture=sharpen))
    assert not target.exists()
    (out,) = Enhancer(load_model(luma_model), KEEP)([random_frame("yuv420p")])
    assert out.width == 36


def test_a_shipped_model_is_called_by_its_name(
    luma_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a file of the same name that lies elsewhere by its path."""
    monkeypatch.setattr(shipped, "model_folders", lambda: [tmp_path])
    shutil.copy(luma_model, tmp_path / "luma.safetensors")
    for given, called in (("luma", "luma"), (luma_model, luma_model)):
        with pytest.raises(OptionError) as error:
            Enhancer(load_model(given), replace(KEEP, chroma="sharpen"))
        assert str(error.value) == says(called)


@pytest.mark.parametrize("arguments", [["enhance", "in", "out.mkv"], ["preview", "in", "page.html"]])
def test_the_command_says_so_in_a_line(
    arguments: list[str], luma_model: Path, clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command, _, target = arguments
    given = [command, "--device", "cpu", "--model", str(luma_model), "--chroma", "sharpen"]
    assert run([*given, str(clips / "androidx_media__bt601.mov"), str(tmp_path / target)]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert [line for line in told.err.splitlines() if "chroma" in line] == [f"vidrts: {says(luma_model)}"]
    assert not (tmp_path / target).exists()


def test_vapoursynth_says_so(luma_model: Path) -> None:
    vs = pytest.importorskip("vapoursynth")
    from vsrts import enhance as filtered

    clip = vs.core.std.BlankClip(format=vs.YUV420P8, width=32, height=32, length=1)
    with pytest.raises(vs.Error, match=re.escape(f"enhance: {says(luma_model)}")):
        filtered(clip, model=luma_model, device="cpu", chroma="sharpen")
    filtered(clip, model=luma_model, device="cpu").get_frame(0).close()


def test_matrices_that_are_not_linear_are_refused_still() -> None:
    with pytest.raises(UnsupportedFormatError, match="matrix 10"):
        Enhancer(tiny_network(), KEEP)([random_frame("yuv420p", matrix=10)])


# Whole files ------------------------------------------------------------------------------------------------------


def plane_hashes(file: Path, plane: str, frames: int, *before: str) -> list[str]:
    """Hashes of one plane of the first frames, as FFmpeg's own command line decodes them."""
    command = [
        "ffmpeg", "-nostdin", "-v", "error", *before, "-i", str(file), "-map", "0:v:0", "-frames:v", str(frames),
        "-vf", f"extractplanes={plane}", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split(",")[-1].strip() for line in said.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("name", "interlaced"),
    [
        ("vmaf__Seeking_30_480_1050.mp4", "auto"),
        ("androidx_media__bt601.mov", "auto"),
        ("torchcodec__bt2020_10bit.mp4", "auto"),
        ("androidx_media__hlg10-color-test.mp4", "auto"),
        ("androidx_media__hdr10-video-with-sdr-container.mp4", "auto"),
        ("metadata_extractor__Sony_ILCE-7M3_A7M3.mts", "keep"),
    ],
)
def test_chroma_of_a_whole_file_as_ffmpeg_sees_it(
    name: str, interlaced: str, clips: Path, tiny_model: Path, tmp_path: Path
) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    target = tmp_path / "out.mkv"
    options = EnhanceOptions(
        model=str(tiny_model), picture=replace(KEEP, strength=2),
        decode=DecodeOptions(end=Fraction(1, 10), interlaced=interlaced),  # type: ignore[arg-type]
        encode=EncodeOptions(video_codec="ffv1", audio=False, subtitles=False),
    )  # fmt: skip
    frames = enhance(clips / name, target, options).frames
    for plane in "uv":
        before, after = (plane_hashes(file, plane, frames, "-noautorotate") for file in (clips / name, target))
        assert len(after) == frames > 1
        assert after == before
    assert plane_hashes(clips / name, "y", frames, "-noautorotate") != plane_hashes(target, "y", frames)
