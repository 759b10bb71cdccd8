"""Where a stream from a pipe ends: FFmpeg's own streams are whole, and broken off within a packet they are not."""

import json
import subprocess
from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE
from helpers.paths import DUCKS
from helpers.pipe_ends import enhance, ffmpeg, raw_frames
from hypothesis import given, settings
from hypothesis import strategies as st

from vidrts.media.pipes import truncation
from vidrts.media.pipes.truncation import TruncationDetector

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed: no truth")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov")
WRITTEN = {
    "matroska": ("-c:v", "ffv1", "-f", "matroska"), "live": ("-c:v", "ffv1", "-live", "1", "-f", "matroska"),
    "nut": ("-c:v", "rawvideo", "-f", "nut"), "small.nut": ("-c:v", "libx264", "-bf", "2", "-f", "nut"),
    "mp4": ("-c:v", "libx264", "-g", "4", *FRAGMENTS, "-f", "mp4"), "mpegts": ("-c:v", "libx264", "-f", "mpegts"),
    "mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000", "-f", "mxf"),
    "ivf": ("-c:v", "libvpx", "-cpu-used", "8", "-an", "-f", "ivf"),
}  # fmt: skip


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A few small frames with sound, as ffmpeg writes them into a pipe."""
    folder = tmp_path_factory.mktemp("streams")
    for name, words in WRITTEN.items():
        cut = ("-i", DUCKS, "-t", "0.4", "-vf", "scale=130:66", "-c:a", "aac")
        preset = ("-preset", "ultrafast") if "libx264" in words else ()
        (folder / name).write_bytes(ffmpeg(*cut, *preset, *words, "-"))
    ffmpeg("-i", folder / "matroska", "-c", "copy", folder / "file.mkv")
    ffmpeg("-i", folder / "mpegts", "-c", "copy", "-bsf:a", "aac_adtstoasc", folder / "file.mp4")
    return {path.name: path for path in folder.iterdir()}


def torn(data: bytes, piece: int = 1 << 20) -> bool:
    watch = TruncationDetector(data[:12])
    for start in range(0, len(data), piece):
        watch.feed(memoryview(data)[start : start + piece])
    return watch.truncated


def packets(path: Path) -> list[tuple[int, int]]:
    """Place and size of each packet of the picture, as ffprobe tells them."""
    command = [str(FFPROBE), "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of", "json"]
    told = subprocess.run([*command, str(path)], capture_output=True, check=True)
    return [(int(packet["pos"]), int(packet["size"])) for packet in json.loads(told.stdout)["packets"]]


@pytest.mark.parametrize("name", [*WRITTEN, "file.mkv", "file.mp4"])
def test_whole_streams_are_whole_and_broken_ones_are_not(name: str, streams: dict[str, Path]) -> None:
    data = streams[name].read_bytes()
    assert not any(torn(data, piece) for piece in (1, 7, 4096, 1 << 20))
    places = [place + size // 2 for place, size in packets(streams[name])]
    assert len(places) > 8
    for place in places:
        assert torn(data[:place], 999) or (name == "mpegts" and not place % 188)


FRAMES = {
    "pal.dv": ("-s", "720x576", "-pix_fmt", "yuv420p"),
    "ntsc.dv": ("-s", "720x480", "-r", "30000/1001", "-pix_fmt", "yuv411p"),
    "dvcpro50.dv": ("-s", "720x576", "-pix_fmt", "yuv422p"),
    "dvcprohd.dv": ("-s", "960x720", "-r", "60000/1001", "-pix_fmt", "yuv422p"),
    "small.y4m": ("-s", "35x17", "-pix_fmt", "yuv420p"),
    "deep.y4m": ("-s", "34x18", "-pix_fmt", "yuv422p10le", "-strict", "-1"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_containers_of_frames_of_one_size(name: str, tmp_path: Path) -> None:
    """What makes them says where each frame begins."""
    film = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "3", *FRAMES[name], film)
    data = film.read_bytes()
    ends = [place + size for place, size in packets(film)]
    size = ends[2] - ends[1]
    assert len(data) == ends[2]
    for place in ends:
        assert not torn(data[:place], 5000)
        assert torn(data[: place - 1], 5000)
        assert torn(data[: place - size // 2], 5000)
        film.write_bytes(data[: place - 7])
        assert truncation.truncated_file(film)


@pytest.mark.parametrize("coded", ["mpg -c:v mpeg2video -c:a mp2", "ogv -c:v libtheora -c:a libvorbis"])
def test_the_last_packs_of_a_file_are_enough(coded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DVD has millions of them; damage before hides nothing."""
    ending, *codecs = coded.split()
    film = tmp_path / f"film.{ending}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:d=2", "-f", "lavfi", "-i", "sine=d=2", *codecs, film)
    data = film.read_bytes()
    monkeypatch.setattr(truncation, "_TAIL", 1 << 15)
    damaged = data[:20_000] + bytes(4000) + data[24_000:]
    assert len(data) > 60_000
    for size in range(len(data) - 9000, len(data) + 1, 750):
        film.write_bytes(damaged[:size])
        assert truncation.truncated_file(film) == torn(data[:size])


