"""Tags of a stream: colour, HDR10 metadata, rotation, aspect ratio, field order, names.

Numbers are those of ITU-T H.273 and FFmpeg's `AV*` enums, as in `vidrts.frame`.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Literal

import av
from av.video.stream import VideoStream

from vidrts.frame import ColorTags, FieldOrder, PixelFormat
from vidrts.media.languages import written

FIELD_ORDERS: dict[FieldOrder, int] = {"progressive": 1, "tff": 2, "bff": 3}
"""`AVFieldOrder`: progressive, TT, BB."""

_SHOWN_FIRST: dict[int, FieldOrder] = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}
"""`AVFieldOrder` TT, BB, TB, BT: the second letter is the field that is shown first."""

HDR10_ENCODERS = ("libx264", "libx265", "libsvtav1")
"""Encoders that take mastering display and light levels as parameters."""

OWN_KEYS = {"encoder", "major_brand", "minor_version", "compatible_brands", "rotate", "duration"}
"""Keys that the new file sets itself, or that are stored elsewhere."""
STATISTICS = {
    "bps", "number_of_frames", "number_of_bytes",
    "_statistics_writing_app", "_statistics_writing_date_utc", "_statistics_tags",
}  # fmt: skip
"""mkvmerge's statistics of a stream's packets; still valid for a copied stream."""
MOV_KEYS = {"handler_name", "vendor_id"}
"""Technical keys of mp4 and mov tracks."""

SERVICE = ("service_provider", "service_name", "title")
"""What MPEG-TS keeps of a file's metadata: the title becomes the name of the service if that has none."""
_DESCRIPTOR, _PROVIDER = 252, 6
"""Bytes of both values together that its descriptor holds; those of FFmpeg's own name, where no provider is given."""


def color_tags(frame: av.VideoFrame, fmt: PixelFormat) -> ColorTags:
    """The colour tags of a decoded frame; yuvj formats imply full range."""
    tags = frame_color(frame)
    return replace(tags, range=2) if fmt.name.startswith("yuvj") else tags


def stated_color(context: av.VideoCodecContext) -> ColorTags:
    """The colour tags of a stream as its container states them. Decoding overwrites them with the stream's own."""
    return _color(context, context.chroma_sample_location)


def frame_color(frame: av.VideoFrame) -> ColorTags:
    """The colour tags of a frame as FFmpeg has them."""
    return _color(frame, frame.chroma_location)


def _color(tagged: av.VideoFrame | av.VideoCodecContext, siting: int) -> ColorTags:
    return ColorTags(
        matrix=tagged.colorspace,
        range=tagged.color_range,
        transfer=tagged.color_trc,
        primaries=tagged.color_primaries,
        siting=siting,
    )


_UNSPECIFIED = {"matrix": (2, 3), "transfer": (0, 2, 3), "primaries": (0, 2, 3)}
"""Values of H.273 that say nothing: unspecified, and reserved ones."""


def corrected(color: ColorTags, override: ColorTags) -> ColorTags:
    """`color`, with what `override` specifies."""
    known = {
        f.name: value
        for f in fields(override)
        if (value := getattr(override, f.name)) not in _UNSPECIFIED.get(f.name, (0,))
    }
    return replace(color, **known)


def complete_color(frame: av.VideoFrame, stated: ColorTags) -> None:
    """Tag a decoded frame with what the container states of its colour, wherever the stream itself says nothing."""
    set_color(frame, corrected(stated, frame_color(frame)))


def set_color(frame: av.VideoFrame, color: ColorTags) -> None:
    """Tag a frame for the encoder."""
    _tag(frame, color)
    frame.chroma_location = color.siting


def _tag(tagged: av.VideoFrame | av.VideoCodecContext, color: ColorTags) -> None:
    """Set what frames and codec contexts call alike."""
    tagged.colorspace = color.matrix
    tagged.color_range = color.range
    tagged.color_trc = color.transfer
    tagged.color_primaries = color.primaries


def coded_field_order(stream: VideoStream) -> FieldOrder:
    """The field order of the stream; single frames may differ."""
    return _SHOWN_FIRST.get(stream.codec_context.field_order, "progressive")


def set_encoder_color(context: av.VideoCodecContext, color: ColorTags, sar: Fraction, field_order: FieldOrder) -> None:
    """Tag an encoder that is not yet open, for container and bitstream."""
    _tag(context, color)
    context.chroma_sample_location = color.siting
    context.field_order = FIELD_ORDERS[field_order]
    if sar:
        context.sample_aspect_ratio = sar


@dataclass(frozen=True, kw_only=True)
class Hdr:
    """HDR10 static metadata and the presence of dynamic metadata. Produced from the first frame."""

    primaries: tuple[Fraction, ...] = ()
    """CIE 1931 x and y of red, green, blue and white, eight values; empty when not given."""
    luminance: tuple[Fraction, Fraction] | None = None
    """Least and greatest of the mastering display, cd/m2."""
    light: tuple[int, int] | None = None
    """MaxCLL and MaxFALL, cd/m2."""
    dynamic: tuple[str, ...] = ()
    """Names of dynamic metadata in the frames: HDR10+, Dolby Vision, HDR Vivid."""

    def encoder_params(self, encoder: str) -> list[str]:
        """Entries for the encoder's parameter string (x265-params, svtav1-params, x264-params)."""
        params: list[str] = []
        if encoder not in HDR10_ENCODERS:
            return params
        if encoder == "libx265" and (self.primaries or self.light):
            params += ["hdr10=1", "repeat-headers=1"]
        if self.primaries and self.luminance:
            name = "master-display" if encoder == "libx265" else "mastering-display"
            params.append(f"{name}={self._mastering(integers=encoder != 'libsvtav1')}")
        if self.light:
            name = {"libx264": "cll", "libx265": "max-cll"}.get(encoder, "content-light")
            params.append(f"{name}={self.light[0]},{self.light[1]}")
        return params

    def _mastering(self, *, integers: bool) -> str:
        """G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min): integers of 1/50000 and 1/10000 cd/m2 (x264, x265), else decimals."""

        def one(value: Fraction, unit: int) -> str:
            return str(round(value * unit)) if integers else f"{float(value):.6f}"

        red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y = (one(v, 50_000) for v in self.primaries)
        low, high = (one(v, 10_000) for v in self.luminance or (Fraction(0), Fraction(0)))
        return (f"G({green_x},{green_y})B({blue_x},{blue_y})R({red_x},{red_y})"
                f"WP({white_x},{white_y})L({high},{low})")  # fmt: skip


