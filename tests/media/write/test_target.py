"""Frames through decoder and encoder: the same pictures, times and tags; refusals before work begins."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from helpers.media_truth import coded, compare, decoded_md5, describe, relay
from helpers.paths import ROOT

from vidrts.errors import OptionError, OutputError
from vidrts.frame import PIXEL_FORMATS, ColorTags, Frame, pixel_format
from vidrts.media.planes import FrameBuilder, plane_views
from vidrts.media.read.deinterlace import Deinterlacer
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write import encoders
from vidrts.media.write.conversion import Conversion
from vidrts.media.write.encoder_options import fitting_slices
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code
from vidrts.native_calls import watched

FFV1 = EncodeOptions(video_codec="ffv1")
FAST = EncodeOptions(preset="ultrafast")


def ffmpeg(*arguments: str | Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def small(clips: Path, target: Path, pixel: str, *encoder: str) -> Path:
    """Six frames of a real clip, 200x120, in a pixel format."""
    clip = clips / "torchcodec__nasa_13013.mp4"
    ffmpeg(
        "-i",
        clip,
        "-map",
        "0:v:0",
        "-frames:v",
        "6",
        "-vf",
        f"scale=200:120,setsar=4/3,format={pixel}",
        *encoder,
        target,
    )
    return target


HELD = ["yuv420p", "yuv422p", "yuv444p", "yuva420p", "yuva444p10le", "yuv420p9le", "yuv420p10le", "yuv422p10le",
        "yuv444p12le", "yuv420p16le", "gray", "gray10le", "gray16le", "gbrp10le", "gbrp12le", "gbrp16le", "bgr0",
        "bgra", "rgb48le", "rgba64le"]  # fmt: skip


@pytest.mark.parametrize("pixel", HELD)
def test_pictures_are_equal_bit_for_bit_through_ffv1(clips: Path, tmp_path: Path, pixel: str) -> None:
    source = small(clips, tmp_path / "in.mkv", pixel, "-c:v", "ffv1")
    relay(source, tmp_path / "out.mkv", encode=FFV1)
    if pixel not in ("rgb48le", "rgba64le"):  # FFmpeg 9 reads those as planes
        assert describe(tmp_path / "out.mkv").frame["pix_fmt"] == pixel
        assert decoded_md5(source) == decoded_md5(tmp_path / "out.mkv")
    assert decoded_md5(source, "rgba64le") == decoded_md5(tmp_path / "out.mkv", "rgba64le")
    assert not [line for line in compare(source, tmp_path / "out.mkv") if "pixel format" not in line]


@pytest.mark.parametrize(
    ("pixel", "encoder", "suffix", "held"),
    [
        ("nv12", ("-c:v", "rawvideo"), ".nut", "yuv420p"),
        ("rgb24", ("-c:v", "png"), ".mov", "bgr0"),
        ("rgba", ("-c:v", "png"), ".mov", "bgra"),
        ("bgr24", ("-c:v", "rawvideo"), ".avi", "bgr0"),
        ("yuvj420p", ("-c:v", "mjpeg", "-q:v", "2"), ".mov", "yuv420p"),
        ("gbrp", ("-c:v", "libx264rgb", "-qp", "0"), ".mkv", "bgr0"),
    ],
)
def test_other_layouts_lose_nothing(
    clips: Path, tmp_path: Path, pixel: str, encoder: tuple[str, ...], suffix: str, held: str
) -> None:
    # libx264rgb codes planes; all other encoders here are given the format by its name
    source = small(clips, tmp_path / f"in{suffix}", "rgb24" if pixel == "gbrp" else pixel, *encoder)
    with Source(source) as reader:
        assert reader.info.format.name == pixel
    relay(source, tmp_path / "out.mkv", encode=FFV1)
    assert describe(tmp_path / "out.mkv").frame["pix_fmt"] == held
    common = {"yuv420p": "yuv420p", "bgr0": "rgb24", "bgra": "rgba"}[held] if pixel != "yuvj420p" else None
    assert decoded_md5(source, common) == decoded_md5(tmp_path / "out.mkv", common)
    if pixel == "yuvj420p":
        assert describe(tmp_path / "out.mkv").frame["color_range"] == "pc"


@pytest.mark.parametrize(("width", "height"), [(64, 48), (63, 47)])
@pytest.mark.parametrize("name", sorted(PIXEL_FORMATS))
def test_every_format_survives_its_views(name: str, width: int, height: int) -> None:
    """Planes read from a frame and written to another are the same bytes, in every format and at odd sizes."""
    fmt = pixel_format(name)
    made = av.VideoFrame(width, height, name)
    generator = np.random.default_rng(1)
    for plane in made.planes:
        noise = generator.integers(0, 256, plane.buffer_size, dtype=np.uint8)
        np.frombuffer(plane, np.uint8)[:] = noise
    planes = tuple(view.clone() for view in plane_views(made, fmt))
    assert [tuple(p.shape) for p in planes] == [fmt.plane_size(c, width, height) for c in range(len(planes))]
    copy = FrameBuilder(fmt, (width, height), fmt).build(planes, av.VideoFrame(width, height, name), Fraction(1, 25))
    for one, two in zip(planes, plane_views(copy, fmt), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize("size", ["333x241", "131x330", "1079x1919", "17x19", "16x16", "1919x1080", "16x451", "353x17"])
def test_ffv1_takes_every_size(tmp_path: Path, size: str, pixel: str) -> None:
    """It cuts pictures into slices, and takes a count only where none begins within a chroma sample."""
    source = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", f"testsrc=s={size}", "-frames:v", "2", "-pix_fmt", pixel, "-c:v", "ffv1", source)
    relay(source, tmp_path / "out.mkv", encode=FFV1)
    assert decoded_md5(source) == decoded_md5(tmp_path / "out.mkv")


@pytest.mark.parametrize(
    ("size", "pixel", "count"),
    [((1920, 1080), "yuv420p", "16"), ((8192, 4352), "yuva444p16le", "20"), ((1919, 1080), "yuv422p10le", "28"),
     ((333, 241), "yuv420p", "15"), ((333, 241), "yuv444p", "16")],
)  # fmt: skip
def test_the_count_of_slices_is_the_nearest_that_fits(size: tuple[int, int], pixel: str, count: str) -> None:
    ffv1 = encoders.ENCODERS["ffv1"]
    assert fitting_slices(ffv1, ffv1.options, size, pixel) == count
    assert fitting_slices(ffv1, {**ffv1.options, "coder": "99"}, size, pixel) is None


def test_a_count_of_slices_that_is_asked_for_stays(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=333x241", "-frames:v", "2", "-pix_fmt", "yuv420p", "-c:v", "ffv1", source)
    relay(source, tmp_path / "out.mkv", encode=EncodeOptions(video_codec="ffv1", options={"slices": "4"}))
    wrong = EncodeOptions(video_codec="ffv1", options={"slices": "16"})
    with pytest.raises(OptionError, match=r"-e slices=16: refused by ffv1: .*4,6,9"):
        relay(source, tmp_path / "other.mkv", encode=wrong)


@pytest.mark.parametrize(("deep", "flat"), [("p010le", "yuv420p10le"), ("p012le", "yuv420p12le"), ("nv16", "yuv422p")])
def test_semi_planar_samples_are_swscales(deep: str, flat: str) -> None:
    """The same as FFmpeg's own conversion, computed another way."""
    frame = av.VideoFrame(64, 48, flat)
    generator = np.random.default_rng(2)
    top = 1 << PIXEL_FORMATS[flat].depth
    for view in plane_views(frame, pixel_format(flat)):
        view.copy_(torch.from_numpy(generator.integers(0, top, tuple(view.shape)).astype(view.numpy().dtype)))
    packed = frame.reformat(format=deep)
    planes = plane_views(packed, pixel_format(deep))
    back = FrameBuilder(pixel_format(deep), (64, 48), pixel_format(flat)).build(planes, packed, Fraction(1, 25))
    for one, two in zip(plane_views(frame, pixel_format(flat)), plane_views(back, pixel_format(flat)), strict=True):
        assert torch.equal(one, two)


