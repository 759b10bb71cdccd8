"""The command line: commands parse options and call the library; errors become a line on stderr and an exit code.

Exit codes: 0 success; 1 failure; 2 usage error; 130 stopped by Ctrl-C; 143 by SIGTERM; 129 by SIGHUP; 141 broken pipe.
"""

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from vidrts import memory
from vidrts.cli import failures, log
from vidrts.cli.progress_bar import say
from vidrts.cli.subcommands import Subcommands
from vidrts.errors import ConsumerGoneError, Interrupted, OptionError, VidrtsError
from vidrts.media.output_formats import OUTPUT_FORMATS

FAILED, USAGE = 1, 2
BROKEN_PIPE = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else FAILED
"""As for a program that SIGPIPE ended."""


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="vidrts", prog_name="vidrts")
def command() -> None:
    """Video frame enhancement for FFmpeg pipelines.

    \b
    vidrts enhance in.mp4 out.mp4
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code; tracebacks only with --debug."""
    code = run(arguments)
    if memory.near_limit():  # libraries may wait for ever at exit, for threads for which there was no memory
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None, command: click.Command = command, name: str = "vidrts") -> int:
    """Run `command` under the program name `name`; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    log.prepare(shlex.join([name, *given]))
    try:
        code = _run(given, command, name)
        log.note(f"exit code {code}")
    finally:
        log.close()
    return code


def _run(given: list[str], command: click.Command, name: str) -> int:
    debug = "--debug" in given
    try:
        command.main(given, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        log.note(error.format_message())
        _hint_at_dashes(given)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 128 + 2
    except ConsumerGoneError:
        return BROKEN_PIPE
    except Interrupted as error:
        _tell(str(error))
        return 128 + error.signal_number
    except VidrtsError as error:
        if debug:
            _trace()
        _tell(failures.line(error))
        _hint_at_dashes(given)
        return USAGE if isinstance(error, OptionError) else FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: a line instead of a traceback
        if debug:
            _trace()
        _tell(failures.line(error))
        return FAILED
    return 0


def _tell(line: str) -> None:
    """Print an error, and put it into the log."""
    log.note(line)
    say(f"vidrts: {line}")


def _trace() -> None:
    """Print where the present error was raised, and put it into the log."""
    log.note(traceback.format_exc())
    traceback.print_exc()


def _hint_at_dashes(given: list[str]) -> None:
    """Explain how to write a file name that begins with a dash, if one was taken for an option."""
    for argument in (word for word in given if word.startswith("-")):
        if Path(argument).suffix.lower() in OUTPUT_FORMATS or Path(argument).is_file():
            click.echo(f"vidrts: to name a file that begins with a dash, write ./{argument}", err=True)
