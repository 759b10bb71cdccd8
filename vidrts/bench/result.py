"""What a run of the benchmark found, as values: rows, the machine, and the two ratios that count.

result = Result.from_json(Path("models/bench/epyc.json").read_text())
result.overlap(result.wholes[0])
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vidrts.bench.machine import Machine
from vidrts.errors import InputError

FORMAT = 1
STAGES = ("decode", "enhance", "encode")
"""The stages that run at the same time; the slowest bounds the pipeline."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement: the time of one frame (of one call, for a ceiling)."""

    kind: Literal["ceiling", "part", "whole"]
    name: str
    seconds: float
    spread: float
    """Standard deviation of the rounds over their mean."""
    cpu_seconds: float
    size: str = ""
    """WxH of the picture."""
    model: str = ""
    engine: str = ""
    """Engine and precision, for example "torch bf16"."""
    preset: str = ""
    amounts: Mapping[str, float] = field(default_factory=dict)
    """Name of a ceiling -> what a frame needs of it at least: operations or bytes. For a ceiling: what a call does."""
    unit: str = ""
    """Of a ceiling's amount: "FLOP" or "B"."""

    @property
    def rate(self) -> float:
        """Frames/s, or calls."""
        return 1 / self.seconds


@dataclass(frozen=True, kw_only=True)
class Result:
    """All of one run on one machine."""

    machine: Machine
    device: str
    clip: str
    """What was enhanced, in words."""
    rows: tuple[Row, ...]
    others: float | None = None
    """Share of the cores' time that other processes took meanwhile; None where that is not known."""

    @property
    def ceilings(self) -> dict[str, float]:
        """Name -> operations or bytes per second."""
        return {row.name: row.amounts[row.name] / row.seconds for row in self.rows if row.kind == "ceiling"}

    @property
    def wholes(self) -> list[Row]:
        """The whole pipelines."""
        return [row for row in self.rows if row.kind == "whole"]

    def share(self, row: Row) -> float | None:
        """Share of the roofline: the least time that any ceiling allows over the time taken; None without one."""
        ceilings = self.ceilings
        floors = [amount / ceilings[name] for name, amount in row.amounts.items() if name in ceilings]
        return max(floors) / row.seconds if floors and row.kind != "ceiling" else None

    def part(self, whole: Row, name: str) -> Row | None:
        """The part of that name that belongs to a whole pipeline."""
        fits = (r for r in self.rows if r.kind == "part" and r.name == name and _belongs(r, whole))
        return next(fits, None)

    def slowest(self, whole: Row) -> Row | None:
        """The slowest stage alone of a whole pipeline; None where none was measured."""
        stages = [part for name in STAGES if (part := self.part(whole, name)) is not None]
        return max(stages, key=lambda part: part.seconds, default=None)

    def overlap(self, whole: Row) -> float | None:
        """The time of the slowest stage alone over that of the whole: 1 where everything else is hidden behind it."""
        slowest = self.slowest(whole)
        return None if slowest is None else slowest.seconds / whole.seconds

    def busy(self, whole: Row) -> float:
        """Share of the cores' time that a whole pipeline computed; 1 where they never waited."""
        return whole.cpu_seconds / whole.seconds / self.machine.cores

    def besides(self, whole: Row) -> float | None:
        """CPU time of the enhancement that is not the network, over that of the network; None where not measured."""
        enhance, network = self.part(whole, "enhance"), self.part(whole, "network")
        if enhance is None or network is None or not network.cpu_seconds:
            return None
        return (enhance.cpu_seconds - network.cpu_seconds) / network.cpu_seconds

    def to_json(self) -> str:
        """Everything, with the ratios beside the rows for who reads it without this class."""
        rows = [asdict(row) | _derived(self, row) for row in self.rows]
        values = {"format": FORMAT, "machine": asdict(self.machine), "device": self.device, "clip": self.clip}
        return json.dumps(values | {"others": self.others, "rows": rows}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "the benchmark's JSON") -> "Result":
        """The result that `to_json` wrote; raises `InputError` for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            if values["format"] != FORMAT:
                raise InputError(f"{name}: expected format {FORMAT}, got {values['format']}; run `vidrts bench` again")
            machine = values["machine"]
            rows = [Row(**{k: row[k] for k in Row.__dataclass_fields__ if k in row}) for row in values["rows"]]
            return cls(
                machine=Machine(**machine | {"gpus": tuple(machine["gpus"])}), device=values["device"],
                clip=values["clip"], others=values["others"], rows=tuple(rows),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{name}: not a result of `vidrts bench --json` ({error}); run it again") from None


def _belongs(part: Row, whole: Row) -> bool:
    """Whether no field of `part` differs from that of `whole`."""
    pairs = ((getattr(part, key), getattr(whole, key)) for key in ("size", "model", "engine", "preset"))
    return all(not own or own == other for own, other in pairs)


def _derived(result: Result, row: Row) -> dict[str, float]:
    """Frames/s and ratios, where there are any."""
    found: dict[str, float | None] = {"rate": row.rate, "share": result.share(row)}
    if row.kind == "whole":
        found |= {"overlap": result.overlap(row), "busy": result.busy(row), "besides": result.besides(row)}
    return {key: value for key, value in found.items() if value is not None}
