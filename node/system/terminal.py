"""Lines of the program, with text of others in them -> the terminal: the one place that prints.

Nothing that is printed here can be obeyed by the terminal, tells a password, or raises because of its characters; see
`escaped` and `redact_within`.
"""

import argparse
import contextlib
import errno
import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from node.errors import OutputError
from node.system.redaction import redact_within
from node.system.text import escaped

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


def print_line(text: str = "") -> None:
    """Print one line to stdout.

    Raises:
        OutputError: stdout cannot be written, because a disk is full or its reader has gone.
    """
    _print(shown(text, sys.stdout))


def print_note(text: str) -> None:
    """Print one line to stderr; if that cannot be written, nobody can be told."""
    with contextlib.suppress(OSError):
        print(shown(text, sys.stderr), file=sys.stderr, flush=True)


def print_error(error: object) -> None:
    """Print an error, or why something was not used, as one line on stderr."""
    print_note(f"facenode: {error}")


def print_json(fields: Mapping[str, Any], separators: tuple[str, str] = (", ", ": ")) -> None:
    """Print an object as one line of JSON, in ASCII where a terminal would obey or not show a character of it.

    Raises:
        OutputError: stdout cannot be written.
    """
    _print(_dumped(fields, separators))


def print_json_entries(entries: Iterable[tuple[str, object]]) -> None:
    """Print an object as one line of JSON, entry by entry, so that only one of them is in memory.

    Raises:
        OutputError: stdout cannot be written.
    """
    before = "{"
    for name, value in entries:
        _print(f"{before}{_dumped({name: value})[1:-1]}", end="")
        before = ", "
    _print("}" if before == ", " else "{}")


def shown(text: str, stream: TextIO) -> str:
    """Return a text as it is printed to a stream."""
    return _escaped(redact_within(text), stream)


def prepare_output() -> None:
    """Make stdout and stderr fit to print to, however the process was started.

    Where one of the first three files is closed, the next file that is opened, such as the outbox, would take its
    number, and a library that prints would write into it. So `/dev/null` takes it. And no character raises.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    # Python has no stream for a file that was closed when it started.
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        # Libraries that format help and tables print characters of their own.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")


def finish_output() -> OutputError | None:
    """Write what stdout and stderr still hold; return why stdout could not be written, None if it was.

    What cannot be written is dropped, or Python would try it again at the end of the process, and complain.
    """
    failed = None
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            _drop(stream)
            failed = _output_error(error) if stream is sys.stdout else None
    return failed


def _escaped(text: str, stream: TextIO) -> str:
    return escaped(text, getattr(stream, "encoding", None) or "utf-8")


def _dumped(fields: Mapping[str, Any], separators: tuple[str, str] = (", ", ": ")) -> str:
    line = json.dumps(fields, ensure_ascii=False, separators=separators)
    return line if _escaped(line, sys.stdout) == line else json.dumps(fields, separators=separators)


def _print(line: str, end: str = "\n") -> None:
    try:
        print(line, end=end, flush=True)
    except OSError as error:
        _drop(sys.stdout)
        raise _output_error(error) from error


def _output_error(error: OSError) -> OutputError:
    reader_gone = error.errno == errno.EPIPE
    return OutputError(f"the output cannot be written: {error.strerror or error}", reader_gone=reader_gone)


def _drop(stream: TextIO) -> None:
    """Drop what a stream holds and whatever is printed to it from now on."""
    with contextlib.suppress(OSError, ValueError):  # one of a test has no file
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


class LogFormatter(logging.Formatter):
    """Makes one line of each message; only a traceback, if there is one, has lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return the line."""
        return shown(super().formatMessage(record), sys.stderr)

    def formatException(  # noqa: N802 - logging's
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return the lines of a traceback."""
        return "\n".join(shown(line, sys.stderr) for line in super().formatException(ei).splitlines())


class ArgumentParser(argparse.ArgumentParser):
    """A parser that prints a mistake in the command line, such as the name of a file that begins with `-`."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and end with exit code 2."""
        super().error(shown(message, sys.stderr))

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print help or usage; argparse itself would say nothing of a full disk."""
        if file is sys.stdout:
            for line in message.splitlines():
                print_line(line)
        else:
            super()._print_message(message, file)
