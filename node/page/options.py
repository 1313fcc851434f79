"""What the page's process needs of the settings <-> the one argument with which it is started."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What the page needs of the settings.

    Attributes:
        door: who reaches it.
        port: at which it listens, unless systemd hands over a socket.
        hosts: more names under which it may be asked for.
        storage: `storage.dir`.
        node_name: of the node, for the heading.
        helper: the command of the process that looks at photos.
        verbose: whether debug messages are logged.
    """

    door: str
    port: int
    hosts: tuple[str, ...]
    storage: Path
    node_name: str
    helper: tuple[str, ...]
    verbose: bool = False

    def encode(self) -> str:
        """Return them as an argument."""
        return json.dumps(asdict(self) | {"storage": str(self.storage)})


def decode(argument: str) -> PageOptions:
    """Return the options in an argument."""
    fields: dict[str, Any] = json.loads(argument)
    return PageOptions(
        **fields
        | {"hosts": tuple(fields["hosts"]), "storage": Path(fields["storage"]), "helper": tuple(fields["helper"])}
    )
