"""Whether a source was read to its end: the one judge for files, URLs and pipes.

FFmpeg's demuxers take any end for the end. What tells otherwise: an error of the connection; a file that ends within an
element of its container or within a packet; an index that points beyond the file; an end that the header announces. An
MPEG-TS that was cut between two packets cannot be told from a whole one.
"""

import errno
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from vidrts.media.containers import CLOCKED, AnyPacket, Place, can_reopen, fraction, reason
from vidrts.media.pipes.truncation import truncated_file
from vidrts.media.time_span import TimeSpan
from vidrts.messages import Code, Message

_SHORT = Fraction(1)
"""Seconds before an announced end from which on a source ends early: headers round, and count what has no packet."""
_TABLES = Fraction(1, 4)
"""Seconds before it from which on a file that breaks off lacks more than the index and other tables at its end."""
_FOLLOWED = {"matroska", "nut", "mpegts", "mpeg", "avi", "asf", "flv", "ogg", "mov", "mxf", "ivf", "yuv4mpegpipe", "dv"}
"""Demuxers of the containers that `truncated_file` follows."""
_ANNOUNCING = {"matroska", "avi", "asf", "flv", "ivf", "rm", "mxf", "mov", "hls", "dash"}
"""Demuxers whose header may say how long the source is; others estimate it from what is there."""
_SEGMENTED = {"hls", "dash"}
"""Of these, those that pass over parts that do not come."""
_ONLY_BY_URL = {"matroska", "avi", "asf"}
"""Of these, those whose announced end is asked only where the bytes are not at hand: in a file, sizes say more."""
_PICTURES = {"mjpeg", "jpeg_pipe"}
"""Demuxers of JPEGs in a row, which take half a one for whole."""
_END_OF_PICTURE = b"\xff\xd9"
_NO_COUNT = 1 << 30
"""Frames in the header of an AVI whose writer could not count them."""
_NO_LENGTH = 0xFFFFFFFF
"""Ticks in the header of an IVF whose writer could not count them."""
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


