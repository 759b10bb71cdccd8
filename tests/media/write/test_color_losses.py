"""Colour tags that encoder and container cannot hold are told, and no others. ffprobe is the truth."""

import json
import subprocess
from pathlib import Path

import pytest
from helpers.media_truth import relay

from vidrts.frame import ColorTags, pixel_format
from vidrts.media.output_formats import OUTPUT_FORMATS
from vidrts.media.write import color_losses
from vidrts.media.write.encoders import ENCODERS
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

FASTEST = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "12"}


def tag(path: Path, name: str) -> str:
    """A colour tag of the first frame, as ffprobe reads it; what is assumed where there is none."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_frames", "-read_intervals", "%+#1", "-of", "json",
         "-show_entries", f"frame={name}", str(path)], check=True, capture_output=True,
    ).stdout  # fmt: skip
    found = json.loads(told)["frames"][0].get(name, "unspecified")
    assumed = {"chroma_location": "left", "color_range": "tv"}
    return assumed.get(name, found) if found in ("unspecified", "unknown") else found


def clip(folder: Path, *tags: str, pixel: str = "yuv420p", encoder: str = "libx264") -> Path:
    """Three noisy frames with these tags."""
    path = folder / "in.mkv"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "nullsrc=s=64x64,noise=alls=90:allf=t", "-frames:v",
               "3", "-pix_fmt", pixel, "-c:v", encoder, "-x265-params", "log-level=none", *tags, path]  # fmt: skip
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    return path


def lost(source: Path, target: Path, encoder: str, pixel: str | None = None) -> list[dict[str, str]]:
    options = EncodeOptions(video_codec=encoder, preset=FASTEST.get(encoder), pixel_format=pixel)
    return [line.values for line in relay(source, target, encode=options) if line.code is Code.COLOUR_LOST]


@pytest.mark.parametrize(
    ("encoder", "name"),
    [("libsvtav1", "out.mp4"), ("libsvtav1", "out.mkv"), ("libvpx-vp9", "out.webm"), ("ffv1", "out.mkv"),
     ("libx264", "out.mov"), ("libx265", "out.ts"), ("mpeg2video", "out.ts"), ("mpeg4", "out.mkv")],
)  # fmt: skip
def test_chroma_siting(tmp_path: Path, encoder: str, name: str) -> None:
    for siting in ("left", "center", "topleft", "bottom"):
        source = clip(tmp_path, "-chroma_sample_location", siting)
        assert tag(source, "chroma_location") == siting
        told = lost(source, tmp_path / name, encoder)
        if tag(tmp_path / name, "chroma_location") == siting:
            assert told == [], siting
        else:
            assert [values["tags"] for values in told] == [f"siting {siting}"]
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("encoder", "name", "span", "pixel"),
    [("prores_ks", "out.mov", "pc", "yuv422p10le"), ("prores_ks", "out.mov", "tv", "yuv422p10le"),
     ("mpeg2video", "out.mkv", "pc", "yuv420p"), ("mpeg4", "out.mov", "pc", "yuv420p"),
     ("mpeg4", "out.mp4", "pc", "yuv420p"), ("libvpx-vp9", "out.mkv", "tv", "gbrp"),
     ("libvpx-vp9", "out.mkv", "pc", "gbrp"), ("libsvtav1", "out.mp4", "pc", "yuv420p"),
     ("ffv1", "out.mkv", "tv", "gbrp")],
)  # fmt: skip
def test_range(tmp_path: Path, encoder: str, name: str, span: str, pixel: str) -> None:
    coder = "libx265" if pixel == "gbrp" else "ffv1"
    told = lost(clip(tmp_path, "-color_range", span, pixel=pixel, encoder=coder), tmp_path / name, encoder)
    held = tag(tmp_path / name, "color_range") == span
    assert [values["tags"] for values in told] == ([] if held else [f"range {span}"])


def test_a_container_without_tags(tmp_path: Path) -> None:
    """MPEG-4 in TS has neither VUI nor a place beside the stream."""
    tags = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range pc".split()
    assert not lost(clip(tmp_path, *tags), tmp_path / "out.mp4", "mpeg4")
    assert tag(tmp_path / "out.mp4", "color_range") == "pc"
    told = lost(clip(tmp_path, *tags), tmp_path / "out.ts", "mpeg4")
    assert [values["tags"] for values in told] == ["matrix bt709, primaries bt709, transfer bt709, range pc"]
    assert tag(tmp_path / "out.ts", "color_primaries") == "unspecified"


def test_places_that_are_the_same_where_chroma_is_halved_across_alone() -> None:
    for fmt, siting, told in (("yuv422p", 3, None), ("yuv422p", 5, None), ("yuv422p", 4, "siting top"),
                              ("yuv444p", 6, None), ("yuv420p", 5, None)):  # fmt: skip
        line = color_losses.message(
            ColorTags(siting=siting), pixel_format(fmt), ENCODERS["libx264"], OUTPUT_FORMATS[".mp4"]
        )
        assert (line and line.values["tags"]) == told
