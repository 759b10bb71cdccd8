"""Programs that a measurement starts, and how they ended."""

import subprocess

from vidrts.errors import VidrtsError


def check_ended(process: "subprocess.Popen[bytes]", stderr: bytes, name: str) -> None:
    """Raise `VidrtsError` with the last line of its `stderr` where an ended process failed."""
    if process.returncode:
        lines = stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise VidrtsError(f"{name}: failed with code {process.returncode}: {lines[-1]}")
