"""Each fuzz target, for a few inputs that are the same each time; `make fuzz` goes on from there."""

import importlib
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.driver import Build, InvariantError, OutcomeCounts, Target, drive

_TARGETS = ("pictures", "clips", "networks", "people", "payloads", "packets", "settings", "storage")
_INPUTS = 40


@pytest.mark.parametrize("name", _TARGETS)
def test_what_comes_from_outside_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    """Damaged and forged inputs end in a result or in one sentence, and nothing that was there before is lost."""
    build: Build = importlib.import_module(f"tests.fuzz.{name}").build
    (tmp_path / "home").mkdir()
    for target in build(tmp_path / "home"):
        outcomes = OutcomeCounts()
        random = Random(0)
        for _ in range(_INPUTS):
            drive(target, random, outcomes, tmp_path / "kept")
        assert outcomes.outcomes.total() == _INPUTS


def test_an_input_that_breaks_a_promise_is_kept(tmp_path: Path) -> None:
    """It can be given to the program again."""

    def check(content: bytes) -> str:
        raise ValueError(content.hex())

    with pytest.raises(InvariantError, match=r"broken: ValueError: 05"):
        drive(Target("broken", lambda _random: b"\5", check), Random(0), OutcomeCounts(), tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"\5"
