"""What a run is of: if any of it changes, its finished segments do not fit the rest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import vidrts
from vidrts.media.read.key_frames import KeyFrames
from vidrts.media.versions import ffmpeg
from vidrts.options import EnhanceOptions
from vidrts.picture.computation import Computation
from vidrts.segments.job import Job
from vidrts.segments.journal import CUTS

_END = 1 << 20
"""Bytes of both ends of the source that are read."""
THREADS = "the encoder's threads"
"""The name of their number, which a resumed run takes over."""
_NO_MATTER = {"tile", "batch", "overwrite", "own_only"}
"""Options that change neither picture nor streams."""
_SPOKEN = {
    "start": "-ss", "end": "-to", "filters": "-vf", "crf": "-crf", "bit_rate": "-b:v", "preset": "-preset",
    "tune": "-tune", "pixel_format": "-pix_fmt", "video_codec": "-c:v", "audio_codec": "-c:a",
    "audio_bit_rate": "-b:a", "muxer_flags": "-movflags", "metadata": "-metadata", "stream_metadata": "-metadata:s",
    "options": "-e",
}  # fmt: skip


def identity(
    job: Job,
    given: EnhanceOptions,
    keys: KeyFrames,
    computations: Sequence[Computation],
    model: Path,
    length: Fraction,
) -> dict[str, Any]:
    """What `plan.json` holds, by names for people; equal for two runs whose segments fit each other.

    `given`: the options before anything was fixed; `model`: the file of the weights; `length`: seconds of segments.
    """
    stat = job.source.stat()
    found: dict[str, Any] = {
        "vidrts": vidrts.__version__,
        "FFmpeg": ffmpeg(),
        "the size of the source": stat.st_size,
        "the time of the source's last change": stat.st_mtime_ns,
        "the source's first and last MiB": ends(job.source),
        "the source's key frames": [len(keys.times), *(str(keys.times[k]) for k in (0, -1) if keys.times)],
        "the model": hashlib.sha256(model.read_bytes()).hexdigest() if job.options.picture.strength else None,
        "the name of the output": job.target.name,
        "--segment": str(length),
    }
    for part in (given.picture, given.decode, given.encode):
        for each in fields(part):
            if each.name not in _NO_MATTER:
                found[_name(each.name)] = _plain(getattr(part, each.name))
    found |= {
        "how frames are computed": [f"{one.engine} {one.device} {one.precision}" for one in computations],
        "the encoder": job.encoder.name,
        THREADS: job.options.encode.threads,
        "the encoder's pixel format": job.format.name,
        "the encoder's parameter sets": job.parameters.hex(),
        CUTS: [str(time) for time in job.cuts],
    }
    return found


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """What differs, in words: "-crf 18, expected 16"; None if nothing does."""
    for name, value in now.items():
        if (old := before.get(name)) != value:
            short = [str(each) for each in (value, old)]
            if all(len(text) <= 40 for text in short) and not name.startswith("the source's first"):
                return f"{name}: {short[0]}, expected {short[1]}"
            return f"{name} changed"
    return None


def ends(path: Path) -> str:
    """SHA-256 of the first and last MiB of a file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(_END))
        file.seek(max(0, path.stat().st_size - _END))
        digest.update(file.read(_END))
    return digest.hexdigest()


def _name(field: str) -> str:
    return _SPOKEN.get(field, f"--{field.replace('_', '-')}")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)
