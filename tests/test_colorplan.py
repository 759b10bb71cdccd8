"""Colour matrices that are refused: the command that is told converts them and keeps all else."""

import re
import shlex
from pathlib import Path

import av
import pytest
from helpers.pipe_ends import ffmpeg

from vidrts.colorplan import plan
from vidrts.errors import UnsupportedFormatError
from vidrts.media.read.source import Source


@pytest.mark.parametrize(
    "tags", ["bt2020c bt2020 bt2020-10", "bt2020c unknown unknown", "chroma-derived-nc bt709 bt709"]
)
def test_the_command_that_is_told_works(tags: str, tmp_path: Path) -> None:
    matrix, primaries, transfer = tags.split()
    given = f"setparams=colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}:range=tv"
    tones = "-f lavfi -i sine -f lavfi -i sine=880 -map 0 -map 1 -map 2 -t 0.1 -c:a pcm_s16le"
    ffmpeg(
        *"-f lavfi -i testsrc2=s=64x48".split(), *tones.split(), "-vf", f"format=yuv444p10le,{given}", "-c:v", "ffv1",
        "-colorspace", matrix, "-color_primaries", primaries, "-color_trc", transfer, tmp_path / "in.mkv",
    )  # fmt: skip
    with Source(tmp_path / "in.mkv") as source:
        info = source.info
    with pytest.raises(UnsupportedFormatError) as caught:
        plan(info.color, info.format)
    command = re.search(r"ffmpeg (.*)", str(caught.value))
    assert command is not None
    names = {"IN": tmp_path / "in.mkv", "OUT.mkv": tmp_path / "out.mkv"}
    ffmpeg(*(names.get(word, word) for word in shlex.split(command[1])))
    with Source(tmp_path / "out.mkv") as source, av.open(tmp_path / "out.mkv") as made:
        assert (source.info.color.matrix, source.info.format.name) == (9, "yuv444p10le")
        plan(source.info.color, source.info.format)
        assert len(made.streams.audio) == 2
