"""Pipes in motion: sources that stall or die, consumers that are slow or gone, signals. Real processes, real pipes.

Nothing is timed: a read that waits for what is held back would wait for ever, and the limit of a whole test ends it.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.media_truth import FFPROBE
from helpers.paths import DUCKS
from helpers.pipe_ends import ffmpeg

from vidrts.cli import BROKEN_PIPE
from vidrts.media.pipes.stdio import StandardInput, StandardOutput
from vidrts.messages import Code, Message

pytestmark = pytest.mark.skipif(not hasattr(select, "poll"), reason="pipes are waited for with poll(2)")
W, H = 64, 48
HEADER = b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n"
SIZE = W * H * 3 // 2
FRAME = b"FRAME\n"


def frame(number: int) -> bytes:
    return FRAME + bytes([number % 200 + 20]) * SIZE


@contextmanager
def vidrts(model: Path, *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    """`vidrts enhance` between two pipes, killed at the end whatever became of it."""
    command = [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", model, "--no-progress"]
    with subprocess.Popen(
        [*map(str, command), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, bufsize=0,
    ) as process:  # fmt: skip
        guard = threading.Timer(120, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def read_exactly(file: object, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = file.read(count - len(data))  # type: ignore[attr-defined]
        assert piece, f"the stream ended after {len(data)} of {count} bytes"
        data += piece
    return data


@pytest.mark.parametrize("end", ["gone", "signal"])
def test_a_stalled_source_holds_nothing_back_and_can_be_left(end: str, tiny_model: Path) -> None:
    """Frames come out while the source stalls; then the consumer leaves (141, quietly), or a signal comes (143)."""
    with vidrts(tiny_model, "-", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(HEADER + frame(0))
        header = process.stdout.readline()
        assert header.startswith(b"YUV4MPEG2 W64 H48 F25:1")
        for number in range(1, 4):
            got = read_exactly(process.stdout, len(FRAME) + SIZE)
            assert got.startswith(FRAME)
            process.stdin.write(frame(number))
        read_exactly(process.stdout, len(FRAME) + SIZE)
        process.stdin.write(frame(4)[:1000])  # and there it stops, within a frame
        if end == "gone":
            process.stdout.close()
        else:
            process.send_signal(signal.SIGTERM)
        said = process.stderr.read().decode()
        assert process.wait() == (BROKEN_PIPE if end == "gone" else 143), said
    assert "Traceback" not in said
    if end == "gone":
        plan, assumed = said.splitlines()
        assert plan.startswith("vidrts: stdout: model ")
        assert assumed == f"vidrts: {Message(Code.MATRIX_AND_RANGE_ASSUMED, matrix='BT.601')}"
    else:
        assert "stopped after 4 frames; written to stdout" in said


def test_memory_is_bounded_when_nobody_reads(tiny_model: Path) -> None:
    """A consumer that does not read stops the source: of 400 frames only those go in that have their place."""
    with vidrts(tiny_model, "--strength", "0", "-", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(HEADER + frame(0))
        process.stdout.readline()  # it runs
        os.set_blocking(process.stdin.fileno(), False)
        poll = select.poll()
        poll.register(process.stdin, select.POLLOUT)
        waiting, sent = b"".join(map(frame, range(1, 3000))), 0
        while sent < len(waiting) and poll.poll(3000):  # 3 s without room: full
            sent += process.stdin.write(waiting[sent : sent + 65536]) or 0
        held = sent // (len(FRAME) + SIZE)
        room = (1 << 20) // SIZE + 1  # what a pipe holds, the one in and the one out
        assert 4 <= held <= 2 * room + 2 * (4 + 1) + 4 + (1 << 16) // SIZE, held
        assert held < 1000
        os.set_blocking(process.stdin.fileno(), True)
        process.stdin.close()
        process.stdout.read()
        process.wait()


def test_low_latency_decoders_hold_no_frame_back(tiny_model: Path) -> None:
    """H.264 without B-frames over MPEG-TS: while the source stalls, all but the last frames that came are out."""
    if FFPROBE is None:
        pytest.skip("no ffmpeg to make the stream")
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-t", "2", "-vf", "noise=alls=20"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-qp", "20"]
    source = ffmpeg(*picture, *coded, "-f", "mpegts", "-")
    whole = len(FRAME) + 320 * 180 * 3 // 2
    with vidrts(tiny_model, "--low-latency", "--strength", "0", "-", "-", "-f", "y4m") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=process.stdin.write, args=(source,))
        feeder.start()
        process.stdout.readline()
        read_exactly(process.stdout, 48 * whole)  # the demuxer cannot know that the last one is complete
        feeder.join()
        process.stdin.close()
        assert process.stdout.read().count(FRAME) == 2
        assert process.wait() == 0


def test_a_shell_pipeline(tiny_model: Path, tmp_path: Path) -> None:
    """The commands as people type them, and one whose reader leaves early."""
    if FFPROBE is None:
        pytest.skip("no ffmpeg")
    ducks = DUCKS
    command = f"{sys.executable} -m vidrts enhance --device cpu --model {tiny_model} --strength 0 --no-progress"
    first = f"ffmpeg -nostdin -v error -i {ducks} -t 0.4 -vf scale=160:90 -f yuv4mpegpipe -"
    last = f"ffmpeg -v error -i - -c:v ffv1 {tmp_path}/out.mkv"
    codes = "echo ${PIPESTATUS[@]}"
    script = f"{first} | {command} - - | {last}; {codes}; {first} | {command} - - | head -c 3000 | wc -c; {codes}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    codes, count, gone = done.stdout.splitlines()
    assert codes == "0 0 0", done.stderr
    assert count == "3000"
    assert gone.split()[1:] == [str(BROKEN_PIPE), "0", "0"]
    assert "Traceback" not in done.stderr
    truth = ffmpeg("-i", ducks, "-t", "0.4", "-vf", "scale=160:90", "-f", "rawvideo", "-")
    assert ffmpeg("-i", tmp_path / "out.mkv", "-f", "rawvideo", "-") == truth


# The two ends by themselves -------------------------------------------------------------------------------------------


def test_nothing_but_frames_reaches_stdout(tmp_path: Path) -> None:
    """Neither what Python prints nor what a library writes to descriptor 1."""
    script = (
        "import os\nfrom vidrts.media.pipes.stdio import StandardOutput\nprint('before')\n"
        "with StandardOutput() as out:\n out.write(b'frame')\n print('python')\n os.write(1, b'library')\n"
        " os.system('echo program')\n out.write(b'frame')\nprint('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "before\nframeframeafter\n"
    assert sorted(done.stderr.split()) == ["libraryprogram", "python"]


@pytest.mark.parametrize(("closed", "code", "says"), [
    ("<&-", 2, "stdin is closed"), (">&-", 2, "stdout is closed"), ("<&- >&-", 2, "stdout is closed"),
    ("2>&-", 0, ""), ("<&- 2>&-", 2, ""),
])  # fmt: skip
def test_standard_streams_that_are_closed(closed: str, code: int, says: str, tiny_model: Path, tmp_path: Path) -> None:
    """Their numbers may be other files' by then; on stdout there is never a word."""
    (tmp_path / "in").write_bytes(HEADER + frame(0))
    command = f"{sys.executable} -m vidrts enhance --device cpu --model {tiny_model} --strength 0 - -"
    script = f"cat in | ({command} {closed}); echo $? >code"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert int((tmp_path / "code").read_text()) == code
    assert says in done.stderr.decode()
    assert done.stdout == b"" if code else done.stdout.endswith(frame(0)) and done.stdout.count(b"\n") == 2


