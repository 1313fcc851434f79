"""The body of a request -> the same, but never more of it, nor for longer, than is allowed.

What is too much is read and dropped up to a second, larger bound: a browser shows an answer only once it has sent
everything. Beyond that the connection is closed.
"""

import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from node.page.caller import Caller

MAX_FORM_BYTES, MAX_UPLOAD_BYTES = 64 * 1024, 64 << 20
"""Most bytes of an ordinary form, and of one with files."""
MAX_S = 120.0
"""Seconds within which a body must be complete."""
_MAX_DROPPED_BYTES = 256 << 20


class BodyRefusedError(HTTPException):
    """A body is too large, or comes too slowly.

    Args:
        status: of HTTP.
        text: the key of the sentence that says so.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.text = text


class BoundedBody:
    """Receive a body within its bounds.

    Args:
        receive: gives the parts of the body.
        caller: says how long the body is.
        most: bytes that are allowed.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(
        self, receive: Receive, caller: Caller, most: int, mono_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._receive, self._most, self._mono_s = receive, most, mono_s
        self._until_s = mono_s() + MAX_S
        self._received = 0
        self._announced = int(caller.header("content-length")) if caller.header("content-length").isdecimal() else 0

    async def __call__(self) -> Message:
        """Return the next part.

        Raises:
            BodyRefusedError: the body is too large, or too slow.
        """
        if self._announced > self._most:
            await self._drop()
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._most:
                await self._drop()
            if self._mono_s() > self._until_s:
                raise BodyRefusedError(408, "error.slow")
        return message

    async def _drop(self) -> None:
        """Read what is left, as far as that is bounded, and refuse it.

        Raises:
            BodyRefusedError: always.
        """
        while max(self._received, self._announced) <= _MAX_DROPPED_BYTES and self._mono_s() <= self._until_s:
            message = await self._receive()
            if message["type"] != "http.request":
                break
            self._received += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        raise BodyRefusedError(413, "error.too_large")