def test_real_clips_are_whole(clips: Path) -> None:
    """Of many writers; but for one whose mdat box says that it is longer than the file."""
    found = {clip.name for clip in clips.iterdir() if clip.stat().st_size > 12 and torn(clip.read_bytes())}
    assert found == {"androidx_media__sample_mdat_too_long.mp4"}


@pytest.mark.parametrize("name", ["matroska", "nut", "mp4", "mpegts", "mxf", "ivf"])
def test_what_breaks_off_is_an_error(
    name: str, streams: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The frames before go through, and the line counts them."""
    source = streams[name]
    place, size = packets(source)[5]
    (tmp_path / "in").write_bytes(source.read_bytes()[: place + size // 2 + 1])
    said = ("--strength", "0", "-", "-", "-f", "y4m")
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", *said) == 1
    written = raw_frames(tmp_path / "out")
    count, rest = divmod(len(written), 130 * 66 * 3 // 2)
    assert rest == 0
    # FFmpeg's parsers give half a picture from TS, MXF and IVF.
    assert count in ((5, 6) if name in ("mpegts", "mxf", "ivf") else (5,))
    assert f"stdin: the stream ends within a packet, after {count} whole frames; written to stdout" in (
        capfd.readouterr().err
    )
    assert raw_frames(source)[: 5 * 12_870] == written[: 5 * 12_870]
    assert enhance(tiny_model, source, tmp_path / "out", *said) == 0
    assert "ends within" not in capfd.readouterr().err


def test_a_film_that_a_pipe_cannot_hold_is_said(
    streams: dict[str, Path], tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Broken off before the first frame: what to do is in the line."""
    place, size = packets(streams["file.mp4"])[0]
    (tmp_path / "in").write_bytes(streams["file.mp4"].read_bytes()[: place + size // 2])
    assert enhance(tiny_model, tmp_path / "in", tmp_path / "out", "-", "-") == 1
    assert "frag_keyframe+empty_moov" in capfd.readouterr().err


@settings(max_examples=300)
@given(
    head=st.sampled_from([b"\x1a\x45\xdf\xa3", b"\0\0\0\x10ftyp", b"nut/multimedia container\0NMz", b"G", b""]),
    tail=st.binary(max_size=400), piece=st.integers(1, 50),
)  # fmt: skip
def test_any_bytes_are_followed_or_let_be(head: bytes, tail: bytes, piece: int) -> None:
    assert torn(head + tail, piece) == torn(head + tail)


def test_a_damaged_header_of_nut_is_let_be(streams: dict[str, Path]) -> None:
    data = streams["small.nut"].read_bytes()
    main = data.index(bytes.fromhex("4e4d7a561f5f04ad"))
    for at in range(main, main + 300):
        damaged = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        assert torn(damaged, 4096) == torn(damaged)  # and raises nothing
