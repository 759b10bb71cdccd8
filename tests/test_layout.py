"""The house keeps its shape: imports point one way, the public names are few, option lists are decisions."""

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import click
import pytest

import vidrts
from vidrts.cli.subcommands import SUBCOMMANDS, Subcommands
from vidrts.research.__main__ import research

ROOT = Path(vidrts.__file__).parent
PLUGINS = ROOT.parent / "plugins"
ANYBODY = {"errors", "files", "memory", "messages", "native_calls", "suggestions"}
"""What everything may stand on: these import nothing of vidrts but errors."""
MAY_IMPORT = {
    "errors": set(),
    "files": set(),
    "memory": {"errors"},
    "native_calls": set(),
    "suggestions": set(),
    "messages": set(),
    "images": {"errors"},
    "prefetch": set(),
    "threads": set(),
    "cores": set(),
    "frame": set(),
    "checks": set(),
    "options": {"checks", "media", "networks", "picture"},
    "colorplan": {"frame"},
    "ops": set(),
    "color": {"colorplan", "frame", "ops"},
    "networks": {"colorplan", "ops"},
    "picture": {"checks", "color", "colorplan", "frame", "networks", "ops"},
    "measure": {"color", "colorplan", "cores", "frame", "ops"},
    "calibration": {"images", "measure", "networks", "ops", "picture"},
    "pages": set(),
    "media": {"checks", "color", "colorplan", "cores", "frame"},
    "training": {
        *("color", "colorplan", "frame", "images", "measure", "media", "networks", "ops", "pages", "picture"),
        "threads",
    },
    "bench": {
        *("color", "colorplan", "cores", "workers", "frame", "media", "networks", "ops", "options", "picture"),
        *("pipeline", "prefetch", "progress", "threads", "training", "__init__"),
    },
    "compare": {"color", "colorplan", "frame", "images", "measure", "media", "networks", "ops", "pages", "picture"},
    "score": {"compare", "frame", "images", "measure", "media"},
    "research": {
        *("bench", "cli", "color", "colorplan", "compare", "cores", "export", "frame", "images", "measure", "media"),
        *("networks", "ops", "options", "picture", "prefetch", "progress", "score", "segments", "training", "workers"),
    },
    "workers": {"frame", "networks", "picture", "prefetch", "threads"},
    "plan": {"frame", "media", "picture"},
    "options_of_pictures": {"media", "options"},
    "pictures": {"frame", "media", "networks", "options", "options_of_pictures", "picture", "plan", "threads"},
    "progress": {"frame", "media"},
    "pipeline": {
        *("pictures", "workers", "frame", "media", "networks", "options", "picture", "plan", "prefetch", "progress"),
    },
    "dry_run": {"frame", "networks", "options", "picture", "pictures", "pipeline", "plan", "prefetch"},
    "segments": {
        *("cores", "frame", "media", "networks", "options", "picture", "pictures", "pipeline", "plan", "prefetch"),
        "progress",
        *("workers", "__init__"),
    },
    "folders": {"media"},
    "export": {"colorplan", "networks", "ops", "picture"},
    "cli": {
        *(
            "bench",
            "calibration",
            "compare",
            "export",
            "folders",
            "measure",
            "media",
            "networks",
            "options",
            "options_of_pictures",
            "picture",
            "pipeline",
            "plan",
            "progress",
            "dry_run",
            "score",
            "segments",
            "training",
        ),
        *("__init__", "checks"),
    },
    "__init__": {"networks", "options", "pipeline", "progress", "training"},
    "__main__": {"cli"},
    "plugins": {"color", "colorplan", "frame", "networks", "picture"},
}
WITHIN_MEDIA = {
    "read": {"pictures", "pipes"},
    "write": {"pictures", "pipes"},
    "pictures": set(),
    "pipes": set(),
    "tools": set(),
    "input": set(),
}
"""Folders and files of media/ -> folders of it that they may import, beside the files in media/ itself."""


