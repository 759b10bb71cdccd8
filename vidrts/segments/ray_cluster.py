"""Ray: joining a cluster, and what its nodes have. `ray` is an extra, loaded when it is asked for."""

import importlib
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from vidrts.errors import MissingPackageError, OptionError

_MOST_CPUS = 4
"""Of a worker by default: encoders and layers wait for their threads, the more so the more there are."""
_ANSWER = 10.0
"""Seconds for a head node to answer."""


def loaded() -> Any:
    """The package; raises `MissingPackageError`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing goes to its maker
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingPackageError(f"--ray needs the package ray ({error}); pip install '.[ray]'") from None


@dataclass(frozen=True)
class Node:
    """A machine of the cluster."""

    name: str
    cpus: float
    gpus: float


@contextmanager
def joined(address: str) -> Iterator[list[Node]]:
    """Inside, this process belongs to the cluster at `address`, "auto" for the one that runs here; gives its nodes.

    Raises `OptionError` where there is none.
    """
    ray = loaded()
    begun = not ray.is_initialized()
    if begun:
        said = StringIO()  # a few lines of its own, that an error below says shorter
        try:
            _check_answer(address)
            with redirect_stdout(said), redirect_stderr(said):
                ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        except (OSError, ValueError, RuntimeError) as error:
            raise OptionError(
                f"--ray {address}: no cluster answers there ({_first_line(error)}); start one with `ray start --head`, "
                "join it on other machines with `ray start --address HEAD:6379`"
            ) from None
    try:
        yield nodes()
    finally:
        if begun:
            ray.shutdown()


def _check_answer(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT, for which Ray would wait minutes; ValueError for no address."""
    if address == "auto":
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit()):
        raise ValueError(f"expected auto or HOST:PORT, got {address!r}")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER).close()


def nodes() -> list[Node]:
    """The nodes that are alive."""
    found = []
    for node in loaded().nodes():
        if node["Alive"]:
            has = node["Resources"]
            name = f"{node['NodeManagerHostname']} {node['NodeManagerAddress']} ({node['NodeID'][:6]})"
            found.append(Node(name, has.get("CPU", 0.0), has.get("GPU", 0.0)))
    return found


def own_node() -> str:
    """The name of the node that this process runs on, as `nodes` has it."""
    ray = loaded()
    identifier = ray.get_runtime_context().get_node_id()
    return next(
        f"{node['NodeManagerHostname']} {node['NodeManagerAddress']} ({identifier[:6]})"
        for node in ray.nodes()
        if node["NodeID"] == identifier
    )


def default_cpus(found: list[Node]) -> int:
    """CPUs of a worker, so that every node that has some can serve. Raises `OptionError` where none has."""
    least = min((node.cpus for node in found if node.cpus >= 1), default=0.0)
    if not least:
        raise OptionError("--ray: no node of the cluster has a CPU for workers; `ray start --num-cpus`")
    return int(min(least, _MOST_CPUS))


def slots(found: list[Node], cpus: int, gpus: int) -> int:
    """Workers that the cluster has room for when nothing else runs on it. Raises `OptionError` if that is none."""
    count = sum(int(min(node.cpus // cpus, node.gpus // gpus if gpus else node.cpus)) for node in found)
    if not count:
        wanted = f"{cpus} CPUs" + (f" and {gpus} GPU" if gpus else "")
        raise OptionError(f"--ray: no node has {wanted}, which a worker takes; --threads sets the CPUs of a worker")
    return count


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:160]
