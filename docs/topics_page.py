"""The node's topics and JSON Schemas -> docs/topics.md, with examples from the node's own encoder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from docs.bounds import Schema, describe
from docs.markdown import code, page, table
from node.contract import payloads, schema
from node.contract.message import EXPIRE_S, JPEG, JSON
from node.contract.topics import Kind, Topics
from node.domain import (
    Alert,
    AlertState,
    Box,
    CameraState,
    Classification,
    DiscoveryState,
    Event,
    EventType,
    Flaw,
    Health,
    Instant,
    Match,
    Presence,
    RequestsState,
)
from node.mqtt.packet_bounds import MAX_PACKET_BYTES
from node.mqtt.subscriptions import BURST as FLOOD_BURST
from node.mqtt.subscriptions import PER_SECOND as FLOOD_PER_SECOND
from node.requests.answer import success
from node.requests.inbox import BURST, PER_SECOND
from node.requests.verb import OFFERED, Verb

_AT = Instant(datetime(2026, 11, 24, 18, 0, 58, 621_000, tzinfo=UTC), 0.0, synced=True)
_MODEL = "3f9a1c02"
_TOPICS = Topics("<node>")
_INTRO = f"""
`<node>` is `node.id` of the [settings](settings.md#node). The node uses MQTT 5 (3.1.1 if a broker refuses 5) and QoS 1.
Payloads are JSON in UTF-8 unless this page says otherwise. Times are UTC, ISO 8601, with milliseconds.

For subscribers:

- Act only on events and alerts. Never act on messages under `late/`. Retained messages are for display.
- Drop a message whose `id` you have already seen.
- A message that waited at the broker looks like a new one. [How long it waited](#how-long-a-message-waited) tells.
- Ignore fields that you do not know. If a field changes or is removed, `v` increases.

An event has at most {payloads.MAX_EVENT_BYTES} bytes. This page is generated from the JSON Schemas in
[node/contract](../node/contract), and tests check the node's messages against them.
""".strip()
_WAITED = f"""
Over MQTT 5 a message on `event/`, `alert/` and `snapshot/` has an expiry (`mqtt.expire_s`), and the user property
`{EXPIRE_S}` with the same number. While the message waits at the broker, for a subscriber that is away, the broker
counts the expiry down. The original minus what is left is how long the message waited there, whatever the clocks say.
The broker drops a message whose time is over. `facenode watch` prints the time, and so do these lines, with paho's
`message`:

```python
def waited_s(message):
    said = dict(getattr(message.properties, "UserProperty", ()))
    left_s = getattr(message.properties, "MessageExpiryInterval", None)
    return None if left_s is None or "{EXPIRE_S}" not in said else int(said["{EXPIRE_S}"]) - left_s
```

A broker counts in whole seconds. What is retained, and what is under `late/`, never expires: a late message waited on
the node, and its `at` says since when.

Over MQTT 3.1.1 there is no expiry: `at` is all there is, and it is as good as the clocks of the node and of the reader.

The content type is `{JSON}` for events, alerts and responses, and `{JPEG}` for snapshots.
A snapshot also has the user properties `event`, the id of its event, and `at`, when it was taken; one that was
requested and is of no event has only `at`.
""".strip()
_MAX_KB = MAX_PACKET_BYTES // 1024
_REQUESTS = f"""
Publish JSON with a `transaction` of your choice, at most 64 characters, to `request/<verb>`. The answer comes on
`response/<verb>` with the same `transaction`.

The node ignores a request that is retained, repeated, larger than 1024 bytes or without a transaction. After a burst of
{BURST} requests it ignores those beyond {PER_SECOND} a second. The answer to `check` counts the ignored requests.

Over MQTT 5 you can give a request a message expiry. If the node comes to it too late, it does nothing and answers with
an error.

Whatever is sent, events go on. The node leaves `request/#` for a minute if it gets more than {FLOOD_PER_SECOND}
messages a second there after a burst of {FLOOD_BURST}, and for ten minutes if one of them has more than {_MAX_KB} kB.
Meanwhile `requests` in [health](#health) is `paused`, and the log says why. A retained message that is too large pauses
the requests again and again: remove it.
""".strip()
_VERBS = {
    Verb.CHECK: ("", "returns the health of the node"),
    Verb.SNAPSHOT: (
        '`"event"`, or none',
        "publishes the picture of one of the latest 16 events, or a new one; only if `publish.snapshots` is on",
    ),
    Verb.PRIVACY: (
        '`"state": "on"` or `"off"`',
        "turns privacy mode on or off: while on, no frame is looked at; survives a restart",
    ),
    Verb.RECOGNITION: (
        '`"state": "on"` or `"off"`',
        "turns recognition on or off: while off, faces are counted but nobody is recognized",
    ),
    Verb.SNOOZE: ('`"for_s": 3600`, `"rule"` for one rule only', "silences alerts for so many seconds; 0 ends it"),
    Verb.PEOPLE_LIST: ("", "lists the enrolled people"),
    Verb.PEOPLE_ENROLL: (
        '`"id"`, `"name"`; `"event"` or `"for_s": 3`',
        "enrolls the face of an event, or the one person in view; refuses an unusable face, or one of somebody else",
    ),
    Verb.PEOPLE_RENAME: ('`"id"`, `"name"`', "changes the display name of a person"),
    Verb.PEOPLE_REJECT: (
        '`"id"`, `"event"`',
        "keeps the face of an event as one that is not this person's",
    ),
    Verb.PEOPLE_IGNORE: ('`"id"`; `"event"`, `"state": "off"`', "stops events about a person; `off` undoes it"),
    Verb.PEOPLE_REMOVE: ('`"id"`', "erases a person"),
    Verb.RESTART: ("", "restarts the node's process"),
}


def topics_page() -> str:
    """Return the text of docs/topics.md."""
    payloads = (
        ("status", ()),
        ("event", _events()),
        ("alert", _alerts()),
        ("state", (_state(),)),
        ("health", (_health(),)),
        ("response", (success("5f", {"camera": "ok"}),)),
    )
    verbs = table(("verb", "fields", "effect"), ((code(verb), *_VERBS[verb]) for verb in OFFERED))
    parts = [_INTRO, "## Topics", table(("topic", "retained", "payload", "description"), _topics())]
    for name, examples in payloads:
        parts += list(_payload(name, examples))
    waited = ("## How long a message waited", _WAITED)
    return page("Topics and payloads", *parts, *waited, "## Requests", _REQUESTS, verbs)


def _topics() -> Iterator[tuple[str, str, str, str]]:
    def row(topic: str, payload: str, what: str, *, retained: bool = False) -> tuple[str, str, str, str]:
        return code(topic), "yes" if retained else "never", payload, what

    status = "`online` or `offline`: birth message, last will and clean stop; published before anything else"
    yield row(_TOPICS.status, "[status](#status)", status, retained=True)
    for event_type in EventType:
        yield row(_TOPICS.message(Kind.EVENT, event_type), "[event](#event)", _WHAT[event_type])
    yield row(_TOPICS.message(Kind.ALERT, "<rule>"), "[alert](#alert)", "one of your rules was met, or is over")
    late = (
        "the same, for messages that waited longer than `mqtt.live_s` or are from an earlier start: for logs and counts"
    )
    yield row(_TOPICS.message(Kind.EVENT, "<event_type>", late=True), "[event](#event)", late)
    yield row(_TOPICS.message(Kind.ALERT, "<rule>", late=True), "[alert](#alert)", late)
    yield row(_TOPICS.state, "[state](#state)", "who is in view, and when each person was last seen", retained=True)
    yield row(_TOPICS.health, "[health](#health)", "health of the node, every `health.every_s`", retained=True)
    yield row(_TOPICS.snapshot("<event id>"), "JPEG", "a picture; only if `publish.snapshots` is on")
    yield row(_TOPICS.request("<verb>"), "[requests](#requests)", "a request to the node")
    yield row(_TOPICS.response("<verb>"), "[response](#response)", "the answer of the node")
    yield row(_TOPICS.discovery, "Home Assistant's", "discovery message: the device and its entities", retained=True)


_WHAT = {
    EventType.RECOGNIZED: "an enrolled person is in view",
    EventType.UNKNOWN: "a stranger is in view",
    EventType.CHANGED: "a person or stranger turned out to be someone else",
    EventType.LEFT: "someone left the view",
}


def _payload(name: str, examples: Sequence[bytes]) -> Iterator[str]:
    """Yield heading, description, fields, conditions and examples of a payload."""
    content = schema(name)
    yield f"## {name}"
    yield content["description"]
    if "properties" in content:
        yield table(("field", "presence", "type", "description"), _fields(content))
    conditions = list(_conditions(content))
    if conditions:
        yield "\n".join(conditions)
    if examples:
        yield "```json\n" + "\n".join(example.decode() for example in examples) + "\n```"


def _fields(content: Schema, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each field and for the fields of the objects inside it."""
    for name, field in content.get("properties", {}).items():
        presence = "always" if name in content.get("required", ()) else "optional"
        yield code(prefix + name), presence, describe(field), field.get("description", "")
        inner = field.get("items", {}) if field.get("type") == "array" else field
        yield from _fields(inner, f"{prefix}{name}{'[]' if inner is not field else ''}.")
        if isinstance(more := field.get("additionalProperties"), Mapping):
            yield from _fields(more, f"{prefix}{name}.<id>.")


def _conditions(content: Schema) -> Iterator[str]:
    for clause in [*content.get("allOf", ()), *([content] if "if" in content else [])]:
        ((field, value),) = ((field, given["const"]) for field, given in clause["if"]["properties"].items())
        yield f"- {code(field)} is {code(value)}: {_requirement(clause['then'])}" + (
            f"; otherwise {_requirement(clause['else'])}" if "else" in clause else ""
        )


def _requirement(then: Schema) -> str:
    if "not" in then:
        return "without " + ", ".join(map(code, then["not"]["required"]))
    return "with " + ", ".join(map(code, then["required"]))


def _make_ids() -> Any:  # noqa: ANN401 - a MakeId that counts
    numbers = count(1)
    return lambda _at: f"019ab7c0-3e9d-7000-8000-{next(numbers):012x}"


def _events() -> tuple[bytes, ...]:
    box = Box(0.41, 0.22, 0.18, 0.31)
    ada, age = Match("ada", 0.87), Classification("middle", 0.88)
    events = (
        Event(EventType.RECOGNIZED, _AT, 12, box, ada, age=age),
        Event(EventType.UNKNOWN, _AT, 13, box, age=age),
        Event(EventType.CHANGED, _AT, 13, box, ada, was="unknown", age=age),
        Event(EventType.LEFT, _AT, 12, box, ada, age=age, seen_s=42.5),
    )
    encoded = payloads.encode(events, (), _TOPICS, _MODEL, _make_ids())
    return tuple(payloads.add_sequence(each, 41, 1207 + number).payload for number, each in enumerate(encoded))


def _alerts() -> tuple[bytes, ...]:
    event = Event(EventType.UNKNOWN, _AT, 13, Box(0.41, 0.22, 0.18, 0.31))
    raised = Alert("night-stranger", AlertState.RAISED, _AT, event)
    cleared = Alert("night-stranger", AlertState.CLEARED, _AT, for_s=42.0)
    _, *encoded = payloads.encode((event,), (raised, cleared), _TOPICS, _MODEL, _make_ids())
    return tuple(each.payload for each in encoded)


def _state() -> bytes:
    return payloads.dump(
        payloads.state(
            _AT, 2, (Presence("ada", _AT),), {"ada": _AT}, snoozed={"night-stranger": _AT.wall + timedelta(hours=1)}
        )
    )


def _health() -> bytes:
    vitals = Health(
        version="1.0.0", model=_MODEL, camera=CameraState.OK, fps=9.8, p50_ms=41.0, p95_ms=55.0, cpu_c=58.1,
        throttled=False, rss_mb=96.0, outbox=0, dropped=0, rejected=0, unusable=3,
        flaws={str(flaw): 3 if flaw is Flaw.BLUR else 0 for flaw in Flaw},
        upside_down=False, people=4, cert_days_left=300, discovery=DiscoveryState.ON, uptime_s=86400,
        requests=RequestsState.ON, slow=False,
    )  # fmt: skip
    return payloads.dump(json.loads(payloads.dump(payloads.health(_AT, vitals))))
