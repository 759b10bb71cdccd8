"""The same clip and the same weights through vidrts and its peers, each in a process of its own, file to file.

Timed is the slope between a short and a long clip, so that nobody pays for its start; the peers take turns. Precision
is the luma that the encoder is given, against the whole way computed in float64.
"""

import copy
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
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from vidrts.bench.child import check_ended
from vidrts.bench.clip import Clip, clip_of, sample
from vidrts.bench.machine import Machine, describe
from vidrts.bench.memory import PeakMemory
from vidrts.colorplan import LUMA
from vidrts.errors import OptionError
from vidrts.networks.checkpoint import load_model, save_model
from vidrts.networks.network import ResidualNetwork
from vidrts.research.peers.graphs import write_onnx
from vidrts.research.peers.truth import luma_psnr

Says = Callable[[str, int, int], None]
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "16")
_RAW = ("-f", "yuv4mpegpipe")
_LOOK = (640, 360)
"""Size at which precision is measured; it does not depend on it."""
_SCRIPT = """
import os
import vapoursynth as vs
core = vs.core
clip = core.bs.VideoSource(os.environ["BENCH_CLIP"], cachemode=0)
matrix = "709" if clip.height >= 720 else "170m"
rgb = core.resize.Bicubic(clip, format=vs.RGBS, matrix_in_s=matrix)
done = core.ort.Model([rgb], network_path=os.environ["BENCH_ONNX"], provider="CPU",
                      num_streams=int(os.environ["BENCH_STREAMS"]))
core.resize.Bicubic(done, format=vs.YUV420P8, matrix_s=matrix).set_output()
"""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is compared. Raises `OptionError` when made."""

    model: str = "rts-lite"
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
    absent: str = ""
    seconds: float = 0.0
    """Per frame, the median of the rounds."""
    spread: float = 0.0
    """(largest - smallest) / median of the rounds."""
    psnr: float = 0.0
    """dB of luma against float64."""
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
    command: Callable[[Clip, Path, bool], list[str]]
    missing: str = ""


def compare(contest: Contest, on_step: Says = lambda what, done, total: None) -> Outcome:
    """Run it. A contestant that cannot run here is named with the reason."""
    loaded = load_model(contest.model)
    network = loaded.network.residual_form
    if network is None:
        raise OptionError(f"model {contest.model}: the peers' files are written for residual networks alone")
    source = contest.clip or sample()
    with tempfile.TemporaryDirectory(prefix="vidrts-peers-") as name:
        folder = Path(name)
        clips = []
        for count in contest.frames:
            inner = folder / str(count)
            inner.mkdir()
            clips.append(clip_of(source, contest.size, count, inner, remake=True))
        look = clip_of(source, _LOOK, 4, folder, remake=True)
        theirs, file = network, str(loaded.path)
        if loaded.info.colour == "luma":
            theirs, file = grey(network), str(folder / "grey.safetensors")
            save_model(
                file, theirs, replace(loaded.info, colour="rgb", numbers={**loaded.info.numbers, "blur_level": 0})
            )
        peers = _peers(contest.model, theirs, file, folder)
        present = [peer for peer in peers if not peer.missing]
        psnr = {}
        total = len(present) * (1 + 2 * contest.rounds)
        for done, peer in enumerate(present):
            on_step(f"{peer.name}: precision", done, total)
            target = folder / "look.y4m"
            _run(peer.command(look, target, True), peer.name)
            own = peer is peers[0]
            psnr[peer.name] = luma_psnr(look.path, target, network if own else theirs, keep=own)
        slopes: dict[str, list[float]] = {peer.name: [] for peer in present}
        memory = dict.fromkeys(slopes, 0)
        done = len(present)
        for number in range(contest.rounds):
            for peer in present if number % 2 == 0 else reversed(present):
                spent = []
                for clip in clips:
                    on_step(f"round {number + 1}/{contest.rounds}: {peer.name}, {clip.frames} frames", done, total)
                    seconds, peak = _run(peer.command(clip, folder / "out.mp4", False), peer.name)
                    spent.append(seconds)
                    memory[peer.name] = max(memory[peer.name], peak)
                    done += 1
                slopes[peer.name].append((spent[1] - spent[0]) / (contest.frames[1] - contest.frames[0]))
    standings = []
    for peer in peers:
        if peer.missing:
            standings.append(Standing(name=peer.name, absent=peer.missing))
            continue
        found = slopes[peer.name]
        median = statistics.median(found)
        standings.append(Standing(
            name=peer.name, seconds=median, spread=(max(found) - min(found)) / median, psnr=psnr[peer.name],
            memory=memory[peer.name],
        ))  # fmt: skip
    return Outcome(machine=describe(), contest=contest, standings=tuple(standings))


def grey(network: ResidualNetwork) -> ResidualNetwork:
    """A network whose R', G' and B' are all three the BT.709 luma of `network`'s: what programs that know nothing of
    weights trained on luma alone can be given of these, at the same cost; it is told no blur levels."""
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    copied.blur_level = None
    extension = copied.conv_ext
    assert extension.bias is not None
    with torch.no_grad():
        for values in (extension.weight, extension.bias):
            by_colour = values.view(3, 4, *values.shape[1:])
            weights = values.new_tensor(LUMA).view(3, *[1] * (by_colour.ndim - 1))
            by_colour.copy_((by_colour * weights).sum(0, keepdim=True).expand_as(by_colour))
    return copied


def _peers(model: str, network: ResidualNetwork, file: str, folder: Path) -> list[_Peer]:
    """vidrts with `model`, all others with `network`, which lies in `file`; those who cannot run with the reason."""
    no_ffmpeg = "" if shutil.which("ffmpeg") else "no ffmpeg in PATH"
    no_ncnn = "" if importlib.util.find_spec("ncnn") else "the package ncnn is not installed"

    def vidrts(clip: Clip, target: Path, raw: bool) -> list[str]:
        written = ["-f", "y4m", "-"] if raw else [*_X264, str(target)]
        words = [sys.executable, "-m", "vidrts", "enhance", "-y", "-q", "--device", "cpu", "--model", model]
        return _shell([*words, "-i", str(clip.path), *written], target if raw else None)

    def piped(kind: str) -> Callable[[Clip, Path, bool], list[str]]:
        def command(clip: Clip, target: Path, raw: bool) -> list[str]:
            size = f"{clip.size[0]}x{clip.size[1]}"
            words = [sys.executable, "-m", "vidrts.research.peers.pipe", kind, file, str(clip.path), size, str(target)]
            return [*words, *(_RAW if raw else _X264)]

        return command

    return [
        _Peer("vidrts", vidrts),
        _Peer("torch eager, rgb24 pipes", piped("torch"), no_ffmpeg),
        _Peer("ncnn, rgb24 pipes", piped("ncnn"), no_ffmpeg or no_ncnn),
        _vapoursynth(network, folder, no_ffmpeg),
    ]


def _vapoursynth(network: ResidualNetwork, folder: Path, no_ffmpeg: str) -> _Peer:
    """ONNX Runtime as a VapourSynth filter, as many frames at a time as there are cores."""
    name = "VapourSynth, ONNX Runtime"
    vspipe = shutil.which("vspipe", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    plugins = importlib.util.find_spec("vapoursynth")
    where = Path(plugins.origin).parent / "plugins" / "ort" if plugins and plugins.origin else None
    if vspipe is None or where is None or not where.is_dir():
        return _Peer(name, lambda clip, target, raw: [], "vapoursynth and vapoursynth-mlrt-ort are not installed")
    script, graph = folder / "peer.vpy", folder / "peer.onnx"
    try:
        write_onnx(network, graph)
    except ImportError:
        return _Peer(name, lambda clip, target, raw: [], "the package onnx is not installed")
    script.write_text(_SCRIPT)

    def command(clip: Clip, target: Path, raw: bool) -> list[str]:
        streams = describe().cores
        settings = f"BENCH_CLIP={shlex.quote(str(clip.path))} BENCH_ONNX={graph} BENCH_STREAMS={streams}"
        path = f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
        output = _RAW if raw else _X264
        ending = shlex.join(["ffmpeg", "-v", "error", "-y", "-i", "-", *output, str(target)])
        return ["bash", "-o", "pipefail", "-c", f"{path} {settings} {vspipe} -c y4m {script} - | {ending}"]

    return _Peer(name, command, no_ffmpeg)


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
