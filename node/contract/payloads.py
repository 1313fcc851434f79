"""Events, alerts, state and health -> compact JSON payloads, and messages for the outbox."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

from node.contract.message import JSON, Message
from node.contract.topics import Kind, Topics, kind_and_name
from node.domain import Alert, Classification, Event, Health, Instant, Match, Presence

VERSION = 1
"""`v` of every payload. Raise it when a field changes its meaning or is removed."""

MAX_EVENT_BYTES = 384
"""The largest payload of an event."""

ONLINE = b"online"
OFFLINE = b"offline"

_OPTIONAL = (("person", "margin"), ("ethnicity",), ("age",))
"""Fields to leave out of an event that is too large, in this order, each with those that it is in.

A margin is of use to few, and an earlier event of the track has the groups already.
"""

Fields = Mapping[str, object]

MakeId = Callable[[datetime], str]
"""Makes a message id for a wall time."""


def uuid7(wall: datetime, entropy: Callable[[int], bytes] = os.urandom) -> str:
    """Return a UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, version, variant and 74 random bits.

    Args:
        wall: the moment; one before 1970 counts as 1970.
        entropy: returns as many random bytes as it is asked for.
    """
    milliseconds = max(0, int(wall.timestamp() * 1000)) & ((1 << 48) - 1)
    random = int.from_bytes(entropy(10), "big")
    high, low = (random >> 62) & 0xFFF, random & ((1 << 62) - 1)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))


def encode(
    events: Sequence[Event], alerts: Sequence[Alert], topics: Topics, model: str, make_id: MakeId = uuid7
) -> tuple[Message, ...]:
    """Return the messages of one tick: first one for each event, then one for each alert, both in their order.

    The outbox adds `boot` and `seq` to the events with `add_sequence`.

    Args:
        events: the events.
        alerts: the alerts raised or cleared; `encode` looks up an alert's event among `events`.
        topics: the node's topics.
        model: the first eight hex digits of the network's sha256.
        make_id: makes a message id from a wall time.

    Raises:
        ValueError: a number is not finite.
    """
    ids = [make_id(event.at.wall) for event in events]
    by_event = {id(event): event_id for event, event_id in zip(events, ids, strict=True)}
    return (
        *(
            json_message(topics.message(Kind.EVENT, str(event.type)), _event(event, event_id, model))
            for event, event_id in zip(events, ids, strict=True)
        ),
        *(
            json_message(
                topics.message(Kind.ALERT, alert.rule),
                _alert(alert, make_id(alert.at.wall), by_event.get(id(alert.event))),
            )
            for alert in alerts
        ),
    )


def json_message(topic: str, fields: Fields) -> Message:
    """Return the message of some fields that is not retained.

    Raises:
        ValueError: a number is not finite.
    """
    return Message(topic, dump(fields), content_type=JSON)


def add_sequence(message: Message, boot: int, seq: int) -> Message:
    """Return an event's message with `boot` and `seq` in its payload; an alert's message carries neither.

    An event above 384 bytes, which takes ids and labels of nearly 32 characters, loses `person.margin`, then
    `ethnicity`, then `age`. All other fields always fit.

    Args:
        message: a message of `encode`.
        boot: how often the node has started.
        seq: the number of the event.
    """
    if kind_and_name(message.topic)[0] is Kind.ALERT:
        return message
    rest = json.loads(message.payload)
    fields = {"v": rest.pop("v"), "id": rest.pop("id"), "boot": boot, "seq": seq, **rest}
    payload = dump(fields)
    for *inside, optional in _OPTIONAL:
        place = fields
        for field in inside:
            place = place.get(field, {})
        if len(payload) > MAX_EVENT_BYTES and place.pop(optional, None) is not None:
            payload = dump(fields)
    return replace(message, payload=payload)


def message_id(message: Message) -> str:
    """Return the UUIDv7 in the payload of an event or an alert."""
    return str(json.loads(message.payload)["id"])


def concerns(payload: bytes, person: str) -> bool:
    """Return whether the payload of an event or an alert names a person."""
    fields = json.loads(payload)
    named = fields.get("person")
    return person in (fields.get("was"), named.get("id") if isinstance(named, dict) else named)


def birth(topics: Topics) -> Message:
    """Return the message that tells the broker that the node is online."""
    return Message(topics.status, ONLINE, retain=True)


def last_will(topics: Topics) -> Message:
    """Return the message that the broker publishes for a node that disappears, and a node when it stops."""
    return Message(topics.status, OFFLINE, retain=True)


def state(  # noqa: PLR0913 - one argument for each field of the payload
    at: Instant,
    count: int = 0,
    present: Sequence[Presence] = (),
    last_seen: Mapping[str, Instant] | None = None,
    *,
    recognition: bool = True,
    privacy: bool = False,
    snoozed: Mapping[str, datetime] | None = None,
    enrolling: str | None = None,
) -> Fields:
    """Return the fields of `state`; with the defaults, the state of a node that sees nobody.

    Args:
        at: the moment.
        count: the faces in view, known or unknown, usable or not.
        present: the known people in view.
        last_seen: when each person was last seen, by id.
        recognition: whether recognition is on.
        privacy: whether privacy mode is on.
        snoozed: until when each silent alert rule is silent, by its id.
        enrolling: the id under which whoever is in view is being enrolled.
    """
    return {
        "v": VERSION,
        "at": timestamp(at.wall),
        "count": count,
        "present": [{"id": each.person, "since": timestamp(each.since.wall)} for each in present],
        "people": {person: {"last_seen": timestamp(seen.wall)} for person, seen in (last_seen or {}).items()},
        "recognition": _switch(recognition),
        "privacy": _switch(privacy),
        "snoozed": {rule: timestamp(until) for rule, until in (snoozed or {}).items()},
        "enrolling": enrolling,
    }


def health(at: Instant, vitals: Health) -> Fields:
    """Return the fields of `health`. Every field is always there."""
    values = asdict(vitals)
    last = {name: values.pop(name) for name in ("uptime_s", "requests", "slow")}
    clock = "synced" if at.synced else "unsynced"
    fields = {"v": VERSION, "at": timestamp(at.wall), **values, "clock": clock, **last}
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in fields.items()}


def timestamp(wall: datetime) -> str:
    """Return a time as UTC in ISO 8601 with milliseconds, such as 2026-11-24T18:00:58.621Z."""
    return wall.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def dump(fields: Fields) -> bytes:
    """Return compact UTF-8 JSON with the keys in the order of the mapping.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _event(event: Event, event_id: str, model: str) -> Fields:
    fields = _head(event.at, event.type, event_id)
    fields["track"] = event.track
    if event.person is not None and event.person.person is not None:
        fields["person"] = _person(event.person.person, event.person)
    if event.was is not None:
        fields["was"] = event.was
    if event.age is not None:
        fields["age"] = _grade(event.age)
    if event.ethnicity is not None:
        fields["ethnicity"] = _grade(event.ethnicity)
    if event.seen_s is not None:
        fields["seen_s"] = round(event.seen_s, 1)
    box = event.box
    fields["box"] = [round(side, 3) + 0.0 for side in (box.left, box.top, box.width, box.height)]
    fields["model"] = model
    return _with_clock(fields, event.at)


