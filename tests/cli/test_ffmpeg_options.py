"""Options as they are written for FFmpeg: other names, and sentences for those that vidrts has not."""

from typing import Any

import click
import pytest

from vidrts.cli import run
from vidrts.cli.enhance import enhance


def parsed(line: str) -> dict[str, Any]:
    return enhance.make_context("enhance", line.split()).params


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("-vcodec libx265 a b", "video_codec", "libx265"),
        ("-codec:v libx265 a b", "video_codec", "libx265"),
        ("-c:v:0 libx265 a b", "video_codec", "libx265"),
        ("-vcodec=ffv1 a b", "video_codec", "ffv1"),
        ("-acodec aac a b", "audio_codec", "aac"),
        ("-codec:a flac a b", "audio_codec", "flac"),
        ("-filter:v hflip a b", "filters", "hflip"),
        ("-filter:v:0 hflip a b", "filters", "hflip"),
        ("-crf:v 20 a b", "crf", 20),
        ("-vb 2M a b", "bit_rate", 2_000_000),
        ("-preset -an a b", "preset", "-an"),
        ("-vframes 3 a b", "frames", 3),
        ("-frames 3 a b", "frames", 3),
        ("-ab 96k a b", "audio_bit_rate", 96_000),
        ("-metadata title= a b", "metadata", (("", "title", ""),)),
        ("-metadata:g a=b=c a b", "metadata", (("", "a", "b=c"),)),
        ("-metadata:s:a:0 a=b -metadata:s=x=y a b", "metadata", (("s:a:0", "a", "b"), ("s", "x", "y"))),
        ("a -- -an", "paths", ("a", "-an")),
    ],
)
def test_other_names(line: str, name: str, value: object) -> None:
    assert parsed(line)[name] == value


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-map 0:v", "--stream"), ("-filter_complex x", "-vf"), ("-an", "--no-audio"), ("-sn", "--no-subtitles"),
        ("-r 30", "every frame is kept"), ("-r:v 30", "every frame is kept"), ("-vsync 0", "every frame is kept"),
        ("-c copy", "-c:a"), ("-c:s copy", "subtitles are copied"), ("-c:a:0 aac", "all sound alike"),
        ("-q:v 3", "-crf"), ("-qscale:v 3", "-crf"), ("-s 1280x720", "-vf scale="), ("-threads 4", "--threads"),
        ("-hwaccel cuda", "--hwaccel"), ("-loglevel error", "-q"), ("-v error", "-q"),
        ("-af volume=2", "-c:v copy -af"),
        ("-x264-params a=1", "-e x264-params=VALUE"), ("-profile:v high", "-e profile=VALUE"), ("-g 25", "-e g=VALUE"),
        ("-tag:v hvc1", "hvc1"), ("-bsf:v x", "-bsf"), ("-map_metadata -1", "-metadata"),
    ],
)  # fmt: skip
def test_what_to_use_instead(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["enhance", *line.split(), "in.mkv", "out.mkv"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    option = line.split()[0]
    before, _, sentence = told.partition(": ")[2].partition(": ")
    assert before.split()[0] == option and says in sentence


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-metadata title", "expected KEY=VALUE"), ("-metadata:c:0 a=b", "expected -metadata, -metadata:s:v"),
        ("-frames:v 0", "-frames:v"), ("-movflags faststrat", "did you mean faststart?"),
        ("-c:a copy -b:a 96k", "sound that is copied"), ("-vf nlmeens", "did you mean nlmeans?"),
    ],
)  # fmt: skip
def test_values_are_checked_before_anything_is_opened(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["enhance", *line.split(), "in.mkv", "out.mkv"]) == 2
    assert says in capsys.readouterr().err


def test_what_is_no_option_of_either() -> None:
    with pytest.raises(click.NoSuchOption):
        parsed("-nosuch 3 a b")
