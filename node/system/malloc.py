"""The C library's memory -> memory that a process keeps from frame to frame.

The detector takes and gives back megabytes with each frame. Left to itself, glibc hands such pieces back to the kernel
each time, and the kernel clears them page by page for the next frame: thousands of page faults a frame, which
`tests/benchmarks/node_performance.py` counts. How much is kept is set by mallopt(3).
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 32 * 1024 * 1024
"""Of which pieces are taken from memory that is kept, and how much is: the greatest that glibc allows for pieces."""


def keep() -> bool:
    """Let this process keep what it gives back and takes again; return whether the C library knows how."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(which, _KEPT_BYTES) for which in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
