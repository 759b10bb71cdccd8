"""FFmpeg's ways of writing options: other names of those that vidrts has, and what to use instead of the others."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import click

from vidrts.cli.option_groups import Sectioned, takes_value
from vidrts.cli.parsing import BIT_RATE, Parsed
from vidrts.media.write.options import SPECIFIER


def _parse_metadata(text: str) -> tuple[str, str, str]:
    """(specifier, key, value) of key=value, before which a specifier and a null may stand; raises ValueError."""
    spec, _, pair = text.rpartition("\0")
    key, equals, value = pair.partition("=")
    if not key or not equals:
        raise ValueError(f"expected KEY=VALUE such as title=Ducks, got {pair!r}")
    if spec not in ("", "g") and not re.fullmatch(SPECIFIER, spec):
        raise ValueError(f"expected -metadata, -metadata:s:v, -metadata:s:a:0 or -metadata:s:N, got -metadata:{spec}")
    return ("" if spec == "g" else spec), key, value


def metadata_options(given: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """`EncodeOptions` of all -metadata of a line."""
    of_streams: dict[str, dict[str, str]] = {}
    for spec, key, value in given:
        of_streams.setdefault(spec, {})[key] = value
    return {"metadata": of_streams.pop("", {}), "stream_metadata": of_streams}


FRAMES = click.option(
    "-frames:v",
    "frames",
    type=click.IntRange(1),
    metavar="N",
    help="Stop after N frames, in all streams.",
)
AUDIO_BIT_RATE = click.option(
    "-b:a", "audio_bit_rate", type=BIT_RATE, help="Bit rate of each track that is encoded (-c:a)."
)
METADATA = click.option(
    "-metadata", type=Parsed(_parse_metadata, "KEY=VALUE"), multiple=True,
    help="Set global metadata, of a stream by -metadata:s:a:0 KEY=VALUE; no VALUE deletes.",
)  # fmt: skip
MUXER_FLAGS = click.option(
    "-movflags", "muxer_flags", metavar="FLAGS",
    help="Flags of the mp4 and mov muxers. +faststart, the default of files, writes a complete file once more, its "
    "index in front; -faststart leaves that out.",
)  # fmt: skip
FILTERS = click.option(
    "-vf", "filters", metavar="FILTERS",
    help="FFmpeg's filters before the network, such as crop=640:360,nlmeans: one frame out for each frame in. "
    "Interlaced frames are deinterlaced before, unless one of the filters is for fields (bwdif=mode=send_frame, "
    "setfield=tff, ...).",
)  # fmt: skip

_NAMES = {
    "-vcodec": "-c:v", "-codec:v": "-c:v", "-acodec": "-c:a", "-codec:a": "-c:a", "-filter:v": "-vf",
    "-vframes": "-frames:v", "-frames": "-frames:v", "-vb": "-b:v", "-ab": "-b:a",
}  # fmt: skip
"""Other names of options."""

_PIPE = "ffmpeg -i IN -map 0 -dn ... -c copy -c:v ffv1 -f matroska - | vidrts enhance - OUT.mkv"
_TIMES = "every frame is kept with its time; to change the rate before: " + _PIPE
_SOUND = "sound is copied, or encoded by -c:a and -b:a, unchanged; to change it: ffmpeg -i OUT -c:v copy {word} ..."
_COPIED = "copied, and converted where the container needs it"
_INSTEAD = {
    "-map": "all streams are kept; --stream N chooses the video, --audio and --subtitles LANG what stays of the others",
    "-filter_complex": f"-vf takes filters with one input and one output; for others: {_PIPE}",
    "-lavfi": f"-vf takes filters with one input and one output; for others: {_PIPE}",
    "-an": "--no-audio leaves out sound",
    "-sn": "--no-subtitles leaves out subtitles",
    "-vn": "vidrts writes video; for sound alone: ffmpeg -i IN -vn -c copy OUT",
    "-dn": "data streams are kept where the container holds them",
    "-r": _TIMES,
    "-fps_mode": _TIMES,
    "-vsync": _TIMES,
    "-fpsmax": _TIMES,
    "-s": "-vf scale=W:H scales before the network, --scale 2 enlarges by it",
    "-aspect": "-vf setdar=16/9 sets the aspect ratio",
    "-c": "-c:v and -c:a choose encoders; everything else is copied",
    "-codec": "-c:v and -c:a choose encoders; everything else is copied",
    "-c:s": f"subtitles are {_COPIED}",
    "-codec:s": f"subtitles are {_COPIED}",
    "-scodec": f"subtitles are {_COPIED}",
    "-c:d": f"data streams are {_COPIED}",
    "-c:t": f"attachments are {_COPIED}",
    "-c:a": "-c:a encodes all sound alike",
    "-b:a": "-b:a is for all sound alike",
    "-b": "-b:v sets the bit rate of the video, -b:a of the sound",
    "-q:a": "-b:a sets the bit rate of sound that is encoded",
    "-aq": "-b:a sets the bit rate of sound that is encoded",
    "-q": "-crf N sets constant quality",
    "-qscale": "-crf N sets constant quality",
    "-cq": "-crf N sets constant quality",
    "-pass": "there is one pass; -crf N sets constant quality, -b:v a bit rate",
    "-passlogfile": "there is one pass; -crf N sets constant quality, -b:v a bit rate",
    "-af": _SOUND,
    "-filter:a": _SOUND,
    "-ar": _SOUND,
    "-ac": _SOUND,
    "-sample_fmt": _SOUND,
    "-shortest": "streams keep their lengths; -t cuts all alike",
    "-map_metadata": "metadata is kept; -metadata KEY= deletes a value",
    "-map_chapters": "chapters are kept",
    "-disposition": "dispositions are kept",
    "-tag": "leave it out: HEVC in mp4 and mov is tagged hvc1",
    "-vtag": "leave it out: HEVC in mp4 and mov is tagged hvc1",
    "-threads": "--threads N",
    "-hwaccel": "--hwaccel auto, cuda or cuda:N",
    "-hwaccel_device": "--hwaccel cuda:N",
    "-hwaccel_output_format": "--hwaccel cuda decodes on a GPU; leave this out",
    "-init_hw_device": "--hwaccel cuda decodes on a GPU, --device cuda enhances on it",
    "-loglevel": "-q prints errors only",
    "-v": "-q prints errors only, -v alone every decision, --debug tracebacks",
    "-hide_banner": "leave it out: vidrts prints no banner",
    "-nostdin": "leave it out: vidrts reads stdin only as -",
    "-stats": "leave it out: progress is shown",
    "-nostats": "--no-progress",
    "-progress": "--progress ffmpeg:FD writes the same blocks to a file descriptor",
    "-copyts": "times are kept; leave it out",
    "-start_at_zero": "times are kept; leave it out",
    "-avoid_negative_ts": "times are kept; leave it out",
    "-max_muxing_queue_size": "leave it out: no queue overflows",
    "-itsoffset": "times are kept; ffmpeg -i OUT ... can move them",
    "-output_ts_offset": "times are kept; ffmpeg -i OUT ... can move them",
    "-sseof": "-ss counts from the start",
    "-stream_loop": f"IN is read once; to repeat it: ffmpeg {'-stream_loop N -i IN -c copy LONG.mkv'}",
    "-re": "leave it out: frames are written as soon as they are ready",
    "-strict": "--strict makes damage an error",
    "-color_primaries": "--primaries NAME",
    "-color_trc": "--transfer NAME",
    "-colorspace": "--colorspace NAME",
    "-color_range": "--range tv or pc",
    "-sws_flags": "-vf scale=1280:-2:flags=lanczos",
    "-noautorotate": "rotation stays a tag; -vf alone gets upright pictures",
    "-autorotate": "rotation stays a tag; -vf alone gets upright pictures",
    "-bsf": "to change packets: ffmpeg -i OUT -c copy -bsf ...",
    "-attach": "attachments of IN are kept; to add one: ffmpeg -i OUT -map 0 -c copy -attach ...",
    "-version": "vidrts --version",
    "-fflags": "leave it out; damage is told, and --strict makes it an error",
    "-err_detect": "leave it out; damage is told, and --strict makes it an error",
}
_ENCODERS = (
    "-aq-mode -bf -bufsize -coder -cpu-used -crf_max -deadline -flags -g -keyint_min -level -maxrate -minrate "
    "-profile -qmax -qmin -qp -rc-lookahead -refs -row-mt -sc_threshold -slices -svtav1-params -tier -tiles -trellis "
    "-x264-params -x264opts -x265-params"
).split()
"""Options of encoders, which -e takes."""
_FLAGS = {
    "-r": re.compile("[0-9./]+"),
    "-v": re.compile("quiet|panic|fatal|error|warning|info|verbose|debug|trace"),
}
"""Flags that are options with a value for FFmpeg -> those values."""
_OF_VIDEO = re.compile(r"(:v)?(:0)?")
"""Stream specifiers that change nothing: there is one video stream."""


class FFmpegLike(Sectioned):
    """A command that takes options as they are written for FFmpeg, and says what to use instead of others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's hook."""
        return super().parse_args(ctx, list(_translated(args, takes_value(self, ctx))))


