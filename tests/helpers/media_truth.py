"""What a media file holds, told by a program that is not under test: ffprobe, else PyAV read packet by packet.

`describe(path)` gives a `MediaFile`; `compare(source, output)` gives the differences as lines, none when the output is
what an enhanced copy must be. Times are exact `Fraction`s of a second.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source
from vidrts.media.write.options import EncodeOptions
from vidrts.media.write.target import Target
from vidrts.messages import Code, Message

FFPROBE = shutil.which("ffprobe")
_TAGS = ("color_range", "color_space", "color_transfer", "color_primaries", "chroma_location")
_IGNORED = {
    "encoder", "major_brand", "minor_version", "compatible_brands", "duration", "handler_name", "vendor_id", "rotate",
    "bps", "number_of_frames", "number_of_bytes", "_statistics_writing_app", "_statistics_writing_date_utc",
    "_statistics_tags", "bps-eng", "duration-eng", "number_of_frames-eng", "number_of_bytes-eng",
    "_statistics_writing_app-eng", "_statistics_writing_date_utc-eng", "_statistics_tags-eng",
}  # fmt: skip
"""Metadata that a file says of itself."""


@dataclass
class StreamTruth:
    """One stream: `info` as ffprobe prints it, packets as (time, md5 of the payload)."""

    index: int
    kind: str
    codec: str
    info: dict[str, Any]
    packets: list[tuple[Fraction | None, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @property
    def hashes(self) -> list[str]:
        """MD5 of each packet's payload, in the file's order."""
        return [digest for _, digest in self.packets]

    @property
    def times(self) -> list[Fraction]:
        """Presentation times of the packets in seconds."""
        return [time for time, _ in self.packets if time is not None]

    @property
    def metadata(self) -> dict[str, str]:
        """Its tags, without what the file says of itself; "und" is no language; a stream's date has no place in mkv."""
        ignored = _IGNORED | {"creation_time"}
        tags = {k.lower(): v for k, v in self.info.get("tags", {}).items() if k.lower() not in ignored}
        return {k: v for k, v in tags.items() if (k, v) != ("language", "und")}

    @property
    def dispositions(self) -> set[str]:
        """Names of the dispositions that are set."""
        return {name for name, value in self.info.get("disposition", {}).items() if value}

    @property
    def rotation(self) -> int:
        """Degrees as ffprobe prints them."""
        return next((int(d["rotation"]) for d in self.info.get("side_data_list", ()) if "rotation" in d), 0) % 360


@dataclass
class MediaFile:
    """A file: its streams, chapters and global tags; `frames`: times of the enhanced stream's frames."""

    path: Path
    container: str
    streams: list[StreamTruth]
    chapters: list[tuple[Fraction, Fraction, str]]
    metadata: dict[str, str]
    video: StreamTruth | None
    frames: list[Fraction]
    frame: dict[str, Any]
    """The first frame as ffprobe prints it: colour tags, side data."""


def _ffprobe(path: Path, *arguments: str) -> dict[str, Any]:
    assert FFPROBE is not None
    command = [FFPROBE, "-v", "quiet", "-of", "json", *arguments, f"file:{path}"]
    told = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).stdout
    return json.loads(told or "{}")


@cache
def describe(path: Path, stream: int | None = None) -> MediaFile:
    """Everything that is compared of a file. `stream`: the index of the enhanced stream, else chosen as vidrts does.

    Needs ffprobe.
    """
    told = _ffprobe(path, "-show_format", "-show_streams", "-show_chapters", "-show_packets", "-show_data_hash", "md5")
    streams = [
        StreamTruth(s["index"], s.get("codec_type", "unknown"), s.get("codec_name", "unknown"), s)
        for s in told.get("streams", ())
    ]
    for packet in told.get("packets", ()):
        truth = next((s for s in streams if s.index == packet["stream_index"]), None)
        if truth is not None:
            ticks = packet.get("pts", packet.get("dts"))
            time = None if ticks is None else ticks * Fraction(truth.info["time_base"])
            truth.packets.append((time, packet.get("data_hash", "")))
            truth.sizes.append(int(packet["size"]))
    videos = [s for s in streams if s.kind == "video" and "attached_pic" not in s.dispositions]
    video = next((s for s in videos if "default" in s.dispositions), videos[0] if videos else None)
    if stream is not None:
        video = next(s for s in streams if s.index == stream)
    frames: list[Fraction] = []
    first: dict[str, Any] = {}
    if video is not None:
        base = Fraction(video.info["time_base"])
        found = _ffprobe(path, "-select_streams", str(video.index), "-show_frames", "-show_entries",
                         "frame=pts,best_effort_timestamp,pix_fmt,interlaced_frame,top_field_first,"
                         + ",".join(_TAGS) + ":frame_side_data").get("frames", [])  # fmt: skip
        frames = [f["best_effort_timestamp"] * base for f in found if "best_effort_timestamp" in f]
        first = found[0] if found else {}
    chapters = [
        (c["start"] * Fraction(c["time_base"]), c["end"] * Fraction(c["time_base"]), c.get("tags", {}).get("title", ""))
        for c in told.get("chapters", ())
    ]
    tags = told.get("format", {}).get("tags", {})
    metadata = {k.lower(): v for k, v in tags.items() if k.lower() not in _IGNORED}
    name = told.get("format", {}).get("format_name", "")
    return MediaFile(path, name, streams, chapters, metadata, video, frames, first)