_DYNAMIC = {
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
}


def hdr_metadata(frame: av.VideoFrame, stream: VideoStream) -> Hdr:
    """HDR10 metadata of a decoded frame, else of the container; what is damaged there counts as absent."""
    held = {kind.name: bytes(data) for kind, data in frame.side_data.items()}
    container = stream.codec_context.coded_side_data
    mastering = held.get("MASTERING_DISPLAY_METADATA") or container.get("mastering_display_metadata")
    light = held.get("CONTENT_LIGHT_LEVEL") or container.get("content_light_level")
    dynamic = tuple(dict.fromkeys(name for kind, name in _DYNAMIC.items() if kind in held))
    primaries: tuple[Fraction, ...] = ()
    luminance = None
    # AVMasteringDisplayMetadata: 10 rationals (R, G, B, white: x, y; least, greatest), then two flags.
    if mastering is not None and len(mastering) >= 88:
        numbers = struct.unpack("=20i2i", mastering[:88])
        pairs = list(zip(numbers[0:20:2], numbers[1:20:2], strict=True))
        if all(denominator for _, denominator in pairs):
            values = [Fraction(numerator, denominator) for numerator, denominator in pairs]
            # FFmpeg's flags say whether values are plausible; implausible ones are carried over as they are.
            primaries = tuple(values[:8]) if numbers[20] or numbers[21] else ()
            luminance = (values[8], values[9])
    levels: tuple[int, int] | None = None
    if light is not None and len(light) >= 8:
        levels = struct.unpack("=2I", light[:8])
    return Hdr(primaries=primaries, luminance=luminance, light=levels, dynamic=dynamic)


def display_matrix(frame: av.VideoFrame, stream: VideoStream) -> tuple[int, ...] | None:
    """The nine numbers of rotation and flip (FFmpeg's `AV_PKT_DATA_DISPLAYMATRIX`), None for none."""
    held = {kind.name: bytes(data) for kind, data in frame.side_data.items()}
    data = held.get("DISPLAYMATRIX") or stream.codec_context.coded_side_data.get("display_matrix")
    return struct.unpack("=9i", data[:36]) if data is not None and len(data) >= 36 else None


_TURNS = {(1, 0, 0, 1): 0, (0, -1, 1, 0): 90, (-1, 0, 0, -1): 180, (0, 1, -1, 0): -90}


def rotation(matrix: tuple[int, ...] | None, frame: av.VideoFrame) -> int:
    """Degrees counter-clockwise at which a player shows the stored picture; -180 becomes 180."""
    if matrix is not None:
        signs = [(v > 0) - (v < 0) for v in (matrix[0], matrix[1], matrix[3], matrix[4])]
        turn = _TURNS.get((signs[0], signs[1], signs[2], signs[3]))
        if turn is not None:
            return turn
    return 180 if frame.rotation == -180 else frame.rotation


def unheld(metadata: Mapping[str, str], muxer: str) -> list[str]:
    """Keys of a file's metadata that MPEG-TS has no place for."""
    if muxer != "mpegts":
        return []
    kept = set(SERVICE) - ({"title"} if "service_name" in map(str.lower, metadata) else set())
    return sorted(key for key in metadata if key.lower() not in kept)


def too_long(metadata: Mapping[str, str], muxer: str) -> set[str]:
    """Keys of a file's metadata whose values MPEG-TS would hold, were they shorter."""
    if muxer != "mpegts":
        return set()
    keys = {key.lower(): key for key in metadata}
    room, lost = _DESCRIPTOR - _PROVIDER, set()
    for name in (name for name in SERVICE if name in keys):
        value = metadata[keys[name]]
        size = len(value.encode()) + (not value.isascii())  # a byte says that it is UTF-8
        if name == SERVICE[0]:
            room += _PROVIDER
        if size > room:
            lost.add(keys[name])
            size = _PROVIDER if name == SERVICE[0] else 0
        room -= size
    return lost


def kept_metadata(
    metadata: Mapping[str, str], kind: Literal["file", "stream", "enhanced"], muxer: str
) -> dict[str, str]:
    """Metadata to copy: without what the new file sets itself (encoder, brands, packet statistics).

    `write.loss_warnings.tags` reports what the container then loses.
    """
    kept = {}
    for key, value in metadata.items():
        base = key.lower().split("-")[0]
        if base in OWN_KEYS or (kind != "stream" and base in STATISTICS):
            continue
        if base in MOV_KEYS and muxer not in ("mp4", "mov"):
            continue
        if base == "language" and kind != "file":
            held = written(value, muxer)
            if held is None:
                continue
            value = held
        if base == "creation_time":
            value = value.split(";")[0]  # FFmpeg reads its own mp4 key and the header's as one value, twice the same
        # mp4's demuxer names a track's title "name", its muxer expects "title".
        kept["title" if key == "name" and kind != "file" and "title" not in metadata else key] = value
    return kept
