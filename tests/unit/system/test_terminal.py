"""The one place that prints: every line is one line, on any terminal."""

import contextlib
import io
import json
import logging
import sys

import pytest

from node.system.terminal import ArgumentParser, LogFormatter, print_error, print_json, print_line, print_note

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
