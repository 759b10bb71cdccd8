"""A container whose enhanced stream is joined of segments that are encoded already."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from vidrts.media.containers import AnyPacket, FFmpegErrors, write_error
from vidrts.media.input import Input
from vidrts.media.write.joined_track import JoinedTrack
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.packet_file import EncodedPacket
from vidrts.media.write.target import Target
from vidrts.messages import Tell, ignore


class JoinedTarget(Target):
    """A `Target` that takes finished packets in place of frames. Two of the same packets are equal, byte for byte.

    `workshop`: see `Target`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        source: Input,
        options: EncodeOptions,
        *,
        scale: int = 1,
        workshop: Path | None = None,
        on_message: Tell = ignore,
    ):
        self._joined: JoinedTrack | None = None
        super().__init__(
            path, source, options, scale=scale, repeatable=True, workshop=workshop, on_message=on_message
        )  # fmt: skip

    @property
    def moved(self) -> int:
        """Ticks of the source by which packets of the enhanced stream are earlier than its frames."""
        return self._track.shift

    def write_encoded(self, part: EncodedPacket, dts: int | None) -> None:
        """Mux a packet of another encoder with the same settings, in decoding order; `dts`: see `joined_track.rising`.

        Raises `OutputError`.
        """
        if self._joined is None:
            self._joined = JoinedTrack(self._track, closes=self._kind.muxer in ("mp4", "mov"))
        try:
            for packet in self._joined.packets(part, dts):
                self._order.encoded(packet)
        except FFmpegErrors as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    def reached(self, time: Fraction) -> None:
        """A frame at `time`, seconds of the output, is among the packets: for streams that are converted."""
        try:
            self._reached(time)
        except FFmpegErrors as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    @property
    def _pictures(self) -> bool:
        return self._joined is not None

    def _last_pictures(self) -> Iterator[AnyPacket]:
        return iter(()) if self._joined is None else self._joined.drain()
