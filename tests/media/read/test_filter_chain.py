"""-vf in the library; the truth is the ffmpeg command with the same filters."""

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from helpers.media_truth import coded, describe, relay
from helpers.pipe_ends import ffmpeg

from vidrts.errors import InputError, OptionError, VidrtsError
from vidrts.frame import Frame, StreamInfo
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

SIZE = (64, 48)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames with a tone and a sample aspect ratio, whose clock starts late."""
    path = tmp_path_factory.mktemp("filters") / "film.mkv"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-f", "lavfi", "-i", "sine=r=48000", "-vf", "setsar=64/45",
        "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", "flac", "-t", "0.32", "-output_ts_offset", "0.4", path,
    )  # fmt: skip
    return path


def filtered(path: Path, filters: str | None, **more: object) -> tuple[StreamInfo, list[Frame], list[Message]]:
    lines: list[Message] = []
    options = DecodeOptions(filters=filters, **more)  # type: ignore[arg-type]
    with Source(path, options, on_message=lines.append) as source:
        return source.info, [event for event in source.events() if isinstance(event, Frame)], lines


def samples(frames: list[Frame]) -> bytes:
    """As ffmpeg writes planar 8 bit."""
    return b"".join(plane.contiguous().numpy().tobytes() for frame in frames for plane in frame.planes)


def by_ffmpeg(path: Path, filters: str, *before: object) -> bytes:
    return ffmpeg(*before, "-i", path, "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo", "-")


@pytest.mark.parametrize(
    "filters",
    [
        "crop=32:16:3:5", "scale=96:-2", "scale=iw*sar:ih,setsar=1", "transpose=clock", "vflip", "atadenoise",
        "tmix=frames=3", "deflicker=size=3", "nlmeans=s=2:p=3:r=5", "fade=t=in:st=0:d=0.2", "format=yuv444p", "gblur",
        "split[a][b];[b]hflip[c];[a][c]hstack", r"crop=w='min(32\,iw)':h=16", "pad=96:80:8:9:red,setdar=16/9",
    ],
)  # fmt: skip
def test_pictures_and_their_facts_are_those_of_ffmpeg(filters: str, film: Path, tmp_path: Path) -> None:
    info, frames, lines = filtered(film, filters)
    assert samples(frames) == by_ffmpeg(film, filters)
    ffmpeg("-i", film, "-vf", filters, "-c:v", "ffv1", tmp_path / "truth.mkv")
    truth = describe(tmp_path / "truth.mkv")
    assert truth.video is not None
    facts = truth.video.info
    assert (info.width, info.height, info.format.name) == (facts["width"], facts["height"], facts["pix_fmt"])
    assert abs(info.sar - Fraction(facts["sample_aspect_ratio"].replace(":", "/"))) < Fraction(1, 1000)
    assert [f.pts * f.time_base for f in frames] == describe(film).frames
    assert not lines


@pytest.mark.parametrize("part", [("0.08", None), (None, "0.2"), ("0.12", "0.24")])
def test_a_part_of_a_film(part: tuple[str | None, str | None], film: Path) -> None:
    """As ffmpeg cuts before it filters: times and what is seen of other frames begin with the part."""
    begin, end = (None if time is None else Fraction(time) for time in part)
    _, frames, _ = filtered(film, "tmix=frames=3,fade=t=in:d=0.2", start=begin, end=end)
    cut = [*(("-ss", part[0]) if begin is not None else ()), *(("-to", part[1]) if end is not None else ())]
    assert samples(frames) == by_ffmpeg(film, "tmix=frames=3,fade=t=in:d=0.2", *cut)


def test_the_file_that_is_written(film: Path, tmp_path: Path) -> None:
    decode = DecodeOptions(filters="crop=32:32,setparams=colorspace=bt709:range=tv,format=yuv422p")
    relay(film, tmp_path / "out.mkv", decode, EncodeOptions(video_codec="ffv1"))
    told = describe(tmp_path / "out.mkv")
    assert told.video is not None
    keys = ("width", "height", "pix_fmt", "color_space", "color_range", "sample_aspect_ratio")
    assert [told.video.info[key] for key in keys] == [32, 32, "yuv422p", "bt709", "tv", "64:45"]
    assert told.frames == describe(film).frames
    assert [s.packets for s in told.streams if s.kind == "audio"] == [
        s.packets for s in describe(film).streams if s.kind == "audio"
    ]


def test_a_turned_picture(clips: Path) -> None:
    film = clips / "mediabunny__rotate-buck-bunny.mp4"
    info, frames, lines = filtered(film, "crop=64:80:0:0", end=Fraction(1, 5))
    assert frames and by_ffmpeg(film, "crop=64:80:0:0", "-t", "0.2").startswith(samples(frames))
    assert info.rotation == 0
    assert coded(lines) == [(Code.TURNED_UPRIGHT, {"degrees": 90})]


def test_fewer_bits_are_told(film: Path, tmp_path: Path) -> None:
    ffmpeg("-i", film, "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", tmp_path / "deep.mkv")
    _, _, lines = filtered(tmp_path / "deep.mkv", "nlmeans=s=1:p=3:r=3")
    assert coded(lines) == [(Code.FILTERS_LOWER_DEPTH, {"before": "yuv420p10le", "now": "yuv420p"})]


def test_fields(film: Path, tmp_path: Path) -> None:
    """vidrts deinterlaces before the filters; filters for fields get them, and what they leave is deinterlaced."""
    fields = tmp_path / "fields.mkv"
    ffmpeg("-i", film, "-vf", "setfield=tff", "-flags", "+ildct", "-c:v", "ffv1", fields)
    bwdif = "bwdif=mode=send_frame:deint=interlaced"
    for given, truth, told in (
        ("hflip", f"{bwdif},hflip", True),
        ("bwdif=mode=send_frame", bwdif, False),
        ("yadif,hflip", "yadif,hflip", False),
        ("setfield=bff,hflip", f"setfield=bff,hflip,{bwdif}", True),
    ):
        info, frames, lines = filtered(fields, given)
        assert samples(frames) == by_ffmpeg(fields, truth), given
        assert info.field_order == "progressive"
        assert [line.code for line in lines] == [Code.DEINTERLACED] * told
    info, frames, _ = filtered(fields, "setfield=bff", interlaced="keep")
    assert info.field_order == "bff" and frames[3].field_order == "bff"
    assert filtered(fields, "bwdif=mode=send_frame", interlaced="error")[0].field_order == "progressive"
    with pytest.raises(InputError, match="--interlaced error"):
        filtered(fields, "hflip", interlaced="error")


def test_a_ratio_that_changes_within_the_film(film: Path, tmp_path: Path) -> None:
    parts = b""
    for ratio in ("4/3", "2/1"):
        path = tmp_path / "part.ts"
        ffmpeg("-y", "-i", film, "-an", "-vf", f"setsar={ratio}", "-c:v", "libx264", "-bsf:v", "dump_extra", path)
        parts += path.read_bytes()
    (tmp_path / "both.ts").write_bytes(parts)
    _, frames, _ = filtered(tmp_path / "both.ts", "scale=32:48")
    assert list(dict.fromkeys(frame.sar for frame in frames)) == [Fraction(8, 3), Fraction(4)]


def test_relative_paths(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 - r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    Path("negative.cube").write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    _, plain, _ = filtered(film, "format=gbrp")
    _, frames, _ = filtered(film, "format=gbrp,lut3d=negative.cube")
    assert int((frames[0].planes[0].int() + plain[0].planes[0].int() - 255).abs().max()) <= 1
    assert torch.equal(frames[0].planes[1], plain[0].planes[1])


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ("nlmeens", "unknown filter nlmeens; did you mean nlmeans?"),
        ("hflip,hqdn3d=4", "-vf hqdn3d=4: PyAV's FFmpeg has no filter hqdn3d; nlmeans"),
        ("fps=50", "-vf fps=50: fps changes the number, order or times"),
        ("select=eq(n\\,3)", "select changes"),
        ("trim=end=1", "-ss, -to, -t and -frames:v cut"),
        ("scale_cuda=64:64", "works on a GPU's frames"),
        ("hwupload", "works on a GPU's frames"),
        ("volume=2", "volume filters sound"),
        ("buffersink", "buffersink is an end of a graph"),
        ("unsharp=foo=1", "-vf unsharp=foo=1: No such option: foo"),
        ("format=nosuch", "Invalid pixel format 'nosuch'"),
        ("lut3d=nosuch.cube", "nosuch.cube: No such file"),
        ("sws_flags=bicubic;hflip", "flags"),
        (",", "expected a filter's name"),
    ],
)
def test_what_can_be_refused_without_a_film(filters: str, says: str) -> None:
    with pytest.raises(OptionError) as caught:
        DecodeOptions(filters=filters)
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ("crop=500:10", "Invalid too big or non positive size for width '500' or height '10'"),
        ("crop=(", "Error when evaluating the expression '('"),
        ("bwdif", "a deinterlacer needs mode=send_frame"),
        ("estdif", "mode=frame"),
        ("split", "one free input and one free output, got 1 and 2"),
        ("[a]hflip[b];[b][c]hstack", "got 2 and 1"),
        ("[a][b]hflip", "hflip has 1 inputs, got 2 labels"),
        ("split[a][a];[a]hflip", "label [a] is used twice"),
        ("scale=w=32+2*n:h=48:eval=frame", "changes the picture from 34x48 yuv420p to 36x48 yuv420p at 0.040 s"),
        ("format=pal8", "pixel format pal8 is not supported"),
        ("movie=nosuch.png[l];[in][l]overlay", "nosuch.png"),
    ],
)
def test_what_a_film_shows(filters: str, says: str, film: Path) -> None:
    with pytest.raises(VidrtsError) as caught:
        filtered(film, filters)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_frames_that_are_left_out_unforeseen(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that no list names is caught by its frames' times."""
    monkeypatch.setattr("vidrts.media.read.filter_check._RETIMING", set())
    for filters, says in (
        ("select=not(mod(n\\,2))", "got 0.080 s for the frame at 0.040 s"),
        ("trim=end_frame=5", "3 frame(s) did not come out at the end"),
        ("loop=loop=1:size=2:start=0", "expected one frame"),
        ("setpts=2*PTS", "got 0.080 s for the frame at 0.040 s"),
        ("tpad=stop=2", "more frames come out than go in"),
        ("minterpolate=fps=50", "expected one frame"),
    ):
        with pytest.raises(OptionError) as caught:
            filtered(film, filters)
        assert says in str(caught.value), filters
