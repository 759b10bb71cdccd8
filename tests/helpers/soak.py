"""Mutated copies of small clips through `vidrts.enhance`, each in a process forked from one warm one.

python -m helpers.soak FOLDER FIRST COUNT [STEP] (in tests/): copies FIRST, FIRST + STEP and so on below COUNT; a JSON
line for each fault found, then one that counts how the runs ended. A copy is determined by its number.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import av

from vidrts.errors import VidrtsError
from vidrts.media.write.options import EncodeOptions
from vidrts.options import EnhanceOptions
from vidrts.picture.options import EnhancerOptions
from vidrts.pipeline import enhance

PATIENCE = 60.0
"""Seconds; a healthy run of these clips takes less than one."""
_SYNTHETIC = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.8 -f lavfi -i sine=duration=0.8:sample_rate=48000"
CLIPS = {
    "h264.mp4": "-c:v libx264 -bf 2 -c:a aac",
    "fragments.mp4": "-c:v libx264 -c:a aac -movflags frag_keyframe+empty_moov -g 4",
    "prores.mov": "-c:v prores -c:a pcm_s16le -timecode 01:00:00:00",
    "hevc.mkv": "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -c:a libopus",
    "vp9.webm": "-c:v libvpx-vp9 -deadline realtime -c:a libopus",
    "mpeg2.ts": "-c:v mpeg2video -g 5 -c:a mp2",
    "h264.ts": "-c:v libx264 -g 5 -bf 2 -c:a aac",
    "mpeg2.mpg": "-c:v mpeg2video -g 5 -c:a mp2 -f vob",
    "xvid.avi": "-c:v mpeg4 -bf 2 -g 5 -c:a libmp3lame",
    "flv1.flv": "-c:v flv1 -c:a libmp3lame -ar 44100",
    "wmv2.wmv": "-c:v wmv2 -c:a wmav2",
    "theora.ogv": "-c:v libtheora -c:a libvorbis",
    "mpeg2.mxf": "-c:v mpeg2video -g 5 -c:a pcm_s16le",
    "ffv1.nut": "-c:v ffv1 -c:a flac",
}
"""File name -> how ffmpeg encodes it."""
TARGETS = ("out.mp4", "out.mkv", "out.mov", "out.ts", "out.webm")


def make_clips(folder: Path) -> list[Path]:
    """The clips of `CLIPS`, made in `folder` where they are missing."""
    for name, how in CLIPS.items():
        if not (folder / name).exists():
            command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *_SYNTHETIC.split(), "-shortest", *how.split()]
            subprocess.run([*command, folder / name], check=True)
    return [folder / name for name in CLIPS]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """`data` with one to eight faults: flipped bits, parts overwritten, zeroed, lost, repeated, a lost end."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        size = len(changed)
        # Headers and indices are a small part of a file and the most rewarding.
        place = min(int(rng.triangular(0, 600, 0)), size - 1) if rng.random() < 0.35 else rng.randrange(size)
        length = min(rng.choice((1, 4, 16, 188, 1000)), size - place)
        match rng.randrange(7):
            case 0:
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                changed[place : place + length] = rng.randbytes(length)
            case 2:
                changed[place : place + length] = bytes([rng.choice((0, 255))]) * length
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length]
            case 5:
                other = rng.randrange(size - length + 1)
                changed[place : place + length] = changed[other : other + length]
            case 6 if rng.random() < 0.4:
                del changed[max(place, 64) :]
        if len(changed) < 64:
            break
    return bytes(changed)


def copy_of(clips: list[Path], number: int, folder: Path) -> tuple[Path, Path]:
    """The mutated copy with this number, written to `folder`, and the target that it is enhanced to."""
    rng = random.Random(number)
    clip = clips[number % len(clips)]
    source = folder / f"in{clip.suffix}"
    source.write_bytes(mutate(clip.read_bytes(), rng))
    own = clip.suffix if clip.suffix in (".mkv", ".ts", ".mov", ".mp4", ".webm") else ".mkv"
    return source, folder / rng.choice((f"out{own}", *TARGETS))