def _translated(args: Sequence[str], valued: dict[str, bool]) -> Iterator[str]:
    """`args` by vidrts's names; raises `click.UsageError` for options that FFmpeg alone has."""
    words = iter(args)
    while (word := next(words, None)) is not None:
        if word == "--":
            yield from (word, *words)
            return
        if not re.match("-[A-Za-z]", word):
            yield word
            if valued.get(word) and (value := next(words, None)) is not None:
                yield value
            continue
        if word in _FLAGS and valued.get(word) is False:
            following = next(words, "")
            if _FLAGS[word].fullmatch(following):
                raise click.UsageError(f"{word} {following}: {_INSTEAD[word]}")
            words = chain([following] if following else [], words)
        given, equals, rest = word.partition("=")
        name = _known(given, valued)
        if name is None:
            yield word
            continue
        spec = given.removeprefix("-metadata:") if given.startswith("-metadata:") else ""
        if equals:
            yield f"{name}={f'{spec}\0' if spec else ''}{rest}"
            continue
        yield name
        if valued[name] and (value := next(words, None)) is not None:
            yield f"{spec}\0{value}" if spec else value


def _known(given: str, valued: dict[str, bool]) -> str | None:
    """The name that vidrts has for an option; None where that is for click to say."""
    if given in valued:
        return given
    if given in _NAMES:
        return _NAMES[given]
    if given.startswith("-metadata:"):
        return "-metadata"
    parts = given.split(":")
    for base in (":".join(parts[:count]) for count in range(len(parts), 0, -1)):
        name = _NAMES.get(base, base)
        if valued.get(name) and not name.endswith(":a") and _OF_VIDEO.fullmatch(given[len(base) :]):
            return name
        if base in _ENCODERS:
            raise click.UsageError(f"{given}: -e {base[1:]}=VALUE sets it")
        if base in _INSTEAD:
            raise click.UsageError(f"{given}: {_INSTEAD[base].format(word=given)}")
    return None
