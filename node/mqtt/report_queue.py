"""Reports of a connection's thread -> the thread that reads them, with never more than a few messages among them."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from node.mqtt.link import Received

_MAX_WAITING = 64

_Entry = TypeVar("_Entry")


class ReportQueue(queue.SimpleQueue["_Entry | None"]):
    """A queue that lets whoever puts the 65th received message wait until one is taken.

    The connection then reads no more, and its broker has to wait in turn. Without it, a broker that sends faster than
    the messages are handled would fill the memory. Nothing else waits: there are only as many other reports as this
    program has asked for, and paho holds a lock while it reports an acknowledgment. None wakes the reader; a signal's
    handler may put it.

    Args:
        is_message: returns whether an entry is a received message.
    """

    def __init__(self, is_message: Callable[[_Entry], bool] = lambda entry: isinstance(entry, Received)) -> None:
        super().__init__()
        self._is_message = is_message
        self._room = threading.Semaphore(_MAX_WAITING)

    def put(self, item: "_Entry | None", block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - queue's signature
        """Put an entry; a message as soon as there is room for it."""
        if item is not None and self._is_message(item):
            self._room.acquire()
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> "_Entry | None":  # noqa: FBT001, FBT002 - queue's signature
        """Take the oldest entry.

        Raises:
            queue.Empty: there is none within `timeout` seconds.
        """
        item = super().get(block, timeout)
        if item is not None and self._is_message(item):
            self._room.release()
        return item

    def get_nowait(self) -> "_Entry | None":
        """Take the oldest entry.

        Raises:
            queue.Empty: there is none.
        """
        return self.get(block=False)
