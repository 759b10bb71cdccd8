"""Language tags of streams: which are equivalent, and how containers store them.

ISO 639-2 has two codes for some languages, bibliographic (ger) and terminological (deu); files use either.
"""

import io
from functools import cache
from typing import Protocol

import av

_TWINS = dict(
    pair.split("/")
    for pair in (
        "alb/sqi arm/hye baq/eus bur/mya chi/zho cze/ces dut/nld fre/fra geo/kat ger/deu gre/ell ice/isl mac/mkd "
        "mao/mri may/msa per/fas rum/ron slo/slk tib/bod wel/cym"
    ).split()
)
_OTHER = _TWINS | {terminological: bibliographic for bibliographic, terminological in _TWINS.items()}


class _HasLanguage(Protocol):
    @property
    def language(self) -> str | None: ...


def language(stream: _HasLanguage) -> str:
    """The stream's language in lower case; "und" where it has none."""
    return str(stream.language or "und").lower()


def same(one: str, other: str) -> bool:
    """Whether two tags mean the same language, such as ger and deu."""
    one, other = one.lower(), other.lower()
    return one == other or _OTHER.get(one) == other


def written(tag: str, muxer: str) -> str | None:
    """The tag as a container stores it; None if it cannot.

    Matroska, WebM and NUT store any; mp4 and mpegts three letters; mov QuickTime's list, with one of the two codes.
    """
    if muxer in ("matroska", "webm", "nut"):
        return tag
    return next((code for code in (tag, _OTHER.get(tag)) if code and _held(code, muxer)), None)


@cache
def _held(code: str, muxer: str) -> bool:
    """Whether a tag survives muxing; the muxers' tables are not accessible otherwise."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as made:
        stream = made.add_stream("mp2", rate=48_000)
        stream.metadata["language"] = code
        frame = av.AudioFrame("s16", "stereo", 1152)
        frame.sample_rate, frame.pts = 48_000, 0
        made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as read:
        return read.streams[0].language == code
