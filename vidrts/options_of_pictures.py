"""Which options of a run concern pictures. Loads without torch."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.media.read.options import DecodeOptions
from vidrts.media.write.options import EncodeOptions
from vidrts.options import EnhanceOptions

OF_PICTURES = ("threads", "strict", "overwrite", "own_only", "quality")
"""Options of decoding and encoding that pictures have, too."""
OF_SEQUENCES = ("start_number",)
_NAMES = {
    "start": "-ss", "end": "-to and -t", "color": "--colorspace, --range, --primaries and --transfer",
    "video_codec": "-c:v", "audio_codec": "-c:a", "crf": "-crf", "bit_rate": "-b:v", "preset": "-preset",
    "tune": "-tune", "pixel_format": "-pix_fmt", "options": "-e", "audio": "--no-audio", "subtitles": "--no-subtitles",
    "audio_languages": "--audio", "subtitle_languages": "--subtitles", "format": "-f", "framerate": "-framerate",
    "start_number": "-start_number", "filters": "-vf", "frames": "-frames:v", "audio_bit_rate": "-b:a",
    "metadata": "-metadata", "stream_metadata": "-metadata", "muxer_flags": "-movflags",
}  # fmt: skip
"""The command line's names of options, where they are not those of their fields."""


def refuse(options: EnhanceOptions, path: Path, allowed: Sequence[str]) -> None:
    """Raise `OptionError` for options of decoding and encoding that are given and not `allowed`."""
    _, given = without_options_of_videos(options, allowed)
    if given:
        advice = "; --quality is for pictures" if {"-crf", "-b:v"} & set(given) else ""
        raise OptionError(f"{', '.join(given)}: for videos only, and {path} is a picture{advice}")


def without_options_of_videos(
    options: EnhanceOptions, allowed: Sequence[str] = OF_PICTURES
) -> tuple[EnhanceOptions, list[str]]:
    """`options` with the defaults of decoding and encoding but for those that are `allowed`, and the names of others.

    The names are those of the command line.
    """
    given: list[str] = []

    def kept[T: (DecodeOptions, EncodeOptions)](part: T, default: T) -> T:
        odd = [
            f.name for f in fields(default)
            if f.name not in allowed and getattr(part, f.name) != getattr(default, f.name)
        ]  # fmt: skip
        given.extend(_NAMES.get(name, f"--{name.replace('_', '-')}") for name in odd)
        return replace(part, **{name: getattr(default, name) for name in odd})

    decode, encode = kept(options.decode, DecodeOptions()), kept(options.encode, EncodeOptions())
    return replace(options, decode=decode, encode=encode), list(dict.fromkeys(given))
