"""Help with options under headings and tables at the end."""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click

type Rows = Sequence[tuple[str, str]]


class Sectioned(click.Command):
    """A command whose help shows its options under headings.

    `sections`: heading -> names of parameters; options without a section come last.
    `tables`: heading -> rows of (term, description), shown after the options, or what makes them for the help alone.
    """

    def __init__(
        self,
        *arguments: Any,
        sections: Mapping[str, Sequence[str]],
        tables: Mapping[str, Rows | Callable[[], Rows]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self._sections = sections
        self._tables = tables or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reject unknown options such as `-frames:v 20`, which click takes for `-f` with the value `rames:v`."""
        valued = takes_value(self, ctx)
        words = iter(args)
        for word in words:
            if word == "--":
                break
            if valued.get(word):
                next(words, None)  # its value, whatever that begins with
            elif re.match("-[A-Za-z]{2}", word) and word.split("=")[0] not in valued:
                if all(valued.get(f"-{letter}") is False for letter in word[1:]):
                    continue  # flags in one word
                raise click.NoSuchOption(word, possibilities=get_close_matches(word, valued), ctx=ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Click's hook."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        listed = {name for names in self._sections.values() for name in names}
        last = list(self._sections)[-1]
        for heading, names in self._sections.items():
            shown = [o for o in options if o.name in names or (heading == last and o.name not in listed)]
            records = [record for option in shown if (record := option.get_help_record(ctx))]
            with formatter.section(heading):
                # Padded to one width, descriptions align across sections.
                formatter.write_dl([(term.ljust(_COLUMN), words) for term, words in records], col_max=_COLUMN)
        for heading, table in self._tables.items():
            with formatter.section(heading):
                formatter.write_dl(table() if callable(table) else table)


def takes_value(command: click.Command, ctx: click.Context) -> dict[str, bool]:
    """Each name of an option -> whether a value follows it."""
    options = command.get_params(ctx)
    return {name: not getattr(o, "is_flag", True) for o in options for name in (*o.opts, *o.secondary_opts)}


_COLUMN = 30
"""Width of the options' column, the same in all sections."""
