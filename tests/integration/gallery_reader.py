"""A gallery, read again and again until standard input ends -> the number of times, and what was wrong.

It reads as a node does: with its own lock, next to other readers and to a writer.
"""

import json
import logging
import select
import sys
from pathlib import Path

from node.errors import PeopleError
from node.people.gallery import Gallery


class _Messages(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


def main() -> None:
    """Read the gallery that the command line names."""
    messages = _Messages()
    logging.getLogger().addHandler(messages)
    gallery, times, wrong = Gallery(Path(sys.argv[1])), 0, []
    while not select.select([sys.stdin], [], [], 0)[0]:
        times += 1
        try:
            people = {person.id: person for person in gallery.load()}
        except PeopleError as error:
            wrong.append(str(error))
            continue
        if "ada" not in people:
            wrong.append(f"ada is missing among {sorted(people)}")
    sys.stdout.write(json.dumps({"times": times, "wrong": wrong + messages.lines}))


if __name__ == "__main__":
    main()