FACTS = {"colorspace": "matrix", "color_trc": "transfer", "color_primaries": "primaries"}
TAGGED = [*(("colorspace", n) for n in range(18)), *(("color_trc", n) for n in range(19)),
          *(("color_primaries", n) for n in (*range(13), 22))]  # fmt: skip


@pytest.mark.parametrize(("tag", "number"), TAGGED)
@pytest.mark.parametrize(
    ("held", "wanted", "scale"),
    [("yuv420p", "yuv420p", 2), ("yuv444p10le", "yuv444p10le", 2), ("nv12", "yuv420p", 1), ("gbrp", "gbrp", 2),
     ("gbrp", "bgr0", 1), ("gray", "gray", 2), ("yuv422p10le", "yuv420p", 1)],
)  # fmt: skip
def test_no_tag_keeps_a_frame_from_another_layout_or_size(
    held: str, wanted: str, scale: int, tag: str, number: int
) -> None:
    """swscale refuses YCgCo, ICtCp, logarithmic transfer: nothing of that is any business of a copy."""
    fmt, size = pixel_format(held), (64 * scale, 48 * scale)
    carrier = av.VideoFrame(64, 48, held)
    carrier.pts = 5
    setattr(carrier, tag, number)
    planes = tuple(
        torch.full(fmt.plane_size(c, *size), 40 + 30 * c).to(fmt.dtype) for c in range(len(fmt.order))
    )  # fmt: skip
    convert = None
    if fmt.samples != pixel_format(wanted).samples:
        convert = Conversion(fmt, pixel_format(wanted), ColorTags(**{"matrix": 1, "range": 1, FACTS[tag]: number}), 48)
    made = FrameBuilder(fmt, size, pixel_format(wanted), convert).build(planes, carrier, Fraction(1, 25))
    assert (made.width, made.height, made.format.name, made.pts) == (*size, wanted, 5)
    assert getattr(made, tag) == number
    if convert is None:
        assert all(torch.equal(a, b) for a, b in zip(plane_views(made, pixel_format(wanted)), planes, strict=True))


