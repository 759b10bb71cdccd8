"""The encoders that are tried for an output, in order, and the error where none of them opens."""

from collections.abc import Sequence

from vidrts.errors import OutputError
from vidrts.media.containers import Place
from vidrts.media.input import Input
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import encoder_choice
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.options import EncodeOptions

_PLAYED = ("libx264", "libx265", "libsvtav1", "libvpx-vp9")
"""Encoders of films for players, most of which show no RGB, and no 4:4:4."""


def choices(source: Input, options: EncodeOptions, kind: OutputFormat, scale: int = 1) -> list[Choice]:
    """The encoders to try, in order; raises `OptionError` for what cannot be asked of this container."""
    info, codec = source.info, options.video_codec
    wanted = options.pixel_format or _for_players(source, codec, kind, scale)
    if codec is not None:
        return encoder_choice.named(codec, info.format, wanted, kind)
    if wanted is not None:
        # H.264 of 10 bit is played by few; HEVC of 10 bit by all that play HEVC.
        like = "hevc" if options.pixel_format is None and "10" in wanted else info.codec
        found = encoder_choice.for_format(like, wanted, kind)
    else:
        found = encoder_choice.candidates(info.codec, info.format, kind)
    # With encoder options given, do not fall back to another codec.
    return found[:1] if options.encoder_settings else found


def _for_players(source: Input, codec: str | None, kind: OutputFormat, scale: int) -> str | None:
    """The pixel format for numbered RGB pictures where none is asked for; None for what keeps the source's.

    FFmpeg makes yuv444p of them with libx264, which players do not take either. 4:4:4 where a side is odd.
    """
    info = source.info
    encoders = kind.encoders if codec is None else (encoder_choice.known(codec).name,)
    if not source.pictures or info.format.model != "rgb" or not set(encoders) & set(_PLAYED):
        return None
    even = scale % 2 == 0 or info.width % 2 == info.height % 2 == 0
    return f"yuv{'420' if even else '444'}p{'' if info.format.depth == 8 else '10le'}"


def none_opened(
    path: Place, size: tuple[int, int], options: EncodeOptions, tried: Sequence[Choice], failures: Sequence[str]
) -> OutputError:
    """The error that says what became of each, and what to do. size: (width, height) of the output."""
    width, height = size
    fmt = tried[0].format
    odd = width % (1 << fmt.log2_w) or height % (1 << fmt.log2_h)
    if odd and all(choice.encoder.name != "ffv1" for choice in tried):
        advice = "the encoder may need even sizes; use .mkv with -c:v ffv1, or -pix_fmt yuv444p"
    elif any("nvenc" in choice.encoder.name for choice in tried):
        advice = "NVENC needs an NVIDIA GPU with an encoder, and its driver"
    else:
        given = options.encoder_settings
        advice = f"{f'check {", ".join(given)}, or ' if given else ''}use another encoder (-c:v)"
    return OutputError(f"{path}: no encoder could be opened for {width}x{height}: {'; '.join(failures)}; {advice}")
