"""The guardian's sentence: where a native call hangs, where a library ends the process, and nowhere else."""

import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the guardian reads /proc")

SCRIPT = """
import ctypes, os, signal, threading, time
from vidrts.cli.guardian import guarded
from vidrts.native_calls import each_within, native_call, unfinished

def hang(library):
    mutex = ctypes.create_string_buffer(64)  # who waits for a lock that he holds waits for ever, whatever signal comes
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)

def poll():
    while not threading.Event().wait(0.1):
        pass

with guarded(patience=1):
    {body}
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    """What a guarded process does, and says."""
    return subprocess.run([sys.executable, "-c", SCRIPT.format(body=body)], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("body", "call"),
    [
        # ctypes.PyDLL keeps Python's lock within a call, as av does while it opens an encoder; ctypes.CDLL gives it up.
        ("with native_call('libnone (opening)'): hang(ctypes.PyDLL(None))", "libnone (opening)"),
        (
            "[threading.Thread(target=poll, daemon=True).start() for _ in range(3)]\n"
            "    list(each_within(lambda: native_call('libnone (finishing)'), map(hang, [ctypes.CDLL(None)])))",
            "libnone (finishing)",
        ),
        (
            "signal.signal(signal.SIGTERM, lambda *_: None)\n"
            "    with native_call('one'): os.kill(os.getpid(), signal.SIGTERM)\n"
            "    with native_call('two'): hang(ctypes.PyDLL(None))",
            "two",
        ),
    ],
)
def test_a_call_that_hangs_ends_with_a_line(body: str, call: str) -> None:
    done = run(body)
    assert done.returncode == -signal.SIGKILL
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"vidrts: {call}: hangs")
    assert "memory" in line


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("with native_call('libnone (opening)'): hang(ctypes.PyDLL(None))", False),
        ("with native_call('libnone (finishing)'): hang(ctypes.CDLL(None))", True),
        ("os.abort()", True),
    ],
)
def test_an_unfinished_file_is_named_or_removed(end: str, kept: bool, tmp_path: Path) -> None:
    file = tmp_path / ".öut.mkv"
    file.write_bytes(b"frames")
    done = run(f"unfinished({str(file)!r})\n    {end}")
    assert file.exists() == kept
    assert done.stderr.strip().endswith(f"what was written is in {file}") == kept


def test_a_call_that_computes_may_take_longer_than_the_patience() -> None:
    done = run("with native_call('slow'):\n        while time.process_time() < 2.5: pass")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os.abort()", "ctypes.CDLL(None)._exit(1)"])
def test_who_is_ended_by_others_leaves_a_line(end: str) -> None:
    done = run(end)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("vidrts: ended by a signal or by a library")
    assert "memory" in line


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("with native_call('one'): pass", 0),
        ("raise SystemExit(3)", 3),
        ("from vidrts.cli import guardian; guardian.dismiss(); os._exit(5)", 5),
    ],
)
def test_who_ends_by_himself_leaves_none(body: str, code: int) -> None:
    done = run(body)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(
    "missing",
    [
        "del os.memfd_create", "os.memfd_create = refused", "guardian.mmap.mmap = refused",
        "guardian.subprocess.Popen = refused",
    ],
)  # fmt: skip
def test_where_there_is_no_guardian_the_work_is_done(missing: str) -> None:
    """Sandboxes forbid the one call, little memory the others."""
    body = f"""pass
from vidrts.cli import guardian
def refused(*_, **__):
    raise OSError(1, "Operation not permitted")
{missing}
with guarded():
    with native_call('one'): print('done')"""
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_the_command_says_that_memory_is_short() -> None:
    """Not even torch can be loaded."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))

    done = subprocess.run(
        [sys.executable, "-m", "vidrts", "enhance", "in.mkv", "out.mkv"], capture_output=True, text=True,
        preexec_fn=limit, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("vidrts: out of memory: ")
    assert "of the 400 MiB of memory allowed by ulimit -v" in line


def test_the_line_is_in_the_log(tmp_path: Path) -> None:
    """With its time, after what was said before; nothing of it is lost where the process ends at once."""
    name = str(tmp_path / "log")
    begin = f"from pathlib import Path\nfrom vidrts.cli import log\nlog.opened(None, None, Path({name!r}))\n"
    script = begin + SCRIPT.format(body="log.note('said before')\n    os.abort()")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGABRT
    _, before, last = (tmp_path / "log").read_text().splitlines()
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d{4} "
    assert re.fullmatch(f"{stamp}said before", before)
    assert re.fullmatch(f"{stamp}ended by a signal or by a library.*", last)
    assert last.split(" ", 2)[2] == done.stderr.strip().removeprefix("vidrts: ")