def unfit(path: Path) -> str | None:
    """What is wrong with a video file: it does not open, or does not decode to its announced end; None: nothing."""
    try:
        with av.open(path) as container:
            stream = container.streams.best("video")
            if stream is None:
                return "no video stream"
            announced, listed, ends, frames, packets = container.duration, stream.frames, [0.0], 0, 0
            start, kind = (container.start_time or 0) / av.time_base, container.format.name
            for packet in container.demux():
                if packet.dts is None and packet.pts is None:
                    continue
                time = packet.pts if packet.pts is not None else packet.dts
                assert time is not None
                ends.append(float((time + (packet.duration or 0)) * packet.time_base) - start)
                if packet.stream is stream:
                    packets += 1
                    frames += len(packet.decode())
            frames += len(stream.decode(None))
    except av.FFmpegError as error:
        return f"{type(error).__name__}: {error}"
    if frames == 0:
        return "no frames"
    if listed and listed != packets:
        return f"{packets} packets, {listed} announced"
    end = max(ends) + (start if "matroska" in kind else 0)  # Matroska announces the end, not the length
    if announced is not None and end < announced / av.time_base - 1:
        return f"ends at {end:.2f} s, announced {announced / av.time_base:.2f} s"
    return None


def left_behind(folder: Path, source: Path, target: Path, *, done: bool) -> str | None:
    """What is wrong with the files that a run left in `folder`; None: nothing."""
    partial = f"{target.stem}.partial{target.suffix}"
    for path in folder.iterdir():
        if path == source or path.suffix == ".log":
            continue
        if path.name not in (target.name, partial):
            return f"left {path.name}"
        if path == target and not done:
            return f"{path.name} after an error"
        if (fault := unfit(path)) is not None:
            return f"{path.name}: {fault}"
    return None if not done or target.exists() else "no output"


def _run(source: Path, target: Path) -> tuple[str, str]:
    """Ends as ("done" | "error" | "fault", what)."""
    options = EnhanceOptions(
        model="rts-lite", picture=EnhancerOptions(strength=0, device="cpu"), encode=EncodeOptions(threads=1)
    )
    try:
        enhance(source, target, options)
    except VidrtsError as error:
        if "\n" in str(error) or not str(error):
            return "fault", f"not one line: {error!r}"
        end = "error", str(error)
    except BaseException:  # noqa: BLE001 - what comes out is the finding
        return "fault", traceback.format_exc()
    else:
        end = "done", ""
    if (fault := left_behind(target.parent, source, target, done=end[0] == "done")) is not None:
        return "fault", f"{fault}; run: {end}"
    return end


def _in_child(source: Path, target: Path) -> tuple[str, str]:
    """`_run` in a fork of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            told = _run(source, target)
        except BaseException:  # noqa: BLE001 - the fork must end here
            told = ("fault", traceback.format_exc())
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], PATIENCE)
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not ready:
        return "fault", f"hangs after {PATIENCE:.0f} s"
    if not told or status:
        return "fault", f"killed by a signal, status {status}"
    kind, what = json.loads(told)
    return kind, what


def main() -> None:
    """See the module."""
    folder, first, count, step = Path(sys.argv[1]), *(int(number) for number in (*sys.argv[2:], "1")[:3])
    clips = make_clips(folder)
    ends: Counter[str] = Counter()
    for number in range(first, count, step):
        with tempfile.TemporaryDirectory(dir=folder) as work:
            source, target = copy_of(clips, number, Path(work))
            kind, what = _in_child(source, target)
        ends[kind] += 1
        if kind == "fault":
            name = clips[number % len(clips)].name
            print(json.dumps({"number": number, "clip": name, "target": target.name, "fault": what}), flush=True)
    print(json.dumps({"ends": ends}), flush=True)


if __name__ == "__main__":
    main()
