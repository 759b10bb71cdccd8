"""Messages: text from a template, a code and values that survive pickling, each passed on once."""

import pickle
import string
import threading

import pytest

from vidrts.messages import Code, Message, Once


def test_a_message_is_its_text_and_keeps_code_and_values() -> None:
    line = Message(Code.ROTATION_LOST, degrees=90, container="ts")
    assert line == Code.ROTATION_LOST.value.format(degrees=90, container="ts")
    assert (line.code, line.values) == (Code.ROTATION_LOST, {"degrees": 90, "container": "ts"})
    about = line.about("in.mkv")
    assert about == f"in.mkv: {line}"
    assert (about.code, about.values) == (line.code, line.values)
    copy = pickle.loads(pickle.dumps(about))
    assert (copy, copy.code, copy.values) == (about, about.code, about.values)


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="container"):
        Message(Code.ROTATION_LOST, degrees=90)


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.name)
def test_templates_are_one_line(code: Code) -> None:
    assert "\n" not in code.value and code.value == code.value.strip()
    assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(code.value))


def test_no_two_codes_share_a_template() -> None:
    """To `Enum` they would be one member with two names."""
    assert len(Code.__members__) == len(list(Code))


def test_each_message_is_passed_on_once_from_any_thread() -> None:
    got: list[str] = []
    once = Once(got.append)
    lines = [Message(Code.TITLES_LOST, container="ts", streams=str(k)) for k in range(20)]

    def work() -> None:
        for line in lines:
            once(line)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(lines)


def test_passing_on_may_itself_pass_something_on() -> None:
    got: list[str] = []

    def tell(line: str) -> None:
        got.append(line)
        once("second")

    once = Once(tell)
    once("first")
    assert got == ["first", "second"]
