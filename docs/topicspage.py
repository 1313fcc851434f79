"""Topics and JSON Schemas as the node has them -> docs/topics.md, with examples that its own encoder makes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from docs.bounds import Schema, kind
from docs.markdown import code, page, table
from node.contract import payloads, schema
from node.contract.topics import Kind, Topics
from node.domain import (
    Alert,
    AlertState,
    Box,
    CameraState,
    Classification,
    Event,
    EventType,
    Flaw,
    Health,
    Instant,
    Match,
    Presence,
)
from node.requests.inbox import OFFERED, Verb, success

_AT = Instant(datetime(2026, 11, 24, 18, 0, 58, 621_000, tzinfo=UTC), 0.0, synced=True)
_MODEL = "3f9a1c02"
_TOPICS = Topics("<node>")
_INTRODUCTION = f"""
`<node>` is `node.id` of the [settings](settings.md#node). All is MQTT 5 (3.1.1 where a broker refuses 5), QoS 1, JSON
in UTF-8 unless said otherwise. Times are UTC, ISO 8601, with milliseconds. Readers ignore fields that they do not know;
a field that changes or goes away raises `v`.

The JSON Schemas are [node/contract](../node/contract): this page is made from them, and tests check what the node sends
against them. An event has at most {payloads.MAX_EVENT_BYTES} bytes. What is retained is for display: act on
events and alerts alone, never on what comes under `late/`, and drop an `id` that comes twice.
""".strip()
_REQUESTS = """
Send JSON with a `transaction` of your choice, at most 64 characters, to `request/<verb>`; the answer comes on
`response/<verb>` with the same `transaction`. A request that is retained, repeated, above 1024 bytes, without a
transaction, or more than two a second is ignored, and counted in the answer of `check`.
""".strip()
_VERBS = {
    Verb.CHECK: ("", "how the node is"),
    Verb.SNAPSHOT: (
        '`"event"`, or none',
        "the picture of one of the latest 16 events, or of now, if `publish.snapshots` is on",
    ),
    Verb.PRIVACY: ('`"state": "on"` or `"off"`', "the camera is not looked at, also after a restart"),
    Verb.RECOGNITION: ('`"state": "on"` or `"off"`', "faces are counted but not recognised"),
    Verb.SNOOZE: ('`"for_s": 3600`, `"rule"` if only one', "alerts are silent for so long; 0 ends it"),
    Verb.PEOPLE_LIST: ("", "who is known"),
    Verb.PEOPLE_ENROLL: (
        '`"id"`, `"name"`; `"event"` or `"for_s": 3`',
        "the face of an event, or who is alone in view",
    ),
    Verb.PEOPLE_IGNORE: ('`"id"`; `"event"`, `"state": "off"`', "no events of somebody; `off` undoes it"),
    Verb.PEOPLE_REMOVE: ('`"id"`', "somebody is erased"),
    Verb.RESTART: ("", "the process begins anew"),
}


def topics_page() -> str:
    """Return the page."""
    payloads = (
        ("status", ()),
        ("event", _events()),
        ("alert", _alerts()),
        ("state", (_state(),)),
        ("health", (_health(),)),
        ("response", (success("5f", {"camera": "ok"}),)),
    )
    verbs = table(("verb", "fields", "what"), ((code(verb), *_VERBS[verb]) for verb in OFFERED))
    parts = [_INTRODUCTION, "## Topics", table(("topic", "retained", "payload", "what"), _topics())]
    for name, examples in payloads:
        parts += list(_payload(name, examples))
    return page("Topics and payloads", *parts, "## Requests", _REQUESTS, verbs)


def _topics() -> Iterator[tuple[str, str, str, str]]:
    def row(topic: str, payload: str, what: str, *, retained: bool = False) -> tuple[str, str, str, str]:
        return code(topic), "yes" if retained else "never", payload, what

    status = "`online` or `offline`: birth, last will and clean stop; before anything else"
    yield row(_TOPICS.status, "[status](#status)", status, retained=True)
    for event_type in EventType:
        yield row(_TOPICS.message(Kind.EVENT, event_type), "[event](#event)", _WHAT[event_type])
    yield row(_TOPICS.message(Kind.ALERT, "<rule>"), "[alert](#alert)", "one of the owner's rules was met, or is over")
    late = "the same, for what waited longer than `mqtt.live_s` or is of an earlier boot: for logs and counts"
    yield row(_TOPICS.message(Kind.EVENT, "<event_type>", late=True), "[event](#event)", late)
    yield row(_TOPICS.message(Kind.ALERT, "<rule>", late=True), "[alert](#alert)", late)
    yield row(_TOPICS.state, "[state](#state)", "who is in view, and when who was last seen", retained=True)
    yield row(_TOPICS.health, "[health](#health)", "how the node is: every `health.every_s`", retained=True)
    yield row(_TOPICS.snapshot("<event id>"), "JPEG", "a picture, only if `publish.snapshots` is on")
    yield row(_TOPICS.request("<verb>"), "[requests](#requests)", "what the node is asked")
    yield row(_TOPICS.response("<verb>"), "[response](#response)", "what it answers")
    yield row(_TOPICS.discovery, "Home Assistant's", "the device and its entities", retained=True)


_WHAT = {
    EventType.RECOGNIZED: "somebody known is in view",
    EventType.UNKNOWN: "a stranger is in view",
    EventType.CHANGED: "who was named, or a stranger, is somebody else",
    EventType.LEFT: "somebody is no longer in view",
}


def _payload(name: str, examples: Sequence[bytes]) -> Iterator[str]:
    """Yield heading, description, fields, conditions and examples of one payload."""
    content = schema(name)
    yield f"## {name}"
    yield content["description"]
    if "properties" in content:
        yield table(("field", "there", "type", "what"), _fields(content))
    conditions = list(_conditions(content))
    if conditions:
        yield "\n".join(conditions)
    if examples:
        yield "```json\n" + "\n".join(example.decode() for example in examples) + "\n```"


def _fields(content: Schema, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield a row a field, those of objects within it too."""
    for name, field in content.get("properties", {}).items():
        always = "always" if name in content.get("required", ()) else "at times"
        yield code(prefix + name), always, kind(field), field.get("description", "")
        inner = field.get("items", {}) if field.get("type") == "array" else field
        yield from _fields(inner, f"{prefix}{name}{'[]' if inner is not field else ''}.")
        if isinstance(more := field.get("additionalProperties"), Mapping):
            yield from _fields(more, f"{prefix}{name}.<id>.")


def _conditions(content: Schema) -> Iterator[str]:
    for clause in [*content.get("allOf", ()), *([content] if "if" in content else [])]:
        ((field, value),) = ((field, given["const"]) for field, given in clause["if"]["properties"].items())
        yield f"- {code(field)} is {code(value)}: {_demand(clause['then'])}" + (
            f"; else {_demand(clause['else'])}" if "else" in clause else ""
        )


def _demand(then: Schema) -> str:
    if "not" in then:
        return "without " + ", ".join(map(code, then["not"]["required"]))
    return "with " + ", ".join(map(code, then["required"]))


def _make_ids() -> Any:  # noqa: ANN401 - a MakeId whose numbers count
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
    drafts = payloads.encode(events, (), _MODEL, _make_ids())
    return tuple(payloads.render(draft, 41, 1207 + number) for number, draft in enumerate(drafts))


def _alerts() -> tuple[bytes, ...]:
    event = Event(EventType.UNKNOWN, _AT, 13, Box(0.41, 0.22, 0.18, 0.31))
    raised = Alert("night-stranger", AlertState.RAISED, _AT, event)
    cleared = Alert("night-stranger", AlertState.CLEARED, _AT)
    _, *drafts = payloads.encode((event,), (raised, cleared), _MODEL, _make_ids())
    return tuple(payloads.render(draft, 41, 0) for draft in drafts)


def _state() -> bytes:
    return payloads.dump(payloads.state(_AT, 2, (Presence("ada", _AT),), {"ada": _AT}))


def _health() -> bytes:
    vitals = Health(
        version="1.0.0", model=_MODEL, camera=CameraState.OK, fps=9.8, p50_ms=41.0, p95_ms=55.0, cpu_c=58.1,
        throttled=False, rss_mb=96.0, outbox=0, dropped=0, rejected=0, unusable=3,
        flaws={str(flaw): 3 if flaw is Flaw.BLUR else 0 for flaw in Flaw},
        people=4, cert_days_left=300, uptime_s=86400,
    )  # fmt: skip
    return payloads.dump(json.loads(payloads.dump(payloads.health(_AT, vitals))))
