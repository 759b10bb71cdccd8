"""The encoders and their default options; the command line prints this table in its help."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """An encoder and what "visually lossless" means for it."""

    name: str
    """FFmpeg's name."""
    quality: str | None
    """The option that -crf sets; None where there is no such thing."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Used where the person says nothing."""
    params: str | None = None
    """The option that holds the encoder library's own parameters, key=value separated by colons."""
    quiet: str | None = None
    """The own parameter that keeps the library from printing."""
    says: str
    """The quality in words, for the help."""
    captions: bool = False
    """Writes A53 closed captions that travel with the frames."""
    fields: str | None = None
    """FFmpeg's flags with which it codes interlaced frames as such; None: it codes whole frames only."""
    one_order: bool = False
    """One field order for the whole file: it would take the last frame's for all."""
    rate_based: bool = False
    """Its clock is the frame rate: timestamps finer than that cannot be kept."""


QSCALE_2 = {"flags": "+qscale", "global_quality": str(2 * 118)}  # FF_QP2LAMBDA = 118
_TABLE = (
    Encoder(name="libx264", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            says="crf 16, preset medium", captions=True, fields="+ildct+ilme", one_order=True),
    Encoder(name="libx264rgb", quality="crf", options={"crf": "16", "preset": "medium"}, params="x264-params",
            says="crf 16, preset medium", captions=True),
    Encoder(name="libx265", quality="crf", options={"crf": "18", "preset": "medium", "a53cc": "1"},
            params="x265-params", quiet="log-level=none", says="crf 18, preset medium", captions=True),
    Encoder(name="libsvtav1", quality="crf", options={"crf": "20", "preset": "6"}, params="svtav1-params",
            says="crf 20, preset 6"),
    Encoder(name="libvpx-vp9", quality="crf", options={"crf": "20", "deadline": "good", "cpu-used": "2", "row-mt": "1"},
            says="crf 20, cpu-used 2"),
    Encoder(name="ffv1", quality=None, options={"level": "3", "slicecrc": "1", "slices": "16", "g": "1"},
            says="lossless", fields=""),
    Encoder(name="prores_ks", quality=None, options={"profile": "hq"}, says="profile hq",
            fields="+ildct"),
    Encoder(name="h264_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, says="cq 18, preset p5",
            captions=True),
    Encoder(name="hevc_nvenc", quality="cq", options={"cq": "18", "preset": "p5"}, says="cq 18, preset p5",
            captions=True),
    Encoder(name="av1_nvenc", quality="cq", options={"cq": "22", "preset": "p5"}, says="cq 22, preset p5"),
    Encoder(name="mpeg2video", quality=None, options=QSCALE_2, says="qscale 2", captions=True,
            fields="+ildct+ilme", rate_based=True),
    Encoder(name="mpeg4", quality=None, options=QSCALE_2, says="qscale 2", rate_based=True),
    Encoder(name="rawvideo", quality=None, says="uncompressed"),
)  # fmt: skip
ENCODERS: dict[str, Encoder] = {encoder.name: encoder for encoder in _TABLE}
