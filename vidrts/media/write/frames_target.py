"""What targets that take frames, and no other streams, have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Self

from vidrts.frame import Frame
from vidrts.media.input import CopiedPacket
from vidrts.messages import Message


class FramesTarget(ABC):
    """Each frame is written when it comes, and complete. Used as `Target` is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027
        pass

    @property
    def streams(self) -> Collection[int]:
        """Indices of the source's other streams whose packets are taken: none."""
        return ()

    @property
    def damage(self) -> tuple[Message, ...]:
        """Damage of the audio: none is taken."""
        return ()

    def write(self, event: Frame | CopiedPacket) -> None:
        """Write a frame; packets are dropped. Raises `OutputError`."""
        if isinstance(event, Frame):
            self._write_frame(event)

    @abstractmethod
    def _write_frame(self, frame: Frame) -> None: ...

    def drain(self) -> None:  # noqa: B027
        """Nothing to do: every frame is written."""

    def finish(self) -> None:  # noqa: B027
        """Nothing to do: every frame is written."""