def part_of(path: Path) -> str:
    """The top-level part of the house that a file belongs to."""
    inner = path.relative_to(ROOT)
    return inner.parts[0] if len(inner.parts) > 1 else inner.stem


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules of which each imports the next, the first one last again; [] where there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def module_name(path: Path) -> str:
    """As it is imported."""
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = part_of(path)
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "vidrts":
            other = rest.split(".")[0] or "__init__"
            if not ((ROOT / other).is_dir() or (ROOT / f"{other}.py").is_file()):
                other = "__init__"  # a name that the package itself offers
            assert other == own or other in MAY_IMPORT[own] or (other in ANYBODY and own not in ANYBODY), (
                f"{own} imports {name}"
            )
        assert top != "av" or own == "media", f"{own} imports av; only media may"
        assert top not in ("vapoursynth", "vsrts"), f"{own} imports {top}; only plugins may"


@pytest.mark.parametrize("path", sorted((ROOT / "media").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_writing_never_touches_reading(path: Path) -> None:
    own = path.relative_to(ROOT / "media").parts[0].removesuffix(".py")
    for name in imported(path):
        other = name.removeprefix("vidrts.media.").split(".")[0]
        if name.startswith("vidrts.media.") and (ROOT / "media" / other).is_dir() and own in WITHIN_MEDIA:
            assert other == own or other in WITHIN_MEDIA[own], f"media/{own} imports {name}"


def test_no_imports_run_in_a_circle() -> None:
    files = {module_name(path): path for path in ROOT.rglob("*.py")}
    graph = {
        name: {known for used in imported(path) for known in (used, used.rpartition(".")[0])
               if known in files and known != name and not name.startswith(f"{known}.")}
        for name, path in files.items()
    }  # fmt: skip
    assert sum(map(len, graph.values())) > 500, "imports are found"
    assert circle(graph) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})[0] in "abc", "a circle would be found"


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.*py")), ids=lambda p: str(p.relative_to(PLUGINS)))
def test_plugins_take_what_they_may(path: Path) -> None:
    for name in imported(path):
        top, _, rest = name.partition(".")
        assert top != "vidrts" or rest.split(".")[0] in MAY_IMPORT["plugins"] | ANYBODY, f"a plugin imports {name}"
        assert top != "av", "a plugin imports av; only media may"


def test_files_that_readme_names_are_there() -> None:
    text = (ROOT.parent / "README.md").read_text()
    part = text[text.index("## How it is built") : text.index("## State")]
    named = re.findall(r"`([a-z_/]+(?:\.py|/))`", part)
    assert len(named) > 15
    assert not [name for name in named if not (ROOT / name).exists() and not (ROOT.parent / name).exists()]


def test_public_names() -> None:
    assert vidrts.__all__ == ["EnhanceOptions", "TrainOptions", "enhance", "errors", "load_model", "train"]
    assert all(getattr(vidrts, name).__doc__ for name in vidrts.__all__)


def subcommands() -> dict[str, click.Command]:
    group = Subcommands()
    found = {name: group.get_command(click.Context(group), name) for name in SUBCOMMANDS}
    assert None not in found.values()
    return found  # type: ignore[return-value]


