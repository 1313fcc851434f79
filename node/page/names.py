"""This machine -> the names under which a browser of the network may ask for it."""

import os
from collections.abc import Sequence


def machine_names() -> Sequence[str]:
    """Return the host name and the one of mDNS, in small letters."""
    name = os.uname().nodename.lower().partition(".")[0]
    return (os.uname().nodename.lower(), name, f"{name}.local") if name else ()
