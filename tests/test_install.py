"""Install lines: each works from a checkout, and none fetches vidrts from an index, where it is not."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from helpers.paths import ROOT

from vidrts.cli import command as whole
from vidrts.networks.shipped import shipped_models

PAGES = [ROOT / "README.md", *sorted((ROOT / "plugins").rglob("*.md")), ROOT / "plugins/docker/Dockerfile"]
SOURCES = [*(ROOT / "vidrts").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
FROM_INDEX = re.compile(
    r"""(?:install|uvx|pipx run|--with|--from)\b[^\n`]*?[\s'"](?:vidrts|vsrts)(?:\[|==|[\s'"`,;)]|$)"""
)
SYSTEM = Path("/usr/bin/python3")


def lines(page: Path) -> list[str]:
    return page.read_text().splitlines()


@pytest.mark.parametrize(
    ("line", "fetches"),
    [
        ("pip install vidrts", True), ("`pip install 'vidrts[report]'`", True), ("uv tool install vidrts", True),
        ("pip install -U vidrts==1.0", True), ("uvx vidrts enhance a b", True), ("uvx --from vidrts vidrts", True),
        ("pip install '.[vapoursynth]'", False), ("pip install uv && uv run vidrts enhance a b", False),
        ("uv tool install . puts `vidrts` on the PATH", False), ("pip install ssimulacra2", False),
    ],
)  # fmt: skip
def test_what_would_be_fetched_is_found(line: str, fetches: bool) -> None:
    assert any(FROM_INDEX.search(command) for command in line.split("&&")) == fetches


def test_nothing_fetches_vidrts_from_an_index() -> None:
    found = [
        f"{page.relative_to(ROOT)}: {line}"
        for page in (*PAGES, *SOURCES)
        for line in lines(page)
        if any(FROM_INDEX.search(command) for command in line.split("&&"))
    ]
    assert len(SOURCES) > 200 and found == []


def test_extras_that_are_named_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {name for page in PAGES for name in re.findall(r"install '\.\[(\w+)\]'", page.read_text())}
    assert named == set(extras)


def test_the_line_for_debian(tmp_path: Path) -> None:
    """With the system's own Python, which refuses `pip install uv`: as README has it, up to the call of uv."""
    (line,) = [line for line in lines(ROOT / "README.md") if line.startswith("python3 -m venv")]
    *make, use = line.split(" && ")
    assert use.removeprefix("~/.uv/bin/") in (ROOT / "README.md").read_text().replace("pip install uv && ", "")
    managed = list(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED"))
    if not managed or not SYSTEM.exists():
        pytest.skip("this system's Python is not managed by it")
    refused = subprocess.run([SYSTEM, "-m", "pip", "install", "uv"], capture_output=True, text=True)
    assert refused.returncode == 1 and re.search("externally-managed|No module named pip", refused.stderr)
    if subprocess.run([SYSTEM, "-c", "import ensurepip"], capture_output=True).returncode != 0:
        pytest.skip("python3-venv is not installed")
    for command in make:
        here = command.replace("~", str(tmp_path)).replace("python3 ", f"{SYSTEM} ")
        done = subprocess.run(here.split(), cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    uv = use.split()[0].replace("~", str(tmp_path))
    assert subprocess.run([uv, "--version"], capture_output=True, text=True).stdout.startswith("uv ")


BASH = r"""
eval "$(_VIDRTS_COMPLETE=bash_source vidrts)"
COMP_WORDS=(vidrts enh); COMP_CWORD=1; _vidrts_completion vidrts; echo "${COMPREPLY[@]}"; COMPREPLY=()
COMP_WORDS=(vidrts enhance --stren); COMP_CWORD=2; _vidrts_completion vidrts; echo "${COMPREPLY[@]}"
complete -p vidrts
"""
ZSH = r"""
autoload -U compinit; compinit -u -D
compadd() { print -r -- "$@"; }  # in place of the line editor's, which scripts have not
_describe() { shift; shift 2>/dev/null; print -rl -- "${completions_with_descriptions[@]}"; }
eval "$(_VIDRTS_COMPLETE=zsh_source vidrts)"
words=(vidrts enh); CURRENT=2; _vidrts_completion
print -r -- "${_comps[vidrts]}"
"""


@pytest.mark.parametrize("words", [["enhance", "--model"], ["preview", "--model"]])
def test_models_are_completed(words: list[str]) -> None:
    shell = ShellComplete(whole, {}, "vidrts", "_VIDRTS_COMPLETE")
    assert {one.value for one in shell.get_completions(words, "rts-li")} == {
        name for name in shipped_models() if name.startswith("rts-li")
    }
    (other,) = shell.get_completions(words, "runs/my")
    assert (other.type, other.value) == ("file", "runs/my")


@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("zsh", ZSH)])
def test_completion(shell: str, script: str, tmp_path: Path) -> None:
    """README's line for the shell, and what it then offers."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "vidrts"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vidrts "$@"\n')
    program.chmod(0o755)
    line = f'eval "$(_VIDRTS_COMPLETE={shell}_source vidrts)"'
    assert line in (ROOT / "README.md").read_text() and line in script
    path = f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run([shell, "-c", script], env={"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True)  # fmt: skip
    if shell == "bash":
        first, second, third = done.stdout.splitlines()
        assert (first, second) == ("enhance", "--strength")
        assert third.startswith("complete ") and "_vidrts_completion" in third
    else:
        assert re.search(r"^enhance:", done.stdout, re.MULTILINE), (done.stdout, done.stderr)
        assert done.stdout.splitlines()[-1] == "_vidrts_completion"
