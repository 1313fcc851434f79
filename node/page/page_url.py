"""Settings of the page -> the address at which others reach it."""

import os
from collections.abc import Sequence


def page_url(door: str, port: int, hosts: Sequence[str], name: str | None = None) -> str | None:
    """Return the address of the page for a link that others follow; None if there is none.

    The door to this machine alone has none: a link to it leads to the machine of whoever follows it.

    Args:
        door: as in the settings.
        port: at which it listens.
        hosts: names and addresses of the settings; the first is preferred.
        name: host name of this machine; the one that the system says unless given.
    """
    own = os.uname().nodename.lower() if name is None else name
    if door == "lan":
        host = hosts[0] if hosts else f"{own.partition('.')[0]}.local"
        return f"https://{f'[{host}]' if ':' in host else host}:{port}/"
    if door == "ingress":
        # The host name of an app's container is its slug, with hyphens in place of underscores.
        return f"homeassistant://hassio/ingress/{own.replace('-', '_')}"
    return None
