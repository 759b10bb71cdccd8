"""The syntax of -vf; the truth is FFmpeg's own parser, that of its device lavfi."""

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vidrts.media.read.filter_check import check
from vidrts.media.read.filter_syntax import FilterWords, parse


def test_a_graph() -> None:
    assert parse(r" [in] split=2 [a][b]; [b]crop = w='min(10,iw)':h=4\,0@x [c] ;[a][c]hstack@1") == [
        [FilterWords("split", "2", ("in",), ("a", "b"))],
        [FilterWords("crop", "w=min(10,iw):h=4,0@x", ("b",), ("c",))],
        [FilterWords("hstack", "", ("a", "c"))],
    ]
    assert [words.name for words in parse("hflip,vflip")[0]] == ["hflip", "vflip"]


@pytest.mark.parametrize("text", ["", " ", ",hflip", "hflip,,vflip", "[a hflip", "[]hflip", "=3"])
def test_what_is_no_graph(text: str) -> None:
    with pytest.raises(ValueError, match="expected "):
        parse(text)


def by_ffmpeg(text: str) -> str | None:
    """The tag that FFmpeg's parser makes of `text`; None where it refuses it."""
    try:
        with av.open(f"color=s=16x16:r=1,metadata=add:key=k:value={text},null", format="lavfi") as device:
            return next(device.decode(video=0)).metadata.get("k")
    except (av.FFmpegError, StopIteration):
        return None


def by_vidrts(text: str) -> str | None:
    """The same by vidrts's parser of graphs and FFmpeg's of options."""
    try:
        (chain,) = parse(f"metadata=add:key=k:value={text},null")
    except ValueError:
        return None
    graph = av.filter.Graph()
    last = graph.add("color", "s=16x16:r=1")
    try:
        for words in chain:
            node = graph.add(words.name, words.arguments or None)
            last.link_to(node)
            last = node
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph.vpull().metadata.get("k")
    except (av.FFmpegError, ValueError):
        return None


@settings(max_examples=100, derandomize=True)
@given(st.text(r"ab '\:=@ ", min_size=1, max_size=8))
@example(r"a\\\:b")
@example(r"'a,b;[c]' \ ")
@example(r"a\'b")
def test_quotes_and_backslashes_as_ffmpeg(text: str) -> None:
    if (truth := by_ffmpeg(text)) is not None:
        assert by_vidrts(text) == truth


def test_the_property_sees_texts_that_differ() -> None:
    assert by_ffmpeg(r"a\\\:b") == by_vidrts(r"a\\\:b") == "a:b"
    assert by_ffmpeg("'a,b'") == by_vidrts("'a,b'") == "a,b"


def test_checked_chains_are_parsed_ones() -> None:
    assert check("split[a][b];[a][b]hstack") == parse("split[a][b];[a][b]hstack")
