"""A command of `models` -> an exit code, errors in one line, and a progress line."""

import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from node.errors import FacenodeError

_RENEW_S = 0.5
_LOG_S = 10.0


def run(command: Callable[[], None]) -> int:
    """Run a command and return its exit code; print an error as one line on stderr."""
    try:
        command()
    except FacenodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped: run the command again to resume from the cache", file=sys.stderr)
        return 130
    return 0


class Progress:
    """Print the progress of a computation and the estimated time left.

    Args:
        what: label of the computation.
        total: number of steps.
        stream: the output; None is stderr. A terminal gets one line that is updated, a log a line every ten seconds.
        clock: a monotonic clock, seconds.
    """

    def __init__(
        self, what: str, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._done = 0
        self._began_s = self._printed_s = clock()
        self._terminal = self._stream.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._terminal and self._done:
            self._stream.write("\n")

    def advance(self, steps: int = 1) -> None:
        """Count steps as done."""
        self._done += steps
        now_s = self._clock()
        last = self._done >= self._total
        if not last and now_s - self._printed_s < (_RENEW_S if self._terminal else _LOG_S):
            return
        self._printed_s = now_s
        left_s = (now_s - self._began_s) / self._done * (self._total - self._done)
        line = f"{self._what}: {self._done}/{self._total}, {left_s:.0f} s left"
        self._stream.write(f"\r{line}\033[K" if self._terminal else f"{line}\n")
        self._stream.flush()
