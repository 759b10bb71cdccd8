"""Decoded sound as its encoder takes it: one sample format, layout and rate, cut to the trimmed range."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.filter import Graph

from vidrts.media.containers import av_call, time_base
from vidrts.media.write.channel_layout import is_ordered, ordered
from vidrts.messages import Code, Message, Tell

type Kind = tuple[int, str, str]
"""Sample rate, sample format, channel layout."""


class AudioFrames:
    """Converts frames, whose kind may change at any time, to that of `encoder`; times are kept. Stateful.

    `begin`, `end`: seconds on the frames' clock between which samples are kept, exactly; None: no limit. `tell` gets
    one message about stream `index` if its layout or rate changes.
    """

    def __init__(
        self, encoder: AudioCodecContext, index: int, begin: Fraction | None, end: Fraction | None, tell: Tell
    ) -> None:
        self._encoder = encoder
        self._index = index
        self._tell = tell
        self._told = False
        self._begin = begin
        self._end = end
        self._graph: Graph | None = None
        self._kind: Kind | None = None

    def frames(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """What is ready once `frame` is there."""
        layout = ordered(frame.layout)
        if not is_ordered(frame.layout) and frame.layout.nb_channels == self._encoder.channels:
            layout = self._encoder.layout  # the encoder's channels are as good as any others
        kind = (frame.sample_rate, frame.format.name, layout.name)
        if self._graph is None or self._kind != kind:
            yield from self.drain()
            if self._kind is not None:
                self._changed(self._kind, kind, frame)
            self._graph, self._kind = self._made(kind, time_base(frame.time_base)), kind
        try:
            self._graph.push(frame)
        except av.EOFError:  # past the end
            return
        yield from self._ready(self._graph)

    def drain(self) -> Iterator[AudioFrame]:
        """The samples that the resampler still holds."""
        graph, self._graph = self._graph, None
        if graph is not None:
            try:
                graph.push(None)
            except av.EOFError:
                return
            yield from self._ready(graph)

    def _changed(self, before: Kind, now: Kind, frame: AudioFrame) -> None:
        """Tell the first change of layout or rate."""
        if self._told or _words(*before) == _words(*now):
            return
        self._told = True
        encoder = self._encoder
        self._tell(Message(
            Code.AUDIO_CHANGES, index=self._index, before=_words(*before), now=_words(*now),
            time=float((frame.pts or 0) * time_base(frame.time_base)),
            encoded=_words(encoder.sample_rate, encoder.format.name, encoder.layout.name),
        ))  # fmt: skip

    def _ready(self, graph: Graph) -> Iterator[AudioFrame]:
        while True:
            try:
                yield cast(AudioFrame, graph.pull())
            except (av.BlockingIOError, av.EOFError):
                return

    def _made(self, kind: Kind, base: Fraction) -> Graph:
        """The filters for frames of `kind`."""
        rate, sample_format, layout = kind
        encoder = self._encoder
        limits = {
            key: str(math.ceil(time * rate))  # atrim counts in samples
            for key, time in (("start_pts", self._begin), ("end_pts", self._end))
            if time is not None
        }
        graph = Graph()
        # A frame whose layout has no order takes the source's.
        with av_call():
            last = graph.add_abuffer(sample_rate=rate, format=sample_format, layout=layout, time_base=base)
        for name, arguments in (
            ("atrim", limits),
            ("aformat", {
                "sample_rates": str(encoder.sample_rate), "sample_fmts": encoder.format.name,
                "channel_layouts": encoder.layout.name,
            }),
            ("asettb", {"expr": f"1/{encoder.sample_rate}"}),
            ("abuffersink", {}),
        ):  # fmt: skip
            node = graph.add(name, **arguments)
            last.link_to(node)
            last = node
        graph.configure()
        return graph


def _words(rate: int, _: str, layout: str) -> str:
    return f"{layout}, {rate} Hz"
