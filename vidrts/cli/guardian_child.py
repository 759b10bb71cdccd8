"""The child process of `guardian`: ends the parent with a line when a native call hangs, and tells when it died.

Arguments: the parent's process id, seconds of patience, file descriptors of shared memory (`guardian.Shared`) and, if
there is one, of the log. Stdin
is a pipe of which the parent has the other end: "done" says that it ends by itself. Imports the standard library alone;
Linux only.
"""

import mmap
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

COUNT, CALL, FILE = slice(0, 8), slice(8, 256), slice(256, 4608)
"""Bytes of shared memory: a count of calls, the name of the present one, that of the unfinished file."""
SIZE = FILE.stop
_TICK = 1.0
"""Seconds between two looks at the parent."""
_LITTLE = 0.05
"""Seconds of CPU time in a tick that threads which only poll may take."""


def main(pid: int, patience: int, descriptor: int, *places: int) -> None:
    """Watch over the parent until it ends. `places`: the log's descriptor, if there is one."""
    shared = mmap.mmap(descriptor, SIZE)
    before, idle, used = shared[:], 0, 0.0
    while True:
        if select.select([0], [], [], _TICK)[0]:
            if not os.read(0, 16):
                left = _left(shared, keep=True)
                _say(
                    f"ended by a signal or by a library; if nobody stopped it, there is too little memory{left}",
                    *places,
                )
            return
        now, cpu = shared[:], _cpu_seconds(pid)
        call = _text(now[CALL])
        still = bool(call) and now == before and cpu - used < _LITTLE and _all_wait(pid)
        idle = idle + 1 if still else 0
        before, used = now, cpu
        if idle >= patience:
            left = _left(shared, keep=not call.endswith("(opening)"))
            _say(
                f"{call}: hangs, no CPU time for {patience} s; often there is too little memory: give it more, or use "
                f"another encoder (-c:v){left}",
                *places,
            )
            if os.getppid() == pid:
                os.kill(pid, signal.SIGKILL)
            return


def _text(field: bytes) -> str:
    return os.fsdecode(field.rstrip(b"\0"))


def _left(shared: mmap.mmap, *, keep: bool) -> str:
    """Where the unfinished file is, in words; removes it if nothing is in it yet."""
    file = Path(_text(shared[FILE]))
    if not file.is_file():
        return ""
    if keep:
        return f"; what was written is in {file}"
    with suppress(OSError):
        file.unlink()
    return ""


def _say(line: str, *places: int) -> None:
    now = time.time()
    for place in places:
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))}.{int(now % 1 * 1000):03}"
        with suppress(OSError):
            os.write(place, os.fsencode(f"{moment}{time.strftime('%z', time.localtime(now))} {line}\n"))
    with suppress(OSError):  # stderr may be closed
        os.write(2, os.fsencode(f"vidrts: {line}\n"))


def _fields(stat: Path) -> list[str]:
    """The fields of a stat file of /proc after the name, from the state on."""
    return stat.read_text(errors="replace").rpartition(")")[2].split()


def _cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process."""
    user, system = _fields(Path(f"/proc/{pid}/stat"))[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _all_wait(pid: int) -> bool:
    """Whether each thread sleeps: none runs, wants to run, waits for a disk, or is stopped."""
    return all(_fields(task / "stat")[0] == "S" for task in Path(f"/proc/{pid}/task").iterdir())


if __name__ == "__main__":
    with suppress(OSError):  # the parent is gone, or /proc is
        main(*map(int, sys.argv[1:]))
