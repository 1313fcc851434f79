"""An error -> whether the process ran out of memory or threads, whichever library reports it."""

import errno

_SIGNS = (
    "Cannot allocate memory",  # the loader and the C library
    "failed to map segment",  # the loader
    "bad_alloc",  # C++
    "Insufficient memory",  # OpenCV
    "Failed to allocate",  # OpenCV and TFLite
    "failed to invoke",  # TFLite; the files are verified and the shapes its own, so an operator lacks nothing else
    "failed to reshape runtime",  # XNNPACK, for the same reason
    "failed to setup runtime",  # XNNPACK, for the same reason
    "can't start new thread",  # Python
)


def is_exhausted(error: BaseException | None) -> bool:
    """Return whether an error, or one that led to it, says that there is no more memory or no more threads."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        exhausted = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        if exhausted or any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False
