"""Whether a GPU is used as well as it should be: a result held against the project's targets.

python -m vidrts.bench.targets bench.json

An H200 should enhance 500 frames/s of 1080p with rts-r3; on any GPU the network should reach 30 % of the measured
matrix rate, and a pipeline nine tenths of its slowest part. The exit code is 1 where one is missed or was not measured.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidrts.bench.result import Result, Row

_SIZE, _MODEL = "1920x1080", "rts-r3"
_NETWORK_SHARE, _OVERLAP, _H200_RATE = 0.30, 0.9, 500.0


@dataclass(frozen=True)
class Target:
    """A value that should be at least `least`."""

    name: str
    least: float
    got: float | None
    """None: it was not measured."""

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.got is not None and self.got >= self.least

    def __str__(self) -> str:
        got = "not measured" if self.got is None else f"{self.got:.3g}"
        return f"{'met   ' if self.met else 'MISSED'}  {self.name}: {got}, expected at least {self.least:g}"


def targets(result: Result) -> list[Target]:
    """The targets of `result`, that of a GPU."""
    network, enhance = _best(result, "part", "network"), _best(result, "part", "enhance")
    whole = _best(result, "whole", "whole")
    found = [
        Target(f"{_MODEL} at {_SIZE}, network's share of its roofline", _NETWORK_SHARE,
               None if network is None else result.share(network)),
        Target(f"{_MODEL} at {_SIZE}, whole pipeline against its slowest part", _OVERLAP,
               None if whole is None else result.overlap(whole)),
    ]  # fmt: skip
    if any("H200" in gpu for gpu in result.machine.gpus):
        rate = None if enhance is None else enhance.rate
        found.insert(0, Target(f"{_MODEL} at {_SIZE}, frames/s of network, tail and colour", _H200_RATE, rate))
    return found


def _best(result: Result, kind: str, name: str) -> Row | None:
    """The fastest such row."""
    rows = [r for r in result.rows if (r.kind, r.name, r.model, r.size) == (kind, name, _MODEL, _SIZE)]
    return min(rows, key=lambda row: row.seconds, default=None)


def main(arguments: Sequence[str]) -> int:
    """Print each target of the file; the exit code."""
    (file,) = arguments
    found = targets(Result.from_json(Path(file).read_text(), file))
    print("\n".join(str(target) for target in found))
    return 0 if all(target.met for target in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
