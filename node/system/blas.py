"""numpy's BLAS -> its work memory, taken at the start.

OpenBLAS takes that memory at the first product of matrices and keeps it. Where there is none it tries again without
end, in native code, where no signal reaches the process.
"""

import threading
from collections.abc import Callable

import numpy as np

_SIDE = 512
"""Rows of a matrix that all threads of OpenBLAS share."""


def _multiply() -> None:
    matrix = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    np.matmul(matrix, matrix, out=np.empty_like(matrix))


def take_work_memory(timeout_s: float = 5.0, multiply: Callable[[], None] = _multiply) -> None:
    """Let BLAS take its work memory, on a thread of its own that is left to itself if there is none.

    Args:
        timeout_s: how long that may take; it takes milliseconds.
        multiply: makes a product of matrices.

    Raises:
        MemoryError: there is no memory.
    """
    thread = threading.Thread(target=multiply, name="blas", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise MemoryError("none for products of matrices")
