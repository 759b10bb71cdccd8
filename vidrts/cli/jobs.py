"""`vidrts jobs [DIR...]`."""

from pathlib import Path

import click

from vidrts.errors import InputError


@click.command()
@click.argument("folders", nargs=-1, metavar="[DIR]...", type=click.Path())
def jobs(folders: tuple[str, ...]) -> None:
    """List what runs with --resume have not finished, in DIR (default: here) and the directories in it.

    A line has the share of segments that are done, OUT, and the source's name.
    """
    from vidrts.segments.unfinished import unfinished

    for folder in map(Path, folders or (".",)):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such directory")
        for job in unfinished(folder):
            share = f"{100 * job.done // job.count} %" if job.count else "?"
            click.echo(f"{share:>5}  {job.target}  ({job.done} of {job.count or '?'} segments, of {job.source})")
