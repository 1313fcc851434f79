"""A moment and some randomness -> the id of a message (UUID version 7, RFC 9562 section 5.7)."""

import os
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

MakeId = Callable[[datetime], str]
"""Makes the id of what happened at a wall time."""


def uuid7(wall: datetime, entropy: Callable[[int], bytes] = os.urandom) -> str:
    """Return a UUIDv7: 48 bits of Unix milliseconds, version, variant and 74 random bits.

    Args:
        wall: the moment; one before 1970 counts as 1970.
        entropy: returns as many random bytes as it is asked for.
    """
    milliseconds = max(0, int(wall.timestamp() * 1000)) & ((1 << 48) - 1)
    random = int.from_bytes(entropy(10), "big")
    high, low = (random >> 62) & 0xFFF, random & ((1 << 62) - 1)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
