"""-metadata, -b:a and -movflags in files; the truth is ffprobe, and ffmpeg with the same options."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.media_truth import coded, describe, relay
from helpers.pipe_ends import ffmpeg

from vidrts.errors import OptionError
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48", "-f", "lavfi", "-i", "sine", "-f", "lavfi", "-i", "sine=880"),
        *("-map", 0, "-map", 1, "-map", 2, "-t", "0.5", "-c:v", "ffv1", "-c:a", "flac"),
        *("-metadata", "title=Old", "-metadata", "artist=A", "-metadata:s:a:0", "language=eng"),
        *("-metadata:s:a:1", "title=Second", path),
    )
    return path


GIVEN: dict[str, dict[str, Any]] = {
    "metadata": {"TITLE": "New: ä=1", "artist": "", "comment": "c"},
    "stream_metadata": {
        "s:a:0": {"language": "deu", "title": "Ton"}, "s:a:1": {"title": ""}, "s:v": {"title": "Bild"},
        "s:2": {"x": "y"},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_tags_are_those_of_ffmpeg(name: str, film: Path, tmp_path: Path) -> None:
    lines = relay(film, tmp_path / name, encode=EncodeOptions(**GIVEN))
    truth = tmp_path / f"truth{Path(name).suffix}"
    given = [("-metadata", GIVEN["metadata"])]
    given += [(f"-metadata:{spec}", pairs) for spec, pairs in GIVEN["stream_metadata"].items()]
    words = [word for option, pairs in given for k, v in pairs.items() for word in (option, f"{k}={v}")]
    ffmpeg("-i", film, "-map", "0", *words, "-c:a", "copy", "-strict", "-2", "-c:v", "libx264", truth)
    mine, theirs = describe(tmp_path / name), describe(truth)
    assert mine.metadata == theirs.metadata
    assert [s.metadata for s in mine.streams] == [s.metadata for s in theirs.streams]
    lost = [(Code.STREAM_METADATA_LOST, {"container": "mp4", "keys": "x"})]
    assert coded(lines) == (lost if name == "out.mp4" else [])


def test_what_ts_has_no_place_for_is_told(film: Path, tmp_path: Path) -> None:
    """It keeps the service's name, which the title is where no other is given, and its provider."""
    kept = {"service_name": "N", "service_provider": "P"}
    for given, lost, read in (
        ({"title": "T", "comment": "c", "x": "y"}, {"comment", "x"}, {"service_name": "T"}),
        ({**kept, "title": "T", "date": "2020"}, {"title", "date"}, kept),
    ):
        out = tmp_path / "out.ts"
        options = EncodeOptions(metadata=given, overwrite=True, audio=False)
        lines = relay(film, out, encode=options)
        keys = [line.values["keys"].split(", ") for line in lines if line.code == Code.METADATA_LOST]
        assert {key for each in keys for key in each} - {"ARTIST"} == lost
        probe = ["ffprobe", "-v", "error", "-show_entries", "program_tags", "-of", "json", out]
        (program,) = json.loads(subprocess.run(probe, capture_output=True, text=True, check=True).stdout)["programs"]
        assert read.items() <= program["tags"].items()
        assert not {"comment", "x", "date", "title"} & program["tags"].keys()


def test_a_stream_that_is_not_there(film: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"-metadata:s:a:2: the output has no such stream; it has 1 video, 2 audio"):
        relay(film, tmp_path / "out.mkv", encode=EncodeOptions(stream_metadata={"s:a:2": {"a": "b"}}))
    assert not list(tmp_path.iterdir())


def test_the_bit_rate_of_sound(film: Path, tmp_path: Path) -> None:
    options = EncodeOptions(audio_codec="ac3", audio_bit_rate=192_000)
    assert not relay(film, tmp_path / "out.mkv", encode=options)
    probe = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=bit_rate", "-of", "csv=p=0"]
    told = subprocess.run([*probe, tmp_path / "out.mkv"], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["192000", "192000"]
    lines = relay(film, tmp_path / "copied.mkv", encode=EncodeOptions(audio_bit_rate=192_000))
    assert [line.values["index"] for line in lines if line.code == Code.AUDIO_RATE_UNUSED] == [1, 2]
    with pytest.raises(OptionError, match="-b:a: not supported by flac, which is lossless"):
        relay(film, tmp_path / "no.mkv", encode=EncodeOptions(audio_codec="flac", audio_bit_rate=192_000))
    with pytest.raises(OptionError, match="-b:a: sound that is copied"):
        EncodeOptions(audio_codec="copy", audio_bit_rate=192_000)


def test_flags_of_the_muxer(film: Path, tmp_path: Path) -> None:
    lines = relay(film, tmp_path / "out.mkv", encode=EncodeOptions(muxer_flags="+faststart"))
    assert coded(lines) == [(Code.MOVFLAGS_UNUSED, {"container": "mkv"})]
    for flags, says in (("faststrat", "did you mean faststart?"), ("fast start", "expected flags such as")):
        with pytest.raises(OptionError, match=f"-movflags {flags}: .*{says}".replace("?", "[?]")):
            EncodeOptions(muxer_flags=flags)
