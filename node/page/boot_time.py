"""The kernel's boot-time clock -> a moment that all processes of one boot can compare, whatever the wall clock says."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of one boot of the machine.

    Attributes:
        boot: the id of the boot; empty if unknown.
        boot_s: seconds since the boot, with those that the machine slept.
    """

    boot: str
    boot_s: float

    def since(self, earlier: "Moment") -> float | None:
        """Return the seconds since an earlier moment; None if it is of another boot."""
        return self.boot_s - earlier.boot_s if self.boot == earlier.boot else None


class BootTime(Protocol):
    """Source of moments."""

    def now(self) -> Moment:
        """Return the present moment."""
        ...


class SystemBootTime:
    """The boot-time clock of this machine.

    Args:
        boot_id: the kernel's file with the id of the boot.
    """

    def __init__(self, boot_id: Path = _BOOT_ID) -> None:
        self._boot_id = boot_id

    def now(self) -> Moment:
        """Return the present moment."""
        try:
            boot = self._boot_id.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            boot = ""
        return Moment(boot, time.clock_gettime(time.CLOCK_BOOTTIME))
