"""How a training input is made from HR0: steps in a row, drawn from weighted alternatives.

    Degradation("triangle > jpeg:30-95")
    Degradation("3*triangle > noise:0-2 > h264:18-36 | gaussian:0.9 > jpeg:30-95")
    Degradation("(4*triangle | box | gaussian:0.6-1.4) > (none | h264:18-36)")
    Degradation("(none | blur:0.3-1.6) > (none | h264:17-36)", halves=False)

LR has half the size of HR0: exactly one step of a row scales down by 2. The kernel decides whether the result becomes
sharper at all: the antialiased triangle is the default. A codec comes after scaling, so that
blocks and ringing have the size in LR that they have in real video; the paper's order, JPEG before scaling, halves
them. A same-size input (`halves` False) is what a user's frame is: HR0 blurred and coded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from vidrts.errors import OptionError
from vidrts.training.degradation.chart import Chart
from vidrts.training.degradation.presets import PAIR_PRESETS, PRESETS
from vidrts.training.degradation.registry import STEPS, parse_step
from vidrts.training.degradation.step import DroppingStep, Step, StepKind
from vidrts.training.degradation.steps import Gaussian, Scale


@dataclass(frozen=True)
class Degradation:
    """An input of a crop, drawn from the crop's own seed. `text` is a preset's name or steps as above.

    halves: whether the result has half the crop's size (LR) or the crop's own. Raises `OptionError` for a text that is
    not understood, or whose steps scale otherwise.
    """

    text: str = "broadcast"
    halves: bool = True
    _choice: "_Choice" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        presets = PRESETS if self.halves else PAIR_PRESETS
        object.__setattr__(self, "text", presets.get(self.text, self.text))
        choice = _Parser(self.text).whole()
        if choice.scalings != {int(self.halves)}:
            kinds = "triangle, box, cubic, lanczos or gaussian:SIGMA"
            raise OptionError(
                f"degradation {self.text.strip()!r}: "
                + (f"expected exactly one step that scales down by 2: {kinds}" if self.halves
                   else f"expected no step that scales down by 2 ({kinds})")
            )  # fmt: skip
        object.__setattr__(self, "_choice", choice)

    def __str__(self) -> str:
        return str(self._choice)

    @property
    def kernels(self) -> dict[str, torch.Tensor]:
        """The low-pass of each alternative by its name: taps along each axis, float64, sum 1.

        A Gaussian of any of several sigmas has none of its own and is left out.
        """
        return {
            str(step): step.taps
            for step in self._choice.steps()
            if isinstance(step, Scale) or (isinstance(step, Gaussian) and step.low == step.high)
        }

    @property
    def kinds(self) -> list[StepKind]:
        """The kinds of its steps, each once, in the registry's order."""
        names = {str(step).partition(":")[0] for step in self._choice.steps()}
        return [kind for name, kind in STEPS.items() if name in names]

    @property
    def weights(self) -> dict[str, str]:
        """Text of each step that uses weights or data -> their hash: what an input depends on beside the text."""
        return {str(step): step.weights_hash for step in self._choice.steps() if step.weights_hash}

    @property
    def dropped(self) -> tuple[int, int]:
        """Pictures so far that steps left as they were since damage was no good, of how many; (0, 0) for most."""
        steps = [step for step in self._choice.steps() if isinstance(step, DroppingStep)]
        return sum(step.dropped for step in steps), sum(step.seen for step in steps)

    def __call__(self, crop: torch.Tensor, seed: int) -> torch.Tensor:
        """(3, H, W) uint8 R'G'B', H and W even -> (3, H/2, W/2) uint8, or (3, H, W) of a same-size input."""
        return self.batch([crop], [seed])[0]

    def batch(self, crops: Sequence[torch.Tensor], seeds: Sequence[int]) -> list[torch.Tensor]:
        """The same for each crop and its seed; each step is called once for all crops that it is drawn for."""
        return self._made(crops, seeds, [None] * len(crops))

    def with_blur_levels(self, crop: torch.Tensor, seed: int) -> tuple[torch.Tensor, tuple[float, ...]]:
        """`batch_with_blur_levels` of one crop."""
        return self.batch_with_blur_levels([crop], [seed])[0]

    def batch_with_blur_levels(
        self, crops: Sequence[torch.Tensor], seeds: Sequence[int]
    ) -> list[tuple[torch.Tensor, tuple[float, ...]]]:
        """`batch`, with the blur levels of what was drawn (`networks.blur_level`); codecs and noise do not count."""
        charts = [Chart() for _ in crops]
        return [(made, chart.levels) for made, chart in zip(self._made(crops, seeds, charts), charts, strict=True)]

    def _made(
        self, crops: Sequence[torch.Tensor], seeds: Sequence[int], charts: Sequence[Chart | None]
    ) -> list[torch.Tensor]:
        return self._choice(crops, [np.random.default_rng(seed) for seed in seeds], charts)


