"""Errors of FFmpeg are told as such; a mistake in vidrts's own code is never taken for one."""

from pathlib import Path

import av
import pytest
from helpers.media_truth import relay

from vidrts.media.containers import FFmpegErrors, av_call, reason
from vidrts.media.read import discontinuity, timestamps
from vidrts.media.write import aac, decoding_times, loss_warnings, packet_remapper
from vidrts.media.write.options import EncodeOptions


def test_what_av_refuses_is_an_error_of_ffmpeg(tmp_path: Path) -> None:
    with av.open(tmp_path / "out.mp4", "w") as output, pytest.raises(FFmpegErrors) as caught, av_call():
        output.add_stream("ffvhuff")
    assert "'mp4' format does not support 'ffvhuff' codec" in reason(caught.value)
    with pytest.raises(FFmpegErrors), av_call():
        av.Codec("nosuch", "w")
    with pytest.raises(av.FileNotFoundError), av_call():
        av.open(tmp_path / "none.mkv")
    for mistake in (KeyError, TypeError, ZeroDivisionError):
        with pytest.raises(mistake), av_call():
            raise mistake


class MistakeError(ValueError):
    """Of our own code."""


def mistaken(*_: object, **__: object) -> None:
    raise MistakeError("ours")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (timestamps.FrameClock, "timed"),
        (discontinuity.Continuity, "push"),
        (decoding_times.DecodingTimes, "shown"),
        (decoding_times.DecodingTimes, "times"),
        (packet_remapper.PacketRemapper, "packets"),
        (loss_warnings, "picture"),
        (aac, "must_strip_headers"),
    ],
)
def test_a_mistake_of_ours_is_no_error_of_a_file(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: object, name: str
) -> None:
    """Reading, opening, encoding, muxing: neither damage, nor an encoder that does not open, nor a write error."""
    monkeypatch.setattr(kind, name, mistaken)
    with pytest.raises(MistakeError, match="ours"):
        relay(clips / "androidx_media__bt601.mov", tmp_path / "out.mkv", encode=EncodeOptions(preset="ultrafast"))
    assert not list(tmp_path.iterdir())
