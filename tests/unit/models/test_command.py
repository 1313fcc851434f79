"""The end of a training command, and its progress."""

import io

import pytest

from models.command import Progress, run
from models.errors import DataError, RecipeError


def test_an_error_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback: what, where and what to do, on stderr."""

    def fail() -> None:
        raise DataError("a.jpg: not a readable picture: fetch it again")

    assert run(fail) == 1
    assert capsys.readouterr().err == "error: a.jpg: not a readable picture: fetch it again\n"


def test_a_wrong_recipe_is_a_usage_error() -> None:
    """Exit code 2, as for a wrong command line."""

    def fail() -> None:
        raise RecipeError("wrong")

    assert run(fail) == 2
    assert run(lambda: None) == 0


def test_an_interrupted_command_says_how_to_resume(capsys: pytest.CaptureFixture[str]) -> None:
    """The cache stays after Ctrl-C."""

    def stop() -> None:
        raise KeyboardInterrupt

    assert run(stop) == 130
    assert "resume from the cache" in capsys.readouterr().err


def test_progress_shows_the_time_left() -> None:
    """After a quarter in ten seconds, thirty seconds are left."""
    output, now_s = io.StringIO(), [0.0]
    with Progress("align", 100, output, lambda: now_s[0]) as progress:
        now_s[0] = 10.0
        progress.advance(25)
    assert output.getvalue() == "align: 25/100, 30 s left\n"


def test_progress_in_a_log_is_sparse_but_complete() -> None:
    """Steps within ten seconds of the last line print nothing, except the last step."""
    output, now_s = io.StringIO(), [0.0]
    with Progress("align", 3, output, lambda: now_s[0]) as progress:
        for _ in range(3):
            now_s[0] += 1.0
            progress.advance()
    assert output.getvalue() == "align: 3/3, 0 s left\n"
