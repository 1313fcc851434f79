"""A socket unit of systemd -> the addresses at which it listens now."""

import re
import shutil
import subprocess
from collections.abc import Sequence

_WAIT_S = 5.0
_LISTEN = re.compile(r"^Listen=(.+) \(Stream\)$", re.MULTILINE)


def unit_addresses(unit: str) -> Sequence[str] | None:
    """Return the addresses of a unit, such as `127.0.0.1:8470`; None if it does not listen, or without systemd."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    try:
        shown = subprocess.run(  # noqa: S603 - the system's own program, with arguments of ours
            [systemctl, "show", "--property=ActiveState", "--property=Listen", unit],
            capture_output=True, text=True, timeout=_WAIT_S, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return listening(shown)


def listening(shown: str) -> Sequence[str] | None:
    """Return the addresses in what `systemctl show` prints; None if the unit does not listen."""
    return _LISTEN.findall(shown) if "ActiveState=active" in shown.splitlines() else None