def tick(media: MediaFile) -> Fraction:
    """How far a time may be rounded in a container: half of its own tick; mp4's edit lists count in 1/90000 s or finer.

    Frames are compared without slack between files of the mp4 family, see `compare`.
    """
    if "matroska" in media.container:
        return Fraction(1, 2000)
    return Fraction(1, 180_000) if media.container == "mpegts" else Fraction(1, 90_000)


def moved(source: MediaFile, output: MediaFile) -> Fraction:
    """Seconds by which all of the output lies later; only mpegts, or leaving mpegts, allows other than 0."""
    if not (source.frames and output.frames) or not {"mpegts", "mpeg"} & {source.container, output.container}:
        return Fraction(0)
    return output.frames[0] - source.frames[0]


def differing_times(wanted: list[Fraction], got: list[Fraction], shift: Fraction, slack: Fraction) -> str | None:
    """The first place where times differ by more than `slack` after `shift`, None if nowhere."""
    if len(wanted) != len(got):
        return f"{len(got)} instead of {len(wanted)}"
    for place, (a, b) in enumerate(zip(sorted(wanted), sorted(got), strict=True)):
        if abs(a + shift - b) > slack:
            return f"number {place} at {float(b):.6f} s instead of {float(a + shift):.6f} s"
    return None


def compare(source: Path, output: Path, *, scale: int = 1, stream: int | None = None) -> list[str]:
    """What of `source` is not in `output` as it should be; empty for a faithful enhanced copy."""
    a, b = describe(source, stream), describe(output, stream)
    if a.video is None or b.video is None:
        return ["no video stream"]
    found = []
    shift, slack = moved(a, b), tick(a) + tick(b)
    exact = "mov" in a.container and "mov" in b.container
    if (difference := differing_times(a.frames, b.frames, shift, Fraction(0) if exact else slack)) is not None:
        found.append(f"video frames: {difference}")
    found += _compare_picture(a, b, scale)
    found += _compare_streams(a, b, shift, slack)
    slack = max(slack, Fraction(1, 1000))
    chapters = [(s + shift, title) for s, _, title in a.chapters]
    held = [(s, title) for s, _, title in b.chapters]
    alike = all(abs(x[0] - y[0]) <= slack and x[1] == y[1] for x, y in zip(chapters, held, strict=False))
    if len(chapters) != len(held) or not alike:
        found.append(f"chapters: {held} instead of {chapters}")
    for key, value in a.metadata.items():
        if _normal(key, b.metadata.get(key, "")) != _normal(key, value):
            found.append(f"metadata {key}: {b.metadata.get(key)!r} instead of {value!r}")
    return found


def _normal(key: str, value: str) -> str:
    """A tag in the form that containers agree on: dates in ISO form, places as 16.16 fixed point can hold them."""
    if key == "creation_time":
        return value.replace(" ", "T").removesuffix("Z").removesuffix(".000000")
    if key == "location":
        return " ".join(f"{float(number):.4f}" for number in re.findall(r"[+-][0-9.]+", value))
    return value


