"""Writing a file: frames to the encoder, packets of the other streams to the container, a final name at the end.

    with Target("out.mp4", source.input, EncodeOptions(crf=18)) as target:
        for event in source.events(target.streams):
            target.write(event)
        target.finish()

Timestamps are exact where the container's time base allows: mp4 and mov use the source's, mpegts 1/90000 s; Matroska
and WebM round to milliseconds.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Self

from av.container import OutputContainer

from vidrts import memory
from vidrts.errors import InputError, OutOfMemoryError, OutputError, VidrtsError
from vidrts.frame import Frame
from vidrts.media import mov_flags
from vidrts.media.containers import (
    AnyPacket,
    FFmpegErrors,
    Place,
    cannot_be_written,
    reason,
    time_base,
    unheard,
    write_error,
)
from vidrts.media.input import CopiedPacket, Input
from vidrts.media.output_formats import output_format, pipe_format, pipe_kind
from vidrts.media.pipes.stdio import StandardOutput
from vidrts.media.write import loss_warnings, output_path
from vidrts.media.write.destination import Destination, FileDestination, PipeDestination
from vidrts.media.write.discarded_file import DiscardedFile
from vidrts.media.write.encoder_attempts import choices, none_opened
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.interleaver import Interleaver
from vidrts.media.write.muxer import Muxer
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.packet_remapper import PacketRemapper
from vidrts.media.write.reopened import Written
from vidrts.media.write.stream_mapping import Route, plan, selected
from vidrts.media.write.unparsed import with_data
from vidrts.media.write.write_plan import WritePlan, quality, streams
from vidrts.messages import Message, Tell, ignore


class Target:
    """A container being written, into a file or to stdout (`destination`). Passive; one thread.

    Options and paths are checked on creation, which raises `OutputError` or `OptionError`. Leaving the `with` without
    `finish` or `keep_partial` removes the temporary file. `discard`: no file is made, all else is done and checked.
    `repeatable`: two files of the same packets are equal, byte for byte. `workshop`: the folder on the same disk in
    which a file lies until it is complete; None: beside its final name.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | StandardOutput,
        source: Input,
        options: EncodeOptions | None = None,
        *,
        scale: int = 1,
        discard: bool = False,
        repeatable: bool = False,
        workshop: Path | None = None,
        on_message: Tell = ignore,
    ):
        self.options = options or EncodeOptions()
        self._tell = on_message
        self._source = source
        self._scale = scale
        self._container: OutputContainer | None = None
        self._order = Interleaver(self._mux)
        self._repeatable = repeatable
        self._drained = False
        self._muxed = 0
        self._written = Written()
        self._destination: Destination
        if isinstance(path, StandardOutput):
            self.path: Place = str(path)
            kind = pipe_kind(self.options.format, source.piped)
            self._kind = pipe_format(kind, low_latency=self.options.low_latency)
            self._destination = PipeDestination(path)
        else:
            self.path = output_path.final(path, self.options.format)
            self._kind = output_format(self.path)
            if discard:
                self._destination = DiscardedFile(self.path, source.path, self._kind, self.options)
            else:
                self._destination = FileDestination(self.path, source.path, self._kind, self.options, workshop=workshop)
        self._unheard = {s.index: s for s in source.others if unheard(s) and selected(s, self.options)}
        self._routes = plan(source, self._kind, self.options, self._tell)
        try:
            self._open_first(choices(source, self.options, self._kind, scale), self._routes)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    @property
    def streams(self) -> Collection[int]:
        """Indices of the source's other streams whose packets are taken."""
        return self._remappers.keys() | self._unheard.keys()

    @property
    def plan(self) -> WritePlan:
        """What was decided."""
        track, options = self._track, self.options
        width, height = track.size
        return WritePlan(
            container=self._kind.name, encoder=track.encoder.name,
            quality=quality(track.encoder, track.settings, options.bit_rate), settings=track.settings, width=width,
            height=height, format=track.format.name, color=track.color,
            streams=streams(self._source, options, self._kind, self._routes),
            index_first=self._kind.seekable and self._kind.muxer in ("mp4", "mov")
            and mov_flags.index_first(options.muxer_flags),
        )  # fmt: skip

    @property
    def bytes_written(self) -> int:
        """Size of the output so far, with what muxer and system hold back."""
        size = self._destination.size
        return size if self._container is None else max(size, self._muxed)

    @property
    def damage(self) -> tuple[Message, ...]:
        """Damage of the audio so far, a message for each track that has any."""
        ledgers = (remapper.ledger for remapper in self._remappers.values())
        return tuple(line for ledger in ledgers if ledger is not None and (line := ledger.message) is not None)

    def write(self, event: Frame | CopiedPacket) -> None:
        """Encode a frame, or mux a packet of another stream.

        Raises `OutputError`, and `InputError` where audio is damaged and the source is read strictly.
        """
        if self._container is None:
            raise OutputError(f"{self.path}: already finished")
        try:
            if isinstance(event, Frame):
                for packet in self._track.encode(event):
                    self._order.encoded(packet)
                self._reached(event.pts * event.time_base)
            elif event.index in self._unheard:
                self._refuse_late(event)
            elif event.index in self._remappers:
                for packet in self._remappers[event.index].packets(event.packet, early=event.early):
                    self._order.other(packet)
        except FFmpegErrors as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    def _reached(self, time: Fraction) -> None:
        for remapper in self._remappers.values():
            for packet in remapper.until(time + self._source.shift):
                self._order.other(packet)

    @property
    def parameters(self) -> bytes:
        """The parameter sets of the enhanced stream that the container stores; empty where packets have them."""
        return self._track.stream.codec_context.extradata or b""

    @property
    def _pictures(self) -> bool:
        """Whether there are frames."""
        return self._track.frames

    def _refuse_late(self, event: CopiedPacket) -> None:
        """Raise `OutputError`: sound that was announced, but not found, comes after all."""
        packet = event.packet
        ticks = packet.dts if packet.pts is None else packet.pts
        at = f" at {float(ticks * time_base(packet.time_base) - self._source.start_time):.3f} s" if ticks else ""
        raise OutputError(
            f"{self.path}: audio stream {event.index} begins{at}, too late for its format to be known; "
            "let FFmpeg look further: ffmpeg -analyzeduration 2000M -probesize 2000M -i IN -map 0 -c copy OUT.mkv; "
            "--no-audio leaves it out"
        )

    def finish(self) -> None:
        """Complete the output; a file gets its final name (`FileDestination.commit`).

        Raises `InputError` if all audio was kept and none of it could be decoded, `OutputError` if the file does not
        hold what was written.
        """
        self.drain()
        self._check_audio()
        self._complete()
        if line := self._destination.arrange():
            self._tell(line)
        self._destination.verify(self._written, self._enhanced)
        self._destination.commit()

    def keep_partial(self) -> Place | None:
        """Finish the output early: a file becomes <name>.partial.<ext>; None if it has no frames.

        Existing files are not replaced: the next free name is <name>.partial-2.<ext>.
        """
        if self._container is None or not self._pictures:
            self.discard()
            return None
        self._complete()
        return self._destination.keep_partial()

    def rescue(self) -> str | None:
        """After an error: keep what was written of a file, playable, as `keep_partial` does. Never raises.

        Returns what became of it, in words; None if there is nothing to say: no frames, or not a file.
        """
        if not self._pictures or not self._destination.unfinished:
            return None
        with suppress(Exception):  # what encoders hold may be lost, what is written must not
            if not self._destination.full:
                self.drain()
        container, self._container = self._container, None
        with suppress(Exception):
            if container is not None:
                container.close()
        with suppress(Exception):
            self._destination.completed(self._track.aspect)
        kept = self._destination.rescue()
        return "nothing could be kept" if kept is None else f"kept in {kept}"

    def discard(self) -> None:
        """Remove the temporary file, if there is one; safe to call at any time and twice."""
        container, self._container = self._container, None

        def close() -> None:
            if container is not None:
                with suppress(*FFmpegErrors):  # the output is discarded
                    container.close()

        self._destination.discard(close)

    def reader_closed(self) -> bool:
        """Whether the reader closed the pipe; False for a file."""
        return self._destination.reader_closed()

    # Opening ------------------------------------------------------------------------------------------------------

    def _open_first(self, tried: list[Choice], routes: list[Route]) -> None:
        """Open the output with the first encoder that supports this picture."""
        failures = []
        for choice in tried:
            try:
                opened = Muxer(
                    self._destination.begin(), self._kind, self._source, self.options, routes,
                    repeatable=self._repeatable,
                )  # fmt: skip
                self._container = opened.container
                track, outputs = opened.add(choice, self._scale, self._tell)
                opened.start(track)
                self._destination.started(track.aspect)
            except VidrtsError:
                raise
            except FFmpegErrors as error:
                if memory.lacking(error):
                    raise OutOfMemoryError(f"{self.path}: {choice.encoder.name}: {memory.line(error)}") from error
                closed = self.reader_closed()
                if closed or cannot_be_written(error):
                    raise write_error(self.path, error, reader_closed=closed) from error
                self._destination.check()
                failures.append(f"{choice.encoder.name} with {choice.format.name}: {reason(error)}")
                self.discard()
                continue
            self.encoder, self.frame_format, self._track = choice.encoder, choice.format, track
            self._enhanced = track.stream.index
            for line in (
                *opened.notes,
                *loss_warnings.picture(self._source, choice, self._kind),
                *loss_warnings.tags(self._source, routes, self._kind),
            ):
                self._tell(line)
            source = self._source
            moved = source.shift + opened.shift
            kept = {"begin": None if source.begin is None else source.shift, "end": source.end}
            self._remappers = {
                r.stream.index: PacketRemapper(r, o, source, moved, kind=self._kind, tell=self._tell, **kept)
                for r, o in zip(routes, outputs, strict=True)
                if o is not None and r.stream.type != "attachment"
            }
            return
        size = (self._source.info.width * self._scale, self._source.info.height * self._scale)
        raise none_opened(self.path, size, self.options, tried, failures)

    # Writing ------------------------------------------------------------------------------------------------------

    def _check_audio(self) -> None:
        """Raise `InputError` if there is audio, and none of it can be heard."""
        source = self._source
        ledgers = {index: r.ledger for index, r in self._remappers.items() if r.ledger is not None}
        if source.begin is None and source.end is None:
            for index in with_data(source.path, [index for index, ledger in ledgers.items() if not ledger.packets]):
                ledgers[index].unparsed()
        lost = [ledger.lost for ledger in ledgers.values() if ledger.lost is not None]
        if lost and not any(ledger.sounds for ledger in ledgers.values()):
            raise InputError(f"{source.path}: no audio could be decoded: {'; '.join(lost)}; --no-audio leaves it out")

    def _complete(self) -> None:
        """Drain encoders, write the trailer, close."""
        self.drain()
        try:
            assert self._container is not None
            container, self._container = self._container, None
            container.close()
            self._destination.completed(self._track.aspect)
        except FFmpegErrors as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    def drain(self) -> None:
        """Write what encoders still hold, once; nothing can be written afterwards."""
        if self._container is None:
            raise OutputError(f"{self.path}: already finished")
        if self._drained:
            return
        self._drained = True
        try:
            others = (partial(self._drain_other, remapper) for remapper in self._remappers.values())
            _call_all((*others, self._drain_pictures, self._order.flush))
        except FFmpegErrors as error:
            raise write_error(self.path, error, reader_closed=self.reader_closed()) from error

    def _drain_other(self, remapper: PacketRemapper) -> None:
        for packet in remapper.packets(None):
            self._order.other(packet)

    def _drain_pictures(self) -> None:
        for packet in self._last_pictures():
            self._order.encoded(packet)

    def _last_pictures(self) -> Iterator[AnyPacket]:
        """What the enhanced stream still holds."""
        return self._track.drain()

    def _mux(self, packet: AnyPacket) -> None:
        assert self._container is not None
        self._destination.take(packet.size)
        self._muxed += packet.size
        self._written.note(packet)
        self._container.mux(packet)


def _call_all(parts: Iterable[Callable[[], None]]) -> None:
    """Call every part, so that an error of one loses nothing of the others; then raise the first, the cause of more."""
    first: BaseException | None = None
    for part in parts:
        try:
            part()
        except BaseException as error:  # noqa: BLE001 - raised below
            first = first or error
    if first is not None:
        raise first