def test_stdin_is_sniffed_and_left() -> None:
    end, other = os.pipe()
    try:
        os.write(other, b"YUV4")
        reader = StandardInput(descriptor=end)
        threading.Thread(target=lambda: os.write(other, b"MPEG2 rest")).start()
        assert reader.sniff(9) == b"YUV4MPEG2"
        assert reader.read(4) == b"YUV4"
        assert reader.read(100) == b"MPEG2"
        assert reader.read(100) == b" rest"
        found: list[bytes | None] = []
        thread = threading.Thread(target=lambda: found.append(reader.read(100)))
        thread.start()
        reader.cancel()
        thread.join(60)
        assert found == [b""]
    finally:
        os.close(end)
        os.close(other)


def test_pipes_that_were_set_not_to_block(tmp_path: Path) -> None:
    end, other = os.pipe()
    os.set_blocking(end, False)
    os.set_blocking(other, False)
    data = os.urandom(3_000_000)
    got = bytearray()
    reader = StandardInput(descriptor=end)

    def drain() -> None:
        while piece := reader.read(100_000):
            got.extend(piece)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        writer = StandardOutput(other)
        assert writer.write(data) == len(data)
        assert not writer.reader_closed()
        writer.close()
        os.close(other)
        thread.join(60)
        assert bytes(got) == data
    finally:
        os.close(end)


def test_a_reader_that_is_gone_is_noticed() -> None:
    end, other = os.pipe()
    writer = StandardOutput(other)
    try:
        assert not writer.reader_closed()
        os.close(end)
        assert writer.reader_closed()
        with pytest.raises(BrokenPipeError):
            writer.write(b"frame")
        assert writer.write(b"dropped") == 7  # by then the end of a container, which nobody wants
        assert writer.count == 0
    finally:
        writer.close()
        os.close(other)