def coloured(target: Path, matrix: str, transfer: str, pixel: str, *more: str) -> Path:
    """A made clip whose stream says this matrix and transfer."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=10", "-t", "0.3", "-pix_fmt", pixel, *more,
           "-colorspace", matrix, "-color_trc", transfer, "-color_range", "tv", target)  # fmt: skip
    return target


@pytest.mark.parametrize("pixel", ["yuv420p", "yuv422p10le", "yuv444p"])
@pytest.mark.parametrize(("matrix", "transfer"), [("ycgco", "unknown"), ("ycgco", "log100"), ("bt709", "log316")])
def test_colours_that_swscale_refuses(tmp_path: Path, matrix: str, transfer: str, pixel: str) -> None:
    clip = coloured(tmp_path / "in.mkv", matrix, transfer, pixel, "-c:v", "ffv1")
    with Source(clip) as source, Target(tmp_path / "out.mkv", source.input, FFV1, scale=2) as target:
        for event in source.events():
            if isinstance(event, Frame):
                event.planes = tuple(p.repeat_interleave(2, 0).repeat_interleave(2, 1) for p in event.planes)
            target.write(event)
        target.finish()
    assert not compare(clip, tmp_path / "out.mkv", scale=2)
    relay(clip, tmp_path / "other.mkv", encode=EncodeOptions(video_codec="ffv1", pixel_format="yuv420p10le"))
    assert not [line for line in compare(clip, tmp_path / "other.mkv") if "pixel format" not in line]


@pytest.mark.parametrize("pixel", ["nv12", "yuv420p"])
def test_colours_that_swscale_refuses_are_deinterlaced(tmp_path: Path, pixel: str) -> None:
    frame = av.VideoFrame(64, 48, pixel)
    frame.colorspace, frame.color_trc, frame.pts, frame.time_base = 8, 10, 0, Fraction(1, 25)
    deinterlacer = Deinterlacer(tmp_path, Fraction(1, 25))
    (made,) = [*deinterlacer.push(frame), *deinterlacer.flush()]
    assert (made.colorspace, made.color_trc, made.pts) == (8, 10, 0)


def test_the_decoders_buffers_are_not_written_to(clips: Path) -> None:
    """H.264 predicts from frames that were given out: writing to them would damage those that follow."""
    with Source(clips / "torchcodec__nasa_13013.mp4") as source:
        builder = FrameBuilder(source.info.format, (320, 180), source.info.format)
        sums = []
        for event in source.events():
            if isinstance(event, Frame):
                sums.append([int(p.sum()) for p in event.planes])
                builder.build(tuple(torch.zeros_like(p) for p in event.planes), event.carrier, event.time_base)
                del event
            if len(sums) == 60:
                break
    with Source(clips / "torchcodec__nasa_13013.mp4") as source:
        frames = (e for e in source.events() if isinstance(e, Frame))
        assert sums == [[int(p.sum()) for p in frame.planes] for frame, _ in zip(frames, sums, strict=False)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts"])
@pytest.mark.parametrize("name", ["mediabunny__cursed-vfr.mp4", "androidx_media__bt601.mov"])
def test_times_of_frames_with_b_frames(clips: Path, tmp_path: Path, name: str, suffix: str) -> None:
    small = DecodeOptions(filters="scale=iw/4:-2")  # of 3026x1386, and times are what is looked at
    relay(clips / name, tmp_path / f"out{suffix}", small, EncodeOptions(preset="veryfast"))
    pictures = subprocess.run(
        ["ffprobe", "-v", "quiet", "-select_streams", "v", "-show_entries", "frame=pict_type", "-of", "csv=p=0",
         tmp_path / f"out{suffix}"], capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert "B" in pictures
    differences = compare(clips / name, tmp_path / f"out{suffix}")
    assert not [line for line in differences if line.startswith("video frames")]
    if suffix != ".ts":
        assert describe(clips / name).frames[0] == describe(tmp_path / f"out{suffix}").frames[0]


@pytest.mark.parametrize("encoder", ["libx265", "libsvtav1", "libx264"])
def test_hdr10_metadata(clips: Path, tmp_path: Path, encoder: str) -> None:
    clip = clips / "androidx_media__hdr10-video-with-sdr-container.mp4"
    preset = "12" if encoder == "libsvtav1" else "ultrafast"
    few = DecodeOptions(frames=3)
    lines = relay(clip, tmp_path / "out.mp4", few, EncodeOptions(video_codec=encoder, preset=preset))

    def first(path: Path) -> dict[str, bytes]:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            tags = bytes((frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range))
            return {"tags": tags} | {kind.name: bytes(data) for kind, data in frame.side_data.items()}

    wanted, got = first(clip), first(tmp_path / "out.mp4")
    assert got["tags"] == wanted["tags"]
    assert got["CONTENT_LIGHT_LEVEL"] == wanted["CONTENT_LIGHT_LEVEL"]
    numbers = [np.frombuffer(d["MASTERING_DISPLAY_METADATA"], np.int32)[:20].reshape(10, 2) for d in (wanted, got)]
    values = [pairs[:, 0] / pairs[:, 1] for pairs in numbers]
    difference = np.abs(values[0] - values[1])  # AV1 holds chromaticity in 16, luminance in 14 and 8 binary places
    assert difference[:8].max() < 1e-4
    assert difference[8:].max() < 1 / 256
    assert "DYNAMIC_HDR_PLUS" not in got
    assert (Code.DYNAMIC_HDR_LOST, {"kind": "HDR10+", "encoder": encoder}) in coded(lines)


def test_aspect_in_both_containers(clips: Path, tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        relay(clips / "mediabunny__sar_2x1.mp4", tmp_path / f"sar{suffix}", DecodeOptions(frames=6), FAST)
        video = describe(tmp_path / f"sar{suffix}").video
        assert video is not None
        assert video.info["sample_aspect_ratio"] == "2:1"


def test_a_mirrored_picture_stays_mirrored(clips: Path, tmp_path: Path) -> None:
    with av.open(str(clips / "mediabunny__sar_2x1.mp4")) as given, av.open(str(tmp_path / "in.mp4"), "w") as made:
        stream = made.add_stream("libx264", rate=30, width=640, height=360)
        stream.set_display_rotation(90, hflip=True)
        for frame, _ in zip(given.decode(video=0), range(3), strict=False):
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    relay(tmp_path / "in.mp4", tmp_path / "out.mp4", encode=FAST)

    def matrix(path: Path) -> bytes:
        with av.open(str(path)) as container:
            return bytes(next(container.decode(video=0)).side_data["DISPLAYMATRIX"])

    assert matrix(tmp_path / "out.mp4") == matrix(tmp_path / "in.mp4")


@pytest.mark.parametrize(("encoder", "suffix"), [("libsvtav1", ".webm"), ("libvpx-vp9", ".webm"), ("libx264", ".mkv")])
@pytest.mark.parametrize(("width", "sar"), [(200, "4/3"), (180, "16/15"), (320, "8/9"), (320, "16/15")])
def test_aspect_in_matroska(clips: Path, tmp_path: Path, encoder: str, suffix: str, width: int, sar: str) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    ffmpeg("-i", clip, "-map", "0:v:0", "-frames:v", "4", "-metadata:s:v:0", "title=here",
           "-vf", f"scale={width}:120,setsar={sar}", "-c:v", "ffv1", tmp_path / "in.mkv")  # fmt: skip
    relay(tmp_path / "in.mkv", tmp_path / f"out{suffix}", encode=EncodeOptions(video_codec=encoder))
    video = describe(tmp_path / f"out{suffix}").video
    assert video is not None
    assert video.info["sample_aspect_ratio"] == sar.replace("/", ":")
    assert video.metadata["title"] == "here"
    assert describe(tmp_path / f"out{suffix}").frames == describe(tmp_path / "in.mkv").frames


def test_twice_the_size_keeps_side_data_and_times(clips: Path, tmp_path: Path) -> None:
    clip = clips / "androidx_media__hlg10-color-test.mp4"
    with Source(clip) as source, Target(tmp_path / "out.mp4", source.input, FAST, scale=2) as target:
        for event in source.events():
            if isinstance(event, Frame):
                event.planes = tuple(
                    p.to(torch.int32).repeat_interleave(2, 0).repeat_interleave(2, 1).to(p.dtype) for p in event.planes
                )
            target.write(event)
        target.finish()
    assert not compare(clip, tmp_path / "out.mp4", scale=2)


def test_a_pixel_format_that_is_asked_for(clips: Path, tmp_path: Path) -> None:
    """-pix_fmt may lower the depth: within one code value of FFmpeg's own conversion by another version."""
    clip = clips / "torchcodec__bt2020_10bit.mp4"
    relay(clip, tmp_path / "out.mkv", encode=EncodeOptions(video_codec="ffv1", pixel_format="yuv420p"))
    ffmpeg("-i", clip, "-map", "0:v", "-c:v", "ffv1", "-sws_flags", "accurate_rnd+full_chroma_int+bicubic", "-pix_fmt",
           "yuv420p", tmp_path / "truth.mkv")  # fmt: skip
    planes = []
    for path in (tmp_path / "out.mkv", tmp_path / "truth.mkv"):
        with av.open(str(path)) as container:
            planes.append(next(container.decode(video=0)).to_ndarray().astype(int))
    assert np.abs(planes[0] - planes[1]).max() <= 1
    assert describe(tmp_path / "out.mkv").frame["color_transfer"] == "smpte2084"


