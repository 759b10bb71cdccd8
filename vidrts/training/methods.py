"""The training methods: how the settings of a run are read, whose settings.json names one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidrts.training.adversarial.options import AdversarialOptions
from vidrts.training.recurrence_options import TrainOptions

type MethodOptions = TrainOptions | AdversarialOptions
"""The settings of a run of any method."""
METHODS: Mapping[str, type[TrainOptions] | type[AdversarialOptions]] = {
    TrainOptions.method: TrainOptions,
    AdversarialOptions.method: AdversarialOptions,
}


def restored(held: Mapping[str, Any], out: Path) -> MethodOptions:
    """The settings that `RunOptions.stored` gave for a run in `out`; raises as `RunOptions.restored`.

    A run that names no method is of the recurrence.
    """
    method = held.get("method", TrainOptions.method)
    if method not in METHODS:
        raise ValueError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    return METHODS[method].restored(held, out)
