"""The encoders that are tried for an output, in order, and the error where none of them opens."""

from collections.abc import Sequence

from vidrts.errors import OutputError
from vidrts.frame import StreamInfo
from vidrts.media.containers import Place
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import encoder_choice
from vidrts.media.write.encoder_choice import Choice
from vidrts.media.write.options import EncodeOptions


def choices(info: StreamInfo, options: EncodeOptions, kind: OutputFormat) -> list[Choice]:
    """The encoders to try, in order; raises `OptionError` for what cannot be asked of this container."""
    if options.video_codec is not None:
        return encoder_choice.named(options.video_codec, info.format, options.pixel_format, kind)
    if options.pixel_format is not None:
        found = encoder_choice.for_format(info.codec, options.pixel_format, kind)
    else:
        found = encoder_choice.candidates(info.codec, info.format, kind)
    # With encoder options given, do not fall back to another codec.
    return found[:1] if options.encoder_settings else found


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