def _compare_picture(a: MediaFile, b: MediaFile, scale: int) -> list[str]:
    """Size, depth, colour, aspect, rotation."""
    assert a.video is not None
    assert b.video is not None
    found = []
    for key in ("width", "height"):
        if b.video.info[key] != a.video.info[key] * scale:
            found.append(f"{key}: {b.video.info[key]} instead of {a.video.info[key] * scale}")
    for key in _TAGS:
        wanted, got = a.frame.get(key), b.frame.get(key)
        if key == "color_range" and wanted is None and str(a.frame.get("pix_fmt")).startswith("yuvj"):
            wanted = "pc"
        yuv = "yuv" in str(b.frame.get("pix_fmt"))
        if key == "color_range" and wanted == "tv" and got in (None, "unknown") and yuv:
            continue  # H.264 and HEVC say limited range by saying nothing
        if wanted not in (None, "unknown", "unspecified") and wanted != got:
            found.append(f"{key}: {got} instead of {wanted}")
    if str(a.frame.get("pix_fmt")).replace("yuvj", "yuv") != str(b.frame.get("pix_fmt")).replace("yuvj", "yuv"):
        found.append(f"pixel format: {b.frame.get('pix_fmt')} instead of {a.frame.get('pix_fmt')}")
    sar = tuple(s.video.info.get("sample_aspect_ratio", "1:1") for s in (a, b) if s.video)
    if sar[0] not in ("0:1", sar[1]):
        found.append(f"sample aspect ratio: {sar[1]} instead of {sar[0]}")
    if a.video.rotation != b.video.rotation:
        found.append(f"rotation: {b.video.rotation} instead of {a.video.rotation}")
    if {"default", "forced"} & (a.video.dispositions ^ b.video.dispositions):
        found.append(f"video disposition: {b.video.dispositions} instead of {a.video.dispositions}")
    kinds = {"Mastering display metadata", "Content light level metadata"}
    sides = [{d["side_data_type"]: d for d in x.frame.get("side_data_list", ())} for x in (a, b)]
    for kind in kinds:
        if kind in sides[0] and sides[0][kind] != sides[1].get(kind):
            found.append(f"{kind}: {sides[1].get(kind)} instead of {sides[0][kind]}")
    return found


def _compare_streams(a: MediaFile, b: MediaFile, shift: Fraction, slack: Fraction) -> list[str]:
    """All streams but the enhanced one: order, codec, payloads, times, tags."""
    assert a.video is not None
    assert b.video is not None
    found = []
    order = [[s.kind for s in x.streams] for x in (a, b)]
    if order[0] != order[1]:
        found.append(f"streams: {order[1]} instead of {order[0]}")
    others = [[s for s in x.streams if s is not x.video] for x in (a, b)]
    for kind in ("video", "audio", "subtitle", "data", "attachment"):
        for number, s in enumerate(t for t in others[0] if t.kind == kind):
            name = f"{kind} stream {s.index} ({s.codec})"
            same = [t for t in others[1] if t.kind == kind]
            if number >= len(same):
                found.append(f"{name}: missing")
                continue
            found += [f"{name}: {line}" for line in _compare_stream(s, same[number], shift, slack)]
    return found


def _compare_stream(s: StreamTruth, t: StreamTruth, shift: Fraction, slack: Fraction) -> list[str]:
    """One copied stream."""
    found = []
    if s.codec != t.codec:
        return [f"is {t.codec}"]
    if s.hashes != t.hashes:
        found.append(f"payloads differ ({len(t.packets)} packets instead of {len(s.packets)})")
    if (difference := differing_times(s.times, t.times, shift, slack)) is not None:
        found.append(f"times: {difference}")
    if s.dispositions != t.dispositions:
        found.append(f"disposition {sorted(t.dispositions)} instead of {sorted(s.dispositions)}")
    found += [
        f"metadata {key}: {t.metadata.get(key)!r} instead of {value!r}"
        for key, value in s.metadata.items()
        if t.metadata.get(key) != value
    ]
    return found


def decoded_md5(path: Path, pixel_format: str | None = None, stream: str = "v:0") -> str:
    """MD5 of all decoded pictures of a stream as Debian's ffmpeg gives them, in `pixel_format` (None: its own)."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-noautorotate", "-i", f"file:{path}", "-map", f"0:{stream}"]
    command += ["-fps_mode", "passthrough", *(["-pix_fmt", pixel_format] if pixel_format else [])]
    told = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return hashlib.md5(told.stdout).hexdigest()


def relay(
    source: Path | str,
    target: Path,
    decode: DecodeOptions | None = None,
    encode: EncodeOptions | None = None,
) -> list[Message]:
    """`source` decoded and encoded by vidrts.media with no picture changed; the lines that people would be told."""
    lines: list[Message] = []
    with (
        Source(source, decode, on_message=lines.append) as reader,
        Target(target, reader.input, encode, on_message=lines.append) as writer,
    ):
        for event in reader.events():
            writer.write(event)
        writer.finish()
    return lines


def coded(lines: Iterable[Message]) -> list[tuple[Code, dict[str, Any]]]:
    """What the lines say, whatever their wording: code and values of each."""
    return [(line.code, line.values) for line in lines]
