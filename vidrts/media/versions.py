"""The version of FFmpeg's libraries: encoders of another one may write other packets."""

import av


def ffmpeg() -> str:
    """Of PyAV and of the FFmpeg within it."""
    return f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
