"""A fixture that prints a test's figures even if the test passes."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def print_line(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return a function that prints a line past pytest's output capture."""

    def line(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return line
