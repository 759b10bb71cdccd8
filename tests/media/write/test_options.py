"""Wrong options and names: each is told in a line that says what would be right, before any frame is processed."""

from pathlib import Path

import av
import pytest
from helpers.http_server import Served, serving
from helpers.media_truth import compare, relay

from vidrts.cli import run
from vidrts.errors import InputError, OptionError, OutputError, VidrtsError
from vidrts.media.read.source import Source
from vidrts.media.write.encoder_options import NAMED_VALUES
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target


@pytest.mark.parametrize(
    ("name", "kind", "says", "options"),
    [
        ("o.mp4", OptionError, "-preset warp: expected one of ultrafast, superfast", {"preset": "warp"}),
        ("o.mp4", OptionError, "-e preset=warp: expected one of ultrafast, superfast", {"options": {"preset": "warp"}}),
        ("o.mp4", OptionError, "-tune film,x: expected one of film, animation", {"tune": "film,x"}),
        ("o.mp4", OptionError, "-tune film: expected one of psnr", {"tune": "film", "video_codec": "libx265"}),
        ("o.mp4", OptionError, "-preset Slow: expected one of ultrafast", {"preset": "Slow", "video_codec": "libx265"}),
        ("o.mp4", OptionError, "-preset slow: expected a number from -2 to 13 for libsvtav1",
         {"preset": "slow", "video_codec": "av1"}),
        ("o.mp4", OptionError, "-tune: not supported by libsvtav1; -e svtav1-params",
         {"tune": "1", "video_codec": "av1"}),
        ("o.webm", OptionError, "-preset: not supported by libvpx-vp9; -e cpu-used",
         {"preset": "slow", "video_codec": "vp9"}),
        ("o.mp4", OptionError, "-preset warp: expected one of slow",
         {"preset": "warp", "video_codec": "hevc_nvenc"}),
        ("o.mp4", OutputError, "NVENC needs an NVIDIA GPU", {"video_codec": "hevc_nvenc"}),
        ("o.mp4", OptionError, "-crf 99: expected a number from 0 to 51 for libx264", {"crf": 99.0}),
        ("o.mp4", OptionError, "-crf 20.5: expected an integer from 0 to 63 for libsvtav1",
         {"crf": 20.5, "video_codec": "av1"}),
        ("o.mkv", OptionError, "-b:v: not supported by ffv1", {"bit_rate": 5_000_000, "video_codec": "ffv1"}),
        ("o.mkv", OptionError, "-crf and -e crf=30 set the same", {"crf": 20.0, "options": {"crf": "30"}}),
        ("o.mkv", OptionError, "-b:v and -e b=2M set the same", {"bit_rate": 1_000_000, "options": {"b": "2M"}}),
        ("o.mkv", OptionError, "-crf and -e b=2M are mutually exclusive", {"crf": 20.0, "options": {"b": "2M"}}),
        ("o.mkv", OptionError, "-e g=abc: expected an integer for libx264", {"options": {"g": "abc"}}),
        ("o.mkv", OptionError, "-e g=99999999999: expected an integer from -2147483648 to 2147483647 for ffv1",
         {"options": {"slicecrc": "1", "g": "99999999999"}, "video_codec": "ffv1"}),
        ("o.mkv", OptionError, "-e crf=abc: expected a number for libx265",
         {"options": {"x265-params": "keyint=5", "crf": "abc"}, "video_codec": "libx265"}),
        ("o.mp4", OptionError, "-e crf=99: expected an integer from 0 to 63 for libsvtav1",
         {"options": {"crf": "99"}, "video_codec": "libsvtav1"}),
        ("o.webm", OptionError, "-e deadline=nope: expected one of best, good, realtime for libvpx-vp9",
         {"options": {"deadline": "nope"}, "video_codec": "vp9"}),
        ("o.mkv", OptionError, "-e slices=7: refused by ffv1: Unsupported number 7",
         {"options": {"slices": "7"}, "video_codec": "ffv1"}),
        ("o.mov", OutputError, "use -pix_fmt yuv422p10le to convert", {"video_codec": "prores"}),
        ("o.mov", OptionError, "-preset: not supported by prores_ks; -e profile=",
         {"video_codec": "prores", "pixel_format": "yuv422p10le",
                                                         "preset": "hq"}),
        ("o.mov", OptionError, "-c:v libsvtav1: not supported in mov; use .mp4", {"video_codec": "libsvtav1"}),
        ("o.webm", OptionError, "-c:v libx264: not supported in webm; expected av1", {"video_codec": "libx264"}),
        ("o.mp4", OptionError, "-c:a nosuch: unknown audio encoder; expected one of aac", {"audio_codec": "nosuch"}),
        ("o.mp4", OptionError, "-c:a libx264: unknown audio encoder", {"audio_codec": "libx264"}),
        ("http://host/o.mp4", OutputError, "URL", {}),
    ],
)  # fmt: skip
def test_an_option_that_is_wrong(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str,
    kind: type[VidrtsError], says: str, options: dict[str, object],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with Source(clips / "androidx_media__bt601.mov") as source, pytest.raises(kind) as caught:
        Target(name, source.input, EncodeOptions(**options))  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(name) <= 1
    assert capfd.readouterr().err == "", "no library speaks for itself"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_every_name_that_is_offered_is_taken(encoder: str) -> None:
    for key in ("preset", "tune"):
        for value in NAMED_VALUES[encoder, key]:
            context = av.Codec(encoder, "w").create("video")
            context.width = context.height = 64
            context.pix_fmt, context.time_base, context.framerate = "yuv420p", 1, 1  # type: ignore[attr-defined]
            context.options = {key: value} | ({"x265-params": "log-level=none"} if encoder == "libx265" else {})
            context.open()
            assert context.is_open and not context.options, f"{encoder} did not take {key} {value}"


def test_two_ways_of_naming_a_preset(clips: Path, tmp_path: Path) -> None:
    with Source(clips / "androidx_media__bt601.mov") as source:
        for options in ({"preset": "0"}, {"preset": "VeryFast", "tune": "film,zerolatency"}):
            with Target(tmp_path / "out.mp4", source.input, EncodeOptions(**options)) as target:  # type: ignore[arg-type]
                assert target.encoder.name == "libx264"


@pytest.mark.parametrize("words", ["-crf18", "-filmgrain", "-framez:v 20"])
def test_an_option_of_ffmpeg_that_vidrts_has_not(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["enhance", *words.split(), "in.mov", "out.mkv"]) == 2
    assert f"No such option '{words.split()[0]}'" in capfd.readouterr().err


@pytest.mark.parametrize("words", ["-yq", "-crf=18", "-c:v=ffv1", "-e -x=3", "-e x=-yes"])
def test_ways_of_writing_options(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["enhance", *words.split(), "--model", "nosuch", "in.mov", "out.mkv"]) == 1
    assert "model nosuch: neither a shipped model" in capfd.readouterr().err


def test_names_that_begin_with_a_dash(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-in.mov").symlink_to(clips / "androidx_media__bt601.mov")
    assert run(["enhance", "--device", "cpu", "-in.mov", "out.mkv"]) == 2
    assert "write ./-in.mov" in capfd.readouterr().err
    assert run(["enhance", "--device", "cpu", "in.mov", "-out.mkv"]) == 2
    assert "write ./-out.mkv" in capfd.readouterr().err


def test_a_url_is_read(clips: Path, tmp_path: Path) -> None:
    name = "androidx_media__sample_with_srt.mkv"
    with serving({name: Served((clips / name).read_bytes())}) as host:
        relay(f"{host}/{name}", tmp_path / "out.mkv", encode=EncodeOptions(preset="ultrafast"))
        with pytest.raises(InputError, match=r"http://127.*none.mkv: cannot be opened as a video: .*404"):
            Source(f"{host}/none.mkv")
    assert not compare(clips / name, tmp_path / "out.mkv")
    with pytest.raises(InputError, match=r"cannot be opened as a video: Connection refused"):
        Source(f"{host}/{name}")
    with pytest.raises(InputError, match=r"nosuch://host/in.mkv.*http, https"):
        Source("nosuch://host/in.mkv")
    with Source(f"file://{clips / name}") as source:
        assert source.path == clips / name