def _person(person: str, match: Match) -> Fields:
    fields: dict[str, object] = {"id": person, "score": _score(match.score)}
    if match.margin is not None:
        fields["margin"] = _score(match.margin)
    return fields


def _alert(alert: Alert, alert_id: str, event_id: str | None) -> Fields:
    fields = _head(alert.at, alert.rule, alert_id)
    fields["state"] = str(alert.state)
    if event_id is not None:
        fields["event_id"] = event_id
    if alert.person is not None:
        fields["person"] = alert.person
    if alert.count is not None:
        fields["count"] = alert.count
    if alert.for_s is not None:
        fields["for_s"] = round(alert.for_s, 1)
    return _with_clock(fields, alert.at)


def _head(at: Instant, event_type: str, payload_id: str) -> dict[str, object]:
    return {"v": VERSION, "id": payload_id, "at": timestamp(at.wall), "event_type": str(event_type)}


def _with_clock(fields: dict[str, object], at: Instant) -> Fields:
    if not at.synced:
        fields["clock"] = "unsynced"
    return fields


def _grade(grade: Classification) -> Fields:
    return {"group": grade.group, "score": _score(grade.score)}


def _score(score: float) -> float:
    """Round to two decimals. Adding zero turns -0.0, which JSON would show, into 0.0."""
    return round(float(score), 2) + 0.0


def _switch(on: bool) -> str:  # noqa: FBT001 - private: turns a flag into a word
    return "on" if on else "off"