@pytest.mark.parametrize(
    ("clip", "suffix", "encoder", "held"),
    [
        ("vmaf__Seeking_30_480_1050.mp4", ".mp4", "libx264", "yuv420p"),
        ("torchcodec__bt2020_10bit.mp4", ".mkv", "libx265", "yuv420p10le"),
        ("androidx_media__roadtrip-vp92-10bit.webm", ".mp4", "libsvtav1", "yuv420p10le"),
        ("androidx_media__sample_with_chapters.mkv", ".mp4", "libx264", "yuv444p"),
        ("mediabunny__video.mp4", ".mp4", "libx264", "yuv420p"),
        ("vmaf__Seeking_30_480_1050.mp4", ".webm", "libsvtav1", "yuv420p"),
        ("androidx_media__roadtrip-vp92-10bit.webm", ".ts", "libx265", "yuv420p10le"),
    ],
)
def test_the_encoder_by_default(clips: Path, tmp_path: Path, clip: str, suffix: str, encoder: str, held: str) -> None:
    with Source(clips / clip) as source, Target(tmp_path / f"out{suffix}", source.input) as target:
        assert (target.encoder.name, target.frame_format.name) == (encoder, held)


def test_depth_and_alpha_go_on_to_an_encoder_that_holds_them(clips: Path, tmp_path: Path) -> None:
    for pixel, encoder in (("yuv420p16le", "ffv1"), ("yuva444p10le", "ffv1"), ("yuv444p12le", "libx265"),
                           ("gbrp12le", "libx265"), ("gray12le", "libx265")):  # fmt: skip
        source = small(clips, tmp_path / f"{pixel}.mkv", pixel, "-c:v", "ffv1")
        with Source(source) as reader, Target(tmp_path / "out.mkv", reader.input) as target:
            assert target.encoder.name == encoder, pixel
    with Source(tmp_path / "yuv420p16le.mkv") as reader, pytest.raises(OutputError, match="ffv1"):
        Target(tmp_path / "out.mp4", reader.input)


