"""Joints of whole transport streams are no damage; packets that are lost are, there and elsewhere."""

from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE
from helpers.pipe_ends import ffmpeg

from vidrts.errors import InputError
from vidrts.frame import Frame
from vidrts.media.read.damage import LossReport
from vidrts.media.read.open import open_video
from vidrts.media.read.options import DecodeOptions

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg is not installed; it makes the films")
CODED = [
    "libx264 -preset ultrafast",
    "libx265 -preset ultrafast -x265-params log-level=none",
    "mpeg2video -bf 2",
    "mpeg4",
]
VIDEO = 0x100
"""PID of the pictures in what ffmpeg writes."""


def made(target: Path, coded: str, offset: float = 0) -> bytes:
    """One second of pictures with sound, in two groups, whose clock starts `offset` seconds later."""
    inputs = "-f lavfi -i testsrc2=s=96x64:r=25:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p -g 12 -c:a mp2 -c:v"
    ffmpeg(*inputs.split(), *coded.split(), "-output_ts_offset", offset, target)
    return target.read_bytes()


def read(path: Path, **options: object) -> tuple[int, LossReport]:
    """Frames and damage."""
    with open_video(path, DecodeOptions(**options)) as source:  # type: ignore[arg-type]
        return sum(1 for event in source.events() if isinstance(event, Frame)), source.lost


def without(data: bytes, frame: int) -> bytes:
    """The stream without the last transport packet of a picture, counted from 0 in coded order."""
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    video = [n for n, packet in enumerate(packets) if int.from_bytes(packet[1:3]) & 0x1FFF == VIDEO]
    starts = [n for n in video if packets[n][1] & 0x40]
    del packets[[n for n in video if n < starts[frame + 1]][-1]]
    return b"".join(packets)


@pytest.mark.parametrize("coded", CODED)
@pytest.mark.parametrize("offset", [0, 100])
def test_whole_streams_one_after_the_other(coded: str, offset: int, tmp_path: Path) -> None:
    first, second = made(tmp_path / "a.ts", coded), made(tmp_path / "b.ts", coded, offset)
    film = tmp_path / "joined.ts"
    film.write_bytes(first + second)
    assert read(film, strict=True) == (50, LossReport())
    film.write_bytes(first + without(second, 5))
    assert read(film)[1].marked == 1
    with pytest.raises(InputError, match="--strict"):
        read(film, strict=True)


@pytest.mark.parametrize("coded", ["libx264 -preset ultrafast", "mpeg2video"])
def test_a_picture_that_is_cut_before_the_joint(coded: str, tmp_path: Path) -> None:
    """The decoder tells of it."""
    whole = made(tmp_path / "a.ts", coded)
    packets = [whole[at : at + 188] for at in range(0, len(whole), 188)]
    last = max(n for n, packet in enumerate(packets) if int.from_bytes(packet[1:3]) & 0x1FFF == VIDEO)
    film = tmp_path / "joined.ts"
    film.write_bytes(b"".join(packets[:last]) + whole)
    assert read(film)[1].corrupt == 1
    with pytest.raises(InputError, match="--strict"):
        read(film, strict=True)
