"""The encoders and their default options; the command line prints this table in its help."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from vidrts.media.color_names import SITINGS, Fact
from vidrts.native_calls import native_call


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """An encoder with its defaults for visually lossless quality."""

    name: str
    """FFmpeg's name."""
    quality: str | None
    """The option that -crf sets; None: not supported."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Defaults."""
    params: str | None = None
    """The option that holds the encoder library's own parameters, key=value separated by colons."""
    quiet: str | None = None
    """The library's parameter that silences its log."""
    default_quality: str
    """The default quality in words, for help and errors."""
    captions: bool = False
    """Writes A53 closed captions that travel with the frames."""
    fields: str | None = None
    """FFmpeg's flags for interlaced coding; None: not supported; "": none needed."""
    single_field_order: bool = False
    """Stores one field order for the whole file, that of the last frame."""
    rate_based: bool = False
    """Its time base is the frame rate: finer timestamps cannot be kept."""

    def call(self, what: str) -> AbstractContextManager[None]:
        """Around a call of it: a `native_call`, but for encoders of a GPU, which may wait for that."""
        return nullcontext() if self.name.endswith("_nvenc") else native_call(f"{self.name} ({what})")

    tags: tuple[Fact, ...] = ("matrix", "primaries", "transfer", "range")
    """Colour tags that it writes into its stream."""
    sitings: tuple[int, ...] = ()
    """Chroma sitings that it writes into its stream, in 4:2:0."""
    implied: Mapping[Fact, int] = field(default_factory=dict)
    """What its decoders say of a stream that does not say it itself, whatever the container states."""
    full_rgb: bool = False
    """Its RGB always is of full range."""


_ANY_SITING = tuple(SITINGS.values())
_LEFT: dict[Fact, int] = {"siting": 1}
QSCALE_2 = {"flags": "+qscale", "global_quality": str(2 * 118)}  # FF_QP2LAMBDA = 118
_TABLE = (
    Encoder(name="libx264", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            default_quality="crf 16, preset medium", captions=True, fields="+ildct+ilme", single_field_order=True,
            sitings=_ANY_SITING, implied=_LEFT),
    Encoder(name="libx264rgb", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            default_quality="crf 16, preset medium", captions=True),
    Encoder(name="libx265", quality="crf", options={"crf": "18", "preset": "medium", "a53cc": "1"},
            params="x265-params", quiet="log-level=none", default_quality="crf 18, preset medium", captions=True,
            sitings=_ANY_SITING),
    Encoder(name="libsvtav1", quality="crf", options={"crf": "20", "preset": "6"}, params="svtav1-params",
            default_quality="crf 20, preset 6", sitings=(1, 3)),
    Encoder(name="libvpx-vp9", quality="crf", options={"crf": "20", "deadline": "good", "cpu-used": "2", "row-mt": "1"},
            default_quality="crf 20, cpu-used 2", tags=("matrix", "range"), full_rgb=True),
    Encoder(name="ffv1", quality=None, options={"level": "3", "slicecrc": "1", "slices": "16", "g": "1"},
            default_quality="lossless", fields="", tags=()),
    Encoder(name="prores_ks", quality=None, options={"profile": "hq"}, default_quality="profile hq",
            fields="+ildct", tags=("matrix", "primaries", "transfer"), implied={"range": 1}),
    Encoder(name="h264_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, default_quality="cq 18, preset p5",
            captions=True, implied=_LEFT),
    Encoder(name="hevc_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, default_quality="cq 18, preset p5",
            captions=True, implied=_LEFT),
    Encoder(name="av1_nvenc", quality="cq", options={"cq": "22", "preset": "p5"}, default_quality="cq 22, preset p5"),
    Encoder(name="mpeg2video", quality=None, options=QSCALE_2, default_quality="qscale 2", captions=True,
            fields="+ildct+ilme", rate_based=True, tags=("matrix", "primaries", "transfer"),
            implied={"range": 1, "siting": 1}),
    Encoder(name="mpeg4", quality=None, options=QSCALE_2, default_quality="qscale 2", rate_based=True,
            tags=(), implied=_LEFT),
    Encoder(name="rawvideo", quality=None, default_quality="uncompressed", tags=()),
)  # fmt: skip
ENCODERS: dict[str, Encoder] = {encoder.name: encoder for encoder in _TABLE}
