"""What a container cannot hold is told in one line for each kind; what it can hold is there."""

import subprocess
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay

from vidrts.errors import OutputError
from vidrts.media import EncodeOptions, Source, Target
from vidrts.media.languages import same, written

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
    assert [line for line in relay(named, tmp_path / "out.ts", encode=FAST) if "ts " in line] == [
        "subtitle stream 3 (subrip) is left out: ts cannot hold it",
        "ts does not hold 2 chapters: lost",
        "ts does not hold metadata ALBUM_ARTIST, ARTIST, SORT_NAME: lost",
        "ts does not hold the title of stream 0, 2: lost",
        "ts does not hold the disposition comment of stream 2: lost",
    ]
    told = describe(tmp_path / "out.ts")
    assert [s.metadata.get("language") for s in told.streams] == [None, "deu", "swe"]
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_programs", tmp_path / "out.ts"], capture_output=True)
    assert b"service_name=Film" in shown.stdout


def test_mp4_holds_names_of_tracks(named: Path, tmp_path: Path) -> None:
    lines = relay(named, tmp_path / "out.mp4", encode=FAST)
    assert lines == ["subtitle stream 3 (subrip) is converted to mov_text: mp4 cannot hold it"]
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
    assert relay(named, tmp_path / "out.mov", encode=FAST) == [
        "subtitle stream 3 (subrip) is converted to mov_text: mov cannot hold it",
        "mov does not hold the language swe of stream 2: lost",
        "mov does not hold the disposition comment of stream 2: lost",
        "mov does not hold the disposition forced of stream 3: lost",
        "mov does not hold the disposition hearing_impaired of stream 3: lost",
    ]
    told = describe(tmp_path / "out.mov")
    assert [s.metadata.get("language") for s in told.streams[1:4]] == ["ger", None, "fra"]
    assert {"title": "Film", "album_artist": "others", "sort_name": "film, the"}.items() <= told.metadata.items()


def test_webm_keeps_all_but_a_purpose(named: Path, tmp_path: Path) -> None:
    lines = relay(named, tmp_path / "out.webm", encode=EncodeOptions(preset="12"))
    assert [line for line in lines if "lost" in line] == [
        "webm does not hold the disposition comment of stream 2: lost",
        "webm does not hold the disposition hearing_impaired of stream 3: lost",
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
    assert relay(named, tmp_path / "out.mkv", encode=options) == [
        "--audio jpn: no audio stream has that language; there are: deu, swe",
        "--subtitles eng,jpn: no subtitle stream has that language; there are: fre",
    ]
    assert [s.metadata.get("language") for s in describe(tmp_path / "out.mkv").streams] == [None, "deu"]
    with Source(named) as source, pytest.raises(OutputError, match="no track has the language jpn; there are deu, swe"):
        Target(tmp_path / "none.mkv", source.input, EncodeOptions(audio_languages=("jpn",)))


def test_two_codes_for_one_language() -> None:
    assert same("ger", "DEU")
    assert same("zho", "chi")
    assert not same("ger", "gre")
    assert (written("deu", "mov"), written("fre", "mov"), written("eng", "mov")) == ("ger", "fra", "eng")
    assert (written("deu", "mp4"), written("de-DE", "mp4"), written("de-DE", "matroska")) == ("deu", None, "de-DE")
