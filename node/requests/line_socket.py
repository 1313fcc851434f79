"""A connection -> one line from it, bounded in bytes and in time."""

import socket
import time
from collections.abc import Callable

_PART_BYTES = 65536


def receive_line(
    connection: socket.socket, max_bytes: int, within_s: float, mono_s: Callable[[], float] = time.monotonic
) -> bytes:
    """Return the bytes up to the end of the first line, or up to the end of what the other side sends.

    Args:
        connection: where they come from.
        max_bytes: the longest line.
        within_s: seconds within which the line must be complete, however many parts it comes in.
        mono_s: seconds of the monotonic clock.

    Raises:
        OSError: the connection is broken, or the time is over.
        ValueError: the line is longer.
    """
    until_s = mono_s() + within_s
    received = bytearray()
    while b"\n" not in received[-_PART_BYTES:]:
        left_s = until_s - mono_s()
        if left_s <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left_s)
        part = connection.recv(_PART_BYTES)
        if not part:
            break
        received += part
        if len(received) > max_bytes:
            raise ValueError(f"longer than {max_bytes} bytes")
    return bytes(received).partition(b"\n")[0]
