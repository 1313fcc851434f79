"""Messages to `request/<verb>` -> checked requests on a bounded queue; nothing that comes in can raise."""

import json
import logging
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from node.contract.payloads import dump
from node.contract.topics import Topics
from node.mqtt.link import Received

_MAX_BYTES, _MAX_WAITING, _REMEMBERED = 1024, 16, 256
_BURST, _A_SECOND = 20.0, 2.0
_MAX_SNOOZE_S = 7 * 24 * 3600
_MAX_TRANSACTION, _MAX_NAME = 64, 64
_MAX_LOOK_S = 30
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_EVENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_log = logging.getLogger(__name__)


class Verb(StrEnum):
    """The closed list of what may be asked."""

    CHECK = "check"
    SNAPSHOT = "snapshot"
    PRIVACY = "privacy"
    RECOGNITION = "recognition"
    SNOOZE = "snooze"
    PEOPLE_LIST = "people_list"
    PEOPLE_ENROLL = "people_enroll"
    PEOPLE_IGNORE = "people_ignore"
    PEOPLE_REMOVE = "people_remove"
    PEOPLE_REJECT = "people_reject"
    RESTART = "restart"


OFFERED = tuple(verb for verb in Verb if verb is not Verb.PEOPLE_REJECT)
"""What may be asked by MQTT; the rest only on the node's own machine."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Attributes:
        verb: what to do.
        transaction: comes back with the answer.
        on: with `privacy`, `recognition` and `people_ignore`, what to set.
        for_s: with `snooze`, seconds for which alerts are silent, 0 ends it; with `people_enroll`, seconds for which
            whoever is in view is looked at.
        rule: with `snooze`, the id of the alert rule; None for all of them.
        person: with what is about people, the id.
        name: with `people_enroll` and `people_ignore`, what people read.
        event: the id of the event whose face or picture is meant; None for what is in view.
        reply: takes the answer where it does not go by MQTT.
    """

    verb: Verb
    transaction: str
    on: bool | None = None
    for_s: float | None = None
    rule: str | None = None
    person: str | None = None
    name: str | None = None
    event: str | None = None
    reply: Callable[[bytes], None] | None = field(default=None, compare=False)