def test_option_lists_are_decisions() -> None:
    options = {
        name: sorted(o for p in sub.params if isinstance(p, click.Option) for o in (*p.opts, *p.secondary_opts))
        for name, sub in subcommands().items()
    }
    assert options == {
        "enhance": sorted(
            "-i -y -n --force -r --recursive --suffix --ext "
            "--model --scale --strength --chroma --detail --noise --noise-amplitude --device --engine "
            "--precision --tile --batch -ss -to "
            "-vf -frames:v -b:a -metadata -movflags "
            "-t --stream --interlaced --hwaccel --strict -c:v -crf -b:v -preset -tune -pix_fmt -e -c:a --audio "
            "--subtitles --no-audio --no-subtitles --threads --dry-run --progress "
            "--no-progress --log -v --verbose --debug -q --quiet "
            "--raw -f --low-latency --colorspace --range --primaries --transfer --quality -framerate "
            "-start_number --segment --resume --restart --ray --ray-shared".split()
        ),
        "bench": [],
        "degrader": [],
        "devices": ["--json"],
        "compare": sorted(
            "-y -n --frames --at --samples --every --crop --play --viqet --no-viqet --workers --debug -q "
            "--quiet".split()
        ),
        "calibrate": sorted("--rmse --scale --device --debug -q --quiet".split()),
        "export": sorted(
            "--scale --luma --size --fp16 --blur-level --noise-amplitude --strength --full-range --parameters -y -n "
            "--debug -q --quiet".split()
        ),
        "import": sorted("-y -n --debug -q --quiet".split()),
        "jobs": [],
        "models": [],
        "preview": sorted(
            "-y -n --at --frames --model --strength --chroma --scale --detail --noise --device --engine "
            "--precision --crop --play --viqet --no-viqet --workers --debug -q --quiet".split()
        ),
        "report": sorted("--out --debug -q --quiet".split()),
        "score": sorted(
            "--reference --frames --every --json --csv --viqet-model --flat-region-model --workers --debug "
            "-q --quiet".split()
        ),
        "stills": sorted("--sharpness --most --overscan --debug -q --quiet".split()),
        "train": sorted(
            "--photos --stills --stills-weight --out --resume --model --scale --init --degrade --stages --steps "
            "--later-steps --batch --patch --crops --rate --later-rate --decay --no-decay --stage-init --aim "
            "--loss --ema --held-out --optimizer --flat-patches --lock-mean --no-lock-mean --seed --device "
            "--compile --no-compile --target-memory --viqet --no-viqet --blur-level --no-blur-level --pairs "
            "--pair-weight --pair-batch --pair-floor --pair-aim --teacher --teacher-weight --colour --shrink "
            "--shrink-below --grey --luma-input --no-luma-input --rendered --turn --no-turn --left-for-truth --cache "
            "--method --adversarial-steps --adversarial-rate --discriminator-rate --largest "
            "--features --noise --gan-weight --contextual-weight --reconstruction-weight --cycle-weight "
            "--noisy-cycle-weight --chroma-weight --style-weight --judge-features --judge-growth --spectral "
            "--no-spectral --patch-scores --no-patch-scores --snapshot-every --debug".split()
        ),
    }


def test_users_and_researchers_have_commands_of_their_own() -> None:
    names = (
        "enhance jobs preview compare score models import export calibrate devices stills train report degrader bench"
    )
    assert list(SUBCOMMANDS) == names.split()
    options = {name: sorted(o for p in sub.params if isinstance(p, click.Option) for o in p.opts)
               for name, sub in research.commands.items()}  # fmt: skip
    common = "--rounds --quick --json --debug -q --quiet"
    assert options == {
        "experiment": sorted(
            "--photos --clip --model --crf --also --arm --take --crop --out --scale --device --debug".split()
        ),
        "scale": sorted(f"--model --frames --sizes --networks --device {common}".split()),
        "peers": sorted(f"--model --size --frames --clip {common}".split()),
        "segments": sorted(f"--clip --length --joined --workers {common}".split()),
    }


def test_every_command_has_help() -> None:
    for name, sub in subcommands().items():
        assert sub.name == name and sub.help and sub.help.splitlines()[0].endswith(".")
        assert len(SUBCOMMANDS[name]) <= 65, "a line of the group's help in a terminal of 80 columns"


