"""Copying a stream as it is: whether a container supports it, and the output's stream for its packets."""

import io
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from vidrts.media.containers import AnyPacket, FFmpegErrors, av_call, time_base
from vidrts.media.output_formats import OutputFormat
from vidrts.media.write import aac, channel_layout


def can_copy(stream: Stream, target: OutputFormat) -> bool:
    """Whether the container supports the stream as it is; tested by writing a header to memory."""
    if stream.type == "unknown" or (stream.type not in ("attachment", "data") and stream.codec_context is None):
        return False
    if _unplayable(stream, target):
        return False
    if aac.must_strip_headers(stream, target) and aac.decoder_config(stream.codec_context) is None:
        return False
    written = io.BytesIO()
    try:
        with av.open(written, "w", format=target.muxer, container_options=dict(target.options)) as trial:
            if stream.type != "video" or target.muxer == "mpegts":  # Blu-ray's has numbers for one video stream
                with av_call():
                    video = trial.add_stream("libvpx" if target.muxer == "webm" else "mpeg4", rate=25)
                video.width, video.height = 16, 16
                video.pix_fmt = "yuv420p"
            copy = copied_stream(trial, stream, target)
            with av_call():
                trial.start_encoding()
            if stream.type == "data":
                trial.mux(_data_packet(copy))
        return stream.type != "data" or target.muxer == "mpegts" or _holds_data(written)
    except FFmpegErrors:
        return False


def _data_packet(stream: Stream) -> AnyPacket:
    """A packet of data, as a trial: muxers take headers of data that they then cannot describe."""
    packet = Packet(bytes(16))
    packet.stream, packet.time_base = stream, time_base(stream.time_base)
    packet.pts = packet.dts = 0
    packet.duration = 1
    return packet


_UNDESCRIBED = bytes.fromhex("00000010") + b"stsd"
"""An empty table of sample descriptions, as mov's muxer writes for data that it does not know; readers take the next
box for one."""


def _holds_data(written: io.BytesIO) -> bool:
    """Whether a file opens, has a packet of a data stream and says what it is. Raises FFmpeg's errors."""
    if _UNDESCRIBED in written.getvalue():
        return False
    with av.open(io.BytesIO(written.getvalue()), "r") as container:
        return any(packet.stream.type == "data" and packet.size for packet in container.demux())


MPEGTS = {
    "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vvc",
    "aac", "aac_latm", "ac3", "eac3", "mp1", "mp2", "mp3", "dts", "truehd", "opus", "s302m",
    "dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle", "timed_id3", "klv", "smpte_klv",
}  # fmt: skip
"""Codecs that MPEG-TS players support; the muxer writes any other as private data."""


def _unplayable(stream: Stream, target: OutputFormat) -> bool:
    """Whether the muxer accepts the header but writes what no player can read, or fails at the end."""
    muxer = target.muxer
    if stream.type == "attachment":
        return muxer != "matroska"  # webm's takes it, and writes nothing
    if muxer == "mpegts":
        if codec_name(stream) == "hdmv_pgs_subtitle" and ("mpegts_m2ts_mode", "1") not in target.options:
            return True  # only the streams of Blu-ray say what it is
        return codec_name(stream) not in MPEGTS
    if muxer in ("mov", "mp4") and stream.type == "data" and "timecode" in stream.metadata:
        return True  # the muxer creates a timecode track from the metadata
    if muxer == "mp4" and isinstance(stream, AudioStream) and codec_name(stream).startswith("pcm_"):
        # The header must name each channel.
        return not channel_layout.is_ordered(channel_layout.ordered(stream.codec_context.layout))
    return muxer in ("mov", "nut") and bool(stream.disposition & Disposition.attached_pic)


def copied_stream(output: OutputContainer, stream: Stream, target: OutputFormat) -> Stream:
    """A stream of `output` for the packets of `stream`, copied or stripped of ADTS headers."""
    if stream.type in ("attachment", "data"):
        with av_call():
            return output.add_stream_from_template(stream)
    with av_call():
        copied = output.add_stream_from_template(stream, opaque=True)
    if aac.must_strip_headers(stream, target):
        copied.codec_context.extradata = aac.decoder_config(stream.codec_context)
    if isinstance(stream, AudioStream) and not channel_layout.is_ordered(stream.codec_context.layout):
        cast(AudioCodecContext, copied.codec_context).layout = channel_layout.ordered(stream.codec_context.layout)
    return copied


def is_bitmap(stream: Stream) -> bool:
    """Whether it is a bitmap subtitle (PGS, VobSub, DVB)."""
    return stream.type == "subtitle" and stream.codec_context is not None and stream.codec_context.codec.bitmap_sub


def codec_name(stream: Stream) -> str:
    """The name of the stream's codec."""
    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    return str(getattr(stream, "name", None) or "unknown codec")
