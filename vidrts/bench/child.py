"""Programs that a measurement starts, and how they ended."""

import subprocess

from vidrts.errors import VidrtsError


def check_ended(process: "subprocess.Popen[bytes]", told: bytes, name: str) -> None:
    """Raise `VidrtsError` with the last line of `told`, its stderr, where an ended process failed."""
    if process.returncode:
        lines = told.decode(errors="replace").strip().splitlines() or ["no word of why"]
        raise VidrtsError(f"{name}: failed with code {process.returncode}: {lines[-1]}")
