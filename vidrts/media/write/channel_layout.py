"""Channel layouts. Many files say only how many channels there are: FFmpeg calls that a layout without order."""

import re

import av
from av.audio.layout import AudioLayout

_COUNT = re.compile(r"(\d+) channels")


def is_ordered(layout: AudioLayout) -> bool:
    """Whether the layout says what each channel is."""
    return _COUNT.fullmatch(layout.name) is None


def ordered(layout: AudioLayout) -> AudioLayout:
    """Of a layout without order FFmpeg's default one for its number of channels, where there is one; else `layout`."""
    if is_ordered(layout):
        return layout
    try:
        return av.AudioLayout(f"{layout.nb_channels}c")
    except ValueError:  # 9, 11, 13 and 15 channels have none
        return layout


_ALIKE = {"2.1": "3.0", "4.0": "quad", "5.0(side)": "5.0", "5.1(side)": "5.1"}
"""Layouts of as many channels, for encoders that have only one of both."""


def candidates(layout: AudioLayout) -> list[str]:
    """Names of the layouts to encode sound of `layout` in, best first: its own, one of as many channels, fewer.

    What nobody can name cannot be mixed.
    """
    own = ordered(layout)
    if not is_ordered(own):
        return [own.name]
    found = [own.name, *([_ALIKE[own.name]] if own.name in _ALIKE else [])]
    return found + [name for name, channels in (("5.1", 6), ("stereo", 2)) if channels < own.nb_channels]


def is_mixed(layout: AudioLayout, encoded: str) -> bool:
    """Whether channels of `layout` are mixed to encode it in the layout `encoded`, one of `candidates`.

    Channels without order are only named; side and back loudspeakers stand for each other.
    """
    same = av.AudioLayout(encoded).nb_channels == layout.nb_channels
    return not same or (is_ordered(layout) and layout.name.removesuffix("(side)") != encoded.removesuffix("(side)"))
