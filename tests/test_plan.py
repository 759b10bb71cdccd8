"""The plan that a run tells before its first frame is what the output then is."""

import subprocess
from pathlib import Path

import av
import pytest
import torch

from vidrts import EnhanceOptions, enhance
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message
from vidrts.picture.engines.openvino import OpenVINOEngine
from vidrts.picture.options import EnhancerOptions
from vidrts.plan import Plan
from vidrts.progress import Progress


def film(target: Path, *more: str) -> Path:
    """Ten frames of H.264, English and German sound, a subtitle and a font."""
    texts, font = target.with_suffix(".srt"), target.with_suffix(".ttf")
    texts.write_text("1\n00:00:00,000 --> 00:00:00,300\ntext\n")
    font.write_bytes(b"no font")
    sound = ["-f", "lavfi", "-i", "sine=d=0.4"]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4:r=25", *sound, *sound]
    command += ["-i", str(texts), "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-c:s", "srt", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger"]
    command += ["-attach", str(font), "-metadata:s:t", "mimetype=application/x-truetype-font", *more]
    subprocess.run([*command, target], check=True)
    return target


def planned(source: Path, target: Path, model: Path, **picture: object) -> Plan:
    """The plan of a run that kept English sound alone; it came once, before the first frame."""
    told: list[Plan | Progress] = []
    options = EnhanceOptions(
        model=str(model), picture=EnhancerOptions(device="cpu", **picture),  # type: ignore[arg-type]
        encode=EncodeOptions(audio_languages=("eng",), crf=30, preset="ultrafast"),
    )  # fmt: skip
    enhance(source, target, options, on_plan=told.append, on_progress=told.append)
    plan, *rest = told
    assert isinstance(plan, Plan) and len(rest) == 10 and not any(isinstance(one, Plan) for one in rest)
    return plan


def test_streams_and_encoder_are_those_of_the_output(tiny_model: Path, tmp_path: Path) -> None:
    source, target = film(tmp_path / "in.mkv"), tmp_path / "out.mp4"
    written = planned(source, target, tiny_model, scale=2, strength=0.0).written
    assert [(s.index, s.type, s.codec, s.language, s.fate, s.detail) for s in written.streams] == [
        (0, "video", "h264", "und", "enhanced", ""),
        (1, "audio", "aac", "eng", "copied", ""),
        (2, "audio", "aac", "ger", "left out", "--audio"),
        (3, "subtitle", "subrip", "und", "converted", "mov_text"),
        (4, "attachment", "in.ttf", "und", "left out", "not supported in mp4"),
    ]
    with av.open(target) as made:
        assert [s.type for s in made.streams] == ["video", "audio", "subtitle"]
        assert [s.codec_context.codec.canonical_name for s in made.streams] == ["h264", "aac", "mov_text"]
        video = made.streams.video[0]
        assert (video.width, video.height, video.pix_fmt) == (written.width, written.height, written.format) == (
            128, 96, "yuv420p"
        )  # fmt: skip
        assert video.codec_context.colorspace == written.color.matrix == 6  # assumed by the height, and tagged
    assert (written.container, written.encoder) == ("mp4", "libx264")
    assert written.quality == "crf 30, preset ultrafast"
    assert written.index_first
    # x264 writes its settings into the stream
    assert b"rc=crf mbtree=0 crf=30.0" in target.read_bytes()


@pytest.mark.parametrize(
    ("name", "flags"), [("out.mkv", None), ("out.mp4", "-faststart"), ("out.mov", "+frag_keyframe")]
)
def test_no_index_is_moved(name: str, flags: str | None, tmp_path: Path) -> None:
    with Source(film(tmp_path / "in.mkv")) as reader:
        options = EncodeOptions(muxer_flags=flags)
        with Target(tmp_path / name, reader.input, options, discard=True, on_message=lambda line: None) as writer:
            assert not writer.plan.index_first


def test_the_computation_is_the_one_that_is_used(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = film(tmp_path / "in.mkv")
    (used,) = planned(
        source, tmp_path / "1.mkv", tiny_model, engine="torch", precision="fp32", tile=(32, 16)
    ).computations
    assert (used.engine, used.device, used.precision, used.tile) == ("torch", "cpu", "fp32", (32, 16))
    assert planned(source, tmp_path / "2.mkv", tiny_model, strength=0.0).computations == ()

    def broken(*_: object) -> None:
        raise RuntimeError("no such graph")

    monkeypatch.setattr(OpenVINOEngine, "__init__", broken)
    (used,) = planned(source, tmp_path / "3.mkv", tiny_model, engine="auto").computations
    assert (used.engine, used.tile) == ("torch", (64, 48)), "where OpenVINO cannot be used, it is not said"


def test_frames_alone(tiny_model: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    plans: list[Plan] = []
    said: list[Message] = []
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu"), encode=EncodeOptions(format="y4m")
    )
    enhance(film(tmp_path / "in.mkv"), "-", options, on_plan=plans.append, on_message=said.append)
    assert capfdbinary.readouterr().out.count(b"FRAME") == 10
    written = plans[0].written
    assert (written.container, written.encoder, plans[0].target) == ("y4m", None, "stdout")
    assert [s.fate for s in written.streams] == ["enhanced", *["left out"] * 4]
    assert Code.STREAMS_LEFT_OUT in [line.code for line in said]
    assert plans[0].workers * plans[0].worker_threads <= max(2, torch.get_num_threads())
