"""-frames:v: so many frames, and the other streams up to the next one."""

from fractions import Fraction
from pathlib import Path

import pytest
from helpers.media_truth import describe, relay
from helpers.pipe_ends import ffmpeg

from vidrts.frame import Frame
from vidrts.media.read.options import DecodeOptions
from vidrts.media.read.source import Source


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound, texts and chapters."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    texts, chapters = path.with_name("texts.srt"), path.with_name("chapters")
    texts.write_text("1\n00:00:00,100 --> 00:00:01,900\nlong\n\n2\n00:00:01,500 --> 00:00:01,700\nlate\n")
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=9\n[CHAPTER]\nTIMEBASE=1/10\nSTART=9\nEND=20\n"
    )
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-f", "lavfi", "-i", "sine", "-i", texts, "-i", chapters),
        *("-map", 0, "-map", 1, "-map", 2, "-t", 2, "-c:v", "ffv1", "-c:a", "ac3", "-c:s", "srt", path),
    )
    return path


@pytest.mark.parametrize(("count", "begin"), [(10, None), (1, None), (10, Fraction(1, 5)), (500, None)])
def test_streams_end_with_the_frames(count: int, begin: Fraction | None, film: Path, tmp_path: Path) -> None:
    relay(film, tmp_path / "out.mkv", DecodeOptions(frames=count, start=begin))
    source, output = describe(film), describe(tmp_path / "out.mkv")
    times = [time for time in source.frames if time >= (begin or 0)]
    start = Fraction(0) if begin is None else times[0]
    end = times[count] if count < len(times) else Fraction(2)
    assert output.frames == [time - start for time in times[:count]]
    sound = [(time - start, md5) for time, md5 in source.streams[1].packets if time is not None and start <= time < end]
    assert len(output.streams[1].packets) == len(sound)
    assert [md5 for _, md5 in output.streams[1].packets] == [md5 for _, md5 in sound]
    told = [time for time in source.streams[2].times if time < end]
    assert len(output.streams[2].packets) == len(told)
    assert [stop for _, stop, _ in output.chapters][-1:] == [min(end - start, Fraction(2))]


def test_with_an_end_the_earlier_one_holds(film: Path) -> None:
    for count, end, frames in ((10, Fraction(1, 5), 5), (3, Fraction(1, 5), 3)):
        with Source(film, DecodeOptions(frames=count, end=end)) as source:
            assert sum(isinstance(event, Frame) for event in source.events()) == frames


def test_nothing_is_decoded_after_the_last_frame(film: Path, tmp_path: Path) -> None:
    ffmpeg("-i", film, "-map", "0:v", "-c", "copy", tmp_path / "alone.mkv")
    with Source(tmp_path / "alone.mkv", DecodeOptions(frames=2)) as source:
        decoded = source.demuxer.lost
        assert sum(isinstance(event, Frame) for event in source.events()) == 2
        assert source.info.frames in (2, None) and source.info.length == Fraction(2, 25)
        assert source.demuxer._decoder.last_time < 1  # type: ignore[attr-defined]
        assert decoded is source.demuxer.lost
