"""Progress for programs: JSON lines, or the key=value blocks of FFmpeg's -progress (fftools/ffmpeg.c, print_report)."""

import json
import os
import select
import time
from typing import TYPE_CHECKING, Any

from vidrts.cli.progress_format import ProgressFormat

if TYPE_CHECKING:
    from vidrts.dry_run import Estimate
    from vidrts.plan import Plan
    from vidrts.progress import Progress, Summary

INTERVAL = 0.5
"""Least seconds between two updates, as in FFmpeg."""
_PATIENCE = 2.0
"""Seconds to wait for a reader where a line must not be lost or is half written."""
_PIECE = 4096
"""Bytes that a pipe takes at once if it takes any (PIPE_BUF of Linux)."""


class ProgressWriter:
    """Writes the progress of one run after the other. A reader that is slow misses updates; one that is gone, all."""

    def __init__(self, form: ProgressFormat) -> None:
        self._json = form.kind == "json"
        self._descriptor: int | None = form.descriptor
        self._next = 0.0
        self._expected: int | None = None
        self._video = 0.0
        self._last = _numbers(0, None, None, None, 0)
        self._block = _block(0, 0.0, None, 0, 0.0)

    def plan(self, plan: "Plan") -> None:
        """A run begins."""
        self._next = 0.0
        self._expected = plan.frames
        self._video = 0.0
        self._last = _numbers(0, self._expected, None, None, 0)
        self._block = _block(0, 0.0, None, 0, 0.0)
        self._object("start", {**self._last, **_about(plan)}, _PATIENCE)

    def frame(self, progress: "Progress") -> None:
        """A frame is written; at most one in `INTERVAL` is told."""
        rate = progress.rate or None
        guess = self._expected if (self._expected or 0) >= progress.frames else None
        self._last = _numbers(progress.frames, progress.total or guess, rate, progress.left, progress.bytes_written)
        if progress.segments is not None:
            done, count = progress.segments
            self._last |= {"segments_done": done, "segments": count, "nodes": progress.nodes}
        self._video = progress.time
        self._block = _block(progress.frames, progress.time, progress.seconds, progress.bytes_written, rate or 0.0)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + INTERVAL
            if self._json:
                self._object("enhance", self._last, 0.0)
            else:
                self._send(f"{self._block}progress=continue\n", 0.0)

    def done(self, summary: "Summary") -> None:
        """The run has ended, and its output is complete."""
        rate = (summary.frames - summary.earlier) / summary.seconds if summary.seconds > 0 else None
        numbers = _numbers(summary.frames, summary.frames, rate, 0.0, summary.bytes_written)
        self._block = _block(summary.frames, self._video, summary.seconds, summary.bytes_written, rate or 0.0)
        self._end("done", {**numbers, "target": str(summary.target), "seconds": round(summary.seconds, 3)})

    def estimated(self, estimate: "Estimate") -> None:
        """A dry run has ended."""
        self._end(
            "estimated",
            {
                **self._last,
                "total": estimate.total,
                "fps": _rounded(estimate.rate),
                "eta_s": _rounded(estimate.seconds),
            },
        )

    def failed(self, reason: str) -> None:
        """The run has ended, by an error or a signal."""
        self._end("error", {**self._last, "eta_s": None, "message": reason})

    def _end(self, stage: str, values: dict[str, Any]) -> None:
        self._object(stage, values, _PATIENCE)
        if not self._json:
            self._send(f"{self._block}progress=end\n", _PATIENCE)

    def _object(self, stage: str, values: dict[str, Any], patience: float) -> None:
        if self._json:
            self._send(json.dumps({"stage": stage, **values}) + "\n", patience)

    def _send(self, text: str, patience: float) -> None:
        """Write all of `text`, or nothing where the reader leaves no room for it in `patience` seconds."""
        data = text.encode()
        rest = memoryview(data)
        try:
            while rest and self._descriptor is not None:
                begun = len(rest) < len(data)
                if not _has_room(self._descriptor, _PATIENCE if begun else patience):
                    self._descriptor = None if begun else self._descriptor  # what follows half a line makes no sense
                    return
                rest = rest[os.write(self._descriptor, rest[:_PIECE]) :]
        except OSError:  # the reader is gone, which is no reason to end the run
            self._descriptor = None


def _has_room(descriptor: int, patience: float) -> bool:
    """Whether a pipe takes `_PIECE` bytes without waiting; a file always does."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(patience * 1000))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _numbers(frames: int, total: int | None, rate: float | None, left: float | None, size: int) -> dict[str, Any]:
    """What every object has."""
    return {"frames": frames, "total": total, "fps": _rounded(rate), "eta_s": _rounded(left), "bytes": size}


def _about(plan: "Plan") -> dict[str, Any]:
    """What was decided, for the first object."""
    used = plan.computations[0] if plan.computations else None
    return {
        "source": str(plan.source), "target": str(plan.target), "model": plan.model,
        "engine": used and used.engine, "precision": used and used.precision,
        "device": ",".join(each.device for each in plan.computations) or None,
        "encoder": plan.written.encoder, "quality": plan.written.quality, "container": plan.written.container,
        "width": plan.written.width, "height": plan.written.height,
    }  # fmt: skip


def _block(frames: int, video: float, seconds: float | None, size: int, rate: float) -> str:
    """FFmpeg's keys but the last. `video`: seconds of it that are written, in `seconds`.

    out_time_ms is in microseconds, as FFmpeg has it; the quantizer is unknown, for which FFmpeg writes -1.
    """
    micro = round(video * 1_000_000)
    minutes, rest = divmod(micro, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    bitrate = f"{size * 8 / 1000 / video:6.1f}kbits/s" if video else "N/A"
    speed = f"{video / seconds:4.3g}x" if seconds and video else "N/A"
    values = {
        "frame": frames, "fps": f"{rate:.2f}", "stream_0_0_q": "-1.0", "bitrate": bitrate, "total_size": size,
        "out_time_us": micro, "out_time_ms": micro,
        "out_time": f"{hours:02}:{minutes:02}:{rest // 1_000_000:02}.{rest % 1_000_000:06}",
        "dup_frames": 0, "drop_frames": 0, "speed": speed,
    }  # fmt: skip
    return "".join(f"{key}={value}\n" for key, value in values.items())
