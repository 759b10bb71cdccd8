"""Pictures through enhance(): samples, metadata, refusals, no half-written file. Truths are Pillow's and FFmpeg's."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.media_truth import FFPROBE
from PIL import Image, ImageCms

from vidrts import EnhanceOptions, enhance
from vidrts.errors import InputError, Interrupted, OptionError, OutputError, UnsupportedFormatError, VidrtsError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.forward import Folded
from vidrts.picture.options import EnhancerOptions

ffmpeg = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed; they tell the truth here")
SIZE = (70, 52)


def run(source: Path | str, target: Path, model: Path, **more: Any) -> list[Message]:
    """enhance() on the CPU; the messages."""
    said: list[Message] = []
    picture = EnhancerOptions(device="cpu", **more.pop("picture", {}))
    stop = more.pop("stop_signal", lambda: None)
    options = EnhanceOptions(model=str(model), picture=picture, **more)
    enhance(source, target, options, on_message=said.append, stop_signal=stop)
    return said


@pytest.fixture(scope="module")
def photo(photos: Path) -> Image.Image:
    """A small photograph."""
    with Image.open(sorted(photos.iterdir())[3]) as image:
        return image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)


def made(photo: Image.Image, path: Path, pixel: str, *arguments: str) -> Path:
    """The photograph as FFmpeg writes it, in a pixel format, with noise in the lower bits of 16."""
    filters = (
        "format=gbrap16le,noise=alls=9,lutrgb=a='mod(val*3,65536)'"
        if "64" in pixel or "ya" in pixel
        else "format=gbrp16le,noise=alls=9"
    )
    source = path.with_name("made.png")
    photo.save(source)
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", source, "-vf", filters, "-pix_fmt", pixel, *arguments, path],
        check=True,
    )  # fmt: skip
    source.unlink()
    return path


def samples(path: Path, pixel: str) -> bytes:
    """As FFmpeg decodes them."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-pix_fmt", pixel, "-f", "rawvideo", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@ffmpeg
@pytest.mark.parametrize("pixel", ["rgb48", "rgba64", "gray16", "ya16"])
@pytest.mark.parametrize(("suffix", "target"), [("png", "png"), ("png", "tif"), ("tif", "tif"), ("tif", "png")])
def test_16_bit_at_strength_0_is_equal_to_the_bit(
    pixel: str, suffix: str, target: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    if pixel == "ya16" and suffix == "tif":
        pytest.skip("Pillow, by which files are recognised, knows no such TIFF")
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{target}"
    made(photo, source, pixel + ("be" if suffix == "png" else "le"))
    assert run(source, out, tiny_model, picture={"strength": 0.0}) == []
    assert samples(out, f"{pixel}le") == samples(source, f"{pixel}le")
    kind = "be" if target == "png" else "le"
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=pix_fmt", "-of", "csv=p=0", out]
    assert subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip() == pixel + kind


@ffmpeg
@pytest.mark.parametrize("algorithm", ["raw", "lzw", "deflate", "packbits"])
def test_compressed_tiffs_are_read(algorithm: str, photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    source = made(photo, tmp_path / "in.tif", "rgb48le", "-compression_algo", algorithm)
    run(source, tmp_path / "out.png", tiny_model, picture={"strength": 0.0})
    assert samples(tmp_path / "out.png", "rgb48le") == samples(source, "rgb48le")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P"])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp", "gif"])
