"""Whether a source was read to its end: truncated files, dropped connections; no whole file is suspected."""

import os
import threading
from pathlib import Path

import av
import pytest
from helpers.http_server import Served, serving
from helpers.media_truth import FFPROBE
from helpers.paths import DATA, need
from helpers.pipe_ends import ffmpeg, swapped

from vidrts import EnhanceOptions, enhance
from vidrts.errors import SourceBrokenError
from vidrts.frame import Frame
from vidrts.media.containers import open_source
from vidrts.media.read.completeness import Completeness
from vidrts.media.read.damage import LossReport
from vidrts.media.read.open import open_video
from vidrts.media.read.options import DecodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions

pytestmark = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg is not installed; it makes the films")
LENGTH = 4
"""Seconds of each film, at 25 frames/s."""
MADE = {
    "h264.mkv": "-c:v libx264 -preset ultrafast -c:a aac", "vp8.webm": "-c:v libvpx -cpu-used 8 -c:a libvorbis",
    "wmv2.wmv": "-c:v wmv2 -c:a wmav2", "flv1.flv": "-c:v flv -c:a mp3 -ar 44100", "mpeg4.avi": "-c:v mpeg4 -c:a mp3",
    "h264.mp4": "-c:v libx264 -preset ultrafast -c:a aac -movflags +faststart",
    "fragments.mp4": "-c:v mpeg4 -c:a aac -movflags frag_keyframe+empty_moov",
    "mpeg2.ts": "-c:v mpeg2video -c:a mp2", "bluray.m2ts": "-c:v mpeg2video -c:a ac3 -mpegts_m2ts_mode 1 -f mpegts",
    "mpeg2.mpg": "-c:v mpeg2video -c:a mp2", "theora.ogv": "-c:v libtheora -c:a libvorbis",
    "mpeg2.mxf": "-c:v mpeg2video -c:a pcm_s16le -ar 48000", "h264.nut": "-c:v libx264 -preset ultrafast -c:a aac",
    "vp8.ivf": "-c:v libvpx -cpu-used 8 -an", "rv20.rm": "-s 128x96 -c:v rv20 -c:a ac3",
}  # fmt: skip
NO_LENGTH = {"mpeg2.ts", "bluray.m2ts", "mpeg2.mpg", "theora.ogv", "h264.nut"}
"""Containers whose headers do not say how long they are."""
ANY_END = {"mpeg2.ts", "bluray.m2ts"}
"""Containers that may end after any packet, and do not say whether more should come."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The films of `MADE`, each whole."""
    folder = tmp_path_factory.mktemp("films")
    inputs = f"-f lavfi -i testsrc2=size=64x48:rate=25:duration={LENGTH} -f lavfi -i sine=duration={LENGTH} -g 12"
    for name, words in MADE.items():
        ffmpeg(*inputs.split(), *words.split(), folder / name)
    return folder


def verdict(path: Path) -> Message | None:
    """The judgement of a file whose packets alone are read."""
    with open_source(path) as container:
        judge = Completeness(path, container)
        for packet in container.demux():
            judge.passed(packet)
        return judge.early_end()


def ending(place: Path | str, **options: object) -> tuple[int, Message | str | None]:
    """Frames of a source that is decoded, and why it ended early."""
    with open_video(place, DecodeOptions(**options)) as source:  # type: ignore[arg-type]
        frames = sum(1 for event in source.events() if isinstance(event, Frame))
        assert bool(source.lost.summary()) == (source.lost.ended is not None)
        return frames, source.lost.ended


