"""What the program and its decoder's process send each other, over one socket.

A request is one byte, with the open file beside it; the next frame of the same video needs no file. An answer is a
byte and two numbers: an image with its height and width, then its rows; or a reason with its length, then its text.
"""

import struct
from enum import IntEnum

ANSWER = struct.Struct("<BII")
"""The head of an answer: its kind, and two numbers."""

MAX_REASON_BYTES = 1000
"""Most bytes of a reason."""


class Request(IntEnum):
    """What is asked for."""

    IMAGE = 1
    VIDEO = 2
    FRAME = 3


class Answer(IntEnum):
    """What is answered."""

    READY = 1
    IMAGE = 2
    END = 3
    REFUSED = 4