class Commands:
    """Take requests on the publisher's thread and hand them to the main loop's.

    What is retained, repeated, above 1024 bytes, without a transaction, or more than a few a second is ignored and
    counted; any other mistake is answered with an error.

    Args:
        topics: the node's.
        answer: sends a payload to a topic.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(
        self, topics: Topics, answer: Callable[[str, bytes], None], mono_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._topics, self._answer, self._mono_s = topics, answer, mono_s
        self._waiting: deque[Request] = deque()
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._allowance, self._allowed_s = _BURST, mono_s()
        self._told: set[str] = set()
        self.ignored = 0

    def receive(self, message: Received) -> None:
        """Take a message; call it from one thread only."""
        verb = self._topics.verb(message.topic)
        if verb is None or not _NAME.fullmatch(verb):
            return
        reason = self._unwelcome(message)
        if reason is not None:
            self._ignore(reason)
            return
        try:
            fields = json.loads(message.payload)
        except (ValueError, RecursionError):
            self._ignore("not JSON")
            return
        transaction = fields.get("transaction") if isinstance(fields, dict) else None
        if not (
            isinstance(transaction, str) and 0 < len(transaction) <= _MAX_TRANSACTION and transaction.isprintable()
        ):
            self._ignore("without a transaction")
        elif self._repeated(verb, transaction):
            self._ignore("repeated")
        else:
            self._enqueue(verb, transaction, fields)

    def drain(self) -> tuple[Request, ...]:
        """Return what was asked since the last time, in order."""
        if not self._waiting:
            return ()
        with self._lock:
            asked = tuple(self._waiting)
            self._waiting.clear()
            return asked

    def _unwelcome(self, message: Received) -> str | None:
        if message.retained:
            return "retained, so that each new connection would repeat it"
        if len(message.payload) > _MAX_BYTES:
            return f"above {_MAX_BYTES} bytes"
        now_s = self._mono_s()
        self._allowance = min(_BURST, self._allowance + (now_s - self._allowed_s) * _A_SECOND)
        self._allowed_s = now_s
        if self._allowance < 1:
            return f"more than {_A_SECOND:.0f} a second"
        self._allowance -= 1
        return None

    def _repeated(self, verb: str, transaction: str) -> bool:
        if (verb, transaction) in self._seen:
            return True
        self._seen[verb, transaction] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _enqueue(self, verb: str, transaction: str, fields: Mapping[str, Any]) -> None:
        try:
            self.ask(parse(verb, transaction, fields, OFFERED))
        except ValueError as error:
            self._answer(self._topics.response(verb), failure(transaction, str(error)))

    def ask(self, request: Request) -> None:
        """Put a request on the queue; may be called from any thread.

        Raises:
            ValueError: too many wait.
        """
        with self._lock:
            if len(self._waiting) >= _MAX_WAITING:
                raise ValueError("too many requests wait: ask again later")
            self._waiting.append(request)

    def _ignore(self, reason: str) -> None:
        self.ignored += 1
        if reason not in self._told:
            self._told.add(reason)
            _log.warning("requests: one is ignored: it is %s", reason)


def parse(verb: str, transaction: str, fields: Mapping[str, Any], offered: Sequence[Verb] = tuple(Verb)) -> Request:
    """Return the request that a payload makes.

    Args:
        verb: what is asked.
        transaction: comes back with the answer.
        fields: the payload.
        offered: what may be asked.

    Raises:
        ValueError: there is no such verb, or it lacks what it needs; the message says which.
    """
    if verb not in offered:
        raise ValueError(f"there is no such request: there are {', '.join(offered)}")
    match verb:
        case Verb.PRIVACY | Verb.RECOGNITION:
            if fields.get("state") not in ("on", "off"):
                raise ValueError('state: must be "on" or "off"')
            return Request(Verb(verb), transaction, on=fields["state"] == "on")
        case Verb.SNOOZE:
            return Request(Verb.SNOOZE, transaction, for_s=_duration(fields), rule=_rule(fields))
        case Verb.SNAPSHOT:
            return Request(Verb.SNAPSHOT, transaction, event=_event(fields))
        case Verb.PEOPLE_ENROLL | Verb.PEOPLE_IGNORE | Verb.PEOPLE_REMOVE | Verb.PEOPLE_REJECT:
            return _about_people(Verb(verb), transaction, fields)
        case _:
            return Request(Verb(verb), transaction)


def _about_people(verb: Verb, transaction: str, fields: Mapping[str, Any]) -> Request:
    name, state, for_s = (fields.get(key) for key in ("name", "state", "for_s"))
    event = _event(fields)
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= _MAX_NAME and name.isprintable()):
        raise ValueError(f"name: must be a text of at most {_MAX_NAME} characters")
    if event is None and verb is Verb.PEOPLE_REJECT:
        raise ValueError("event: must be the id of the event that named the wrong person")
    if state not in (None, "on", "off"):
        raise ValueError('state: must be "on" or "off"')
    if for_s is not None and (
        isinstance(for_s, bool) or not isinstance(for_s, int | float) or not 0 < for_s <= _MAX_LOOK_S
    ):
        raise ValueError(f"for_s: must be a number of seconds up to {_MAX_LOOK_S}")
    person = fields.get("id")
    if not (isinstance(person, str) and _NAME.fullmatch(person)):
        raise ValueError('id: must be the id of a person, such as "ada"')
    on = None if state is None else state == "on"
    return Request(verb, transaction, on=on, for_s=for_s, person=person, name=name, event=event)


def success(transaction: str, data: object = None) -> bytes:
    """Return the payload of a good answer."""
    return dump({"transaction": transaction, "status": "ok"} | ({} if data is None else {"data": data}))


def failure(transaction: str, error: str) -> bytes:
    """Return the payload of an answer that says what is wrong."""
    return dump({"transaction": transaction, "status": "error", "error": error})


def _duration(fields: Mapping[str, Any]) -> float:
    for_s = fields.get("for_s")
    if isinstance(for_s, bool) or not isinstance(for_s, int | float) or not 0 <= for_s <= _MAX_SNOOZE_S:
        raise ValueError(f"for_s: must be a number of seconds from 0 to {_MAX_SNOOZE_S}")
    return float(for_s)


def _event(fields: Mapping[str, Any]) -> str | None:
    event = fields.get("event")
    if event is not None and not (isinstance(event, str) and _EVENT.fullmatch(event)):
        raise ValueError("event: must be the id of an event")
    return event


def _rule(fields: Mapping[str, Any]) -> str | None:
    rule = fields.get("rule")
    if rule is not None and not (isinstance(rule, str) and _NAME.fullmatch(rule)):
        raise ValueError("rule: must be the id of an alert rule")
    return rule
