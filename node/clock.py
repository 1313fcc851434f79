"""The system clocks -> an Instant, and how to carry one over a restart of the process."""

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from node.domain import Instant

__all__ = ["Boot", "BootClock", "Clock", "Instant", "Stamp", "SystemClock", "elapsed_s", "stamped", "synchronised"]

_TIME_ERROR = 5  # adjtimex(2) returns TIME_ERROR while the clock is not synchronized


class Clock(Protocol):
    """Source of the time. The logic never asks for it: it is given instants."""

    def now(self) -> Instant:
        """Return the present moment."""
        ...


@dataclass(frozen=True, slots=True)
class Boot:
    """The present boot of the machine.

    Attributes:
        id: different for each boot; empty if unknown.
        offset_s: seconds to add to `Instant.mono_s` for the boot-time clock, which also counts suspended time.
    """

    id: str
    offset_s: float


class BootClock(Protocol):
    """Source of the boot: all processes of one boot can compare moments of the boot-time clock."""

    def boot(self) -> Boot:
        """Return the present boot."""
        ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment that is kept on disk and compared after a restart of the process or of the machine.

    Attributes:
        wall: UTC.
        boot_s: seconds of the boot-time clock.
        boot: the id of the boot; empty if unknown.
        synced: whether the wall clock was synchronized.
    """

    wall: datetime
    boot_s: float
    boot: str
    synced: bool


def stamped(at: Instant, boot: Boot) -> Stamp:
    """Return a moment of the present boot as it is kept."""
    return Stamp(at.wall, at.mono_s + boot.offset_s, boot.id, at.synced)


def elapsed_s(since: Stamp, now: Stamp) -> float | None:
    """Return the seconds between two moments; None if nobody can tell.

    Within one boot they are exact. After a reboot they are of the wall clock, if it was synchronized both times and has
    not gone back.
    """
    if since.boot and since.boot == now.boot:
        return max(0.0, now.boot_s - since.boot_s)
    if since.synced and now.synced:
        passed_s = (now.wall - since.wall).total_seconds()
        return passed_s if passed_s >= 0 else None
    return None


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2): `modes` = 0 asks to read; the rest is room for the answer."""

    _fields_ = (("modes", ctypes.c_uint), ("room", ctypes.c_char * 252))


def synchronised() -> bool:
    """Return whether the kernel says that the wall clock is synchronized.

    A call that the sandbox refuses (EPERM), or that does not exist, counts as not synchronized.
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return False
    state: int = adjtimex(ctypes.byref(_Timex()))
    return 0 <= state < _TIME_ERROR


class SystemClock:
    """The clocks of this machine.

    Args:
        check_s: seconds between two questions to the kernel whether the wall clock is synchronized.
    """

    def __init__(self, check_s: float = 1.0) -> None:
        self._check_s = check_s
        self._checked_s = float("-inf")
        self._synced = False

    def now(self) -> Instant:
        """Return the present moment."""
        mono_s = time.monotonic()
        if mono_s - self._checked_s >= self._check_s:
            self._synced = synchronised()
            self._checked_s = mono_s
        return Instant(datetime.now(UTC), mono_s, self._synced)
