"""How a target is written: `EncodeOptions`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vidrts.checks import check, check_flag, check_mapping, check_name, check_text, check_threads, is_integer, is_real
from vidrts.errors import OptionError
from vidrts.media import mov_flags
from vidrts.media.output_formats import FRAME_FORMATS, PIPE_FORMATS

SPECIFIER = r"s(:(?P<type>[vVasdt]))?(:(?P<number>\d{1,4}))?"
"""A regular expression of FFmpeg's stream specifiers that -metadata takes."""


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """How a target is written; None: automatic. Checked when made; raises `OptionError`."""

    video_codec: str | None = None
    """An FFmpeg encoder (-c:v); None: the first of the default order that holds the picture without loss."""
    audio_codec: str | None = None
    """An FFmpeg encoder or "copy" (-c:a); None: copy, convert only what the container cannot hold."""
    audio_bit_rate: int | None = None
    """Bits per second of each track of sound that is encoded (-b:a)."""
    crf: float | None = None
    """Constant quality (-crf); the defaults are in `encoders.ENCODERS`."""
    bit_rate: int | None = None
    """Bits per second (-b:v)."""
    quality: int | None = None
    """Of JPEG and WebP pictures, 1 to 100 (--quality); None: 95, and WebP of a lossless picture lossless."""
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
    """Replace an existing file."""
    own_only: bool = False
    """`overwrite` replaces nothing but what vidrts made, and empty files."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Additional global metadata; overrides the source's, and an empty value deletes it (-metadata)."""
    stream_metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The same for streams of the output, by FFmpeg's specifiers: {"s:a:0": {"language": "deu"}}."""
    muxer_flags: str | None = None
    """Flags of the mp4 and mov muxers (-movflags); +faststart is the default of files."""
    format: str | None = None
    """What is written to stdout, one of `output_formats.PIPE_FORMATS` (-f); None: the format read from stdin."""
    low_latency: bool = False
    """Encoders and muxers do not delay frames, at the cost of compression."""

    def __post_init__(self) -> None:
        check_text("video_codec", self.video_codec, "an encoder's name")
        check_text("audio_codec", self.audio_codec, "an encoder's name or copy")
        crf, bit_rate = self.crf, self.bit_rate
        check("crf", crf, "a number, 0 or more, or None", crf is None or (is_real(crf) and crf >= 0))
        fits = bit_rate is None or (is_integer(bit_rate) and bit_rate > 0)
        check("bit_rate", bit_rate, "bits per second, 1 or more, or None", fits)
        if crf is not None and bit_rate is not None:
            raise OptionError(f"crf {crf:g} and bit_rate {bit_rate} are mutually exclusive; give one of them")
        fits = self.quality is None or (is_integer(self.quality) and 1 <= self.quality <= 100)
        check("quality", self.quality, "1 to 100, or None", fits)
        check_text("preset", self.preset, "a preset's name")
        check_text("tune", self.tune, "a tuning's name")
        check_text("pixel_format", self.pixel_format, "FFmpeg's name of a format")
        check_threads("threads", self.threads)
        check_mapping("options", self.options)
        check_mapping("metadata", self.metadata)
        specs = self.stream_metadata
        known = isinstance(specs, Mapping) and all(
            isinstance(spec, str) and re.fullmatch(SPECIFIER, spec) and isinstance(values, Mapping)
            for spec, values in specs.items()
        )
        check("stream_metadata", specs, "metadata by s, s:N, s:a, s:a:N or another type's letter", known)
        for values in specs.values():
            check_mapping("stream_metadata", values)
        rate = self.audio_bit_rate
        check("audio_bit_rate", rate, "bits per second, 1 or more, or None",
              rate is None or (is_integer(rate) and rate > 0))  # fmt: skip
        if rate is not None and self.audio_codec == "copy":
            raise OptionError("-b:a: sound that is copied keeps its bit rate; -c:a aac or another encoder changes it")
        check_text("muxer_flags", self.muxer_flags, "flags such as +faststart")
        if self.muxer_flags is not None:
            try:
                mov_flags.parse(self.muxer_flags)
            except ValueError as error:
                raise OptionError(f"-movflags {self.muxer_flags}: {error}") from None
        for name in ("audio", "subtitles", "overwrite", "own_only", "low_latency"):
            check_flag(name, getattr(self, name))
        for name in ("audio_languages", "subtitle_languages"):
            tags = getattr(self, name)
            fits = tags is None or (isinstance(tags, tuple | list) and all(isinstance(tag, str) for tag in tags))
            check(name, tags, "a tuple of language tags such as ('eng',), or None", fits)
        if self.format is not None:
            check_name("format", self.format, (*FRAME_FORMATS, *PIPE_FORMATS))

    @property
    def encoder_settings(self) -> list[str]:
        """The command line's names of the encoder's settings that are given."""
        settings = {"-crf": self.crf, "-b:v": self.bit_rate, "-preset": self.preset, "-tune": self.tune}
        return [*(name for name, value in settings.items() if value is not None), *(["-e"] if self.options else [])]
