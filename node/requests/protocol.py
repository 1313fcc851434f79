"""What both sides of the local socket must know; imports nothing, so that a client needs little memory."""

from dataclasses import dataclass

VERSION = 1
"""It rises when a field of a request or an answer changes its meaning or goes. Unknown fields are ignored."""
FILE = "node.sock"
"""The socket in `storage.dir`."""
MAX_REQUEST_BYTES, MAX_ANSWER_BYTES = 4096, 16 << 20
"""Longest lines."""
NO_SUCH_REQUEST = "no such request"
"""How the error about an unknown verb begins."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each side waits.

    Attributes:
        receive_s: until the request is complete, from the moment of the connection; also until an answer is sent.
        answer_s: until the node has answered.
    """

    receive_s: float = 2.0
    answer_s: float = 60.0
