"""vsrts as people run it: every command of its README with the real vspipe, and a core that is freed and made again."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from helpers.paths import ROOT
from helpers.readme_commands import commands

from vidrts.frame import Frame
from vidrts.media.read.source import Source
from vidrts.networks.checkpoint import load_model
from vidrts.picture.enhancer import Enhancer

vapoursynth = pytest.importorskip("vapoursynth", reason="VapourSynth is not installed: pip install vapoursynth")

COMMANDS = commands("plugins/vapoursynth/README.md")
BIN = Path(sys.executable).parent
FRAMES = 9

RELOAD = """
import gc, sys, threading, weakref
import vapoursynth as vs

class Policy(vs.EnvironmentPolicy):
    def on_policy_registered(self, api):
        self.api, self.local = api, threading.local()
    def on_policy_cleared(self):
        pass
    def get_current_environment(self):
        return getattr(self.local, "environment", None)
    def set_environment(self, environment):
        before, self.local.environment = self.get_current_environment(), environment
        return before
    def is_alive(self, environment):
        return True

policy = Policy()
vs.register_policy(policy)
import vsrts.stream
alive = weakref.WeakSet()
made = vsrts.stream.Stream.__init__
vsrts.stream.Stream.__init__ = lambda self, *given: (alive.add(self), made(self, *given))[1]

def preview():
    environment = policy.api.create_environment()
    with policy.api.wrap_environment(environment).use():
        script = {}
        exec(open(sys.argv[1]).read(), script)
        shown = vs.get_output(0).clip
        shades = [int(frame[0][10, 10]) for frame in shown.frames(prefetch=4)]
        shown.get_frame_async(3).result(60)
        del shown
        script.clear()
        vs.clear_outputs()
    gc.collect()
    policy.api.destroy_environment(environment)
    gc.collect()
    return shades, len(alive)

for _ in range(3):
    print(*preview())
"""
SCRIPT = """
import vapoursynth as vs
from vsrts import enhance
clip = vs.core.std.BlankClip(width=48, height=32, format=vs.GRAY8, length=6, color=90)
clip = enhance(clip, model={model!r}, num_streams=2, batch_size=2, device="cpu", precision="fp32")
enhance(clip, model={model!r}, num_streams=2, strength=0, device="cpu").set_output()
"""


@pytest.fixture(scope="module")
def film(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's files: in.mkv with sound, interlaced.ts; plugins/ as in the repository."""
    if not (BIN / "vspipe").exists() or not shutil.which("ffmpeg"):
        pytest.skip("vspipe and ffmpeg are needed")
    folder = tmp_path_factory.mktemp("film")
    (folder / "plugins").symlink_to(ROOT / "plugins")
    source = f"ffmpeg -v error -i {clips / 'torchcodec__nasa_13013.mp4'} -frames:v"
    fields = "-vf scale=160:96,tinterlace=4,setfield=tff -flags +ildct+ilme -x264-params tff=1"
    run(f"{source} {FRAMES} -t 0.3 -vf scale=160:96 -c:v libx264 -c:a aac in.mkv", folder)
    run(f"{source} {FRAMES} -an {fields} -c:v libx264 interlaced.ts", folder)
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(folder / "config")}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Core freed" not in done.stderr
    return done


def frames_of(path: Path) -> list[Frame]:
    with Source(path) as source:
        return [event for event in source.events() if isinstance(event, Frame)]


def test_the_readme_shows_every_example() -> None:
    examples = {path.name for path in (ROOT / "plugins/vapoursynth/examples").glob("*.vpy")}
    assert examples == set(re.findall(r"examples/(\w+\.vpy)", "".join(COMMANDS)))
    assert len(COMMANDS) == 7


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_each_command_of_the_readme(command: str, film: Path) -> None:
    """As it stands, but for the GPU and for vspreview's window, in whose place vspipe asks for the same frames."""
    if not torch.cuda.is_available():
        command = command.replace("device=cuda", "device=cpu")
    if ".onnx" in command:
        pytest.importorskip("onnxscript")
        if not hasattr(vapoursynth.core, "ort"):
            pytest.skip("vs-mlrt is not installed: pip install vapoursynth-mlrt-ort")
        command = command.replace("export rts-lite", "export --blur-level 0.2 0.4 rts-lite")  # a small film
    done = run(re.sub(r"^vspreview (\S+) (.*)", r"vspipe --end 3 \2 \1 --", command), film)
    match command.split()[-1]:
        case "vsrts":
            stage = load_model("rts-r3").info.stage
            assert f'rts-r3: trained on luma, 114,643 parameters, stage {stage}, "auto" on a GPU' in done.stdout
            assert 'device="cpu"' in done.stdout
        case "out.mkv":
            with Source(film / "in.mkv") as before, Source(film / "out.mkv") as after:
                assert after.info.color == before.info.color
                assert [s.type for s in after.input.others] == [s.type for s in before.input.others]
            assert len(frames_of(film / "out.mkv")) == FRAMES
        case "lossless.mkv":
            enhancer = Enhancer(load_model("rts-lite").network)
            wanted = enhancer(frames_of(film / "in.mkv"))
            for a, b in zip(frames_of(film / "lossless.mkv"), wanted, strict=True):
                apart = [(x.int() - y.int()).abs().max() for x, y in zip(a.planes, b.planes, strict=True)]
                assert max(apart) <= 1
        case "lite.onnx":
            assert "departs from torch" in done.stderr
        case "exported.mkv":
            apart = [
                (a.planes[0].float() - b.planes[0].float()).abs().mean()
                for a, b in zip(frames_of(film / "exported.mkv"), frames_of(film / "in.mkv"), strict=True)
            ]
            assert min(apart) > 0.1 and max(apart) < 5
        case "progressive.mkv":
            frames = frames_of(film / "progressive.mkv")
            assert len(frames) == len(frames_of(film / "interlaced.ts"))
            assert all(frame.field_order == "progressive" for frame in frames)
            assert all(not torch.equal(a.planes[0], b.planes[0]) for a, b in pairwise(frames))
        case _:
            assert "Output 4 frames" in done.stderr


def test_a_core_freed_and_made_again(tiny_model: Path, tmp_path: Path) -> None:
    """As a previewer reloads a script: the core goes, and with it every enhancer; the next one works alike."""
    (tmp_path / "reload.py").write_text(RELOAD)
    (tmp_path / "script.vpy").write_text(SCRIPT.format(model=str(tiny_model)))
    lines = run("python reload.py script.vpy", tmp_path).stdout.splitlines()
    assert len(lines) == 3
    assert len(set(lines)) == 1
    assert lines[0].endswith("] 0")


def test_the_extra_brings_a_source_filter() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extra = project["project"]["optional-dependencies"]["vapoursynth"]
    assert {re.split(r"[<>=]", name)[0] for name in extra} == {"vapoursynth", "vapoursynth-bestsource"}
    assert "plugins/vapoursynth/vsrts" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
