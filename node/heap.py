"""glibc's allocator -> one that gives the memory of frames back at once."""

import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of mallopt(3), from malloc.h
_LARGE_BYTES = 1 << 20
_ARENAS = 2


def trim() -> bool:
    """Let what is larger than 1 MB go back to the kernel when it is freed; return whether the allocator can.

    By itself glibc raises that bound to the size of the first frame that is freed, and keeps frames in an arena for
    each thread from then on (mallopt(3), M_MMAP_THRESHOLD and M_ARENA_MAX). Other allocators have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE_BYTES) and mallopt(_ARENA_MAX, _ARENAS))
