"""Messages: text from a template, a code and values that survive pickling, each passed on once."""

import ast
import pickle
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import vidrts
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


def made() -> Iterator[tuple[str, Code, set[str]]]:
    """(place, code, names of the values) of every `Message(Code.X, name=value, ...)` in the code."""
    root = Path(vidrts.__file__).parents[1]
    for path in sorted((*(root / "vidrts").rglob("*.py"), *(root / "plugins").rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message"):
                continue
            (code,) = node.args
            if isinstance(code, ast.Attribute) and all(word.arg for word in node.keywords):
                words = {word.arg for word in node.keywords if word.arg}
                yield f"{path.relative_to(root)}:{node.lineno}", Code[code.attr], words


def test_every_message_has_the_values_of_its_template() -> None:
    """A message that is told in rare runs alone must not end them."""
    found = list(made())
    assert len(found) > 100
    for place, code, words in found:
        wanted = {name for _, name, _, _ in string.Formatter().parse(code.value) if name}
        assert wanted <= words, f"{place}: {code.name} needs {wanted - words}"


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
