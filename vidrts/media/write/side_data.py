"""Side data of the pictures: what encoder and container keep, and a message for each kind that is lost.

PyAV cannot write a container's side data: what is kept travels with the frames, or as a tag.
"""

import struct
from collections.abc import Iterator, Mapping

from vidrts.messages import Code, Message

_NEVER_KEPT = {
    "AFD": "active format description",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient viewing environment",
    "ICC_PROFILE": "ICC profile",
    "S12M_TIMECODE": "SMPTE 12M timecodes of frames",
    "SPHERICAL": "spherical projection",
}
"""FFmpeg's names of kinds that none of the encoders writes (tried with x264, x265, svtav1, mpeg2video, ffv1), in words.

MPEG-2's GOP timecodes and pan-scan are left out: its headers hold them whether or not they mean anything.
"""

_PACKED = {"libx264": {1, 2, 3, 4, 6, 7}, "libx264rgb": {1, 2, 3, 4, 6, 7}, "mpeg2video": {1, 2}}
"""`AVStereo3DType` that encoders write; with the left view first only."""

_MODES = {
    (1, False): "left_right", (1, True): "right_left", (2, False): "top_bottom", (2, True): "bottom_top",
    (4, False): "checkerboard_lr", (4, True): "checkerboard_rl", (6, False): "row_interleaved_lr",
    (6, True): "row_interleaved_rl", (7, False): "col_interleaved_lr", (7, True): "col_interleaved_rl",
}  # fmt: skip
"""The Matroska muxer's tag for frame packing: `AVStereo3DType`, and whether the right view comes first."""


def stereo_mode(side_data: Mapping[str, bytes], muxer: str) -> str | None:
    """The value of the tag `stereo_mode` by which the Matroska muxer writes frame packing; None for none."""
    packing = _packing(side_data)
    return None if packing is None or muxer not in ("matroska", "webm") else _MODES.get(packing)


def is_packing(key: str, value: str) -> bool:
    """Whether a tag of the source's stream says what the side data of its frames says, too."""
    return key == "stereo_mode" and not value.startswith("anaglyph")


def views(mode: str | None) -> tuple[int, int]:
    """Views beside and below each other; the Matroska muxer writes the display size of one view."""
    if mode in ("left_right", "right_left"):
        return 2, 1
    return (1, 2) if mode in ("top_bottom", "bottom_top") else (1, 1)


def lost(side_data: Mapping[str, bytes], encoder: str, muxer: str, container: str) -> Iterator[Message]:
    """A message for each kind in the first frame's `side_data` that the output does not have."""
    packing = _packing(side_data)
    coded = packing is not None and packing[0] in _PACKED.get(encoder, ()) and not packing[1]
    if packing is not None and not coded and stereo_mode(side_data, muxer) is None:
        yield _line("frame packing (stereoscopic 3D)", encoder, container)
    for kind, words in _NEVER_KEPT.items():
        if kind in side_data:
            yield _line(words, encoder, container)


def _line(words: str, encoder: str, container: str) -> Message:
    return Message(Code.SIDE_DATA_LOST, kind=words, encoder=encoder, container=container)


def _packing(side_data: Mapping[str, bytes]) -> tuple[int, bool] | None:
    """(`AVStereo3DType`, right view first) of a frame; None for one view."""
    data = side_data.get("STEREO3D", b"")
    if len(data) < 8:
        return None
    kind, flags = struct.unpack("=2i", data[:8])
    return (kind, bool(flags & 1)) if kind else None
