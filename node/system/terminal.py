"""Lines of the program, with text of others in them -> the terminal: the one place that prints.

Nothing that is printed here can be obeyed by the terminal or raise; see `escaped`.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn, TextIO

from node.system.text import escaped


def print_line(text: str = "") -> None:
    """Print one line to stdout."""
    print(shown(text, sys.stdout), flush=True)


def print_note(text: str) -> None:
    """Print one line to stderr."""
    print(shown(text, sys.stderr), file=sys.stderr, flush=True)


def print_error(error: object) -> None:
    """Print an error, or why something was not used, as one line on stderr."""
    print_note(f"facenode: {error}")


def print_json(fields: Mapping[str, Any], separators: tuple[str, str] = (", ", ": ")) -> None:
    """Print an object as one line of JSON, in ASCII where a terminal would obey or not show a character of it."""
    line = json.dumps(fields, ensure_ascii=False, separators=separators)
    print_line(line if shown(line, sys.stdout) == line else json.dumps(fields, separators=separators))


def shown(text: str, stream: TextIO) -> str:
    """Return a text as it is printed to a stream."""
    return escaped(text, getattr(stream, "encoding", None) or "utf-8")


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
