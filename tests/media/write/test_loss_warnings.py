"""What a container cannot hold is told in one line for each kind; what it can hold is there."""

import subprocess
from pathlib import Path

import av
import pytest
from helpers.media_truth import coded, describe, relay

from vidrts.errors import OutputError
from vidrts.media.languages import same, written
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code

FAST = EncodeOptions(preset="ultrafast")


@pytest.fixture(scope="module")
def named(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short Matroska file with chapters, names of tracks, languages and dispositions."""
    folder = tmp_path_factory.mktemp("named")
    (folder / "meta.txt").write_text(
        ";FFMETADATA1\ntitle=Film\nartist=someone\nalbum_artist=others\nsort_name=film, the\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=two\n"
    )
    command = (
        "-map 0:v -map 0:a -map 0:a -map 0:s -map_metadata 1 -map_metadata:s:s -1 -t 0.4 -c copy "
        "-metadata:s:v title=Main -metadata:s:a:0 language=deu "
        "-metadata:s:a:1 language=swe -metadata:s:a:1 title=Director -disposition:a:1 comment "
        "-disposition:s:0 forced+hearing_impaired -metadata:s:s:0 language=fre -default_mode passthrough"
    ).split()
    clip = clips / "androidx_media__sample_with_srt.mkv"
    inputs = ["-i", clip, "-i", folder / "meta.txt"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *inputs, *command, folder / "in.mkv"], check=True)
    return folder / "in.mkv"


def tracks(path: Path) -> list[dict[str, str]]:
    """The metadata of each stream as the library reads it; Debian's ffprobe does not know mp4's names of tracks."""
    with av.open(path) as container:
        return [dict(stream.metadata) for stream in container.streams]


def test_a_transport_stream(named: Path, tmp_path: Path) -> None:
    lines = relay(named, tmp_path / "out.ts", encode=FAST)
    assert coded(line for line in lines if line.values.get("container") == "ts") == [
        (Code.STREAM_LEFT_OUT, {"type": "subtitle", "index": 3, "codec": "subrip", "container": "ts"}),
        (Code.CHAPTERS_LOST, {"container": "ts", "count": 2}),
        (Code.METADATA_LOST, {"container": "ts", "keys": "ALBUM_ARTIST, ARTIST, SORT_NAME"}),
        (Code.TITLES_LOST, {"container": "ts", "streams": "0, 2"}),
        (Code.DISPOSITION_LOST, {"container": "ts", "disposition": "comment", "streams": "2"}),
    ]
    told = describe(tmp_path / "out.ts")
    assert [s.metadata.get("language") for s in told.streams] == [None, "deu", "swe"]
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_programs", tmp_path / "out.ts"], capture_output=True)
    assert b"service_name=Film" in shown.stdout


@pytest.mark.parametrize(
    ("words", "name", "lost"),
    [
        ("title=" + "x" * 246, "out.ts", False),
        ("title=" + "x" * 247, "out.ts", True),
        ("title=" + "\u3042" * 81, "out.ts", False),
        ("title=" + "\u3042" * 82, "out.m2ts", True),
        ("service_provider=" + "x" * 200, "out.ts", False),
        ("service_provider=" + "x" * 253, "out.ts", True),
        ("title=" + "x" * 3000, "out.mp4", False),
    ],
)
def test_names_that_are_too_long_for_a_transport_stream(tmp_path: Path, words: str, name: str, lost: bool) -> None:
    """Its descriptor has 255 bytes; its muxer took still longer ones for a lack of memory."""
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x48:d=0.1", "-c:v", "mpeg4", "-metadata", words]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *picture, tmp_path / "in.mkv"], check=True)
    lines = relay(tmp_path / "in.mkv", tmp_path / name, encode=FAST)
    key, value = words.split("=")
    told = [line.values["keys"].lower() for line in lines if line.code is Code.METADATA_LOST]
    assert told == ([key] if lost else [])
    shown = ["ffprobe", "-v", "error", "-show_programs", "-show_format", tmp_path / name]
    assert (value in subprocess.run(shown, capture_output=True, text=True, check=True).stdout) == (not lost)


def test_mp4_holds_names_of_tracks(named: Path, tmp_path: Path) -> None:
    lines = relay(named, tmp_path / "out.mp4", encode=FAST)
    subtitle = {"type": "subtitle", "index": 3, "codec": "subrip", "container": "mp4", "encoder": "mov_text"}
    assert coded(lines) == [(Code.SUBTITLE_CONVERTED, subtitle)]
    made = tracks(tmp_path / "out.mp4")
    assert [track.get("name") for track in made[:3]] == ["Main", None, "Director"]
    assert [track["language"] for track in made[1:4]] == ["deu", "swe", "fre"]
    told = describe(tmp_path / "out.mp4")
    assert {"forced", "hearing_impaired"} <= told.streams[3].dispositions
    assert told.metadata["sort_name"] == "film, the"
    # and back again: the name is a title, not a tag that nobody reads
    relay(tmp_path / "out.mp4", tmp_path / "back.mkv", encode=FAST)
    back = describe(tmp_path / "back.mkv")
    assert [s.metadata.get("title") for s in back.streams[:3]] == ["Main", None, "Director"]
    relay(tmp_path / "out.mp4", tmp_path / "again.mp4", encode=FAST)
    assert [track.get("name") for track in tracks(tmp_path / "again.mp4")[:3]] == ["Main", None, "Director"]


def test_mov_says_what_it_cannot_hold(named: Path, tmp_path: Path) -> None:
    subtitle = {"type": "subtitle", "index": 3, "codec": "subrip", "container": "mov", "encoder": "mov_text"}
    assert coded(relay(named, tmp_path / "out.mov", encode=FAST)) == [
        (Code.SUBTITLE_CONVERTED, subtitle),
        (Code.LANGUAGE_LOST, {"container": "mov", "language": "swe", "stream": 2}),
        (Code.DISPOSITION_LOST, {"container": "mov", "disposition": "comment", "streams": "2"}),
        (Code.DISPOSITION_LOST, {"container": "mov", "disposition": "forced", "streams": "3"}),
        (Code.DISPOSITION_LOST, {"container": "mov", "disposition": "hearing_impaired", "streams": "3"}),
    ]
    told = describe(tmp_path / "out.mov")
    assert [s.metadata.get("language") for s in told.streams[1:4]] == ["ger", None, "fra"]
    assert {"title": "Film", "album_artist": "others", "sort_name": "film, the"}.items() <= told.metadata.items()


def test_webm_keeps_all_but_a_purpose(named: Path, tmp_path: Path) -> None:
    lines = relay(named, tmp_path / "out.webm", encode=EncodeOptions(preset="12"))
    converted = (Code.AUDIO_CONVERTED, Code.SUBTITLE_CONVERTED)
    assert coded(line for line in lines if line.code not in converted) == [
        (Code.DISPOSITION_LOST, {"container": "webm", "disposition": "comment", "streams": "2"}),
        (Code.DISPOSITION_LOST, {"container": "webm", "disposition": "hearing_impaired", "streams": "3"}),
    ]
    told = describe(tmp_path / "out.webm")
    assert [s.metadata.get("title") for s in told.streams[:3]] == ["Main", None, "Director"]
    assert "forced" in told.streams[3].dispositions
    assert len(told.chapters) == 2


def test_a_creation_time_survives_two_generations(clips: Path, tmp_path: Path) -> None:
    """FFmpeg reads it twice from a file with unusual keys, as one value."""
    when = {"creation_time": "2020-01-02T03:04:05.000000Z", "mood": "calm"}
    clip = clips / "androidx_media__bt601.mov"
    relay(clip, tmp_path / "1.mp4", encode=EncodeOptions(preset="ultrafast", metadata=when))
    relay(tmp_path / "1.mp4", tmp_path / "2.mkv", encode=FAST)
    assert describe(tmp_path / "2.mkv").metadata["creation_time"] == when["creation_time"]


def test_languages_that_nothing_has(named: Path, tmp_path: Path) -> None:
    options = EncodeOptions(preset="ultrafast", audio_languages=("ger", "jpn"), subtitle_languages=("eng", "jpn"))
    missing = Code.LANGUAGE_MISSING
    assert coded(relay(named, tmp_path / "out.mkv", encode=options)) == [
        (missing, {"option": "--audio", "missing": "jpn", "type": "audio", "languages": "deu, swe"}),
        (missing, {"option": "--subtitles", "missing": "eng,jpn", "type": "subtitle", "languages": "fre"}),
    ]
    assert [s.metadata.get("language") for s in describe(tmp_path / "out.mkv").streams] == [None, "deu"]
    with Source(named) as source, pytest.raises(OutputError, match=r"jpn.* deu, swe"):
        Target(tmp_path / "none.mkv", source.input, EncodeOptions(audio_languages=("jpn",)))


def test_two_codes_for_one_language() -> None:
    assert same("ger", "DEU")
    assert same("zho", "chi")
    assert not same("ger", "gre")
    assert (written("deu", "mov"), written("fre", "mov"), written("eng", "mov")) == ("ger", "fra", "eng")
    assert (written("deu", "mp4"), written("de-DE", "mp4"), written("de-DE", "matroska")) == ("deu", None, "de-DE")
