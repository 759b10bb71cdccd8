"""The commands of a README of plugins/, as they stand."""

import re

from helpers.paths import ROOT


def commands(readme: str) -> list[str]:
    """Every command of the sh blocks; one that goes on over lines is one."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    return [command.strip() for block in blocks for command in re.split(r"(?<![|\\])\n(?=\S)", block)]
