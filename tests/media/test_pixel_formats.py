"""Formats that are not taken: what to convert them to keeps all that they hold, and FFmpeg's command line does it."""

import re
import shlex
import subprocess
from pathlib import Path

import av
import pytest

from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS
from vidrts.media.pipes.raw_header import parse
from vidrts.media.pixel_formats import known, nearest
from vidrts.media.read.source import Source

NEAREST = {
    "yuv411p": "yuv422p", "yuv410p": "yuv420p", "yuv440p": "yuv444p", "yuyv422": "yuv422p", "nv21": "yuv420p",
    "uyyvyy411": "yuv422p", "v30xle": "yuv444p10le", "y210le": "yuv422p10le", "p410le": "yuv444p10le",
    "yuv440p10le": "yuv444p10le",
    "nv20le": "yuv422p10le", "ayuv64le": "yuva444p16le", "yuv420p10be": "yuv420p10le", "yuva444p9be": "yuva444p9le",
    "argb": "bgra", "abgr": "bgra", "pal8": "bgra", "0rgb": "bgr0", "rgb565le": "bgr0", "x2rgb10le": "gbrp10le",
    "bgra64le": "gbrap16le", "gbrpf32le": "gbrp16le", "gbrapf32le": "gbrap16le", "xyz12le": "gbrp12le",
    "gray10be": "gray10le", "grayf32le": "gray16le", "ya16le": "yuva444p16le", "monow": "gray",
    "bayer_rggb8": "bgr0", "bayer_rggb16le": "gbrp16le",
}  # fmt: skip


@pytest.mark.parametrize("name", NEAREST)
def test_what_to_convert_to(name: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        known(name)
    said = str(caught.value)
    assert said.startswith(f"pixel format {name} is not supported; expected planar YUV 4:2:0")
    assert said.endswith(
        f"; convert it first, for example with ffmpeg -i IN -c:v ffv1 -pix_fmt {NEAREST[name]} OUT.mkv"
    )


def test_nothing_is_lost_of_any_format_that_ffmpeg_has() -> None:
    seen = 0
    for name in sorted(av.video.format.names):
        fmt = av.VideoFormat(name)
        if name in PIXEL_FORMATS or not fmt.components or name.startswith("bayer"):
            continue
        seen += 1
        taken = PIXEL_FORMATS[nearest(fmt)]
        assert taken.depth >= min(16, max(c.bits for c in fmt.components if not c.is_alpha)), name
        assert taken.alpha >= any(c.is_alpha for c in fmt.components), name
        assert taken.plane_size(1, 16, 16)[1] >= fmt.chroma_width(16), name
        assert taken.plane_size(1, 16, 16)[0] >= fmt.chroma_height(16), name
        assert (taken.model == "rgb") == (fmt.is_rgb or fmt.has_palette or name.startswith("xyz")), name
    assert seen > 80


@pytest.mark.parametrize("name", ["argb", "yuyv422", "yuv411p", "abgr", "yuv440p", "yuva444p10be", "gray16be"])
def test_the_command_that_is_told_works(name: str, tmp_path: Path) -> None:
    clip, target = tmp_path / "in.nut", tmp_path / "out.mkv"
    made = "ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=64x48 -frames:v 2 -c:v rawvideo -pix_fmt"
    subprocess.run([*made.split(), name, str(clip)], check=True)
    with pytest.raises(UnsupportedFormatError) as caught:
        Source(clip)
    assert str(caught.value).startswith(f"{clip}: pixel format {name} ")
    command = re.search(r"ffmpeg .*", str(caught.value))
    assert command is not None
    words = [{"IN": str(clip), "OUT.mkv": str(target)}.get(word, word) for word in shlex.split(command[0])]
    done = subprocess.run(
        [words[0], "-nostdin", "-v", "warning", *words[1:]], capture_output=True, text=True, check=True
    )
    assert "ncompatible" not in done.stderr
    with Source(target) as source:
        assert source.info.format.name == NEAREST.get(name) or name in ("yuva444p10be", "gray16be")


def test_a_name_that_ffmpeg_has_not() -> None:
    with pytest.raises(OptionError, match=r"--raw 64x48:nosuch@25: unknown pixel format nosuch; expected planar YUV"):
        parse("64x48:nosuch@25")
    with pytest.raises(OptionError, match=r"pixel format yuyv422 is not supported.*-pix_fmt yuv422p OUT"):
        parse("64x48:yuyv422@25")