type _Row = tuple[Step | _Choice, ...]


@dataclass(frozen=True)
class _Choice:
    """Weighted alternatives, each a row of steps."""

    alternatives: tuple[tuple[float, _Row], ...]

    def __str__(self) -> str:
        return " | ".join(
            ("" if weight == 1 else f"{weight:g}*")
            + " > ".join(f"({step})" if isinstance(step, _Choice) else str(step) for step in row)
            for weight, row in self.alternatives
        )

    @property
    def scalings(self) -> set[int]:
        """How often a picture may be halved, over all that can be drawn."""
        counts: set[int] = set()
        for _, row in self.alternatives:
            sums = {0}
            for step in row:
                sums = {a + b for a in sums for b in (step.scalings if isinstance(step, _Choice) else {step.scales})}
            counts |= sums
        return counts

    def steps(self) -> Iterator[Step]:
        """All single steps."""
        for _, row in self.alternatives:
            for step in row:
                if isinstance(step, _Choice):
                    yield from step.steps()
                else:
                    yield step

    def __call__(
        self, pictures: Sequence[torch.Tensor], rngs: Sequence[np.random.Generator], charts: Sequence[Chart | None]
    ) -> list[torch.Tensor]:
        made = list(pictures)
        drawn = [self._draw(rng) for rng in rngs]
        for number, (_, row) in enumerate(self.alternatives):
            chosen = [k for k, choice in enumerate(drawn) if choice == number]
            if chosen:
                parts = _through(
                    row, [pictures[k] for k in chosen], [rngs[k] for k in chosen], [charts[k] for k in chosen]
                )
                for k, picture in zip(chosen, parts, strict=True):
                    made[k] = picture
        return made

    def _draw(self, rng: np.random.Generator) -> int:
        """The number of an alternative."""
        if len(self.alternatives) == 1:
            return 0
        weights = np.array([weight for weight, _ in self.alternatives])
        return int(rng.choice(len(weights), p=weights / weights.sum()))


def _through(
    row: _Row, pictures: list[torch.Tensor], rngs: list[np.random.Generator], charts: list[Chart | None]
) -> list[torch.Tensor]:
    for step in row:
        if isinstance(step, _Choice):
            pictures = step(pictures, rngs, charts)
            continue
        for chart, rng in zip(charts, rngs, strict=True):
            if chart and step.softens:
                chart.follow(step, rng)
        pictures = step(pictures, rngs)
    return pictures


class _Parser:
    """choice = row {"|" row};  row = [WEIGHT "*"] item {">" item};  item = STEP or "(" choice ")"."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> _Choice:
        choice = self._choice()
        if self._at < len(self._text):
            raise OptionError(f"degradation {self._text.strip()!r}: expected | or > before {self._text[self._at :]!r}")
        return choice

    def _choice(self) -> _Choice:
        rows = [self._row()]
        while self._takes("|"):
            rows.append(self._row())
        return _Choice(tuple(rows))

    def _row(self) -> tuple[float, _Row]:
        weight = self._weight()
        items = [self._item()]
        while self._takes(">"):
            items.append(self._item())
        return weight, tuple(items)

    def _weight(self) -> float:
        before, star, _ = self._text[self._at :].partition("*")
        if not star or any(mark in before for mark in "|>()"):
            return 1.0
        self._at += len(before) + 1
        try:
            weight = float(before)
        except ValueError:
            weight = 0.0
        if not 0 < weight < 1e6:
            raise OptionError(
                f"degradation {self._text.strip()!r}: expected a weight above 0 before the *, got {before.strip()!r}"
            )
        return weight

    def _item(self) -> Step | _Choice:
        if self._takes("("):
            choice = self._choice()
            if not self._takes(")"):
                raise OptionError(f"degradation {self._text.strip()!r}: expected ) for each (")
            return choice
        end = min((at for mark in "|>()" if (at := self._text.find(mark, self._at)) >= 0), default=len(self._text))
        text, self._at = self._text[self._at : end], end
        return parse_step(text)

    def _takes(self, mark: str) -> bool:
        rest = self._text[self._at :]
        if not rest.lstrip().startswith(mark):
            return False
        self._at = len(self._text) - len(rest.lstrip()) + 1
        return True