def test_interlaced_frames(clips: Path, tmp_path: Path) -> None:
    clip = clips / "metadata_extractor__Sony_ILCE-7M3_A7M3.mts"
    relay(clip, tmp_path / "keep.ts", DecodeOptions(interlaced="keep"), FAST)
    kept = describe(tmp_path / "keep.ts")
    assert (kept.frame["interlaced_frame"], kept.frame["top_field_first"]) == (1, 1)
    assert len(kept.frames) == len(describe(clip).frames)
    lines = relay(clip, tmp_path / "auto.ts", encode=FAST)
    assert Code.DEINTERLACED in {line.code for line in lines}
    assert describe(tmp_path / "auto.ts").frame["interlaced_frame"] == 0
    assert not [line for line in compare(clip, tmp_path / "auto.ts") if "frames" in line]
    with Source(clip, DecodeOptions(interlaced="keep")) as source:
        assert source.info.field_order == "tff"


def captioned(clip: Path, target: Path) -> list[bytes]:
    """A raw H.264 file of a clip's first frames with a made-up A53 caption SEI in each; the captions in order."""
    filtered = av.bitstream.BitStreamFilterContext
    triplets = []
    with av.open(str(clip)) as container, target.open("wb") as file:
        stream = container.streams.video[0]
        annexb = filtered("h264_mp4toannexb", stream)
        for number, packet in enumerate(p for p in container.demux(stream) if p.size):
            if number == 20:
                break
            triplet = bytes((0xFC, 0x80 | 0x20 + number, 0x80 | 0x41))
            triplets.append(triplet)
            payload = bytes.fromhex("b5003147413934") + b"\x03\x41\xff" + triplet + b"\xff"
            sei = b"\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
            data = b"".join(bytes(p) for p in annexb.filter(packet))
            slices = [data.find(b"\x00\x00\x01" + bytes([first])) for first in (0x65, 0x41, 0x01, 0x61, 0x21)]
            place = min(p for p in slices if p >= 0)
            file.write(data[:place] + sei + data[place:])
    return triplets


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "ffv1"])
def test_closed_captions(clips: Path, tmp_path: Path, encoder: str) -> None:
    triplets = captioned(clips / "vmaf__Seeking_30_480_1050.mp4", tmp_path / "in.h264")
    fast = {} if encoder == "ffv1" else {"preset": "ultrafast"}
    lines = relay(tmp_path / "in.h264", tmp_path / "out.mkv", encode=EncodeOptions(video_codec=encoder, **fast))
    with av.open(str(tmp_path / "out.mkv")) as container:
        held = [{kind.name: bytes(data) for kind, data in f.side_data.items()} for f in container.decode(video=0)]
    kept = [data["A53_CC"] for data in held if "A53_CC" in data]
    assert ((Code.CAPTIONS_LOST, {"encoder": encoder}) in coded(lines)) == (encoder == "ffv1")
    assert sorted(kept) == ([] if encoder == "ffv1" else sorted(triplets))
    assert len(describe(tmp_path / "out.mkv").frames) == 20


