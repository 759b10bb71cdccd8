"""What a run keeps on the disk: whole segments count, torn and damaged ones do not."""

import io
import os
import shutil
from pathlib import Path

import pytest
from helpers.paths import DUCKS

from vidrts.errors import OutputError
from vidrts.media.write.mark import append_null_packet
from vidrts.media.write.packet_file import EncodedPacket, PacketWriter
from vidrts.segments.journal import CUTS, Journal, folder_of, read_plan, segments_noted, sweep
from vidrts.segments.segment import Facts
from vidrts.segments.unfinished import unfinished

FACTS = Facts(frames=1, parameters=b"\1\2", first=(0, "ab"), after=None)


def segment(payload: bytes) -> bytes:
    file = io.BytesIO()
    writer = PacketWriter(file)
    writer.add(EncodedPacket(0, 0, 1, True, payload))
    writer.finish(FACTS.plain())
    return file.getvalue()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Of an output with three finished segments."""
    made = Journal(tmp_path / "out.mkv")
    with made.held():
        made.begin({"--segment": "10"})
        for number in range(3):
            made.add(number, segment(bytes([number] * 100)), FACTS)
    return made


def test_what_is_finished_is_found_again(journal: Journal) -> None:
    again = Journal(journal.target)
    assert again.exists
    assert again.plan() == {"--segment": "10"}
    kept = again.finished()
    assert sorted(kept) == [0, 1, 2]
    assert all(each.facts == FACTS and each.size == each.path.stat().st_size for each in kept.values())
    assert segments_noted(journal.folder) == 3


def test_a_segment_may_be_a_file(journal: Journal) -> None:
    part = journal.folder / "000003.part"
    part.write_bytes(segment(b"x"))
    journal.add(3, part, FACTS)
    assert sorted(journal.finished()) == [0, 1, 2, 3]
    assert not part.exists()


@pytest.mark.parametrize("place", [0, 40, 130, -1])
def test_a_damaged_file_does_not_count(journal: Journal, place: int) -> None:
    path = journal.folder / "000001.packets"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert sorted(journal.finished()) == [0, 2]
    assert not path.exists()
    assert sorted(journal.finished()) == [0, 2]


def test_a_truncated_or_missing_file_does_not_count(journal: Journal) -> None:
    with (journal.folder / "000000.packets").open("r+b") as file:
        file.truncate(50)
    (journal.folder / "000002.packets").unlink()
    assert sorted(journal.finished()) == [1]


@pytest.mark.parametrize("torn", [1, 30, 80])
def test_a_torn_line_does_not_count_and_the_next_is_whole(journal: Journal, torn: int) -> None:
    path = journal.folder / "journal"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[2][:-torn])
    assert sorted(journal.finished()) == [0, 1]
    journal.add(2, segment(b"again"), FACTS)
    assert sorted(journal.finished()) == [0, 1, 2]


def test_a_damaged_line_does_not_count(journal: Journal) -> None:
    path = journal.folder / "journal"
    path.write_bytes(path.read_bytes().replace(b'"segment": 1', b'"segment": 2', 1) + b"\xff\xfe\n[]\n")
    assert sorted(journal.finished()) == [0, 2]


def test_files_that_no_line_names_go(journal: Journal) -> None:
    for name in ("000007.part", "000007.packets", "early", ".out.1-ab.vidrts.mkv"):
        (journal.folder / name).write_bytes(b"half")
    journal.finished()
    assert sorted(p.name for p in journal.folder.iterdir()) == [
        "000000.packets", "000001.packets", "000002.packets", "journal", "lock", "plan.json",
    ]  # fmt: skip


def test_begin_forgets(journal: Journal) -> None:
    journal.begin({"--segment": "5"})
    assert journal.finished() == {}
    assert journal.plan() == {"--segment": "5"}


def test_an_output_that_has_its_name_is_complete(journal: Journal) -> None:
    journal.begin({CUTS: ["10", "20"]})
    for number in range(3):
        assert not journal.joined
        journal.add(number, segment(b"x"), FACTS)
    assert not journal.joined
    journal.target.write_bytes(b"of another program")
    assert not journal.joined
    shutil.copyfile(DUCKS, journal.target)
    append_null_packet(journal.target, timed=False)
    assert journal.joined
    os.utime(journal.target, (0, 0))
    assert not journal.joined, "a file of before, to be replaced"
    sweep(journal.target)
    assert journal.exists
    os.utime(journal.target)
    assert list(unfinished(journal.target.parent)) == []
    sweep(journal.target)
    assert not journal.folder.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_plan_is_none(journal: Journal, content: bytes) -> None:
    (journal.folder / "plan.json").write_bytes(content)
    assert read_plan(journal.folder) == {}


def test_one_run_at_a_time(journal: Journal) -> None:
    with journal.held(), pytest.raises(OutputError, match="another run"), Journal(journal.target).held():
        pass
    with journal.held():
        pass


def test_beside_what_a_link_stands_for(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out.mkv").symlink_to(tmp_path / "disk" / "film.mkv")
    assert folder_of(tmp_path / "out.mkv") == tmp_path / "disk" / "film.mkv.vidrts"


def test_what_no_run_made_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "out.mkv")
    journal.folder.mkdir()
    (journal.folder / "holiday.jpg").write_bytes(b"dear")
    with pytest.raises(OutputError, match=r"holiday\.jpg"), journal.held():
        pass
    journal.remove()
    assert [path.name for path in journal.folder.iterdir()] == ["holiday.jpg"]
