"""Figures and messages in the documents are those of the program."""

import ast
import re
from collections.abc import Callable
from functools import cache

import pytest

from node import __version__
from node.contract.payloads import MAX_EVENT_BYTES
from node.fleet.diagnosis import Limits
from node.requests.recent_faces import REMEMBERED
from node.settings import EventSettings, PeopleSettings
from node.vision import jpeg
from node.vision.sidecar import load_sidecar
from tests.docs.pages import ROOT

_ZOO = ROOT / "models" / "zoo"
_WORDS = {"hundred": 100, "a minute": 60}


def _size_mb(name: str) -> str:
    return f"{(_ZOO / name).stat().st_size / 1e6:.1f}"


def _remembered() -> str:
    return next(word for word, number in _WORDS.items() if number == REMEMBERED)


_FIGURES: list[tuple[str, str, Callable[[], str]]] = [
    ("README.md", r"at most (\d+) bytes of JSON", lambda: str(MAX_EVENT_BYTES)),
    ("README.md", r"a JPEG of at most (\d+) kB", lambda: str(jpeg.MAX_BYTES // 1024)),
    ("README.md", r"the last (\w+), in memory only", _remembered),
    ("docs/privacy.md", r"the faces of the latest (\w+) events", _remembered),
    ("docs/privacy.md", r"of each enrolled photo, (\d+ x \d+) pixels", lambda: " x ".join(map(str, _input()))),
    ("docs/topics.md", r"An event has at most (\d+) bytes", lambda: str(MAX_EVENT_BYTES)),
    (
        "docs/home-assistant/README.md",
        r"within `events.cool_down_s`, (a minute)",
        lambda: _word(EventSettings().cool_down_s),
    ),
    ("models/README.md", r"aligned face of (\d+ x \d+) pixels", lambda: " x ".join(map(str, _input()))),
    (
        "models/README.md",
        r"mobilefacenet\.float32\.tflite` \| float32, ([\d.]+) MB",
        lambda: _size_mb("mobilefacenet.float32.tflite"),
    ),
    ("models/README.md", r"mobilefacenet\.int8\.tflite`.*?([\d.]+) MB", lambda: _size_mb("mobilefacenet.int8.tflite")),
    (
        "models/README.md",
        r"rate of ([\d.]+) %, the default of `people.max_fpir`",
        lambda: f"{100 * PeopleSettings().max_fpir:g}",
    ),
    ("ansible/README.md", r"warns (\d+) days before a certificate ends", lambda: str(Limits().cert_days)),
]


def _word(number: float) -> str:
    return next(word for word, meant in _WORDS.items() if meant == number)


def _input() -> tuple[int, int]:
    return load_sidecar(_ZOO / "mobilefacenet.float32.json").input.size


@pytest.mark.parametrize(("page", "pattern", "actual"), _FIGURES)
def test_a_figure_is_the_programs(page: str, pattern: str, actual: Callable[[], str]) -> None:
    """Whoever changes the one is told of the other."""
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert set(re.findall(pattern, text)) == {actual()}


@cache
def _program_messages() -> list[str]:
    """Return every piece of text in the program."""
    return [
        node.value
        for path in (ROOT / "node").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _quoted() -> list[str]:
    """Return what troubleshooting.md says that the program says, the parts of each sentence apart."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| what it says[^\n]*\n\|[^\n]*\n((?:\|[^\n]*\n)+)", text, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    sentences = [sentence for cell in cells for sentence in re.findall(r"`([^`]+)`", cell)]
    return [
        part.strip() for sentence in sentences for part in sentence.split("…") if not sentence.startswith("health.")
    ]


@pytest.mark.parametrize("sentence", _quoted())
def test_a_message_in_troubleshooting_is_one_of_the_program(sentence: str) -> None:
    """Somebody looks for the words that stand on their terminal."""
    assert any(sentence in text for text in _program_messages())


def test_the_changelog_has_a_part_for_this_version() -> None:
    """At its head, or below what is not released yet."""
    headings = re.findall(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert __version__ in headings[:2]
