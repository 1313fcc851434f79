"""The schema of the answers, and files of answers."""

from pathlib import Path

import pytest

from node.errors import SetupError
from node.setup.answers_file import read_answers
from node.setup.schema import parse

GOOD = """
[camera]
source = "webcam:0"
[broker]
host = "homeassistant.local"
username = "facenode"
password_file = "password"
[node]
name = "Front door"
"""


def written(folder: Path, text: str) -> Path:
    """Return a file of answers beside a password."""
    (folder / "password").write_text("s3cret\n", encoding="utf-8")
    file = folder / "answers.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_of_answers_names_the_file_of_its_password(tmp_path: Path) -> None:
    """It starts at the folder of the file, and its end of line is no part of the password."""
    answers = read_answers(written(tmp_path, GOOD))
    assert (answers.broker.password, answers.node.name, answers.person) == ("s3cret", "Front door", None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("source", "sources"), "camera.source is missing: add it to the answers"),
        (('host = "homeassistant.local"', ""), "broker.host is missing"),
        (("[node]", "[nodes]"), "nodes: there is no such answer: did you mean node?"),
        (("name =", "nam ="), "node.nam: there is no such answer: did you mean name?"),
        (("webcam:0", "webcam"), "camera.source: string should match pattern"),
        (("name =", "timezone ="), "node.timezone: not the name of a time zone"),
        (('host = "homeassistant.local"', 'host = "mqtt://u:pw@h"'), "broker.host"),
        (
            ('host = "homeassistant.local"', 'host = "h"\nport = 70000'),
            "broker.port: input should be less than or equal",
        ),
        (('host = "homeassistant.local"', 'host = "h"\nport = "1883"'), "broker.port: input should be a valid integer"),
        (('"Front door"', '"a\\nb"'), "node.name: use printable characters, on one line"),
        (('"Front door"', f'"{"x" * 65}"'), "node.name: string should have at most 64 characters"),
        (("password_file", "password_fil"), "broker.password_fil: there is no such answer"),
        (('"password"', '"none"'), "broker.password_file: none: No such file"),
        (('password_file = "password"', 'password_file = "password"\npassword = "x"'), "say the same"),
        (('username = "facenode"\n', ""), "a password needs a username"),
        (("[node]", "[node"), "not a TOML file"),
        (("[node]", '[person]\nname = "A"\nid = "unknown"\n[node]'), "person.id: this id means a stranger"),
        (("[node]", '[person]\nid = "a"\n[node]'), "person.name is missing"),
        (("[node]", "[node]\ntake_over = 1"), "node.take_over: input should be a valid boolean"),
        (("[node]", 'ca = "x"\ntls = true\n[node]'), "broker.ca: not a certificate in PEM form"),
    ],
)
def test_a_file_that_does_not_keep_to_the_schema_is_refused(
    tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    """One sentence with the place of the mistake."""
    with pytest.raises(SetupError) as caught:
        read_answers(written(tmp_path, GOOD.replace(*change)))
    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    """Bytes are bounded before they are taken."""
    with pytest.raises(SetupError, match="No such file"):
        read_answers(tmp_path / "none.toml")
    with pytest.raises(SetupError, match="larger than"):
        read_answers(written(tmp_path, GOOD + "#" * 70_000))


def test_a_wrong_password_is_in_no_sentence() -> None:
    """Not even where it is what is wrong; and the error has no cause that holds it."""
    with pytest.raises(SetupError) as caught:
        parse({"camera": {"source": "webcam:0"}, "broker": {"host": "h", "username": "u", "password": "s3c\nret"}})
    assert str(caught.value) == "broker.password: use printable characters, on one line"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_many_mistakes_are_one_bounded_sentence() -> None:
    """Whoever sends a thousand unknown answers reads of three."""
    with pytest.raises(SetupError) as caught:
        parse({f"x{number}": 1 for number in range(1000)})
    assert len(str(caught.value)) < 1000
    assert str(caught.value).endswith("and 999 more")
