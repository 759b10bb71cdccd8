"""Man pages made from the help: one for each command, each option in it, and what man says of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vidrts.cli import manpages
from vidrts.cli.enhance import enhance
from vidrts.cli.subcommands import SUBCOMMANDS


def test_each_command_has_a_page(tmp_path: Path) -> None:
    assert manpages.main([str(tmp_path / "man1")], standalone_mode=False) is None
    made = {path.name: path.read_text() for path in (tmp_path / "man1").iterdir()}
    assert {"vidrts.1", "vidrts-bench-quick.1", *(f"vidrts-{name}.1" for name in SUBCOMMANDS)} <= set(made)
    page = made["vidrts-enhance.1"].replace("\\-", "-")
    for option in (name for p in enhance.params if p.param_type_name == "option" for name in p.opts):
        assert re.search(rf"^\.B .*(?<![\w-]){re.escape(option)}(?![\w-])", page, re.MULTILINE), option
    assert "\n.B IN" not in page, "arguments are in the synopsis"
    assert ".nf\nvidrts enhance in.mkv out.mkv\n" in page
    assert not re.search(r"^\.(?!TH|SH|PP|TP|B |nf|fi)", page, re.MULTILINE), "no text is taken for a request"
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    for name in made:
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", tmp_path / "man1" / name], capture_output=True, text=True
        )  # fmt: skip
        assert done.returncode == 0 and not re.search("error|macro", done.stderr), (name, done.stderr)
