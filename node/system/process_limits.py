"""This process -> one that may take little memory and time, and has no network; for the decoder's process only."""

import ctypes
import math
import os
import resource
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_MAX_FILES = 16


def leave_network() -> bool:
    """Move this process into an empty network; return whether the system permits it.

    Root may do so at once, others in a user namespace, where the system has those. It comes before the first thread.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  # no program with rights of its own, whatever happens here
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def limit_files() -> None:
    """Allow few open files, none that is written, and no core dump.

    Raises:
        OSError: the system does not permit it.
    """
    for what, most in (
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def limit_memory(more: int) -> None:
    """Allow so many bytes more of address space than this process has now.

    Raises:
        OSError: the system does not permit it.
    """
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _lower(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + more)


def limit_time(seconds: int) -> None:
    """Allow so many seconds more of processor time; after that the kernel ends this process.

    Raises:
        OSError: the system does not permit it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)


def _lower(what: int, most: int) -> None:
    """Set the limit that counts; the one above it stays, so that the next file can have a limit of its own."""
    above = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if above == resource.RLIM_INFINITY else min(most, above), above))
