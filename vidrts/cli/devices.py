"""`vidrts devices`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from vidrts.bench import table
from vidrts.bench.machine import describe
from vidrts.bench.machine import devices as found_devices
from vidrts.cli.jsonfile import checked, keep

_HEADS = ("device", "name", "precisions", "cores", "memory", "free", "capability")


@click.command()
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE",
              callback=checked, help="Write the list to this file as JSON; - is stdout.")  # fmt: skip
def devices(json_file: Path | None) -> None:
    """List devices with their memory and precisions; the first precision is what --precision auto selects.

    \b
    vidrts devices
    vidrts devices --json -
    """
    found = found_devices()
    if json_file is not None:
        text = json.dumps({"devices": [asdict(device) for device in found], "machine": asdict(describe())}, indent=1)
        if str(json_file) == "-":
            click.echo(text)
            return
        keep(json_file, text + "\n")
    rows = [
        (device.name, device.title, ", ".join(device.precisions), str(device.cores), _gib(device.memory),
         _gib(device.free), device.capability)
        for device in found
    ]  # fmt: skip
    click.echo("\n".join(table.columns(_HEADS, rows)))
    click.echo(", ".join(f"{name} {version}" for name, version in describe().versions.items()))


def _gib(count: int) -> str:
    """Bytes in GiB; a dash where they are not known."""
    return f"{count / 2**30:.1f} GiB" if count else "-"
