"""The one place that prints: every line is one line, on any terminal."""

import contextlib
import io
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from node.errors import OutputError
from node.system.terminal import (
    ArgumentParser,
    LogFormatter,
    finish_output,
    print_error,
    print_json,
    print_line,
    print_note,
)

HOSTILE = "\x1b[2J\n\x9b31m\u202e\udce9 ada"
SHOWN = r"\x1b[2J\n\x9b31m\u202e\xe9 ada"


def test_lines_notes_and_errors_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Results go to stdout; notes and errors to stderr."""
    print_line(HOSTILE)
    print_line()
    print_note(HOSTILE)
    print_error(ValueError(HOSTILE))
    printed = capsys.readouterr()
    assert printed.out == f"{SHOWN}\n\n"
    assert printed.err == f"{SHOWN}\nfacenode: {SHOWN}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", [HOSTILE, "Zoë"])
def test_a_line_of_json_is_the_same_json_on_any_terminal(encoding: str, name: str) -> None:
    """What is not shown as it is, is escaped as JSON escapes it."""
    output = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(output, encoding=encoding, write_through=True)):
        print_json({"name": name})
        written = output.getvalue().decode(encoding)
    assert written.rstrip("\n").isprintable()
    assert json.loads(written) == {"name": name}


def test_a_log_line_is_one_line() -> None:
    """Whoever names a file forges no line of the log; a traceback keeps its own lines."""

    def fail() -> None:
        raise ValueError(HOSTILE)

    try:
        fail()
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "people: %s", (HOSTILE,), sys.exc_info())
    first, *rest = LogFormatter().format(record).split("\n")
    assert first.endswith(f"ERROR people: {SHOWN}")
    assert rest[0] == "Traceback (most recent call last):"
    assert all(line.isprintable() for line in rest)


def test_a_mistake_in_the_command_line_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """`*` may give the name of a file that begins like an option."""
    with pytest.raises(SystemExit):
        ArgumentParser(prog="p").parse_args([f"--{HOSTILE}"])
    assert all(line.isprintable() for line in capsys.readouterr().err.split("\n"))


def test_no_line_holds_the_password_of_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever raised the error, the log and the terminal hold no secret; JSON is data and stays what it is."""
    text = "cannot open mqtt://ada:s3cret@host"
    print_line(text)
    print_note(text)
    print_error(ValueError(text))
    with pytest.raises(SystemExit):
        ArgumentParser(prog="p").parse_args(["mqtt://ada:s3cret@host"])
    printed = capsys.readouterr()
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "camera: %s", (text,), None)
    for each in (printed.out, printed.err, LogFormatter().format(record)):
        assert "mqtt://***@host" in each
        assert "s3cret" not in each
    print_json({"name": text})
    assert json.loads(capsys.readouterr().out) == {"name": text}


@pytest.mark.parametrize("line", [lambda: print_line("x"), lambda: print_json({"a": 1}), lambda: sys.stdout.write("x")])
def test_output_that_cannot_be_written_is_an_error_once(line: Callable[[], object]) -> None:
    """And what is left of it is not tried again when the process ends, which would print a traceback."""
    with Path("/dev/full").open("w", encoding="utf-8") as full, contextlib.redirect_stdout(full):
        try:
            line()
            failed = finish_output()
        except OutputError as error:
            failed = error
        assert failed is not None
        assert str(failed) == "the output cannot be written: No space left on device"
        assert not failed.reader_gone
        print_line("more")
        assert finish_output() is None


def test_notes_that_cannot_be_written_stop_nothing() -> None:
    """There is nobody left to tell."""
    with Path("/dev/full").open("w", encoding="utf-8") as full, contextlib.redirect_stderr(full):
        print_note("x")
        print_error("x")
        assert finish_output() is None
