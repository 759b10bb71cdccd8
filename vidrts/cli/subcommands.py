"""The subcommands, each imported when it is called: torch takes seconds to load, and `vidrts --help` needs none."""

from importlib import import_module
from keyword import iskeyword

import click

from vidrts.cli import interrupt
from vidrts.suggestions import did_you_mean

SUBCOMMANDS = {
    "enhance": "Sharpen every frame of a video; everything else is kept.",
    "jobs": "List what runs with --resume have not finished.",
    "preview": "Enhance single frames, to choose a model and a strength.",
    "compare": "Compare a video with its enhanced version on an HTML page.",
    "score": "Measure pictures and videos, alone or against their source.",
    "models": "List the shipped models, or describe a model file.",
    "import": "Make a model file of weights that others published.",
    "export": "Write a model as ONNX, for other programs.",
    "calibrate": "Measure what --detail means for a model, once.",
    "devices": "List devices with their memory and precisions.",
    "stills": "Extract sharp, distinct frames from videos, for training.",
    "train": "Train a network on photographs and stills.",
    "report": "Report on training runs, with the paper's tables and figures.",
    "degrader": "Train a network that damages pictures, and apply it.",
    "bench": "Measure the speed of this machine.",
}
"""Name -> what it is for, in the order of the help; `vidrts.cli.<name>.<name>` is the command, `import_` of import."""


class Subcommands(click.Group):
    """The group of `SUBCOMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Click's hook."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Click's hook."""
        if cmd_name not in SUBCOMMANDS:
            return None
        with interrupt.exit_immediately():
            attribute = cmd_name + "_" * iskeyword(cmd_name)
            found = getattr(import_module(f"vidrts.cli.{attribute}"), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Click's hook: suggests what a mistyped command was meant to be."""
        name = args[0]
        if name not in SUBCOMMANDS and not name.startswith("-"):
            raise click.UsageError(f"unknown command {name}{did_you_mean(name, SUBCOMMANDS) or '.'}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Click's hook: from the table, since each command's own help would import it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))
