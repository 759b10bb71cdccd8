"""Formats that are not taken: what to convert them to keeps all that they hold, and FFmpeg's command line does it."""

import re
import shlex
import subprocess
from pathlib import Path

import av
import pytest

from vidrts.errors import OptionError, UnsupportedFormatError
from vidrts.frame import PIXEL_FORMATS
from vidrts.media.packings import PACKINGS
from vidrts.media.pipes.raw_header import parse
from vidrts.media.pixel_formats import known, nearest
from vidrts.media.read.source import Source

NEAREST = {
    "yuv411p": "yuv422p", "yuv410p": "yuv420p", "yuv440p": "yuv444p", "uyyvyy411": "yuv422p",
    "yuv440p10le": "yuv444p10le", "yuv440p12be": "yuv444p12le", "pal8": "bgra", "rgb565le": "bgr0",
    "gbrpf32le": "gbrp16le", "gbrapf32le": "gbrap16le", "xyz12le": "gbrp12le", "grayf32le": "gray16le",
    "ya16le": "yuva444p16le", "monow": "gray", "bayer_rggb8": "bgr0", "bayer_rggb16le": "gbrp16le",
}  # fmt: skip


@pytest.mark.parametrize("name", NEAREST)
def test_what_to_convert_to(name: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        known(name)
    said = str(caught.value)
    assert said.startswith(f"pixel format {name} is not supported; expected YUV 4:2:0")
    advice = f"ffmpeg -i IN -map 0 -dn -c copy -c:v ffv1 -pix_fmt {NEAREST[name]} OUT.mkv"
    assert said.endswith(f"; convert it first, for example with {advice}")


def test_nothing_is_lost_of_any_format_that_ffmpeg_has() -> None:
    seen = 0
    for name in sorted(av.video.format.names):
        fmt = av.VideoFormat(name)
        if name in PIXEL_FORMATS or name in PACKINGS or not fmt.components or name.startswith("bayer"):
            continue
        seen += 1
        taken = PIXEL_FORMATS[nearest(fmt)]
        assert taken.depth >= min(16, max(c.bits for c in fmt.components if not c.is_alpha)), name
        assert taken.alpha >= any(c.is_alpha for c in fmt.components), name
        assert taken.plane_size(1, 16, 16)[1] >= fmt.chroma_width(16), name
        assert taken.plane_size(1, 16, 16)[0] >= fmt.chroma_height(16), name
        assert (taken.model == "rgb") == (fmt.is_rgb or fmt.has_palette or name.startswith("xyz")), name
    assert seen > 40


FILMS = {
    "yuv411p.nut": "-c:v rawvideo -pix_fmt yuv411p", "yuv440p.nut": "-c:v rawvideo -pix_fmt yuv440p",
    "pal8.nut": "-c:v rawvideo -pix_fmt pal8", "rgb565.nut": "-c:v rawvideo -pix_fmt rgb565le",
    "dv.mov": "-s 720x480 -r 30000/1001 -c:v dvvideo -pix_fmt yuv411p -c:a pcm_s16le -timecode 01:00:00:00",
}  # fmt: skip


@pytest.mark.parametrize("name", FILMS)
def test_the_command_that_is_told_works(name: str, tmp_path: Path) -> None:
    """It keeps depth, alpha and chroma of the picture, and all that Matroska holds beside it."""
    clip, target = tmp_path / name, tmp_path / "out.mkv"
    tones = "-f lavfi -i sine -f lavfi -i sine=880 -map 0 -map 1 -map 2 -t 0.1" if name == "dv.mov" else "-frames:v 2"
    made = f"ffmpeg -nostdin -v error -f lavfi -i testsrc2=s=64x48 {tones} {FILMS[name]}"
    subprocess.run([*made.split(), str(clip)], check=True)
    with pytest.raises(UnsupportedFormatError) as caught:
        Source(clip)
    assert str(caught.value).startswith(f"{clip}: pixel format ")
    command = re.search(r"ffmpeg .*", str(caught.value))
    assert command is not None
    words = [{"IN": str(clip), "OUT.mkv": str(target)}.get(word, word) for word in shlex.split(command[0])]
    done = subprocess.run(
        [words[0], "-nostdin", "-v", "warning", *words[1:]], capture_output=True, text=True, check=True
    )
    assert "ncompatible" not in done.stderr
    with Source(target) as source, av.open(clip) as before:
        held = before.streams.video[0].codec_context.format
        assert source.info.codec == "ffv1"
        assert source.info.format.name == NEAREST[held.name]
        assert len(source.input.others) == len(before.streams.audio)


def test_a_name_that_ffmpeg_has_not() -> None:
    with pytest.raises(OptionError, match=r"--raw 64x48:nosuch@25: unknown pixel format nosuch; expected YUV 4:2:0"):
        parse("64x48:nosuch@25")
    with pytest.raises(OptionError, match=r"pixel format yuv411p is not supported.*-pix_fmt yuv422p OUT"):
        parse("64x48:yuv411p@25")
