"""The field's words: no name of a private metaphor that was replaced comes back."""

from pathlib import Path

import pytest

from tests.docs.names import REPLACED, metaphors, tracked
from tests.docs.pages import ROOT

FILES = [path for path in tracked(ROOT) if path.suffix in {".py", ".md", ".yml"}]


def test_no_two_test_files_have_the_same_name() -> None:
    """Tests are no packages, so pytest takes the second of two files for the first, and collects nothing at all."""
    names = [path.name for path in FILES if path.name.startswith("test_")]
    assert [name for name in names if names.count(name) > 1] == []


def test_no_name_is_an_old_one() -> None:
    """A newcomer guesses a file from the problem: modules, classes, functions, variables, tests, task files."""
    found = [line for path in FILES for line in metaphors(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("node/requests/clerk.py", ""),
        ("node/mqtt/retained.py", "class Board:\n    pass\n"),
        ("node/mqtt/retained.py", "def tell_the_jury() -> None:\n    pass\n"),
        ("node/mqtt/session.py", "def send(letter: bytes) -> None:\n    pass\n"),
        ("node/mqtt/session.py", "the_next_parcel = 1\n"),
        ("node/mqtt/session.py", "class Session:\n    def __init__(self) -> None:\n        self._ghosts = ()\n"),
        ("node/mqtt/session.py", "from node.outbox import rows as stock\n"),
        ("tests/unit/fleet/test_update_gate.py", "def test_the_verdict_is_kept() -> None:\n    pass\n"),
        ("docs/census.md", ""),
        ("ansible/roles/pki/tasks/oust.yml", ""),
        ("ansible/roles/pki/tasks/revoke.yml", "- name: Look\n  register: pki_verdict\n"),
    ],
)
def test_an_old_name_that_is_put_back_is_found(path: str, text: str) -> None:
    """The list bites wherever a name can stand, and says what to use instead."""
    (line, *_) = metaphors(Path(path), text)
    assert line.startswith(f"{path}:")
    assert any(line.endswith(f"say {word}") for word in REPLACED.values())


def test_an_old_module_that_is_put_back_is_found() -> None:
    """Some old names are common words, and forbidden for modules alone."""
    assert metaphors(Path("node/figures.py"), "") == ["node/figures.py:1: figures is an old name of a module"]
    assert metaphors(Path("tests/docs/figures.py"), "") == []


def test_the_list_names_no_word_that_it_proposes() -> None:
    """What replaces an old word is not an old word itself."""
    assert {word for new in REPLACED.values() for word in new.split()}.isdisjoint(REPLACED)