def test_8_bit_at_strength_0_is_what_pillow_reads(
    mode: str, suffix: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    source, picture = (
        tmp_path / f"in.{suffix}",
        photo.convert("L").convert(mode) if mode == "1" else photo.convert(mode),
    )
    if "A" in mode:
        if suffix in ("bmp", "gif"):
            pytest.skip("no alpha")
        picture.putalpha(photo.convert("L"))
    picture.save(source, lossless=True)
    said = run(source, tmp_path / "out.png", tiny_model, picture={"strength": 0.0})
    with Image.open(source) as before, Image.open(tmp_path / "out.png") as after:
        expected = {"P": "RGB", "1": "L"}.get(before.mode, before.mode)
        assert after.mode == expected
        assert np.array_equal(np.asarray(before.convert(expected)), np.asarray(after))
        assert [line.code for line in said] == [Code.PALETTE_CONVERTED] * (before.mode == "P")


def test_colour_keys_become_alpha(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    picture = photo.convert("P")
    picture.save(tmp_path / "in.png", transparency=picture.getpixel((5, 5)))
    run(tmp_path / "in.png", tmp_path / "out.png", tiny_model, picture={"strength": 0.0})
    with Image.open(tmp_path / "in.png") as before, Image.open(tmp_path / "out.png") as after:
        assert after.mode == "RGBA" and np.asarray(after)[5, 5, 3] == 0
        assert np.array_equal(np.asarray(before.convert("RGBA")), np.asarray(after))


@ffmpeg
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("pixel", ["rgb24", "rgb48be", "gray16be", "rgba64be"])
def test_a_picture_gets_what_a_video_of_it_gets(
    pixel: str, scale: int, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    source, clip = made(photo, tmp_path / "in.png", pixel), tmp_path / "clip.mkv"
    planar = {"rgb24": "gbrp", "rgb48be": "gbrp16le", "gray16be": "gray16le", "rgba64be": "gbrap16le"}[pixel]
    colour = ["-color_range", "pc"] if pixel.startswith("gray") else []
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", source, "-c:v", "ffv1", "-pix_fmt", planar, *colour, clip]
    subprocess.run(command, check=True)
    settings = {"scale": scale, "strength": 1.5}
    run(source, tmp_path / "out.png", tiny_model, picture=settings)
    run(clip, tmp_path / "out.mkv", tiny_model, picture=settings, encode=EncodeOptions(video_codec="ffv1"))
    enhanced = samples(tmp_path / "out.png", planar)
    assert enhanced == samples(tmp_path / "out.mkv", planar)
    assert scale == 2 or enhanced != samples(source, planar)
    assert len(enhanced) == scale**2 * len(samples(source, planar))


@ffmpeg
@pytest.mark.parametrize(("subsampling", "pixel"), [(0, "yuvj444p"), (1, "yuvj422p"), (2, "yuvj420p")])
def test_of_jpeg_luma_changes_and_chroma_stays(
    subsampling: int, pixel: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    odd = photo.crop((0, 0, 69, 51))
    odd.save(tmp_path / "in.jpg", quality=90, subsampling=subsampling)
    run(tmp_path / "in.jpg", tmp_path / "out.jpg", tiny_model, encode=EncodeOptions(quality=100))
    before, after = (
        np.frombuffer(samples(tmp_path / name, pixel), np.uint8).astype(int) for name in ("in.jpg", "out.jpg")
    )
    change = np.abs(after - before)
    luma = 69 * 51
    assert change[:luma].max() > 5
    assert change[luma:].max() <= 2 and change[luma:].mean() < 0.3, "the rounding of quality 100 alone"
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == odd.size and len(image.layer) == 3
    run(tmp_path / "in.jpg", tmp_path / "out.png", tiny_model, picture={"strength": 0.0})
    with Image.open(tmp_path / "in.jpg") as source, Image.open(tmp_path / "out.png") as image:
        assert np.array_equal(np.asarray(source), np.asarray(image))


def test_quality(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    photo.save(tmp_path / "in.png")
    sizes = {}
    for suffix in ("jpg", "webp"):
        for quality in (20, 95, None):
            out = tmp_path / f"{quality}.{suffix}"
            run(tmp_path / "in.png", out, tiny_model, encode=EncodeOptions(quality=quality), picture={"strength": 0.0})
            sizes[suffix, quality] = out.stat().st_size
    assert sizes["jpg", 20] < sizes["jpg", 95] == sizes["jpg", None]
    assert sizes["webp", 20] < sizes["webp", 95] < sizes["webp", None]
    with Image.open(tmp_path / "None.webp") as image:
        assert np.array_equal(np.asarray(photo), np.asarray(image)), "lossless, as the source is"
    with Image.open(tmp_path / "95.jpg") as image:
        reference = io.BytesIO()
        photo.save(reference, "JPEG", quality=95)
        assert image.quantization == Image.open(reference).quantization
    with pytest.raises(OptionError, match=r"--quality 90.*lossless"):
        run(tmp_path / "in.png", tmp_path / "out.png", tiny_model, encode=EncodeOptions(quality=90))


def rich(photo: Image.Image, path: Path, **more: Any) -> dict[str, Any]:
    """Save the photograph with EXIF data, a profile and a resolution."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x013B] = "Maker", 6, "Someone"
    inner, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    inner[0xA002], inner[0xA003], inner[0x829A], inner[0x927C] = *photo.size, 0.004, b"\1\2maker note"
    place[1], place[2] = "N", (48.0, 8.0, 12.5)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    settings = {"icc_profile": icc, "exif": exif.tobytes(), "dpi": (300, 300), **more}
    photo.save(path, **settings)
    return settings


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("target", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_metadata_is_kept_from_every_format_in_every_other(
    suffix: str, target: str, scale: int, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{target}"
    given = rich(photo, source)
    said = run(source, out, tiny_model, picture={"scale": scale})
    assert said == []
    with Image.open(out) as image:
        exif = image.getexif()
        inner, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        assert (exif[0x010F], exif[0x0112], exif[0x013B]) == ("Maker", 6, "Someone")
        stored = image.size[::-1] if target == "tif" else image.size  # which Pillow has turned upright
        assert (inner[0xA002], inner[0xA003]) == (scale * photo.width, scale * photo.height) == stored
        assert inner[0x829A] == pytest.approx(0.004) and inner[0x927C] == b"\1\2maker note"
        assert place[1] == "N" and [float(v) for v in place[2]] == [48, 8, 12.5]
        assert image.info["icc_profile"] == given["icc_profile"]
        if "webp" not in (suffix, target):
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_pixels_are_enhanced_and_the_orientation_stays(
    orientation: int, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo.save(tmp_path / "in.png", exif=exif)
    photo.save(tmp_path / "in.tif", exif=exif)
    for suffix in ("png", "tif"):
        for target in ("png", "tif"):
            out = tmp_path / f"from-{suffix}.{target}"
            run(tmp_path / f"in.{suffix}", out, tiny_model, picture={"strength": 0.0})
            with (
                Image.open(tmp_path / "in.tif" if target == "tif" else tmp_path / "in.png") as before,
                Image.open(out) as after,
            ):
                assert before.getexif().get(0x0112) == after.getexif().get(0x0112) == orientation
                assert np.array_equal(np.asarray(before), np.asarray(after))


def test_what_a_format_does_not_hold_is_told(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    picture = photo.convert("RGBA")
    picture.putalpha(photo.convert("L"))
    picture.save(tmp_path / "in.png", dpi=(72, 72))
    assert [m.code for m in run(tmp_path / "in.png", tmp_path / "o.jpg", tiny_model)] == [Code.ALPHA_NOT_HELD]
    assert [m.code for m in run(tmp_path / "in.png", tmp_path / "o.webp", tiny_model)] == [Code.RESOLUTION_LOST]
    with Image.open(tmp_path / "o.webp") as image:
        assert np.array_equal(np.asarray(image)[..., 3], np.asarray(photo.convert("L")))


def test_png_chunks_and_jpeg_segments_are_carried(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Title", "A title")
    texts.add_itxt("Comment", "\u00e4\u6f22", lang="de")
    texts.add(b"gAMA", (45455).to_bytes(4, "big"))
    photo.save(tmp_path / "in.png", pnginfo=texts)
    run(tmp_path / "in.png", tmp_path / "out.png", tiny_model)
    with Image.open(tmp_path / "out.png") as image:
        assert (image.text["Title"], image.text["Comment"], image.info["gamma"]) == ("A title", "\u00e4\u6f22", 0.45455)
    segment = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02x\0\x03abc"
    extra = b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment
    photo.save(tmp_path / "in.jpg", comment="mine", xmp=b"<x/>", extra=extra)
    run(tmp_path / "in.jpg", tmp_path / "out.jpg", tiny_model)
    with Image.open(tmp_path / "in.jpg") as before, Image.open(tmp_path / "out.jpg") as after:
        for key in ("comment", "xmp", "photoshop"):
            assert after.info[key] == before.info[key]


@ffmpeg
def test_alpha_is_copied_and_enlarged_by_lanczos(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    picture = photo.convert("RGBA")
    picture.putalpha(photo.convert("L"))
    picture.save(tmp_path / "in.png")
    run(tmp_path / "in.png", tmp_path / "out.png", tiny_model)
    photo.convert("L").save(tmp_path / "alone.png")
    run(tmp_path / "in.png", tmp_path / "twice.png", tiny_model, picture={"scale": 2})
    run(tmp_path / "alone.png", tmp_path / "gray.png", tiny_model, picture={"scale": 2, "strength": 0.0})
    with Image.open(tmp_path / "out.png") as once, Image.open(tmp_path / "twice.png") as twice:
        assert np.array_equal(np.asarray(once)[..., 3], np.asarray(photo.convert("L")))
        assert not np.array_equal(np.asarray(once)[..., :3], np.asarray(photo))
        with Image.open(tmp_path / "gray.png") as gray:
            assert gray.mode == "L" and np.array_equal(np.asarray(twice)[..., 3], np.asarray(gray))


def cmyk(photo: Image.Image, path: Path) -> None:
    photo.convert("CMYK").save(path.with_suffix(".jpg"))
    path.with_suffix(".jpg").rename(path)


def several(photo: Image.Image, path: Path) -> None:
    photo.save(path, save_all=True, append_images=[photo.rotate(90)])


REFUSED: list[tuple[str, Callable[[Image.Image, Path], object], type[VidrtsError], str]] = [
    ("in.jpg", cmyk, UnsupportedFormatError, "CMYK"),
    ("in.gif", several, InputError, "animated GIF of 2"),
    ("in.png", several, InputError, "animated PNG of 2"),
    ("in.webp", several, InputError, "animated WEBP of 2"),
    ("in.tif", several, InputError, "TIFF of 2 pages"),
    ("in.tif", lambda p, path: p.convert("F").save(path), UnsupportedFormatError, "32-bit floats"),
    ("in.tif", lambda p, path: p.convert("I").save(path), UnsupportedFormatError, "32-bit"),
    ("in.avif", lambda p, path: p.save(path), InputError, "AVIF is not supported"),
    ("in.png", lambda p, path: path.write_text("no picture"), InputError, "unknown format"),
    ("in.png", lambda p, path: path.touch(), InputError, "the file is empty"),
    ("in.png", lambda p, path: p.crop((0, 0, 15, 40)).save(path), UnsupportedFormatError, "16x16"),
    ("in.png", lambda p, path: path.mkdir(), InputError, "is a directory"),
    ("in.png", lambda p, path: None, InputError, "no such file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "error", "says"), REFUSED, ids=[f"{n} {s}" for n, _, _, s in REFUSED])
def test_refused_by_name(
    name: str, make: Callable[[Image.Image, Path], object], error: type[VidrtsError], says: str,
    photo: Image.Image, tiny_model: Path, tmp_path: Path,
) -> None:  # fmt: skip
    make(photo, tmp_path / name)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=says) as caught:
        run(tmp_path / name, tmp_path / "out.png", tiny_model)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


@ffmpeg
@pytest.mark.parametrize("part", [0.4, 0.95])
@pytest.mark.parametrize("name", ["in.png", "in16.png", "in.jpg", "gray.jpg", "in.tif", "in16.tif", "in.webp"])
@pytest.mark.parametrize("target", ["out.png", "out.jpg"])
def test_truncated_pictures_are_an_error_of_one_line(
    name: str, part: float, target: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / name
    if "16" in name:
        made(photo, source, "rgb48be" if "png" in name else "rgb48le")
    else:
        photo.convert("L" if "gray" in name else "RGB").save(
            source, **({"compression": "tiff_lzw"} if "tif" in name else {})
        )
    source.write_bytes(source.read_bytes()[: int(part * source.stat().st_size)])
    with pytest.raises(InputError) as caught:
        run(source, tmp_path / target, tiny_model)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [source]


def test_the_format_is_that_of_the_content(photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    photo.save(tmp_path / "in.jpg", quality=90)
    shutil.copy(tmp_path / "in.jpg", tmp_path / "in.png")
    run(tmp_path / "in.png", tmp_path / "out.png", tiny_model, picture={"strength": 0.0})
    with Image.open(tmp_path / "in.jpg") as before, Image.open(tmp_path / "out.png") as after:
        assert after.format == "PNG" and np.array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_only_own_pictures_are_overwritten(
    suffix: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:  # fmt: skip
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    rich(photo, source)
    run(source, out, tiny_model)
    first = out.read_bytes()
    with pytest.raises(OutputError, match="already exists; -y"):
        run(source, out, tiny_model)
    own = EncodeOptions(overwrite=True, own_only=True)
    run(source, out, tiny_model, encode=own, picture={"strength": 0.0})
    assert out.read_bytes() != first
    again = tmp_path / f"again.{suffix}"
    run(out, again, tiny_model)
    run(source, again, tiny_model, encode=own)
    shutil.copy(source, out)
    with pytest.raises(OutputError, match=r"not made by vidrts.*--force"):
        run(source, out, tiny_model, encode=own)
    assert out.read_bytes() == source.read_bytes()
    with pytest.raises(OutputError, match="same file"):
        run(out, out, tiny_model, encode=EncodeOptions(overwrite=True))
    run(source, out, tiny_model, encode=EncodeOptions(overwrite=True))
    assert out.read_bytes() == first


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"decode": DecodeOptions(start=Fraction(1))}, "-ss"),
        ({"decode": DecodeOptions(end=Fraction(1))}, "-to and -t"),
        ({"decode": DecodeOptions(interlaced="keep")}, "--interlaced"),
        ({"decode": DecodeOptions(framerate=Fraction(24))}, "-framerate"),
        ({"decode": DecodeOptions(start_number=3)}, "-start_number"),
        ({"encode": EncodeOptions(crf=18)}, "-crf: .*--quality"),
        ({"encode": EncodeOptions(video_codec="libx264", preset="slow")}, "-c:v, -preset"),
        ({"encode": EncodeOptions(pixel_format="rgb24")}, "-pix_fmt"),
        ({"encode": EncodeOptions(audio=False)}, "--no-audio"),
        ({"encode": EncodeOptions(low_latency=True)}, "--low-latency"),
        ({"encode": EncodeOptions(format="nut")}, "-f nut"),
    ],
)
def test_options_of_videos_are_refused(
    options: dict[str, Any], says: str, photo: Image.Image, tiny_model: Path, tmp_path: Path
) -> None:
    photo.save(tmp_path / "in.png")
    with pytest.raises(OptionError, match=says):
        run(tmp_path / "in.png", tmp_path / "out.jpg", tiny_model, **options)
    assert list(tmp_path.iterdir()) == [tmp_path / "in.png"]


@pytest.mark.parametrize("calls", range(4))
def test_a_stop_signal_leaves_nothing(calls: int, photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    """Before each step: reading, enhancing, writing, renaming."""
    photo.save(tmp_path / "in.png")
    left = iter([None] * calls)
    with pytest.raises(Interrupted) as stopped:
        run(tmp_path / "in.png", tmp_path / "out.png", tiny_model, stop_signal=lambda: next(left, 15))
    assert stopped.value.signal_number == 15 and list(tmp_path.iterdir()) == [tmp_path / "in.png"]


def test_a_stop_signal_ends_a_large_picture_between_two_tiles(
    photo: Image.Image, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four tiles the third is the last: the signal comes while it is computed."""
    photo.save(tmp_path / "in.png")
    caught: list[int] = []
    passes = []

    def counting(self: Folded, *arguments: Any) -> torch.Tensor:
        passes.append(self)
        if len(passes) == 3:
            caught.append(15)
        return computed(self, *arguments)

    computed = Folded.__call__
    monkeypatch.setattr(Folded, "__call__", counting)
    with pytest.raises(Interrupted) as stopped:
        run(tmp_path / "in.png", tmp_path / "out.png", tiny_model, picture={"tile": (70, 16)},
            stop_signal=lambda: caught[0] if caught else None)  # fmt: skip
    assert stopped.value.signal_number == 15 and list(tmp_path.iterdir()) == [tmp_path / "in.png"]
    assert len(passes) == 3


def test_videos_and_pictures_are_not_mixed(clips: Path, photo: Image.Image, tiny_model: Path, tmp_path: Path) -> None:
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    with pytest.raises(OptionError, match=r"out.png is a picture, but .*mp4 a video; .*out%05d.png"):
        run(clip, tmp_path / "out.png", tiny_model)
    with pytest.raises(OptionError, match="expected a picture file as IN, got -"):
        run("-", tmp_path / "out.png", tiny_model)
    photo.save(tmp_path / "in.png")
    with pytest.raises(InputError, match="expected a video, got a picture"):
        run(tmp_path / "in.png", tmp_path / "out.mkv", tiny_model)


_PEAK = """
import resource, sys
from vidrts import EnhanceOptions, enhance
from vidrts.picture.forward import Folded
from vidrts.picture.options import EnhancerOptions
enhance(sys.argv[1], sys.argv[2], EnhanceOptions(model="rts-lite", picture=EnhancerOptions(device="cpu")))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_100_megapixels_take_less_than_4_gb(photo: Image.Image, tmp_path: Path) -> None:
    """By what 2 and 10 megapixels of 16 bit take in processes of their own."""
    peaks = []
    for name, side in (("small", 1414), ("large", 3162)):
        source = tmp_path / f"{name}.png"
        enlarged = np.asarray(photo.resize((side, side)), np.uint16) * 257
        pixels = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{side}x{side}", "-i", "-"]
        command = ["ffmpeg", "-v", "error", *pixels, "-compression_level", "1", source]
        subprocess.run(command, input=enlarged.tobytes(), check=True)
        child = [sys.executable, "-c", _PEAK, source, tmp_path / f"{name}.out.png"]
        done = subprocess.run(child, check=True, capture_output=True, text=True)
        peaks.append(1024 * int(done.stdout))
    per_pixel = (peaks[1] - peaks[0]) / (3162**2 - 1414**2)
    assert peaks[0] + per_pixel * (100e6 - 1414**2) < 2**32
