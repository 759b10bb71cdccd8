"""Encrypted films are refused in one line, by ffmpeg's own Common Encryption; audio can be left out."""

import subprocess
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay

from vidrts.errors import InputError
from vidrts.media.read.encryption import refuse_encrypted
from vidrts.media.write.options import EncodeOptions

KEY = "76a6c65c5ea762046bd749a2e632ccbb"
CENC = f"-encryption_scheme cenc-aes-ctr -encryption_key {KEY} -encryption_kid a7e61c373e219033c21091fa607bf3b8"
FAST = EncodeOptions(preset="ultrafast")


def film(path: Path, options: str) -> Path:
    """Half a second of pictures and sound, 13 frames."""
    inputs = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.5 -f lavfi -i sine=duration=0.5 -shortest"
    coded = f"-c:v libx264 -preset ultrafast -c:a aac {options}"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs.split(), *coded.split(), path]
    subprocess.run(command, check=True)
    return path


@pytest.mark.parametrize(("name", "options"), [("a.mp4", ""), ("a.mov", ""), ("b.mp4", "-an")])
def test_encrypted_pictures_are_refused_and_the_line_helps(name: str, options: str, tmp_path: Path) -> None:
    source, clear = film(tmp_path / name, f"{options} {CENC}"), tmp_path / f"clear-{name}"
    with pytest.raises(InputError, match=r"video stream 0 is encrypted.*-decryption_key KEY -i IN -map 0 -c copy OUT"):
        relay(source, tmp_path / "out.mkv", encode=FAST)
    assert not (tmp_path / "out.mkv").exists()
    command = ["ffmpeg", "-nostdin", "-v", "error", "-decryption_key", KEY, "-i", source, "-map", "0", "-c", "copy"]
    subprocess.run([*command, clear], check=True)
    relay(clear, tmp_path / "out.mkv", encode=FAST)
    assert len(describe(tmp_path / "out.mkv").frames) == 13


def test_the_line_of_encrypted_sound_says_that_it_can_be_left_out(tmp_path: Path) -> None:
    with av.open(film(tmp_path / "in.mp4", CENC)) as container:
        packet = next(container.demux(audio=0))
        with pytest.raises(InputError, match=r"in\.mp4: audio stream 1 is encrypted.*--no-audio"):
            refuse_encrypted(Path("in.mp4"), packet)
    with av.open(film(tmp_path / "clear.mp4", "")) as container:
        refuse_encrypted(Path("clear.mp4"), next(container.demux(audio=0)))
