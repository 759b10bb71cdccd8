"""Man pages of all commands, made from their help.

python -m vidrts.cli.manpages ~/.local/share/man/man1
"""

import inspect
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import click

from vidrts.cli import command as vidrts
from vidrts.files import atomic_write


def pages(command: click.Command = vidrts, name: str = "vidrts") -> Mapping[str, str]:
    """File name -> roff, of a command and of those below it."""
    context = click.Context(command, info_name=name)
    found = {f"{name.replace(' ', '-')}.1": "\n".join(_page(command, context, name)) + "\n"}
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            below = command.get_command(context, sub)
            assert below is not None
            found |= pages(below, f"{name} {sub}")
    return found


def _page(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    yield f'.TH "{name.upper()}" 1 "" "vidrts {version("vidrts")}"'
    yield f".SH NAME\n{_roff(name.replace(' ', '-'))} \\- {_roff(command.get_short_help_str(200))}"
    yield f".SH SYNOPSIS\n.B {_roff(name)}\n{_roff(' '.join(command.collect_usage_pieces(context)))}"
    yield ".SH DESCRIPTION"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):  # lines as they are, for click
            yield f".PP\n.nf\n{_roff(paragraph.removeprefix('\b').strip())}\n.fi"
        else:
            yield f".PP\n{_roff(' '.join(paragraph.split()))}"
    yield ".SH OPTIONS"
    for option in (p for p in command.get_params(context) if isinstance(p, click.Option)):
        if record := option.get_help_record(context):
            yield f".TP\n.B {_roff(record[0])}\n{_roff(record[1])}"
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for sub in command.list_commands(context):
            below = command.get_command(context, sub)
            assert below is not None
            yield f".TP\n.B {_roff(name.replace(' ', '-'))}\\-{_roff(sub)}(1)\n{_roff(below.get_short_help_str(200))}"


def _roff(text: str) -> str:
    """`text` as it is, for roff: no escapes, no requests, hyphens that can be searched for and copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.splitlines())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def main(folder: Path) -> None:
    """Write the man pages of all commands into FOLDER, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        with atomic_write(folder / name) as part:
            part.write_text(text)


if __name__ == "__main__":
    main()
