"""Every step that a recipe can name, with what it does and its arguments: the grammar, help and docs read it.

register(StepKind("toy", "STRENGTH", "What a small network makes of a picture.", ToyStep.of))
"""

from vidrts.errors import OptionError
from vidrts.training.degradation import blur, steps, undertrained
from vidrts.training.degradation.step import Step, StepKind

STEPS: dict[str, StepKind] = {kind.name: kind for kind in (*steps.KINDS, *blur.KINDS, undertrained.KIND)}
"""Name -> kind of step."""


def register(kind: StepKind) -> None:
    """Let recipes name `kind`, in this process; raises ValueError for a name that is taken or no single word."""
    if kind.name in STEPS or not kind.name.replace("-", "").isalnum():
        raise ValueError(f"degradation step {kind.name!r}: expected a new name of letters, digits and hyphens")
    STEPS[kind.name] = kind


def parse_step(text: str) -> Step:
    """The step that `text` names: `triangle`, `gaussian:1.2`, `jpeg:30-95`, `h264:18-36:3:2` and so on.

    Raises `OptionError`.
    """
    name, *arguments = text.strip().split(":")
    if name not in STEPS:
        raise OptionError(f"degradation step {text.strip()[:40]!r}: expected one of {', '.join(STEPS)}")
    try:
        return STEPS[name].step(arguments)
    except ValueError:
        raise OptionError(f"degradation step {text.strip()[:40]!r}: expected {STEPS[name]}") from None


def step_table() -> list[tuple[str, str]]:
    """(usage, what it does) of each step, for help and docs."""
    return [(str(kind), kind.about) for kind in STEPS.values()]