def cut(film: Path, part: float, target: Path) -> Path:
    """The first `part` of a file; of a transport stream, cut within a packet."""
    data = film.read_bytes()
    target.write_bytes(data[: int(len(data) * part) // 192 * 192 + (100 if film.name in ANY_END else 0)])
    return target


def test_no_whole_file_is_suspected(films: Path, clips: Path) -> None:
    for path in (*films.iterdir(), *clips.iterdir()):
        if path.name != "androidx_media__sample_malformed_free_box.mp4":  # not opened by FFmpeg either
            assert verdict(path) is None, path.name


@pytest.mark.parametrize("name", [name for name in MADE if name != "rv20.rm"])
def test_a_truncated_file_is_told(name: str, films: Path, tmp_path: Path) -> None:
    for part in (0.3, 0.5, 0.7):
        told = verdict(cut(films / name, part, tmp_path / name))
        assert told is not None
        kinds = {Code.BREAKS_OFF} if name in NO_LENGTH | {"fragments.mp4"} else {Code.BREAKS_OFF_SHORT, Code.ENDS_SHORT}
        assert told.code in kinds
        assert 0 < told.values["time"] < LENGTH
        if told.code is not Code.BREAKS_OFF:
            assert told.values["time"] + told.values["missing"] == pytest.approx(LENGTH, abs=0.15)


@pytest.mark.parametrize("name", ["mpeg2.mxf", "rv20.rm", "vp8.ivf", "flv1.flv"])
def test_a_pipe_that_ends_early_is_an_error(name: str, films: Path, tmp_path: Path) -> None:
    """Also where it ends between two packets, and in a container whose structure is not followed."""
    with av.open(films / name) as film:
        place = next(p.pos for p in film.demux() if p.pts is not None and p.pts * p.time_base > 2)
    with swapped(films / name, tmp_path / "stdout"):
        assert ending("-")[1] is None
    for more in (0, 7):
        (tmp_path / "cut").write_bytes((films / name).read_bytes()[: place + more])
        with swapped(tmp_path / "cut", tmp_path / "stdout"), pytest.raises(SourceBrokenError, match="whole frames"):
            ending("-")


@pytest.mark.parametrize(
    "made",
    [
        "pictures.mjpeg -c:v mjpeg",
        "film.y4m -pix_fmt yuv444p",
        "gray.y4m -pix_fmt gray10le -strict -1",
        "tape.dv -s 720x576 -pix_fmt yuv420p",
        "fault",
    ],
)
def test_half_a_frame_at_the_end_of_bare_frames(made: str, tmp_path: Path) -> None:
    """FFmpeg leaves it out without a word, or makes up the rest of a JPEG."""
    name, *coded = made.split()
    film = tmp_path / (name if coded else "cam.mjpeg")
    if coded:
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "8", *coded, film)
    else:
        film.write_bytes(need(DATA / "faults" / "cam.mjpeg").read_bytes())
    data = film.read_bytes()
    assert ending(film)[1] is None
    film.write_bytes(data[: len(data) * 70 // 100])
    frames, told = ending(film)
    assert frames in (5, 6, 7)
    assert isinstance(told, Message)
    assert told.code is Code.BREAKS_OFF
    with swapped(film, tmp_path / "stdout"), pytest.raises(SourceBrokenError, match="whole frames"):
        ending("-")


@pytest.mark.parametrize("muxed", ["-movflags frag_keyframe+empty_moov", "-movflags frag_keyframe", "-f ismv"])
def test_the_last_fragment_does_not_say_what_is_missing(muxed: str, films: Path, tmp_path: Path) -> None:
    """Neither in a file nor from a server that does not say how much comes; fragments of 2 s break off 1.2 s early."""
    whole = tmp_path / "whole.mp4"
    ffmpeg("-i", films / "h264.mp4", "-c", "copy", "-an", *muxed.split(), "-min_frag_duration", "2000000", whole)
    data = whole.read_bytes()
    with av.open(whole) as film:
        place = next(p.pos for p in film.demux() if p.pts is not None and p.pts * p.time_base >= 2.8)
    broken = tmp_path / "cut.mp4"
    broken.write_bytes(data[: place + 9])
    told = verdict(broken)
    assert told is not None
    assert told.code is Code.BREAKS_OFF
    assert told.values["time"] == pytest.approx(2.8, abs=0.1)
    half = Served(data, len(broken.read_bytes()), "close")
    with serving({"cut.mp4": half, "whole.mp4": Served(data, None, "close")}) as url:
        assert ending(f"{url}/whole.mp4") == (25 * LENGTH, None)
        with pytest.raises(SourceBrokenError, match=r"at 2\.\d+ s, after 70 whole frames"):
            ending(f"{url}/cut.mp4")


def test_an_end_that_ffmpeg_refuses_is_told_too(films: Path, tmp_path: Path) -> None:
    """FFmpeg's demuxer of RealMedia gives an error at the end of some truncated files."""
    told = [ending(cut(films / "rv20.rm", part, tmp_path / "cut.rm"))[1] for part in (0.3, 0.5, 0.6, 0.7)]
    codes = {line.code for line in told if isinstance(line, Message)}
    assert codes <= {Code.READ_FAILED, Code.ENDS_SHORT, Code.BREAKS_OFF_SHORT}
    assert None not in told


def test_where_a_truncated_file_ends_and_how_much_is_missing() -> None:
    """Truth by ffprobe: the last sound packet begins at 0.960 s and lasts 0.023; the header says 2.023 s."""
    path = need(DATA / "faults" / "truncated_half.mkv")
    frames, told = ending(path)
    assert frames == 24
    assert isinstance(told, Message)
    assert told.code is Code.BREAKS_OFF_SHORT
    assert told.values["time"] == pytest.approx(0.983, abs=0.001)
    assert told.values["missing"] == pytest.approx(1.040, abs=0.001)


def test_a_second_less_than_announced_is_no_reason(films: Path, tmp_path: Path) -> None:
    """A header may round; where the file breaks off besides, half a second is told."""
    data = (films / "flv1.flv").read_bytes()
    with av.open(films / "flv1.flv") as film:
        place = next(p.pos for p in film.demux() if p.pts is not None and p.pts * p.time_base > 3.5)
    target = tmp_path / "cut.flv"
    target.write_bytes(data[:place])
    assert verdict(target) is None
    target.write_bytes(data[: place + 5])
    told = verdict(target)
    assert told is not None
    assert told.code is Code.BREAKS_OFF_SHORT


def test_strict_refuses_a_truncated_file(films: Path, tmp_path: Path) -> None:
    film = cut(films / "mpeg4.avi", 0.5, tmp_path / "cut.avi")
    assert ending(film)[0] > 40
    with pytest.raises(SourceBrokenError, match=r"cut\.avi: .*--strict"):
        ending(film, strict=True)


def test_a_part_before_the_break_is_whole(films: Path, tmp_path: Path) -> None:
    film = cut(films / "h264.mkv", 0.5, tmp_path / "cut.mkv")
    with open_video(film, DecodeOptions(end=1)) as source:  # type: ignore[arg-type]
        assert sum(1 for event in source.events() if isinstance(event, Frame)) == 25
        assert source.lost == LossReport()


@pytest.mark.parametrize("start", [None, 1])
def test_a_source_that_is_gone_or_no_file(start: int | None, films: Path, tmp_path: Path) -> None:
    """Nothing is opened a second time that cannot be: another reader of a FIFO would wait for ever."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    film = cut(films / "h264.mkv", 0.5, tmp_path / "film.mkv")
    data = film.read_bytes()
    writer = threading.Thread(target=lambda: fifo.write_bytes(data), daemon=True)
    writer.start()
    assert ending(fifo, start=start)[0] > 40 - 25 * (start or 0)
    writer.join()
    frames = ending(film)[0]
    with open_video(film) as source:
        film.unlink()
        assert sum(1 for event in source.events() if isinstance(event, Frame)) == frames


def test_an_index_that_was_read_to_its_end_is_enough(clips: Path, films: Path, tmp_path: Path) -> None:
    """Whatever the size of the box says that holds the samples: in a pipe, and over a connection."""
    clip = need(clips / "androidx_media__sample_mdat_too_long.mp4")
    long = (films / "h264.mp4").read_bytes()
    at = long.index(b"mdat") - 4
    (tmp_path / "own.mp4").write_bytes(
        long[:at] + (int.from_bytes(long[at : at + 4]) + 999).to_bytes(4) + long[at + 4 :]
    )
    for path, frames in ((clip, 30), (tmp_path / "own.mp4", 25 * LENGTH)):
        with swapped(path, tmp_path / "stdout"):
            assert ending("-") == (frames, None)
        with serving({"in.mp4": Served(path.read_bytes())}) as url:
            assert ending(f"{url}/in.mp4") == (frames, None)
        assert ending(path) == (frames, None)


@pytest.mark.parametrize("name", ["h264.mkv", "mpeg2.ts", "wmv2.wmv", "h264.mp4"])
def test_a_dropped_connection_is_an_error(name: str, films: Path) -> None:
    data = (films / name).read_bytes()
    with serving({name: Served(data, len(data) // 2)}) as url, pytest.raises(SourceBrokenError, match="whole frames"):
        ending(f"{url}/{name}")


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_connection_that_does_not_say_its_length(framing: str, films: Path) -> None:
    """Whole, it is whole; dropped, the header's length tells."""
    whole = {name: (films / name).read_bytes() for name in ("vp8.webm", "mpeg2.ts", "flv1.flv")}
    half = {f"half.{name}": Served(data, len(data) // 2, framing) for name, data in whole.items()}
    with serving({name: Served(data, None, framing) for name, data in whole.items()} | half) as url:
        for name in whole:
            assert ending(f"{url}/{name}") == (25 * LENGTH, None)
        for name in ("vp8.webm", "flv1.flv"):
            with pytest.raises(SourceBrokenError):
                ending(f"{url}/half.{name}")


def test_parts_of_a_playlist_that_do_not_come(films: Path, tmp_path: Path) -> None:
    ffmpeg("-i", films / "h264.mp4", "-c", "copy", "-f", "hls", "-hls_time", "1", tmp_path / "list.m3u8")
    files = {path.name: Served(path.read_bytes()) for path in tmp_path.iterdir()}
    late = {name: Served(files[name].data, 0) for name in ("list2.ts", "list3.ts")}
    with serving(files) as url:
        assert ending(f"{url}/list.m3u8") == (25 * LENGTH, None)
    with serving(files | late) as url, pytest.raises(SourceBrokenError):
        ending(f"{url}/list.m3u8")


def test_a_playlist_whose_clock_jumps(films: Path, tmp_path: Path) -> None:
    """Two films one after the other, as with advertisements: each begins at the same time."""
    ffmpeg("-i", films / "h264.mp4", "-c", "copy", "-f", "hls", "-hls_time", "1", tmp_path / "list.m3u8")
    head, *parts = (tmp_path / "list.m3u8").read_text().partition("#EXT-X-ENDLIST")[0].split("#EXTINF")
    every = [f"#EXTINF{part}" for part in parts]
    twice = "".join([head, *every, "#EXT-X-DISCONTINUITY\n", *every, "#EXT-X-ENDLIST\n"])
    files = {path.name: Served(path.read_bytes()) for path in tmp_path.iterdir()}
    with serving(files | {"twice.m3u8": Served(twice.encode())}) as url, open_video(f"{url}/twice.m3u8") as source:
        assert sum(1 for event in source.events() if isinstance(event, Frame)) == 2 * 25 * LENGTH
        assert source.lost.ended is None
    late = {f"list{LENGTH - 1}.ts": Served(files[f"list{LENGTH - 1}.ts"].data, 0)}
    with serving(files | late | {"twice.m3u8": Served(twice.encode())}) as url, pytest.raises(SourceBrokenError):
        ending(f"{url}/twice.m3u8")


@pytest.mark.parametrize("broken", ["connection", "strict"])
def test_the_work_is_kept(broken: str, films: Path, tiny_model: Path, tmp_path: Path) -> None:
    data = (films / "h264.mkv").read_bytes()
    film = cut(films / "h264.mkv", 0.5, tmp_path / "cut.mkv")
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu"), decode=DecodeOptions(strict=broken == "strict")
    )
    with serving({"film.mkv": Served(data, len(data) // 2)}) as url, pytest.raises(SourceBrokenError, match="partial"):
        enhance(f"{url}/film.mkv" if broken == "connection" else film, tmp_path / "out.mp4", options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.mkv", "out.partial.mp4"]
    with av.open(tmp_path / "out.partial.mp4") as kept, av.open(film) as source:
        assert sum(1 for _ in kept.decode(video=0)) == sum(1 for _ in source.decode(video=0)) > 40
