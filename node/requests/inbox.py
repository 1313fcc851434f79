"""Messages to `request/<verb>` -> checked requests on a bounded queue; nothing that arrives can raise."""

import json
import logging
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

from node.contract.topics import Topics
from node.mqtt.link import Received
from node.requests import fields
from node.requests.answer import Answer
from node.requests.request import Request, parse
from node.requests.verb import OFFERED

_MAX_BYTES, _MAX_WAITING, _REMEMBERED = 1024, 16, 256
LOCAL_FIELDS = frozenset(["force"])
"""Fields that count on the local socket only; by MQTT they are unknown, and so ignored."""
_VERB = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

PER_SECOND, BURST = 2, 20
"""Requests a second that are taken over time, and how many may come at once after a quiet time (a token bucket)."""

_log = logging.getLogger(__name__)


class QueueFullError(ValueError):
    """As many requests wait as may: the same one may be sent again."""


class Inbox:
    """Take requests on the publisher's thread and hand them to the main loop's.

    A request is ignored and counted if it is retained, repeated, above 1024 bytes, without a transaction, or beyond 2 a
    second after a burst of 20. Any other mistake is answered with an error, and so is a request whose message expiry
    (MQTT 5) ends before the main loop gets it: whoever made it counts on it no more.

    Args:
        topics: the node's.
        answer: sends a payload to a topic.
        mono_s: seconds of the monotonic clock.

    Attributes:
        ignored: how many requests were ignored.
    """

    def __init__(
        self, topics: Topics, answer: Callable[[str, bytes], None], mono_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._topics, self._answer, self._mono_s = topics, answer, mono_s
        self._waiting: deque[tuple[Request, Answer, float]] = deque()
        self._lock = threading.Lock()
        self._accepted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._tokens, self._filled_s = float(BURST), mono_s()
        self._logged: set[str] = set()
        self.ignored = 0

    def receive(self, message: Received) -> None:
        """Take a message; call this from one thread only."""
        verb = self._topics.verb(message.topic)
        if verb is None or not _VERB.fullmatch(verb):
            return
        reason = self._reason_to_ignore(message)
        if reason is not None:
            self._ignore(reason)
            return
        try:
            given = json.loads(message.payload)
        except (ValueError, RecursionError):
            self._ignore("not JSON")
            return
        transaction = fields.transaction(given)
        if transaction is None:
            self._ignore("no transaction")
        elif (verb, transaction) in self._accepted:
            self._ignore("repeated transaction")
        else:
            self._take(verb, transaction, given, _expires_s(message, self._mono_s()))

    def put(self, request: Request, answer: Answer, until_s: float = float("inf")) -> None:
        """Put a request on the queue; may be called from any thread.

        Args:
            request: what is requested.
            answer: what it gets.
            until_s: the second of the monotonic clock from which on it is not carried out any more.

        Raises:
            QueueFullError: too many wait.
        """
        with self._lock:
            if len(self._waiting) >= _MAX_WAITING:
                raise QueueFullError("too many requests wait: send it again later")
            self._waiting.append((request, answer, until_s))

    def drain(self) -> tuple[tuple[Request, Answer], ...]:
        """Return the requests since the last call, in their order, each with its answer; answer those that expired."""
        if not self._waiting:
            return ()
        with self._lock:
            waiting = tuple(self._waiting)
            self._waiting.clear()
        now_s = self._mono_s()
        for _, answer, until_s in waiting:
            if now_s >= until_s:
                answer.error("the request expired before the node came to it: nothing was done")
        return tuple((request, answer) for request, answer, until_s in waiting if now_s < until_s)

    def _reason_to_ignore(self, message: Received) -> str | None:
        if message.retained:
            return "retained, so each new connection would repeat it"
        if len(message.payload) > _MAX_BYTES:
            return f"above {_MAX_BYTES} bytes"
        now_s = self._mono_s()
        self._tokens = min(float(BURST), self._tokens + (now_s - self._filled_s) * PER_SECOND)
        self._filled_s = now_s
        if self._tokens < 1:
            return f"more than {PER_SECOND} a second after a burst of {BURST}"
        self._tokens -= 1
        return None

    def _take(self, verb: str, transaction: str, given: fields.Fields, until_s: float) -> None:
        answer = Answer(transaction, partial(self._answer, self._topics.response(verb)))
        try:
            offered = {name: value for name, value in given.items() if name not in LOCAL_FIELDS}
            self.put(parse(verb, offered, OFFERED), answer, until_s)
        except QueueFullError as error:
            answer.error(str(error))
            return  # not remembered: the same transaction may be sent again
        except ValueError as error:
            answer.error(str(error))
        self._accepted[verb, transaction] = None
        if len(self._accepted) > _REMEMBERED:
            self._accepted.popitem(last=False)

    def _ignore(self, reason: str) -> None:
        self.ignored += 1
        if reason not in self._logged:
            self._logged.add(reason)
            _log.warning("requests: ignored a request: %s", reason)


def _expires_s(message: Received, now_s: float) -> float:
    """Return the second of the monotonic clock from which on a message that arrives now counts no more."""
    return float("inf") if message.expiry_s is None else now_s + message.expiry_s
