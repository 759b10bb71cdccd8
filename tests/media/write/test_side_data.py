"""Side data of the pictures: kept where encoder or container can, else told, one line for each kind."""

import struct
import subprocess
from pathlib import Path

import av
import pytest
from helpers.media_truth import describe, relay
from helpers.paths import DATA, need

from vidrts.media.read.source import Source
from vidrts.media.write import side_data
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message

PACKING = "frame packing (stereoscopic 3D)"


def film(path: Path, *arguments: str) -> Path:
    """Twelve small pictures."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1.2", *arguments]
    subprocess.run([*command, str(path)], check=True)
    return path


def stereo(path: Path, mode: str) -> Path:
    """A film in Matroska or WebM whose container says how two views are packed."""
    with av.open(path, "w") as container:
        video = container.add_stream("ffv1" if path.suffix == ".mkv" else "libvpx-vp9", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.metadata["stereo_mode"] = mode
        for _ in range(12):
            container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(video.encode(None))
    return path


def packed(path: Path) -> tuple[int, int] | None:
    """The frame packing of a file's first frame as FFmpeg decodes it: `AVStereo3DType` and flags."""
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        found = {kind.name: bytes(data) for kind, data in frame.side_data.items()}.get("STEREO3D")
    return None if found is None else struct.unpack("=2i", found[:8])


def lost(lines: list[Message]) -> list[str]:
    return [line.values["kind"] for line in lines if line.code is Code.SIDE_DATA_LOST]


@pytest.mark.parametrize(
    ("name", "target", "encoder", "kept"),
    [
        ("fault", "out.mp4", "libx264", True),
        ("fault", "out.mp4", "libx265", False),
        ("fault", "out.mkv", "libx265", True),
        ("fault", "out.webm", "libsvtav1", True),
        ("fault", "out.mp4", "libsvtav1", False),
        ("top_bottom.mkv", "out.ts", "libx264", True),
        ("top_bottom.mkv", "out.ts", "libx265", False),
        ("right_left.webm", "out.mkv", "ffv1", True),
        ("right_left.webm", "out.mp4", "libx264", False),
        ("col_interleaved_rl.mkv", "out.mkv", "libx264", True),
        ("col_interleaved_rl.mkv", "out.webm", "libvpx-vp9", True),
    ],
)
def test_frame_packing(tmp_path: Path, name: str, target: str, encoder: str, kept: bool) -> None:
    fault = name == "fault"
    source = need(DATA / "faults" / "st.mp4") if fault else stereo(tmp_path / name, name.split(".")[0])
    preset = {"libx264": "ultrafast", "libx265": "ultrafast", "libsvtav1": "12"}.get(encoder)
    lines = relay(source, tmp_path / target, encode=EncodeOptions(video_codec=encoder, preset=preset))
    assert lost(lines) == ([] if kept else [PACKING])
    assert not [line for line in lines if line.code is Code.STREAM_METADATA_LOST]
    before = packed(source)
    assert before is not None
    assert packed(tmp_path / target) == (before if kept else None)


@pytest.mark.parametrize("packing", [3, 4])
def test_aspect_ratio_beside_frame_packing(tmp_path: Path, packing: int) -> None:
    source = film(
        tmp_path / "in.ts", "-vf", "setsar=4/3", "-c:v", "libx264", "-x264-params", f"frame-packing={packing}"
    )
    relay(source, tmp_path / "out.mkv", encode=EncodeOptions(preset="ultrafast"))
    assert packed(source) == (packing - 2, 0)
    assert packed(tmp_path / "out.mkv") == packed(source)
    video = describe(tmp_path / "out.mkv").video
    assert video is not None
    assert video.info["sample_aspect_ratio"] == "4:3"


def test_active_format_description(tmp_path: Path) -> None:
    lines = relay(need(DATA / "faults" / "m2cc.mkv"), tmp_path / "out.ts", encode=EncodeOptions(preset="ultrafast"))
    assert lost(lines) == ["active format description"]


def spherical(path: Path) -> Path:
    """An mp4 with the spherical metadata of cameras: a uuid box in the track, which lies at the file's end."""
    data = bytearray(film(path, "-c:v", "mpeg4").read_bytes())
    facts = {"StitchingSoftware": "none", "Spherical": "true", "Stitched": "true", "ProjectionType": "equirectangular"}
    words = "".join(f"<GSpherical:{key}>{value}</GSpherical:{key}>" for key, value in facts.items())
    box = bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + words.encode()
    box = (len(box) + 8).to_bytes(4) + b"uuid" + box
    ends = {name: data.index(name) - 4 for name in (b"moov", b"trak")}
    end = ends[b"trak"] + int.from_bytes(data[ends[b"trak"] : ends[b"trak"] + 4])
    for at in ends.values():
        data[at : at + 4] = (int.from_bytes(data[at : at + 4]) + len(box)).to_bytes(4)
    data[end:end] = box
    path.write_bytes(data)
    return path


def test_spherical_projection(tmp_path: Path) -> None:
    lines = relay(spherical(tmp_path / "in.mp4"), tmp_path / "out.mp4", encode=EncodeOptions(preset="ultrafast"))
    assert lost(lines) == ["spherical projection"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mediabunny__video.mp4", "ICC profile"),
        ("androidx_media__sample_edit_list.mp4", "ambient viewing environment"),
        ("metadata_extractor__Sony_ILCE-7M3_A7M3.mts", "SMPTE 12M timecodes of frames"),
    ],
)
def test_kinds_that_no_encoder_writes(clips: Path, name: str, kind: str) -> None:
    with Source(clips / name) as source:
        lines = side_data.lost(source.input.side_data, "libx265", "mp4", "mp4")
        assert [line.values["kind"] for line in lines] == [kind]
