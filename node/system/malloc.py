"""The C library's allocator -> memory that a process keeps from frame to frame.

The detector allocates and frees megabytes with each frame. By default glibc returns such blocks to the kernel each
time, and the kernel clears them page by page for the next frame: thousands of page faults a frame, which
`tests/benchmarks/running.py` counts. mallopt(3) sets how much is kept.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 32 * 1024 * 1024
"""Both thresholds: blocks up to this size come from memory that is kept, and up to this much of it is kept free.

It is the greatest value that glibc allows for the size of a block.
"""


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees; return whether the C library supports that."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(which, _KEPT_BYTES) for which in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
