"""An encoder of its own for one segment of a film, set up as `Target` sets up that of the whole."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vidrts.errors import OptionError, OutputError
from vidrts.frame import Frame
from vidrts.media.containers import FFmpegErrors, Place, write_error
from vidrts.media.input import Input
from vidrts.media.output_formats import output_format
from vidrts.media.write.discarded_file import Nowhere
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.muxer import Muxer
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.packet_file import EncodedPacket
from vidrts.messages import Tell, ignore

JOINABLE = ("libx264", "libx264rgb", "libx265", "libsvtav1", "libvpx-vp9", "ffv1", "prores_ks", "rawvideo")
"""Encoders whose segments make one stream."""


def check_joinable(encoder: str) -> None:
    """Raise `OptionError` for an encoder whose segments are not known to make one stream."""
    if encoder not in JOINABLE:
        raise OptionError(
            f"-c:v {encoder}: not known to make segments that can be joined; expected one of {', '.join(JOINABLE)}, or "
            "no --segment and --resume"
        )


class SegmentEncoder:
    """Encodes the frames of one segment of `source`, the whole film, for the file `path`. Stateful, one thread.

    `choice`: what `Target` chose; `options.threads` must be set. Raises as `Target` does.
    """

    def __init__(
        self,
        path: Path,
        source: Input,
        options: EncodeOptions,
        choice: Choice,
        *,
        scale: int,
        tell: Tell = ignore,
    ):
        self._path: Place = path
        opened = Muxer(Nowhere(), output_format(path), source, options, [])
        self._container = opened.container
        try:
            self._track, _ = opened.add(choice, scale, tell)
            opened.start(self._track)
        except FFmpegErrors as error:
            self.close()
            raise OutputError(f"{path}: {choice.encoder.name} could not be opened: {error}") from error
        except BaseException:
            self.close()
            raise
        self.parameters: bytes = self._track.stream.codec_context.extradata or b""
        """The parameter sets that a container stores once for the whole film; empty where packets have them."""

    def encode(self, frame: Frame) -> Iterator[EncodedPacket]:
        """The packets that are ready once `frame` is there."""
        try:
            yield from map(EncodedPacket.of, self._track.encode(frame))
        except FFmpegErrors as error:
            raise write_error(self._path, error, reader_closed=False) from error

    def drain(self) -> Iterator[EncodedPacket]:
        """The packets that the encoder still holds."""
        try:
            yield from map(EncodedPacket.of, self._track.rest())
        except FFmpegErrors as error:
            raise write_error(self._path, error, reader_closed=False) from error

    def close(self) -> None:
        """Close the encoder; safe to call twice."""
        with suppress(*FFmpegErrors):  # nothing is kept of this container
            self._container.close()
