"""The same clip and the same weights through vidrts and its peers, each in a process of its own, file to file.

Timed is the slope between a short and a long clip, so that nobody pays for its start; the peers take turns. They get
what is quick: luma alone, the folded tail, blur levels that need not be estimated. Precision is the luma that the
encoder is given, against the whole way computed in float64. FFmpeg's own filters tell what doing little costs.
"""

import importlib.util
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vidrts.bench.child import check_ended
from vidrts.bench.clip import Clip, clip_of, sample
from vidrts.bench.machine import Machine, describe
from vidrts.bench.memory import PeakMemory
from vidrts.errors import MissingPackageError, OptionError
from vidrts.networks.checkpoint import load_model
from vidrts.research.peers.files import BLUR_LEVEL, write_ncnn, write_onnx
from vidrts.research.peers.truth import luma_psnr

Says = Callable[[str, int, int], None]
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "16")
_RAW = ("-f", "yuv4mpegpipe")
_LOOK = (640, 360)
"""Size at which precision is measured; it does not depend on it."""
_UNSHARP, _CAS = "unsharp=5:5:1:5:5:0", "cas=0.5:planes=1"
"""Filters of FFmpeg that sharpen luma: the price of doing little."""
_SCRIPT = """
import os
import vapoursynth as vs
core = vs.core
clip = core.bs.VideoSource(os.environ["BENCH_CLIP"], cachemode=0)
luma = core.std.ShufflePlanes(clip, 0, vs.GRAY)
done = core.ort.Model([core.resize.Point(luma, format=vs.GRAYS)], network_path=os.environ["BENCH_ONNX"],
                      provider="CPU", num_streams=int(os.environ["BENCH_STREAMS"]))
back = core.resize.Point(done, format=vs.GRAY8)
core.std.ShufflePlanes([back, clip, clip], [0, 1, 2], vs.YUV).set_output()
"""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is compared. Raises `OptionError` when made."""

    models: tuple[str, ...] = ("rts-lite",)
    """Those of luma; each runs in vidrts and in all peers."""
    size: tuple[int, int] = (1920, 1080)
    frames: tuple[int, int] = (6, 30)
    """Of the short and of the long clip."""
    rounds: int = 2
    clip: Path | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.frames[0] < self.frames[1]:
            raise OptionError(f"frames {self.frames}: expected two numbers, the second larger")
        if self.rounds < 1:
            raise OptionError(f"rounds {self.rounds}: expected at least 1")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What one contestant did, or why it did not take part."""

    name: str
    model: str = ""
    """"" for a filter."""
    absent: str = ""
    seconds: float = 0.0
    """Per frame, the median of the rounds."""
    spread: float = 0.0
    """(largest - smallest) / median of the rounds."""
    psnr: float = 0.0
    """dB of luma against float64; 0 for a filter."""
    memory: int = 0
    """Bytes at most, of all its processes together; 0 where the system does not say."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All of a contest."""

    machine: Machine
    contest: Contest
    standings: tuple[Standing, ...]

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(asdict(self), indent=1, default=str) + "\n"


@dataclass(frozen=True)
class _Peer:
    """`command(clip, target, raw)`: what enhances `clip` into `target`, H.264 or, where `raw`, y4m."""

    name: str
    model: str
    command: Callable[[Clip, Path, bool], list[str]]
    missing: str = ""
    levels: tuple[float, float] | None = BLUR_LEVEL
    """Blur levels that it tells a network; None: it estimates them."""

    @property
    def title(self) -> str:
        """What it is called while it runs."""
        return f"{self.model}, {self.name}" if self.model else self.name


def compare(contest: Contest, on_step: Says = lambda what, done, total: None) -> Outcome:
    """Run it. A contestant that cannot run here is named with the reason."""
    source = contest.clip or sample()
    with tempfile.TemporaryDirectory(prefix="vidrts-peers-") as name:
        folder = Path(name)
        clips = []
        for count in contest.frames:
            inner = folder / str(count)
            inner.mkdir()
            clips.append(clip_of(source, contest.size, count, inner, remake=True))
        look = clip_of(source, _LOOK, 4, folder, remake=True)
        peers = [peer for model in contest.models for peer in _peers(model, (contest.size, _LOOK), folder)]
        peers += _filters()
        present = [peer for peer in peers if not peer.missing]
        psnr = {}
        total = len(present) * (1 + 2 * contest.rounds)
        for done, peer in enumerate(present):
            if peer.model:
                on_step(f"{peer.title}: precision", done, total)
                target = folder / "look.y4m"
                _run(peer.command(look, target, True), peer.title)
                psnr[peer] = luma_psnr(look.path, target, load_model(peer.model).network, peer.levels)
        slopes: dict[_Peer, list[float]] = {peer: [] for peer in present}
        memory = dict.fromkeys(present, 0)
        done = len(present)
        for number in range(contest.rounds):
            for peer in present if number % 2 == 0 else reversed(present):
                spent = []
                for clip in clips:
                    on_step(f"round {number + 1}/{contest.rounds}: {peer.title}, {clip.frames} frames", done, total)
                    seconds, peak = _run(peer.command(clip, folder / "out.mp4", False), peer.title)
                    spent.append(seconds)
                    memory[peer] = max(memory[peer], peak)
                    done += 1
                slopes[peer].append((spent[1] - spent[0]) / (contest.frames[1] - contest.frames[0]))
    standings = []
    for peer in peers:
        if peer.missing:
            standings.append(Standing(name=peer.name, model=peer.model, absent=peer.missing))
            continue
        found = slopes[peer]
        median = statistics.median(found)
        standings.append(Standing(
            name=peer.name, model=peer.model, seconds=median, spread=(max(found) - min(found)) / median,
            psnr=psnr.get(peer, 0.0), memory=memory[peer],
        ))  # fmt: skip
    return Outcome(machine=describe(), contest=contest, standings=tuple(standings))


