"""This machine -> the names under which a browser of the network may ask for it."""

import os
from collections.abc import Sequence


def machine_names() -> Sequence[str]:
    """Return the host name and the one of mDNS, in small letters."""
    name = os.uname().nodename.lower().partition(".")[0]
    return (os.uname().nodename.lower(), name, f"{name}.local") if name else ()


def certificate_names(hosts: Sequence[str]) -> Sequence[str]:
    """Return the names for the page's certificate: those of the machine, and those of the settings."""
    return tuple(dict.fromkeys((*machine_names(), *hosts)))