def test_refusals_come_before_any_frame(clips: Path, tmp_path: Path) -> None:
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    (tmp_path / "there.mp4").write_bytes(b"x")
    (tmp_path / "link.mp4").symlink_to(clip)
    cases: list[tuple[str, EncodeOptions, type[Exception], str]] = [
        ("there.mp4", FAST, OutputError, "already exists.*-y"),
        ("link.mp4", EncodeOptions(overwrite=True), OutputError, "link.mp4: input and output"),
        ("out.xyz", FAST, OptionError, "unknown container .xyz"),
        ("none/out.mp4", FAST, OutputError, "no such directory: .*none"),
        ("out.mp4", EncodeOptions(video_codec="h266"), OptionError, "-c:v h266: unknown"),
        ("out.mp4", EncodeOptions(video_codec="aac"), OptionError, "-c:v aac: unknown"),
        ("out.mp4", EncodeOptions(video_codec="copy"), OptionError, "-c:v copy: .*must be encoded"),
        ("out.mp4", EncodeOptions(video_codec="ffv1", crf=3), OptionError, "-crf: not supported by ffv1"),
        ("out.mp4", EncodeOptions(options={"nonsense": "1"}), OptionError, "nonsense"),
        ("out.mp4", EncodeOptions(preset="warp"), OptionError, "-preset warp: .* ultrafast"),
        ("out.mp4", EncodeOptions(pixel_format="yuv410p"), OptionError, "yuv410p"),
        ("out.webm", EncodeOptions(video_codec="libx264"), OptionError, "webm"),
        ("out.mp4", EncodeOptions(video_codec="h264_nvenc"), OutputError, "h264_nvenc with yuv420p"),
    ]
    for name, options, kind, words in cases:
        with Source(clip) as source, pytest.raises(kind, match=words) as raised:
            Target(tmp_path / name, source.input, options)
        assert "\n" not in str(raised.value)
    assert {p.name for p in tmp_path.iterdir()} == {"there.mp4", "link.mp4"}
    assert (tmp_path / "there.mp4").read_bytes() == b"x"


