"""How a target is written: `EncodeOptions`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """How a target is written; None: automatic."""

    video_codec: str | None = None
    """An FFmpeg encoder (-c:v); None: the first of the default order that holds the picture without loss."""
    audio_codec: str | None = None
    """An FFmpeg encoder or "copy" (-c:a); None: copy, convert only what the container cannot hold."""
    crf: float | None = None
    """Constant quality (-crf); the defaults are in `encoders.ENCODERS`."""
    bit_rate: int | None = None
    """Bits per second (-b:v)."""
    preset: str | None = None
    tune: str | None = None
    pixel_format: str | None = None
    """FFmpeg's name (-pix_fmt); it may lower the depth, which is never done automatically."""
    threads: int = 0
    """Encoder threads, 0: the encoder chooses."""
    options: Mapping[str, str] = field(default_factory=dict)
    """More encoder options (-e key=value)."""
    audio: bool = True
    subtitles: bool = True
    audio_languages: tuple[str, ...] | None = None
    subtitle_languages: tuple[str, ...] | None = None
    overwrite: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Additional global metadata; overrides the source's."""
    format: str | None = None
    """What is written to stdout, one of `output_formats.PIPE_FORMATS` (-f); None: the format read from stdin."""
    low_latency: bool = False
    """Encoders and muxers do not delay frames, at the cost of compression."""

    @property
    def encoder_settings(self) -> list[str]:
        """The command line's names of the encoder's settings that are given."""
        settings = {"-crf": self.crf, "-b:v": self.bit_rate, "-preset": self.preset, "-tune": self.tune}
        return [*(name for name, value in settings.items() if value is not None), *(["-e"] if self.options else [])]
