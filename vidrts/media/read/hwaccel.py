"""Decoding on a GPU: FFmpeg's hwaccel "cuda", which is NVDEC.

Frames are downloaded to host memory as nv12 or p010 with their side data (captions, HDR metadata, field flags); the
rest of the pipeline is unchanged. The copies are cheap; NVDEC saves CPU time.
"""

import av
from av.codec.hwaccel import HWAccel, HWDevice

from vidrts.cores import usable_cores
from vidrts.errors import DeviceError
from vidrts.media.containers import reason

_SURFACES = ("nv12", "p010le", "p016le", "nv16", "p210le", "p216le", "yuv444p", "yuv444p16le")
"""NVDEC's formats; software decoders output planar 4:2:0 and 4:2:2."""
_MOST_THREADS = 8
"""Each frame thread needs one of NVDEC's 32 surfaces; 16 reference frames and frames in flight leave about ten. With
sixteen threads such a stream would be decoded in software."""


def hardware(name: str) -> HWAccel | None:
    """PyAV's accelerator for `name` ("auto": if there is one); None for software.

    A stream that the hardware does not support is decoded in software (`in_software`). Raises `DeviceError` if "cuda"
    is not available.
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
        raise DeviceError(f"hwaccel {name}: no such CUDA device found ({reason(error)}); use --hwaccel none") from None


def in_software(pixel_format: str, context: av.VideoCodecContext) -> bool:
    """Whether this stream is decoded in software after all, by the pixel format of its first frame."""
    return not context.is_hwaccel or pixel_format not in _SURFACES


def decoder_threads(asked: int) -> int:
    """Decoder threads with hardware decoding; `asked` 0: automatic."""
    return min(asked or usable_cores(), _MOST_THREADS)
