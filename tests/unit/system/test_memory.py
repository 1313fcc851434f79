"""Which errors say that there is no more memory."""

import errno
import threading

import pytest

from node.errors import BrokerError, ModelError
from node.system.blas import take_work_memory
from node.system.memory import is_exhausted


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
        ImportError("libcrypto.so.1.1: failed to map segment from shared object"),
        ModelError("no TFLite runtime: tflite-runtime: libtensorflow.so: failed to map segment from shared object"),
        ModelError("yunet.int8.tflite: litert cannot load it: XNNPack delegate failed to reshape runtime"),
        RuntimeError("Node number 48 (TfLiteXNNPackDelegate) failed to invoke."),
    ],
)
def test_an_error_of_a_library_without_memory_is_known(error: Exception) -> None:
    """Each library has words of its own for it."""
    assert is_exhausted(error)


def test_an_error_that_led_to_another_counts() -> None:
    """The sentence that wraps it need not repeat it."""
    wrapped = BrokerError("the publisher stopped")
    wrapped.__cause__ = MemoryError()
    assert is_exhausted(wrapped)


def test_other_errors_are_none() -> None:
    """A bug still shows its traceback, also one whose cause is itself."""
    error = ValueError("cannot allocate memory in static TLS block")
    error.__cause__ = error
    assert not is_exhausted(error)
    assert not is_exhausted(None)


def test_work_memory_for_products_of_matrices_is_taken() -> None:
    """It takes milliseconds where there is memory."""
    take_work_memory()


def _wait(ended: threading.Event) -> None:
    ended.wait()


def test_a_product_that_never_ends_is_an_error() -> None:
    """OpenBLAS tries without end where there is no memory, in native code, where no signal reaches the process."""
    ended = threading.Event()
    with pytest.raises(MemoryError):
        take_work_memory(0.01, lambda: _wait(ended))
    ended.set()
