"""Flags of the muxers of mp4 and mov (-movflags)."""

import re

from vidrts.suggestions import did_you_mean

NAMES = (
    "cmaf dash default_base_moof delay_moov disable_chpl empty_moov faststart frag_custom frag_discont "
    "frag_every_frame frag_keyframe global_sidx hybrid_fragmented isml negative_cts_offsets omit_tfhd_offset "
    "prefer_icc rtphint separate_moof skip_sidx skip_trailer use_metadata_tags write_colr write_gama"
).split()
"""Those of FFmpeg 9."""

_FRAGMENTED = ("cmaf", "dash", "empty_moov", "frag_custom", "frag_every_frame", "frag_keyframe", "hybrid_fragmented")


def parse(text: str) -> list[tuple[str, str]]:
    """("+" or "-", name) of each flag in +faststart-disable_chpl or faststart+write_colr; raises `ValueError`."""
    if not re.fullmatch(r"[+-]?\w+([+-]\w+)*", text):
        raise ValueError(f"expected flags such as +faststart or +frag_keyframe+empty_moov, got {text!r}")
    found = [(sign or "+", name) for sign, name in re.findall(r"([+-]?)(\w+)", text)]
    for _, name in found:
        if name not in NAMES:
            meant = did_you_mean(name, NAMES, 1) or f"; expected one of {', '.join(NAMES)}"
            raise ValueError(f"unknown flag {name}{meant}")
    return found


def for_muxer(text: str | None) -> str:
    """What the muxer is given: all but faststart, which is done when the file is complete."""
    flags = [pair for pair in parse(text or "+faststart") if pair[1] != "faststart"]
    if any(pair[0] == "+" and pair[1] in _FRAGMENTED for pair in flags):
        flags.insert(0, ("+", "delay_moov"))  # else the first times are lost: they are known after the first fragment
    return "".join(sign + name for sign, name in flags)


def index_first(text: str | None) -> bool:
    """Whether the index of a file is moved to the front (faststart): by default, not with -faststart or fragments."""
    flags = parse(text) if text is not None else []
    fragmented = any(sign == "+" and name in _FRAGMENTED for sign, name in flags)
    return ("-", "faststart") not in flags and not fragmented
