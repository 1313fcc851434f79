"""`facenode run`, killed when it has kept a visit on the disk, before the outbox has the message about it.

python killed_node.py recognized|left ARGUMENT...
"""

import json
import os
import signal
import sys
from pathlib import Path

_FILE = Path(os.environ.get("FACENODE_STORAGE__DIR", "")) / "durations.json"


class Killer:
    """Kills the process before the put of a message.

    Args:
        event_type: of the message: somebody has come, or has left.
    """

    def __init__(self, event_type: str) -> None:
        self._event_type, self._written = event_type, False

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        """Take an audit event of Python: what is opened after the rename of the file is its folder, to sync it."""
        if event in ("os.link", "os.rename") and str(args[1]).endswith(_FILE.name):
            self._written = True
        elif event == "open" and self._written:
            self._written = False
            kept = json.loads(_FILE.read_bytes())
            left = any(visit["left"] for visit in kept["durations"]["visits"])
            if kept["put"] and left == (self._event_type == "left"):
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the node under a killer."""
    from node import cli  # noqa: PLC0415 - imported before anything is hooked

    event_type, *arguments = sys.argv[1:]
    sys.addaudithook(Killer(event_type).hook)
    return cli.main(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
