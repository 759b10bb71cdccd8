"""Which of FFmpeg's filters may stand before the network, and what to use instead of the others."""

from collections.abc import Sequence

import av
from av.filter import Filter, Graph, filters_available

from vidrts.errors import OptionError
from vidrts.media.containers import FFmpegErrors, av_call, reason
from vidrts.media.ffmpeg_log import heard
from vidrts.media.read.filter_syntax import FilterWords, parse
from vidrts.suggestions import did_you_mean

_RETIMING = {
    "concat", "cue", "decimate", "dejudder", "detelecine", "doubleweave", "feedback", "fps", "framepack", "framerate",
    "framestep", "freezeframes", "fsync", "interlace", "interleave", "loop", "minterpolate", "mpdecimate", "pullup",
    "random", "repeatfields", "reverse", "segment", "select", "separatefields", "setpts", "settb", "shuffleframes",
    "tblend", "telecine", "thumbnail", "tile", "tinterlace", "tmedian", "tpad", "trim", "untile", "weave", "xfade",
    "zoompan",
}  # fmt: skip
"""Filters that change the number, the order or the times of frames."""
_INSTEAD = {
    "trim": "-ss, -to, -t and -frames:v cut",
}
DEINTERLACERS = {"bwdif", "yadif", "estdif", "w3fdif", "deinterlace_qsv"}
"""Deinterlacers: one frame for each frame, or two."""
FIELD_FILTERS = DEINTERLACERS | {"field", "fieldhint", "fieldmatch", "fieldorder", "il", "setfield"}
"""Filters that are meant to get interlaced frames."""
_HARDWARE = ("_amf", "_cuda", "_d3d11", "_npp", "_opencl", "_qsv", "_vaapi", "_videotoolbox", "_vt", "_vulkan")
_UPLOADING = {"hwdownload", "hwmap", "hwupload", "libplacebo"}
_NOT_BUILT = {
    "ass": "", "boxblur": "avgblur and gblur blur", "colormatrix": "colorspace converts", "cropdetect": "",
    "delogo": "removelogo takes a mask", "drawtext": "", "eq": "colorlevels, curves and lutyuv change tones",
    "frei0r": "", "histeq": "normalize stretches", "hqdn3d": "nlmeans, atadenoise and fftdnoiz denoise",
    "kerndeint": "bwdif=mode=send_frame deinterlaces", "mcdeint": "bwdif=mode=send_frame deinterlaces",
    "nnedi": "bwdif=mode=send_frame deinterlaces", "owdenoise": "nlmeans and fftdnoiz denoise", "perspective": "",
    "phase": "", "pp": "deblock deblocks", "pp7": "deblock deblocks", "fspp": "deblock deblocks",
    "uspp": "deblock deblocks", "spp": "deblock deblocks", "sab": "bilateral and yaepblur smooth",
    "smartblur": "unsharp, bilateral and gblur do likewise", "stereo3d": "", "subtitles": "",
    "super2xsai": "xbr and hqx enlarge", "vaguedenoiser": "nlmeans and fftdnoiz denoise", "vidstabdetect": "deshake",
    "vidstabtransform": "deshake", "zscale": "scale, colorspace and tonemap convert",
}  # fmt: skip
"""Filters that people know and PyAV's FFmpeg does not have -> what does likewise."""


def check(text: str) -> list[list[FilterWords]]:
    """The chains of -vf; raises `OptionError`, naming the filter, for what can be told without a picture."""
    try:
        chains = parse(text)
    except ValueError as error:
        raise OptionError(f"-vf {text}: {error}") from None
    for words in (words for chain in chains for words in chain):
        _check_name(words)
        with heard() as lines:
            failure = _tried(words)
        if failure is not None:
            raise OptionError(f"-vf {words}: {said(lines, failure)}")
    return chains


def said(lines: Sequence[tuple[int, str, str]], failure: str) -> str:
    """FFmpeg's reason in its log; `failure`: its error, where it logged nothing."""
    texts = [" ".join(text.split()).rstrip(".") for level, _, text in lines if level <= av.logging.ERROR]
    told = [text for text in texts if text and not text.startswith(_HOLLOW)]
    return "; ".join(dict.fromkeys(told)) or failure


_HOLLOW = ("Failed to configure", "Error applying", "Error reinitializing")
"""How lines of FFmpeg begin that follow one with the cause."""


def _tried(words: FilterWords) -> str | None:
    """Why FFmpeg does not take a filter's options; None where it does."""
    try:
        with av_call():
            Graph().add(words.name, words.arguments or None)
    except FFmpegErrors as error:
        return reason(error)
    return None


def _check_name(words: FilterWords) -> None:
    """Raise `OptionError` for a filter that is unknown, or not for pictures, or not to be used here."""
    name = words.name
    if name in _RETIMING:
        instead = f"; {_INSTEAD[name]}" if name in _INSTEAD else ""
        raise OptionError(
            f"-vf {words}: {name} changes the number, order or times of frames, which are kept{instead}; "
            + _before(words)
        )
    if name in _UPLOADING or name.endswith(_HARDWARE):
        raise OptionError(f"-vf {words}: {name} works on a GPU's frames; expected a filter that runs on the CPU")
    if name in filters_available:
        _check_type(words)
        return
    if name in _NOT_BUILT:
        instead = f"; {_NOT_BUILT[name]}" if _NOT_BUILT[name] else ""
        raise OptionError(f"-vf {words}: PyAV's FFmpeg has no filter {name}{instead}; {_before(words)}")
    if name == "sws_flags":
        raise OptionError(f"-vf {words}: give flags to the filter itself, scale=1280:-2:flags=lanczos")
    raise OptionError(f"-vf {words}: unknown filter {name}{did_you_mean(name, (*filters_available, *_RETIMING), 1)}")


def _before(words: FilterWords) -> str:
    """How to use it nevertheless."""
    return (
        f"to use it: ffmpeg -i IN -map 0 -dn -vf '{words}' -c copy -c:v ffv1 -f matroska - | vidrts enhance - OUT.mkv"
    )


def _check_type(words: FilterWords) -> None:
    """Raise `OptionError` for filters of sound, and for the ends of graphs."""
    known = Filter(words.name)
    pads = [*known.inputs, *known.outputs]
    if any(pad.type != "video" for pad in pads):
        raise OptionError(f"-vf {words}: {words.name} filters sound; expected filters of pictures")
    if "buffer" in words.name:
        raise OptionError(f"-vf {words}: {words.name} is an end of a graph, which vidrts adds itself")