class Completeness:
    """Follows the packets of one pass over a source, and judges its end. Passive; times in seconds of the file.

    Of a playlist whose clock jumps between two segments, the times must be those that `Continuity` gives.
    """

    def __init__(self, path: Place, container: InputContainer):
        self._path = path
        self._container = container
        self._name = container.format.name.split(",")[0]
        self._by_url = isinstance(path, str)
        self._ends = TimeSpan()
        """Of packets."""
        self._last: dict[int, int] = {}
        """Ticks of each stream's last packet."""
        self._partial = False
        self._ended_before = False
        self._reach = 0

    def passed(self, packet: AnyPacket) -> AnyPacket:
        """A packet was read; returns it."""
        if not packet.size:
            return packet
        self._partial = packet.is_corrupt or (self._name in _PICTURES and self._half(packet))
        self._reach = max(self._reach, (packet.pos or 0) + packet.size)
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is not None:
            length = packet.duration or 0
            if not length and packet.stream.type == "video":
                length = max(0, ticks - self._last.get(packet.stream_index, ticks))
            self._last[packet.stream_index] = ticks
            self._ends.add(ticks + length, packet.time_base)
        return packet

    def _half(self, packet: AnyPacket) -> bool:
        """Whether a JPEG has no end, while one before it had: some cameras leave all without."""
        ends = _END_OF_PICTURE in bytes(packet)
        self._ended_before |= ends
        return self._ended_before and not ends

    def connection_lost(self, error: BaseException) -> Message | None:
        """What to say of an error of the connection to a URL; None for any other error.

        A connection without an announced length ends in an I/O error, whether all came or not.
        """
        network = isinstance(error, (OSError, av.error.ExitError, av.error.HTTPError))
        if not self._by_url or not network or self.unknown_length(error):
            return None
        return Message(Code.CONNECTION_LOST, time=self.time, reason=reason(error))

    def unknown_length(self, error: BaseException | None = None) -> bool:
        """Whether a URL's server did not say how many bytes come, or there are many URLs, so that each end looks alike.

        `error`: that of the end, if there was one.
        """
        usual = error is None or (isinstance(error, OSError) and error.errno == errno.EIO)
        return self._by_url and usual and (self._name in _SEGMENTED or self._container.size is None)

    @property
    def index_read(self) -> bool:
        """Whether all samples that an mp4's index names were read, whatever else its boxes say."""
        return self._name == "mov" and not self._fragmented and not self._partial and self._index_end() <= self._reach

    def early_end(self) -> Message | None:
        """What to say of a source that ended without an error, but early."""
        announced, beyond = self._announced(), self._index_beyond_end()
        end = self._ends.last
        missing = announced - end if announced is not None and end is not None else Fraction(0)
        if beyond or (self._partial and self._name not in CLOCKED):
            return self._breaks_off(missing)
        if beyond is None and self._torn() and (announced is None or self._fragmented or missing > _TABLES):
            return self._breaks_off(missing)
        if self._by_url and self._fragmented and self._index_end() > self._reach:
            return self._breaks_off(missing)
        asked = self._name in _ANNOUNCING - (set() if self._by_url else _ONLY_BY_URL)
        if beyond is None and asked and missing > _SHORT:
            return Message(Code.ENDS_SHORT, time=self.time, missing=float(missing))
        return None

    def _breaks_off(self, missing: Fraction) -> Message:
        """What to say; no amount for an mp4 of fragments, as the last one's header says nothing of those after it."""
        if missing > 0 and not self._fragmented:
            return Message(Code.BREAKS_OFF_SHORT, time=self.time, missing=float(missing))
        return Message(Code.BREAKS_OFF, time=self.time)

    @property
    def time(self) -> float:
        """Seconds from the source's start at which its last packet ends."""
        start = Fraction(self._container.start_time or 0, 1_000_000)
        return float(max(Fraction(0), (self._ends.last or start) - start))

    def _torn(self) -> bool:
        """Whether it is a file that ends within an element of its container."""
        if not isinstance(self._path, Path) or self._name not in _FOLLOWED:
            return False
        with suppress(OSError):  # it may be gone by now
            return can_reopen(self._path) and truncated_file(self._path)
        return False

    @property
    def _fragmented(self) -> bool:
        """Whether it is an mp4 whose index grows with each fragment."""
        streams = self._container.streams
        return self._name == "mov" and sum(len(s.index_entries) for s in streams) > sum(s.frames for s in streams)

    def _index_beyond_end(self) -> bool | None:
        """Whether an mp4's index names samples that are not there; None where no index holds for the whole."""
        size = self._container.size
        if self._name != "mov" or size is None:
            return None
        return True if self._index_end() > size else (None if self._fragmented else False)

    def _index_end(self) -> int:
        """The byte at which the last sample of the index ends."""
        entries = (entry for stream in self._container.streams for entry in stream.index_entries)
        return max((entry.pos + entry.size for entry in entries), default=0)

    def _announced(self) -> Fraction | None:
        """The time at which the source ends as its header says; None if it says nothing.

        Where a source starts late, headers differ in whether they count from its start: the earlier end is taken.
        """
        if self._name not in _ANNOUNCING:
            return None
        if self._name == "avi":  # FFmpeg estimates the duration of a truncated one
            ends = [s.frames / rate for s in self._container.streams.video
                    if 0 < s.frames < _NO_COUNT and (rate := fraction(s.average_rate))]  # fmt: skip
            return max(ends, default=None)
        if self._name == "ivf" and any((s.duration or 0) >= _NO_LENGTH for s in self._container.streams):
            return None
        if self._container.duration:
            start = (self._container.start_time or 0) if self._name in _SEGMENTED else 0
            return Fraction(self._container.duration + start, 1_000_000)
        if self._name == "asf" and isinstance(self._path, Path):
            with suppress(OSError):
                return _asf_end(self._path) if can_reopen(self._path) else None
        return None


def _asf_end(path: Path) -> Fraction | None:
    """The play time in the header of an ASF file, which FFmpeg does not tell of a truncated one."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    at = head.find(_ASF_PROPERTIES)
    if at < 0 or len(head) < at + 88:
        return None
    play, _, preroll = (int.from_bytes(head[at + place : at + place + 8], "little") for place in (64, 72, 80))
    return Fraction(play, 10_000_000) - Fraction(preroll, 1000) if play else None