def test_odd_names(clips: Path, tmp_path: Path) -> None:
    for name in ("a:b.mp4", "50%d 100%.mp4", "two  words.mp4", "ünï\u2603.mp4", "-dash.mp4", "pipe:1.mp4"):
        source = tmp_path / f"in {name}"
        source.symlink_to(clips / "androidx_media__sample_mdat_too_long.mp4")
        relay(source, tmp_path / name, DecodeOptions(frames=3), FAST)
        assert describe(tmp_path / name).frames, name


def test_leaving_early_leaves_nothing(clips: Path, tmp_path: Path) -> None:
    with (
        Source(clips / "vmaf__Seeking_30_480_1050.mp4") as source,
        Target(tmp_path / "o.mp4", source.input, FAST) as target,
    ):
        for event, _ in zip(source.events(), range(20), strict=False):
            target.write(event)
        assert [p.name for p in tmp_path.iterdir()] != ["o.mp4"]
        assert target.bytes_written >= 0
    assert not list(tmp_path.iterdir())
    target.discard()


def test_a_partial_file_is_playable(clips: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    with Source(clip) as source, Target(tmp_path / "out.mp4", source.input, FAST) as target:
        frames = 0
        for event in source.events():
            target.write(event)
            frames += isinstance(event, Frame)
            if frames == 40:
                break
        assert target.keep_partial() == tmp_path / "out.partial.mp4"
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial.mp4"]
    kept = describe(tmp_path / "out.partial.mp4")
    assert kept.frames == describe(clip).frames[:40]
    with Source(clip) as source, Target(tmp_path / "none.mp4", source.input, FAST) as target:
        assert target.keep_partial() is None
    assert not (tmp_path / "none.partial.mp4").exists()


def test_a_full_disk_is_one_line(clips: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE in a process of its own: writing beyond it fails as on a full disk."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "sys.path.insert(0, 'tests'); from pathlib import Path; from helpers.media_truth import relay;"
        "from vidrts.media.write.options import EncodeOptions; from vidrts.errors import OutputError\n"
        "for target in sys.argv[2:]:\n"
        "  try: relay(Path(sys.argv[1]), Path(target), encode=EncodeOptions(preset='ultrafast'))\n"
        "  except OutputError as error: print(error)"
    )
    targets = [tmp_path / f"out{suffix}" for suffix in (".mp4", ".mkv")]
    told = subprocess.run(
        [sys.executable, "-c", code, clips / "vmaf__Seeking_30_480_1050.mp4", *targets],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ},
    )  # fmt: skip
    lines = told.stdout.splitlines()
    assert len(lines) == 2, told
    for line, target in zip(lines, targets, strict=True):
        assert "write error" in line
        assert target.name in line
    assert not list(tmp_path.iterdir())


def test_calls_of_encoders_are_announced_but_for_those_of_a_gpu(clips: Path, tmp_path: Path) -> None:
    """To whoever watches for a hang (`native_calls`), which a GPU's answer that takes its time is not."""

    class Watch:
        def __init__(self) -> None:
            self.calls: list[str] = []
            self.files: list[str] = []

        def call(self, what: str) -> None:
            self.calls.append(what)

        def file(self, name: str) -> None:
            self.files.append(name)

    watch = Watch()
    target = tmp_path / "out.mkv"
    with watched(watch), Source(clips / "androidx_media__bt601.mov") as source:
        with Target(target, source.input, EncodeOptions(video_codec="libx264", preset="ultrafast")) as writer:
            for event in source.events(writer.streams):
                writer.write(event)
            writer.finish()
        with encoders.ENCODERS["h264_nvenc"].call("opening"):
            pass
    assert set(watch.calls) == {"", "libx264 (opening)", "libx264 (encoding)", "libx264 (finishing)"}
    assert watch.calls[::2].count("") == 0  # each begins
    assert set(watch.calls[1::2]) == {""}  # and ends
    assert watch.calls.count("libx264 (encoding)") == 30
    assert [Path(name).parent for name in watch.files] == [tmp_path]
