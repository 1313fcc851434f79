"""Events, alerts, state and health -> the compact JSON of their topics."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID

from node.contract.topics import Kind
from node.domain import Alert, Classification, Event, Health, Instant, Presence

VERSION = 1
"""`v` of every payload: raised when a field changes its meaning or goes away."""

MAX_EVENT_BYTES = 384
"""Greatest size of an event's payload."""

ONLINE = b"online"
OFFLINE = b"offline"

_SPARE = ("ethnicity", "age")
"""What an event can do without, in the order in which it does: they were told when the face was named."""

Fields = Mapping[str, object]

MakeId = Callable[[datetime], str]
"""Makes the id of what happened at a wall time."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that the outbox has not yet given its boot and number.

    Attributes:
        kind: event or alert.
        name: the event's type or the alert's rule.
        fields: the payload without `boot` and `seq`, in the order of the contract.
    """

    kind: Kind
    name: str
    fields: Fields

    @property
    def id(self) -> str:
        """The message's UUIDv7."""
        return str(self.fields["id"])


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


def encode(events: Sequence[Event], alerts: Sequence[Alert], model: str, make_id: MakeId = uuid7) -> tuple[Draft, ...]:
    """Return the drafts of one tick: the events' in their order, then the alerts' in theirs.

    Args:
        events: what happened.
        alerts: what was raised or cleared; an alert's event is looked up among `events`.
        model: first eight hex digits of the network's sha256.
        make_id: makes an id from the wall time of what happened.
    """
    drafts = tuple(_event(event, model, make_id) for event in events)
    ids = {id(event): draft.id for event, draft in zip(events, drafts, strict=True)}
    return drafts + tuple(_alert(alert, ids.get(id(alert.event)), make_id) for alert in alerts)


def render(draft: Draft, boot: int, seq: int) -> bytes:
    """Return the payload of a draft.

    An event carries `boot` and `seq`, an alert neither. An event above 384 bytes, which only ids and labels of
    nearly 32 characters make, leaves out `ethnicity` and then `age`; every other field always fits.

    Args:
        draft: the message.
        boot: counts the starts of the node.
        seq: counts its events.
    """
    if draft.kind is Kind.ALERT:
        return dump(draft.fields)
    rest = dict(draft.fields)
    fields = {"v": rest.pop("v"), "id": rest.pop("id"), "boot": boot, "seq": seq, **rest}
    payload = dump(fields)
    for spare in _SPARE:
        if len(payload) > MAX_EVENT_BYTES and fields.pop(spare, None) is not None:
            payload = dump(fields)
    return payload


def concerns(payload: bytes, person: str) -> bool:
    """Return whether the payload of an event or an alert names somebody."""
    fields = json.loads(payload)
    named = fields.get("person")
    return person in (fields.get("was"), named.get("id") if isinstance(named, dict) else named)


def state(  # noqa: PLR0913 - one argument for each field of the payload
    at: Instant,
    count: int = 0,
    present: Sequence[Presence] = (),
    last_seen: Mapping[str, Instant] | None = None,
    *,
    recognition: bool = True,
    privacy: bool = False,
) -> Fields:
    """Return the fields of `state`; with the defaults, those of an emptied one.

    Args:
        at: the moment.
        count: faces in view, known or not, usable or not.
        present: who is known and in view.
        last_seen: when each person was last seen, by id.
        recognition: whether the owner lets the node recognise.
        privacy: whether the owner has turned the camera's eye away.
    """
    return {
        "v": VERSION,
        "at": timestamp(at.wall),
        "count": count,
        "present": [{"id": each.person, "since": timestamp(each.since.wall)} for each in present],
        "people": {person: {"last_seen": timestamp(seen.wall)} for person, seen in (last_seen or {}).items()},
        "recognition": _switch(recognition),
        "privacy": _switch(privacy),
    }


def health(at: Instant, vitals: Health) -> Fields:
    """Return the fields of `health`, every one always there."""
    values = asdict(vitals)
    uptime_s = values.pop("uptime_s")
    clock = "synced" if at.synced else "unsynced"
    fields = {"v": VERSION, "at": timestamp(at.wall), **values, "clock": clock, "uptime_s": uptime_s}
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in fields.items()}


def timestamp(wall: datetime) -> str:
    """Return UTC in ISO 8601 with milliseconds, such as 2026-11-24T18:00:58.621Z."""
    return wall.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def dump(fields: Fields) -> bytes:
    """Return compact UTF-8 JSON, the keys in the order of the mapping.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _event(event: Event, model: str, make_id: MakeId) -> Draft:
    fields = _head(event.at, event.type, make_id)
    fields["track"] = event.track
    if event.person is not None and event.person.person is not None:
        fields["person"] = {"id": event.person.person, "score": _score(event.person.score)}
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
    return Draft(Kind.EVENT, str(event.type), _with_clock(fields, event.at))


def _alert(alert: Alert, event_id: str | None, make_id: MakeId) -> Draft:
    fields = _head(alert.at, alert.rule, make_id)
    fields["state"] = str(alert.state)
    if event_id is not None:
        fields["event_id"] = event_id
    if alert.person is not None:
        fields["person"] = alert.person
    if alert.count is not None:
        fields["count"] = alert.count
    if alert.for_s is not None:
        fields["for_s"] = round(alert.for_s, 1)
    return Draft(Kind.ALERT, alert.rule, _with_clock(fields, alert.at))


def _head(at: Instant, event_type: str, make_id: MakeId) -> dict[str, object]:
    return {"v": VERSION, "id": make_id(at.wall), "at": timestamp(at.wall), "event_type": str(event_type)}


def _with_clock(fields: dict[str, object], at: Instant) -> Fields:
    if not at.synced:
        fields["clock"] = "unsynced"
    return fields


def _grade(grade: Classification) -> Fields:
    return {"group": grade.group, "score": _score(grade.score)}


def _score(score: float) -> float:
    """Round to two decimals; adding zero turns -0.0, which JSON would show, into 0.0."""
    return round(float(score), 2) + 0.0


def _switch(on: bool) -> str:  # noqa: FBT001 - a private word for a flag
    return "on" if on else "off"