def _peers(model: str, sizes: Sequence[tuple[int, int]], folder: Path) -> list[_Peer]:
    """vidrts and the others with one model, those who cannot run with the reason; their files lie below `folder`."""
    loaded = load_model(model)
    if loaded.info.colour != "luma" or loaded.network.spec.noise:
        raise OptionError(f"model {model}: peers are given luma alone; expected a model that was trained on it")
    files, no_onnx, no_ncnn = folder / str(len(list(folder.iterdir()))), "", ""
    files.mkdir()
    for size in sizes:
        onnx = files / f"{size[0]}x{size[1]}.onnx"
        try:
            write_onnx(loaded, size, onnx)
            write_ncnn(onnx, size)
        except MissingPackageError as error:
            no_onnx, no_ncnn = ("" if onnx.is_file() else str(error)), str(error)
    no_ffmpeg = "" if shutil.which("ffmpeg") else "no ffmpeg in PATH"
    if not no_ncnn and not importlib.util.find_spec("ncnn"):
        no_ncnn = "the package ncnn is not installed"

    def vidrts(clip: Clip, target: Path, raw: bool) -> list[str]:
        written = ["-f", "y4m", "-"] if raw else [*_X264, str(target)]
        words = [sys.executable, "-m", "vidrts", "enhance", "-y", "-q", "--device", "cpu", "--model", model]
        return _shell([*words, "-i", str(clip.path), *written], target if raw else None)

    def piped(kind: str) -> Callable[[Clip, Path, bool], list[str]]:
        def command(clip: Clip, target: Path, raw: bool) -> list[str]:
            size = f"{clip.size[0]}x{clip.size[1]}"
            given = model if kind == "torch" else str(files / f"{size}.onnx")
            words = [sys.executable, "-m", "vidrts.research.peers.pipe", kind, given, str(clip.path), size, str(target)]
            return [*words, *(_RAW if raw else _X264)]

        return command

    return [
        _Peer("vidrts", model, vidrts, levels=None),
        _vapoursynth(model, files, no_ffmpeg or no_onnx),
        _Peer("ONNX Runtime, pipes", model, piped("onnxruntime"), no_ffmpeg or no_onnx),
        _Peer("ncnn, pipes", model, piped("ncnn"), no_ffmpeg or no_ncnn),
        _Peer("torch eager, pipes", model, piped("torch"), no_ffmpeg),
    ]


def _vapoursynth(model: str, files: Path, missing: str) -> _Peer:
    """ONNX Runtime as a VapourSynth filter, as many frames at a time as there are cores."""
    name = "VapourSynth, ONNX Runtime"
    vspipe = shutil.which("vspipe", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    plugins = importlib.util.find_spec("vapoursynth")
    where = Path(plugins.origin).parent / "plugins" / "ort" if plugins and plugins.origin else None
    if vspipe is None or where is None or not where.is_dir():
        missing = missing or "vapoursynth and vapoursynth-mlrt-ort are not installed"
    script = files / "peer.vpy"
    script.write_text(_SCRIPT)

    def command(clip: Clip, target: Path, raw: bool) -> list[str]:
        onnx = files / f"{clip.size[0]}x{clip.size[1]}.onnx"
        streams = describe().cores
        settings = f"BENCH_CLIP={shlex.quote(str(clip.path))} BENCH_ONNX={onnx} BENCH_STREAMS={streams}"
        path = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
        output = _RAW if raw else _X264
        ending = shlex.join(["ffmpeg", "-v", "error", "-y", "-i", "-", *output, str(target)])
        return ["bash", "-o", "pipefail", "-c", f"{path} {settings} {vspipe} -c y4m {script} - | {ending}"]

    return _Peer(name, model, command, missing)


def _filters() -> list[_Peer]:
    """FFmpeg with a filter of its own, and with none."""
    missing = "" if shutil.which("ffmpeg") else "no ffmpeg in PATH"

    def with_filter(words: Sequence[str]) -> Callable[[Clip, Path, bool], list[str]]:
        def command(clip: Clip, target: Path, raw: bool) -> list[str]:
            return ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(clip.path), *words,
                    *(_RAW if raw else _X264), str(target)]  # fmt: skip

        return command

    return [
        _Peer("FFmpeg, unsharp", "", with_filter(["-vf", _UNSHARP]), missing),
        _Peer("FFmpeg, cas", "", with_filter(["-vf", _CAS]), missing),
        _Peer("FFmpeg, no filter", "", with_filter([]), missing),
    ]


def _shell(words: list[str], stdout: Path | None) -> list[str]:
    """The command, its stdout into a file where one is given."""
    return words if stdout is None else ["bash", "-c", f"{shlex.join(words)} > {shlex.quote(str(stdout))}"]


def _run(command: list[str], name: str) -> tuple[float, int]:
    """(seconds, bytes of memory at most of all its processes); raises `VidrtsError` where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with PeakMemory(process.pid) as memory:
            _, told = process.communicate()
    finally:
        process.kill()
        process.wait()
    check_ended(process, told, name)
    return time.perf_counter() - began, memory.peak