HEAVY = ("torch", "av", "numpy", "openvino", "rich", "PIL", "scipy", "safetensors")
"""Packages that take tenths of seconds to seconds to load."""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("--help", 0, SUBCOMMANDS),
        ("--version", 0, [vidrts.__version__]),
        ("nosuch", 2, ["nosuch"]),
        ("enhnace in.mkv out.mkv", 2, ["enhnace", "did you mean enhance?"]),
        ("enhance --help", 0, ["--strength", "libx265", "rts-lite on a CPU"]),
        ("enhance --modle rts-lite in.mkv out.mkv", 2, ["--modle", "--model"]),
        ("enhance -presett slow in.mkv out.mkv", 2, ["-presett", "-preset"]),
        ("enhance --model rts-litte in.mkv out.mkv", 1, ["rts-litte", "did you mean rts-lite"]),
        ("enhance --nosuch in.mkv out.mkv", 2, ["--nosuch"]),
        ("enhance -map 0 in.mkv out.mkv", 2, ["-map: all streams are kept"]),
        ("enhance --engine abacus in.mkv out.mkv", 2, ["abacus", "openvino"]),
        ("enhance --precision fp8 in.mkv out.mkv", 2, ["fp8", "bf16"]),
        ("enhance --colorspace bt999 in.mkv out.mkv", 2, ["bt999", "bt709"]),
        ("enhance -f avi in.mkv -", 2, ["avi", "matroska"]),
        ("enhance --hwaccel gpu in.mkv out.mkv", 2, ["gpu", "cuda:N"]),
        ("enhance --tile 8x8 in.mkv out.mkv", 2, ["(8, 8)", "16x16"]),
        ("enhance --raw 64x48:yuv420p in.mkv out.mkv", 2, ["64x48:yuv420p", "PIXFMT"]),
        ("enhance -ss 1:99 in.mkv out.mkv", 2, ["1:99"]),
        ("enhance in.mkv", 2, ["IN and OUT"]),
        ("score --nope a.png", 2, ["--nope"]),
        ("score --json --csv a.png", 2, ["--json and --csv"]),
        ("train --nope", 2, ["--nope"]),
        ("degrader train --nope", 2, ["--nope"]),
        ("degrader train --photos none", 2, ["--out"]),
        ("degrader apply in", 2, ["OUT"]),
        ("degrader train --help", 0, ["vqvae2", "45000"]),
        ("train --loss mean", 2, ["mean", "charbonnier"]),
        ("train --photos none", 2, ["--out"]),
        ("bench --nope", 2, ["--nope"]),
        ("bench train --model none", 2, ["none", "rts-r3"]),
        ("models --nope", 2, ["--nope"]),
    ],
)
def test_help_and_mistakes_load_nothing_heavy(arguments: str, code: int, says: Sequence[str]) -> None:
    script = (
        f"import sys; from vidrts.cli import run; code = run({arguments.split()!r})\n"
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{code} []"
    assert all(words in done.stdout + done.stderr for words in says), done.stderr


def test_options_load_nothing_heavy_and_are_values() -> None:
    """A run can be made and sent to another process or machine without torch and FFmpeg."""
    script = (
        "import pickle, sys; from fractions import Fraction; from vidrts import EnhanceOptions\n"
        "from vidrts.frame import ColorTags; from vidrts.media.pipes import raw_header\n"
        "from vidrts.media.read.options import DecodeOptions; from vidrts.media.write.options import EncodeOptions\n"
        "from vidrts.picture.options import EnhancerOptions\n"
        "options = EnhanceOptions(model='rts-lite', workers=3, picture=EnhancerOptions(tile=(64, 48), strength=0.5),\n"
        "    decode=DecodeOptions(start=Fraction(1, 3), raw=raw_header.parse('64x48:yuv420p10@24000/1001'),\n"
        "        color=ColorTags(matrix=9)),\n"
        "    encode=EncodeOptions(crf=18.5, options={'aq-mode': '3'}, audio_languages=('eng', 'deu')))\n"
        "copy = pickle.loads(pickle.dumps(options))\n"
        "assert copy == options and copy is not options\n"
        "assert pickle.loads(pickle.dumps(EnhanceOptions())) == EnhanceOptions()\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
