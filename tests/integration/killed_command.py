"""`facenode` with its own end -> the same command, killed at an operation on its files.

python killed_command.py OPERATION DELAY_S ARGUMENT...

The operations are counted from the first one on an erasure's mark, so that a kill hits the erasure rather than the
start of the program. Python reports each: opening, renaming, removing. What SQLite does in between is hit by a delay.
With operation 0 the command runs to its end and prints how many there were.
"""

import os
import signal
import sys
import threading

_OPERATIONS = frozenset(["open", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "sqlite3.connect"])


class Killer:
    """Counts the operations on files, and kills the process at one of them.

    Attributes:
        count: operations so far.
    """

    def __init__(self, operation: int, delay_s: float) -> None:
        self._operation, self._delay_s = operation, delay_s
        self.count = 0

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        """Take an audit event of Python."""
        if event not in _OPERATIONS or not (self.count or any(str(each).endswith(".erasing") for each in args)):
            return
        self.count += 1
        if self.count == self._operation:
            if not self._delay_s:
                self._kill()
            threading.Timer(self._delay_s, self._kill).start()

    def _kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the command under a killer."""
    from node import cli  # noqa: PLC0415 - imported before the operations count

    operation, delay_s, *arguments = sys.argv[1:]
    killer = Killer(int(operation), float(delay_s))
    sys.addaudithook(killer.hook)
    code = cli.main(arguments)
    if operation == "0":
        sys.stdout.write(f"operations: {killer.count}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
