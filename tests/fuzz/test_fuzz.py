"""Each fuzz target with a few fixed inputs; `make fuzz` runs more."""

import importlib
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.driver import Build, InvariantError, OutcomeCounts, Target, run_once

_TARGETS = ("pictures", "clips", "frames", "networks", "people", "payloads", "packets", "settings", "storage")
_INPUTS = 40


@pytest.mark.parametrize("name", _TARGETS)
def test_damaged_inputs_are_accepted_or_refused(name: str, tmp_path: Path) -> None:
    """Damaged and forged inputs end in a result or in one error, and no earlier data is lost."""
    build: Build = importlib.import_module(f"tests.fuzz.{name}").build
    (tmp_path / "home").mkdir()
    for target in build(tmp_path / "home"):
        outcomes = OutcomeCounts()
        random = Random(0)
        for _ in range(_INPUTS):
            run_once(target, random, outcomes, tmp_path / "kept")
        assert outcomes.outcomes.total() == _INPUTS


def test_an_input_that_violates_an_invariant_is_kept(tmp_path: Path) -> None:
    """The kept file can be given to the program again."""

    def check(content: bytes) -> str:
        raise ValueError(content.hex())

    with pytest.raises(InvariantError, match=r"broken: ValueError: 05"):
        run_once(Target("broken", lambda _random: b"\5", check), Random(0), OutcomeCounts(), tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"\5"
