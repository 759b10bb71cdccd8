"""README and the pages beside it: commands that exist, with options that exist, and links that lead somewhere."""

import re
import shlex
import shutil
from fractions import Fraction
from pathlib import Path

import click
import pytest
from helpers.paths import ROOT

from vidrts.cli import command, run
from vidrts.compare.preview import Variant, preview
from vidrts.networks.names import LIGHT_MODEL
from vidrts.research.__main__ import research

PAGES = [Path(name) for name in (
    "README.md", "models/README.md", "models/bench/README.md", "plugins/ffmpeg/README.md",
    "plugins/vapoursynth/README.md", "plugins/docker/README.md", "plugins/ray/README.md", "samples/README.md",
)]  # fmt: skip
FILES = ["photo.jpg", "film.mkv", "in.mkv", "in.mp4", "out.mkv", "clip.mp4", "samples/ducks.mp4", "samples/meadow.mp4"]
FOLDERS = ["DIV2K_train_HR", "runs/lite", "Set5/HR", "Set14/HR", "Kodak24/HR", "PHOTOS", "films"]
CALL = re.compile(r"(?:\S*uv run |docker run .* )?(vidrts|python -m vidrts\.research)(?::cuda)? (.*)")


def commands(page: Path) -> list[list[str]]:
    """Each call of vidrts and of vidrts.research on a page, in blocks and within lines, up to a pipe."""
    text = (ROOT / page).read_text()
    fenced = r"```(?:sh)?\n(.*?)```"
    blocks = re.findall(fenced, text, re.DOTALL) + re.findall(r"(?m)^    (\S.*)$", text)
    inline = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines() + [" ".join(words.split()) for words in inline]
    found = []
    for part in (part.strip() for line in lines for part in re.split(r"[|]|&&", line)):
        if match := CALL.match(part):
            found.append([match[1], *shlex.split(match[2])])
    return found


CALLS = [(str(page), call) for page in PAGES for call in commands(page)]


def test_commands_are_found() -> None:
    said = [" ".join(call) for page, call in CALLS if page == "README.md"]
    for wanted in ("vidrts enhance samples/meadow.mp4 out.mp4", "vidrts preview in.mkv page.html", "vidrts enhance - -",
                   "vidrts enhance --dry-run in.mkv out.mkv", "vidrts bench quick"):  # fmt: skip
        assert wanted in said


def test_commands_and_their_options_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed as they stand, not run; what an inline call leaves out may be missing."""
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for name in FOLDERS:
        Path(name).mkdir(parents=True)
    for page, (program, *words) in CALLS:
        group: click.Command = command if program == "vidrts" else research
        try:
            context = group.make_context(program, list(words))
            while isinstance(context.command, click.Group):
                rest = [*getattr(context, "_protected_args", ()), *context.args]
                name, found, left = context.command.resolve_command(context, rest)
                assert found is not None
                if not left:
                    break  # named alone
                context = found.make_context(name, left, parent=context)
        except (click.MissingParameter, click.exceptions.Exit):
            continue
        except click.ClickException as error:
            pytest.fail(f"{page}: {program} {' '.join(words)}: {error.format_message()}")


def test_the_first_command_enhances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = [call for page, call in CALLS if page == "README.md" and call[1] == "enhance"]
    assert first == ["vidrts", "enhance", "samples/meadow.mp4", "out.mp4"]
    monkeypatch.chdir(tmp_path)
    Path("samples").mkdir()
    shutil.copy(ROOT / "samples/meadow.mp4", "samples")
    assert run([*first[1:], "-t", "0.05"]) == 0
    assert Path("out.mp4").stat().st_size > 10_000


def test_the_sample_gets_sharper() -> None:
    """As README says of it, with the default model of a CPU."""
    seen = preview(ROOT / "samples/meadow.mp4", [Variant(model=LIGHT_MODEL)], at=[Fraction(1)], viqet=False)
    assert seen.verdict() == "Sharper, noise kept, colours kept"
    assert f'"{seen.verdict()}"' in (ROOT / "README.md").read_text()


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    heads = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        if not target.startswith("http"):
            name, _, anchor = target.partition("#")
            place = (ROOT / page).parent / name if name else ROOT / page
            assert place.exists(), target
            assert not anchor or anchor in anchors(place), target


def test_pictures_are_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert pictures and all((ROOT / picture).stat().st_size < 1_000_000 for picture in pictures)
