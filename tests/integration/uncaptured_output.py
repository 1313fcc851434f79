"""A test that passes and has figures -> a line that is seen."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def print_line(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what prints a line that is seen even if the test passes."""

    def line(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return line
