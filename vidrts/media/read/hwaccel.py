"""Decoding on a GPU: FFmpeg's hwaccel "cuda", which is NVDEC.

Its frames come to the host's memory as nv12 or p010 with all that they carry (captions, HDR metadata, field flags), so
that everything after the decoder is as it is without. A 1080p frame's way there and back is 6 MB, which a bus carries
thousands of times a second; what NVDEC saves is the processor's time.
"""

import av
from av.codec.hwaccel import HWAccel, HWDevice

from vidrts.cores import usable_cores
from vidrts.errors import DeviceError

_SURFACES = ("nv12", "p010le", "p016le", "nv16", "p210le", "p216le", "yuv444p", "yuv444p16le")
"""What NVDEC gives; software has 4:2:0 and 4:2:2 planar."""
_MOST_THREADS = 8
"""Each frame thread takes one more of NVDEC's 32 surfaces, of which 16 reference frames and what else is in flight
leave no more than ten: with sixteen threads such a stream would go to software."""


def hardware(name: str) -> HWAccel | None:
    """What opens a source with the hardware `name` ("auto": where there is one); None for software.

    A stream that the hardware does not decode is decoded in software (`in_software`). Raises `DeviceError` where
    "cuda" is asked for and cannot be had.
    """
    if name == "none":
        return None
    index = int(name.partition(":")[2] or 0)
    try:
        HWDevice("cuda", index)
        return HWAccel("cuda", index, allow_software_fallback=True)
    except (av.FFmpegError, ValueError, RuntimeError) as error:
        if name == "auto":
            return None
        why = getattr(error, "strerror", None) or error
        raise DeviceError(f"hwaccel {name}: no such CUDA device found ({why}); use --hwaccel none") from None


def in_software(pixel_format: str, context: av.VideoCodecContext) -> bool:
    """Whether the hardware left this stream to software, by the pixel format of its first frame."""
    return not context.is_hwaccel or pixel_format not in _SURFACES


def decoder_threads(asked: int) -> int:
    """Decoder threads beside hardware, where `asked` (0: no wish) are wished for."""
    return min(asked or usable_cores(), _MOST_THREADS)
