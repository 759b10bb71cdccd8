"""Options are checked when they are made: a wrong type or value is one line that names the option and what it takes."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidrts import EnhanceOptions
from vidrts.cli import run
from vidrts.errors import OptionError
from vidrts.frame import ColorTags
from vidrts.media.pipes import raw_header
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.picture.options import EnhancerOptions

NAN, INFINITE = float("nan"), float("inf")
WRONG: list[tuple[type, str, list[Any]]] = [
    (EncodeOptions, "video_codec", ["", 7, ["libx264"], b"libx264"]),
    (EncodeOptions, "audio_codec", ["", 7, ("aac",)]),
    (EncodeOptions, "crf", ["abc", "18", NAN, INFINITE, -1, True, [18], Fraction(37, 2)]),
    (EncodeOptions, "bit_rate", ["2M", 0, -1, 2.5e6, True, NAN]),
    (EncodeOptions, "preset", [8, "", ["slow"]]),
    (EncodeOptions, "tune", [8, ""]),
    (EncodeOptions, "pixel_format", [8, "", ["yuv420p"]]),
    (EncodeOptions, "threads", [-3, 2.5, "4", 257, True, None]),
    (EncodeOptions, "options", [None, "aq-mode=3", [("aq-mode", "3")], {"aq-mode": 3}, {3: "aq-mode"}]),
    (EncodeOptions, "metadata", [None, "title=x", {"title": 1}]),
    (EncodeOptions, "audio", [None, "no", 1]),
    (EncodeOptions, "subtitles", [None, "no", 0]),
    (EncodeOptions, "overwrite", [None, "yes", 1]),
    (EncodeOptions, "own_only", [None, 1]),
    (EncodeOptions, "low_latency", [None, 1]),
    (EncodeOptions, "audio_languages", ["eng", [1], {"eng"}]),
    (EncodeOptions, "subtitle_languages", ["eng", 3]),
    (EncodeOptions, "format", ["nonsense", "mkv", 1, ["y4m"], ""]),
    (DecodeOptions, "stream", [0, "", "first", "v:", "v:x", ["0"]]),
    (DecodeOptions, "start", ["1:00", 1.5, NAN, [1]]),
    (DecodeOptions, "end", ["1:00", 1.5, INFINITE, 0, -1]),
    (DecodeOptions, "interlaced", ["yes", None, True, ["auto"]]),
    (DecodeOptions, "threads", [-1, 2.5, "2", None]),
    (DecodeOptions, "strict", [None, "yes", 1]),
    (DecodeOptions, "color", [None, "bt709", 9]),
    (DecodeOptions, "raw", ["64x48:yuv420p@25", 3]),
    (DecodeOptions, "hwaccel", [None, 0, "gpu", "cuda:", ["cuda"]]),
    (DecodeOptions, "low_latency", [None, 1]),
    (DecodeOptions, "filters", ["", 1, ["crop"]]),
    (DecodeOptions, "frames", [0, -1, 2.5, "3", True]),
    (EncodeOptions, "audio_bit_rate", ["96k", 0, -1, 2.5, True]),
    (EncodeOptions, "stream_metadata", [None, "s:a:0", {"a:0": {}}, {"s:a:0": "title=x"}, {"s:x": {}}]),
    (EncodeOptions, "muxer_flags", ["", 1, ["faststart"]]),
    (EnhanceOptions, "model", [None, 3, Path("rts-lite"), ["rts-lite"]]),
    (EnhanceOptions, "picture", [None, {}, {"strength": 1}, EncodeOptions()]),
    (EnhanceOptions, "decode", [None, {}, EncodeOptions()]),
    (EnhanceOptions, "encode", [None, {}, DecodeOptions()]),
    (EnhanceOptions, "in_flight", [0, 257, 4.0, "4", True, None]),
    (EnhanceOptions, "workers", [-1, 65, 2.0, "2", True, None]),
    (EnhancerOptions, "strength", ["1", NAN, INFINITE, 3, None, True]),
    (EnhancerOptions, "device", [None, 0]),
]


@pytest.mark.parametrize(
    ("kind", "name", "value"), [(kind, name, value) for kind, name, values in WRONG for value in values]
)
def test_a_wrong_value(kind: type, name: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        kind(**{name: value})
    text = str(caught.value)
    assert text.startswith(f"{name}: expected ")
    assert text.endswith(f", got {value!r}")
    assert "\n" not in text


def test_every_option_is_checked() -> None:
    """An object of no use is refused by each; a new option needs a check."""
    for kind in (EncodeOptions, DecodeOptions, EnhanceOptions, EnhancerOptions):
        for name in kind.__dataclass_fields__:
            with pytest.raises(OptionError, match=f"^{name}: expected "):
                kind(**{name: object()})


@pytest.mark.parametrize("value", ["bt709", 1.0, None, -1, True, 256])
def test_a_colour_tag_that_is_no_number(value: Any) -> None:
    with pytest.raises(OptionError, match=r"^color.matrix: expected "):
        DecodeOptions(color=ColorTags(matrix=value))


def test_contradictions() -> None:
    with pytest.raises(OptionError, match="crf 18 and bit_rate 1000000 are mutually exclusive"):
        EncodeOptions(crf=18, bit_rate=1_000_000)
    with pytest.raises(OptionError, match="end: expected a time after the start at 2 s"):
        DecodeOptions(start=Fraction(2), end=Fraction(2))


def test_right_values_of_all_kinds() -> None:
    encode = EncodeOptions(
        video_codec="libx264", audio_codec="copy", crf=0, preset="slow", tune="film", pixel_format="yuv420p",
        threads=256, options={"aq-mode": "3"}, audio=False, subtitles=False, audio_languages=("eng",),
        subtitle_languages=("deu", "fra"), overwrite=True, metadata={"title": ""}, format="y4m", low_latency=True,
    )  # fmt: skip
    assert (encode.crf, encode.threads, encode.options, encode.audio_languages) == (0, 256, {"aq-mode": "3"}, ("eng",))
    numbers = EncodeOptions(crf=18.5, threads=np.int64(2), format="matroska", audio_languages=())  # type: ignore[arg-type]
    assert (numbers.crf, numbers.threads, numbers.audio_languages) == (18.5, 2, ())
    assert EncodeOptions(crf=np.float32(18.5)).crf == 18.5  # type: ignore[arg-type]
    assert EncodeOptions(bit_rate=1).bit_rate == 1
    decode = DecodeOptions(stream="v:1", start=Fraction(1, 3), end=Fraction(2), interlaced="keep", hwaccel="cuda:1")
    assert (decode.stream, decode.start, decode.end, decode.hwaccel) == ("v:1", Fraction(1, 3), 2, "cuda:1")
    bare = DecodeOptions(stream="0", start=1, end=2, raw=raw_header.parse("64x48:yuv420p@25"))  # type: ignore[arg-type]
    assert (bare.start, bare.end) == (1, 2) and bare.raw is not None
    tags = ColorTags(matrix=9, range=1, transfer=16, primaries=9, siting=3)
    assert DecodeOptions(color=tags).color == tags


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("-crf nan", "crf: expected a number"),
        ("-preset ''", "preset: expected"),
        ("-c:v nosuch", "-c:v nosuch: unknown video encoder"),
        ("-c:v aac", "-c:v aac: unknown video encoder"),
        ("-c:a nosuch", "-c:a nosuch: unknown audio encoder"),
        ("-c:a libx264", "-c:a libx264: unknown audio encoder"),
        ("-c:v prores out.webm", "-c:v prores: not supported in webm"),
        ("out.xyz", "unknown container .xyz"),
        ("out", "unknown container (no file extension)"),
    ],
)
def test_wrong_usage_has_exit_code_2(
    words: str, says: str, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As README says; the source has no audio."""
    source = tmp_path / "in.y4m"
    source.write_bytes(b"YUV4MPEG2 W64 H48 F25:1 C420\n" + 2 * (b"FRAME\n" + bytes(64 * 48 * 3 // 2)))
    given = [word.strip("'") for word in words.split()]
    target = given.pop() if given[-1].startswith("out") else "out.mkv"
    picture = ["--device", "cpu", "--model", str(tiny_model)]
    assert run(["enhance", *picture, *given, str(source), str(tmp_path / target)]) == 2
    assert says in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.y4m"]
