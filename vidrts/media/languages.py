"""Language tags of streams: which mean the same, and how a container wants them written.

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


class _Spoken(Protocol):
    @property
    def language(self) -> str | None: ...


def language(stream: _Spoken) -> str:
    """The stream's language in lower case; "und" where it has none."""
    return str(stream.language or "und").lower()


def same(one: str, other: str) -> bool:
    """Whether two tags mean one language: ger and deu do."""
    one, other = one.lower(), other.lower()
    return one == other or _OTHER.get(one) == other


def written(tag: str, muxer: str) -> str | None:
    """The tag for a language as a container holds it; None where it cannot.

    Matroska, WebM and NUT hold any; mp4 and mpegts three letters; mov what QuickTime knew, each by one of its two
    codes.
    """
    if muxer in ("matroska", "webm", "nut"):
        return tag
    return next((code for code in (tag, _OTHER.get(tag)) if code and _held(code, muxer)), None)


@cache
def _held(code: str, muxer: str) -> bool:
    """Whether a tag comes back from a file: the muxers' tables are known only by trying."""
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
