"""How fast each model enhances on this machine: one number for each, in ten seconds.

speeds = measure("auto", 1.0)
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import cycle

from vidrts.bench.clip import sample, scaled
from vidrts.networks.checkpoint import load_model
from vidrts.networks.names import DEFAULT_MODEL, LIGHT_MODEL
from vidrts.picture.options import EnhancerOptions
from vidrts.workers import Workers

SIZE = (640, 360)
"""Of the frames. The time of a pixel is the same for larger ones within 7 % (models/bench/README.md)."""
_FRAMES = 4
MEASURED = tuple((name, scale) for scale in (1, 2) for name in (LIGHT_MODEL, DEFAULT_MODEL))
"""(model, scale): what `--model auto` may be."""


def measure(
    device: str = "auto", seconds: float = 1.0, *, size: tuple[int, int] = SIZE,
    models: Sequence[tuple[str, int]] = MEASURED,
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, float]:  # fmt: skip
    """Model -> pixels of the source enhanced per second, with a run's workers, after frames that fill them twice.

    seconds: for each model, at least one frame. Decoding and encoding are left out.
    """
    frames = scaled(sample(), size, _FRAMES)
    found = {}
    for number, (name, scale) in enumerate(models):
        model = load_model(name, scale)
        on_step(f"measuring {model.title}", number, len(models))
        workers = Workers(model, EnhancerOptions(device=device, scale=scale))
        lead = 2 * workers.count
        began = now = 0.0
        with closing(workers.enhanced(cycle(frames), workers.count)) as enhanced:
            for done, _ in enumerate(enhanced, 1):
                now = time.perf_counter()
                if done <= lead:
                    began = now
                elif now - began >= seconds:
                    break
        found[model.title] = (done - lead) * size[0] * size[1] / (now - began)
    return found
