"""What FFmpeg's libraries log during a call; else they are mute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av

_alone = threading.Lock()
"""Held while the log is on: its level is the process's."""


@contextmanager
def heard(level: int = av.logging.ERROR) -> Iterator[list[tuple[int, str, str]]]:
    """Lines (level, who, text) that this thread's calls of FFmpeg log, complete once the `with` is left."""
    with _alone:
        before, skips = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_skip_repeated(False)
        av.logging.set_level(level)
        try:
            # The outer one takes what other threads log meanwhile.
            with av.logging.Capture(local=False), av.logging.Capture(local=True) as lines:
                yield lines
        finally:
            av.logging.set_level(before)
            av.logging.set_skip_repeated(skips)
