"""Colour tags of a source: the stream's own, and its container's where the stream says nothing."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.media_truth import decoded_md5, relay
from helpers.paths import DATA, need

from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions

FAULTS = DATA / "faults"
TAGS = ("color_space", "color_transfer", "color_primaries")
PQ = ("bt2020nc", "smpte2084", "bt2020")
HLG = ("bt2020nc", "arib-std-b67", "bt2020")
FAST = EncodeOptions(preset="ultrafast")


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True)


def options(tags: tuple[str, str, str]) -> list[str]:
    """ffmpeg's options that state colour."""
    return ["-colorspace", tags[0], "-color_trc", tags[1], "-color_primaries", tags[2]]


def clip(target: Path, coded: str, *, own: tuple[str, str, str] | None, stated: tuple[str, str, str]) -> Path:
    """Four frames whose stream says `own` of their colour, in a container that states something else."""
    bare = target.with_name(f"bare{target.suffix}")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "4", *coded.split(), *(options(own) if own else ()),
           "-threads", "1", bare)  # fmt: skip
    return restated(bare, target, stated)


def restated(source: Path, target: Path, stated: tuple[str, str, str], *more: str) -> Path:
    """A copy of the packets in a container that states `stated`."""
    ffmpeg("-i", source, "-map", "0", "-c", "copy", *options(stated), "-color_range", "tv", *more, target)
    return target


def frames(path: Path, *tags: str) -> list[tuple[str | None, ...]]:
    """Tags of each frame, as ffprobe reads them."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-show_frames", "-show_entries", f"frame={','.join(tags)}",
         "-of", "json", str(path)], check=True, capture_output=True,
    ).stdout  # fmt: skip
    return [tuple(frame.get(tag) for tag in tags) for frame in json.loads(told)["frames"]]


def kept(source: Path, tmp_path: Path) -> tuple[str | None, ...]:
    """The tags of an output whose encoder writes all."""
    relay(source, tmp_path / "out.mkv", encode=FAST)
    return frames(tmp_path / "out.mkv", *TAGS)[0]


@pytest.mark.parametrize("name", ["ct_hevc.mkv", "ph10.mov"])
def test_tags_that_only_the_container_states(name: str, tmp_path: Path) -> None:
    assert kept(need(FAULTS / name), tmp_path) == PQ


HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=none"


@pytest.mark.parametrize(
    ("name", "coded"),
    [("a.mp4", f"-pix_fmt yuv420p10le {HEVC}"), ("a.mkv", f"-pix_fmt yuv444p {HEVC}"),
     ("a.mov", "-c:v prores_ks -pix_fmt yuv444p10le")],
)  # fmt: skip
def test_of_other_codecs_and_containers(name: str, coded: str, tmp_path: Path) -> None:
    assert kept(clip(tmp_path / name, coded, own=None, stated=HLG), tmp_path) == HLG


def test_a_stream_that_says_unspecified_says_nothing(tmp_path: Path) -> None:
    """H.264's and AV1's "2" for all three, written by many encoders, beside a container that knows."""
    for encoder, part in (("libx264", "h264_metadata=colour_"), ("libaom-av1 -cpu-used 8", "av1_metadata=color_")):
        bare, tagged = tmp_path / "bare.mkv", tmp_path / f"{part[:4]}.mkv"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "2", "-pix_fmt", "yuv420p",
               "-c:v", *encoder.split(), bare)  # fmt: skip
        restated(bare, tagged, PQ, "-bsf:v", f"{part}primaries=2:transfer_characteristics=2:matrix_coefficients=2")
        with Source(tagged) as source:
            color = source.info.color
        assert (color.matrix, color.transfer, color.primaries) == (9, 16, 9), encoder


def test_the_streams_own_tags_come_first(tmp_path: Path) -> None:
    sdr = ("bt709", "bt709", "bt709")
    assert kept(clip(tmp_path / "a.mp4", f"-pix_fmt yuv420p {HEVC}", own=sdr, stated=PQ), tmp_path) == sdr


def test_decoding_anew_forgets_nothing(tmp_path: Path) -> None:
    """The decoder's own context has lost what the container states after its first frame."""
    source = clip(tmp_path / "a.mp4", f"-pix_fmt yuv420p10le {HEVC}", own=None, stated=HLG)
    with Source(source) as opened:
        again = next(iter(opened.demuxer.frames(Fraction(1, 25), seek=True)))
        assert isinstance(again, av.VideoFrame)
        assert (again.colorspace, again.color_trc, again.color_primaries) == (9, 18, 9)


RGB = "-f lavfi -i testsrc2=s=64x64 -frames:v 2 -color_range tv"


@pytest.mark.parametrize(
    ("name", "coded"),
    [("rgbtv265.mkv", None), ("a.mkv", "-pix_fmt gbrp10le -c:v libx265 -x265-params log-level=none"),
     ("b.mp4", "-pix_fmt rgb24 -c:v libx264rgb -crf 0"), ("c.mkv", "-pix_fmt bgr0 -c:v ffv1")],
)  # fmt: skip
def test_rgb_of_limited_range(name: str, coded: str | None, tmp_path: Path) -> None:
    """Its tag stays and the samples are what they were: neither lifted to full range nor called so."""
    if coded is None:
        source = need(FAULTS / name)
    else:
        source = tmp_path / name
        ffmpeg(*RGB.split(), *coded.split(), source)
    relay(source, tmp_path / "out.mkv", encode=EncodeOptions(video_codec="ffv1"))
    assert frames(source, "color_range")[0] == frames(tmp_path / "out.mkv", "color_range")[0] == ("tv",)
    assert decoded_md5(source, "gbrp16le") == decoded_md5(tmp_path / "out.mkv", "gbrp16le")
    if coded is None:  # its own family, in a container that says nothing
        relay(source, tmp_path / "out.ts", encode=FAST)
        assert frames(tmp_path / "out.ts", "color_range")[0] == ("tv",)
