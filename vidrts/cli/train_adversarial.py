"""The options of `vidrts train --method adversarial` that the recurrence does not have."""

from collections.abc import Callable
from typing import Any

import click

from vidrts.picture.options import NOISES
from vidrts.training.adversarial.options import WEIGHTS, AdversarialOptions

_DEFAULT = AdversarialOptions
_WHAT = {
    "gan": "the discriminator's judgement",
    "contextual": "contextual similarity",
    "reconstruction": "L1 to the truth without noise",
    "cycle": "L1 to the truth, both scaled down, without noise",
    "noisy_cycle": "the same with noise",
    "chroma": "L1 between colours with noise; not in the paper",
    "style": "differences of Gram matrices; not in the paper",
}
NAMES = (
    "adversarial_steps", "adversarial_rate", "discriminator_rate", "largest", "features", "noise",
    *(f"{name}_weight" for name in WEIGHTS), "judge_features", "judge_growth", "spectral", "patch_scores",
    "snapshot_every",
)  # fmt: skip
"""Of the parameters, as help shows them."""


def adversarial_options[F: Callable[..., Any]](command: F) -> F:
    """Add them to a command."""
    weights = [
        click.option(
            f"--{name.replace('_', '-')}-weight", type=float, default=getattr(_DEFAULT, f"{name}_weight"),
            show_default=True, help=f"Weight of {_WHAT[name]}.",
        )
        for name in WEIGHTS
    ]  # fmt: skip
    options = [
        click.option(
            "--adversarial-steps", type=int, default=_DEFAULT.adversarial_steps, show_default=True,
            help="Steps of phase 2; 0: phase 1 alone.",
        ),
        click.option(
            "--adversarial-rate", type=float, default=_DEFAULT.adversarial_rate, show_default=True,
            help="Learning rate of phase 2.",
        ),
        click.option(
            "--discriminator-rate", type=float, default=_DEFAULT.discriminator_rate, show_default=True,
            help="Learning rate of the discriminator; above the network's it wins.",
        ),
        click.option(
            "--largest", type=click.Choice(["2", "4", "8"]), default=str(_DEFAULT.largest), show_default=True,
            help="Train at 2x alone, or at all scales up to this one.",
        ),
        click.option(
            "--features", default=_DEFAULT.features, metavar="FILE", show_default=False,
            help="Weights of VGG-19 relu3_1 (.safetensors) for contextual and style loss; default: Gabor filters.",
        ),
        click.option(
            "--noise", type=click.Choice(NOISES), default=_DEFAULT.noise, show_default=True,
            help="constant: ones; static: normal noise, new in each step, as in the paper.",
        ),
        *weights,
        click.option(
            "--judge-features", type=int, default=_DEFAULT.judge_features, show_default=True,
            help="Features of the discriminator.",
        ),
        click.option(
            "--judge-growth", type=int, default=_DEFAULT.judge_growth, show_default=True,
            help="Growth of its dense blocks.",
        ),
        click.option(
            "--spectral/--no-spectral", default=_DEFAULT.spectral, show_default=True,
            help="Spectral norm in the discriminator; not in the paper.",
        ),
        click.option(
            "--patch-scores/--no-patch-scores", default=_DEFAULT.patch_scores, show_default=True,
            help="Judge each place instead of each picture; not in the paper.",
        ),
        click.option(
            "--snapshot-every", type=int, default=_DEFAULT.snapshot_every, show_default=True,
            help="Steps of phase 2 between two model files to look at.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
