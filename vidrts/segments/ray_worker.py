"""What runs on the nodes of a Ray cluster: a worker that makes segments of one film, its model loaded once."""

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import vidrts
from vidrts.errors import InputError, OptionError, OutputError, VidrtsError
from vidrts.networks.checkpoint import load_model
from vidrts.segments.identity import ends
from vidrts.segments.job import Job
from vidrts.segments.ray_cluster import own_node
from vidrts.segments.segment import Facts, SegmentRunner
from vidrts.workers import Workers


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that a worker needs beside the source, which it must see under the same name."""

    job: Job
    """With absolute paths, and engine and precision as the driver has them."""
    weights: bytes
    """The model's file."""
    size: int
    """Bytes of the source ..."""
    ends: str
    """... and the hash of its first and last MiB."""
    shared: Path | None
    """The folder for segments, if all nodes see it; None: they are sent."""
    version: str = vidrts.__version__


class Worker:
    """A worker, as an actor. Its errors name its node."""

    def __init__(self) -> None:
        self._node = own_node()
        self._runner: SegmentRunner | None = None
        self._shared: Path | None = None

    def begin(self, order: Order) -> str:
        """Check what the node has, load the model; gives the node's name.

        Raises `InputError` where it does not see the source, or another one, `OptionError` for another version.
        """
        try:
            if order.version != vidrts.__version__:
                raise OptionError(f"has vidrts {vidrts.__version__}, expected {order.version}")
            _check_source(order)
            if order.shared is not None and not order.shared.is_dir():
                raise OutputError(f"{order.shared} is not there; --ray-shared needs it on every node")
            with TemporaryDirectory(prefix="vidrts-") as folder:
                file = Path(folder) / f"{Path(order.job.options.model).stem}.safetensors"
                file.write_bytes(order.weights)
                model = load_model(file)
            options = order.job.options
            self._runner = SegmentRunner(order.job, Workers(model, options.picture, options.workers))
            self._shared = order.shared
        except VidrtsError as error:
            raise self._named(error) from None
        return self._node

    def make(self, number: int, *, from_start: bool) -> tuple[Path | bytes, Facts]:
        """A segment, as bytes or as a file of the shared folder. Raises as `enhance` does."""
        assert self._runner is not None
        memory = BytesIO()
        path = None if self._shared is None else self._shared / f"{number:06}.part"
        with memory if path is None else path.open("wb") as file:
            chosen = frozenset({number} if from_start else ())
            try:
                for _, facts in self._runner.run([number], lambda _: file, from_start=chosen):
                    if facts.complete:
                        return memory.getvalue() if path is None else path, facts
            except VidrtsError as error:
                raise self._named(error) from None
        raise OutputError(f"node {self._node}: segment {number + 1} was not made")

    def _named(self, error: VidrtsError) -> VidrtsError:
        """The same error, of this node."""
        error.args = (f"node {self._node}: {error}", *error.args[1:])
        return error


def _check_source(order: Order) -> None:
    source = order.job.source
    try:
        size = source.stat().st_size
        same = size == order.size and ends(source) == order.ends
    except OSError as error:
        raise InputError(
            f"{source}: {error.strerror}; every node must see the source under this name, on a shared disk or as a copy"
        ) from None
    if not same:
        raise InputError(f"{source}: is another file there ({size} bytes, expected {order.size})")


def absolute(job: Job) -> Job:
    """`job` for another process: its paths do not depend on the working directory."""
    return replace(job, source=job.source.absolute(), target=job.target.absolute())
