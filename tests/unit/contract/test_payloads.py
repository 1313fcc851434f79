"""The content of payloads."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from makers import START, instant

from node.contract import payloads, schema
from node.contract.payloads import MAX_EVENT_BYTES, add_sequence, encode, message_id, uuid7
from node.contract.topics import Topics
from node.domain import (
    Alert,
    AlertState,
    Box,
    CameraState,
    Classification,
    DiscoveryState,
    Event,
    EventType,
    Health,
    Instant,
    Match,
    Presence,
    RequestsState,
)

MODEL = "3f9a1c02"
TOPICS = Topics("pi-1")
ADA = Event(
    EventType.RECOGNIZED,
    instant(0.6214),
    12,
    Box(0.41, 0.22, 0.18, 0.31),
    person=Match("ada", 0.9712),
    age=Classification("middle", 0.8849),
)
VITALS = Health(
    version="0.3.0",
    model=MODEL,
    camera=CameraState.OK,
    fps=9.8123,
    p50_ms=41.0,
    p95_ms=None,
    cpu_c=58.06,
    throttled=False,
    rss_mb=96.0,
    outbox=0,
    dropped=0,
    rejected=0,
    unusable=3,
    flaws={"size": 1, "edge": 0, "blur": 2, "light": 0, "keypoints": 0, "tilt": 0},
    upside_down=None,
    people=4,
    cert_days_left=None,
    discovery=DiscoveryState.ON,
    uptime_s=86400,
    requests=RequestsState.PAUSED,
)


def payload(event: Event, boot: int = 41, seq: int = 1207) -> dict[str, Any]:
    """Return an event's payload, which must fit the contract."""
    (message,) = encode((event,), (), TOPICS, MODEL)
    fields: dict[str, Any] = json.loads(add_sequence(message, boot, seq).payload)
    Draft202012Validator(schema("event")).validate(fields)
    return fields


def test_an_event_matches_the_contract_to_the_byte() -> None:
    """Compact JSON, the keys in the order of the contract, box with 3 decimals, scores with 2, milliseconds and Z."""
    (message,) = encode((ADA,), (), TOPICS, MODEL, lambda _wall: "0193-id")
    assert add_sequence(message, 41, 1207).payload == (
        b'{"v":1,"id":"0193-id","boot":41,"seq":1207,"at":"2026-01-02T03:04:05.621Z","event_type":"recognized",'
        b'"track":12,"person":{"id":"ada","score":0.97},"age":{"group":"middle","score":0.88},'
        b'"box":[0.41,0.22,0.18,0.31],"model":"3f9a1c02"}'
    )


def test_an_event_has_no_field_without_a_value() -> None:
    """A stranger has no `person`, and a head that is not published leaves no trace."""
    fields = payload(Event(EventType.UNKNOWN, instant(0), 1, Box(0, 0, 1, 1), person=Match(None, 0.21)))
    assert fields.keys() == {"v", "id", "boot", "seq", "at", "event_type", "track", "box", "model"}


def test_each_type_fits_the_contract() -> None:
    """`changed` has `was`, `left` has `seen_s`; the schema refuses anything else."""
    box = Box(-0.02, 0.1, 0.3, 0.4)
    changed = payload(Event(EventType.CHANGED, instant(0), 1, box, person=Match("ada", 0.5), was="unknown"))
    assert changed["was"] == "unknown"
    left = payload(Event(EventType.LEFT, instant(0), 1, box, seen_s=12.3456))
    assert left["seen_s"] == 12.3
    asked = payload(Event(EventType.UNKNOWN, instant(0), 1, box, ethnicity=Classification("asian", 0.7)))
    assert asked["ethnicity"] == {"group": "asian", "score": 0.7}


def test_an_unsynchronized_clock_is_marked() -> None:
    """Readers must know that `at` may be wrong; with a synchronized clock the field is absent."""
    box = Box(0, 0, 1, 1)
    assert payload(Event(EventType.UNKNOWN, instant(0, synced=False), 1, box))["clock"] == "unsynced"
    assert "clock" not in payload(Event(EventType.UNKNOWN, instant(0), 1, box))


def test_times_are_utc_whatever_their_time_zone() -> None:
    """Times are UTC with milliseconds."""
    wall = datetime(2026, 11, 24, 20, 0, 58, 621999, tzinfo=timezone(timedelta(hours=2)))
    assert payloads.timestamp(wall) == "2026-11-24T18:00:58.621Z"


def test_an_alert_names_the_event_that_met_its_rule() -> None:
    """The alert's `event_id` is the id of the event of the same tick; without one there is none."""
    raised = Alert("night-stranger", AlertState.RAISED, instant(0, synced=False), event=ADA, person="ada")
    cleared = Alert("crowd", AlertState.CLEARED, instant(1), count=5, for_s=60.0)
    event, first, second = encode((ADA,), (raised, cleared), TOPICS, MODEL)
    alerts = [json.loads(message.payload) for message in (first, second)]
    for fields in alerts:
        Draft202012Validator(schema("alert")).validate(fields)
    assert alerts[0]["event_id"] == message_id(event)
    assert list(alerts[0]) == ["v", "id", "at", "event_type", "state", "event_id", "person", "clock"]
    assert list(alerts[1]) == ["v", "id", "at", "event_type", "state", "count", "for_s"]


def test_an_empty_state_has_every_field() -> None:
    """Home Assistant treats a missing field as an error."""
    fields = payloads.state(instant(0))
    Draft202012Validator(schema("state")).validate(fields)
    assert (fields["count"], fields["present"], fields["people"]) == (0, [], {})
    assert (fields["snoozed"], fields["enrolling"]) == ({}, None)
    assert list(fields) == schema("state")["required"]


def test_a_state_has_who_is_in_view_and_when_each_person_was_last_seen() -> None:
    """Each person in view has a `since`, each known person a `last_seen`."""
    fields = payloads.state(
        instant(5), 2, (Presence("ada", instant(1)),), {"ada": instant(5), "zoe": instant(2)}, privacy=True,
        snoozed={"night": instant(9).wall}, enrolling="zoe",
    )  # fmt: skip
    Draft202012Validator(schema("state")).validate(json.loads(payloads.dump(fields)))
    assert fields["present"] == [{"id": "ada", "since": payloads.timestamp(instant(1).wall)}]
    assert fields["snoozed"] == {"night": payloads.timestamp(instant(9).wall)}
    assert fields["enrolling"] == "zoe"
    assert fields["privacy"] == "on"
    assert fields["recognition"] == "on"


def test_health_has_every_field_and_null_where_unknown() -> None:
    """The keys are in the order of the contract; unknown values are null, not left out."""
    fields = json.loads(payloads.dump(payloads.health(instant(0, synced=False), VITALS)))
    Draft202012Validator(schema("health")).validate(fields)
    assert list(fields) == schema("health")["required"]
    assert fields["p95_ms"] is None
    assert fields["clock"] == "unsynced"
    assert fields["fps"] == 9.8


def test_a_number_that_is_not_finite_is_an_error() -> None:
    """NaN is not JSON: it must fail here, not at every reader."""
    left = Event(EventType.LEFT, instant(0), 1, Box(float("nan"), 0, 1, 1), seen_s=1)
    with pytest.raises(ValueError, match="JSON"):
        encode((left,), (), TOPICS, MODEL)


ids = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True).filter(lambda name: name != "unknown")
scores = st.floats(0, 1)
sides = st.floats(-1, 2)


@given(
    kind=st.sampled_from(EventType),
    person=ids,
    was=ids,
    age=st.builds(Classification, ids, scores),
    ethnicity=st.builds(Classification, ids, scores),
    box=st.builds(Box, sides, sides, sides, sides),
    track=st.integers(1, 10**9),
    synced=st.booleans(),
    boot=st.integers(1, 10**9),
    seq=st.integers(1, 10**12),
    margin=st.none() | st.floats(0, 3),
)
def test_an_event_is_never_above_384_bytes(  # noqa: PLR0913 - one argument for each field
    *,
    kind: EventType,
    person: str,
    was: str,
    age: Classification,
    ethnicity: Classification,
    box: Box,
    track: int,
    synced: bool,
    boot: int,
    seq: int,
    margin: float | None,
) -> None:
    """For all ids, labels and counters the limit holds and the schema accepts the event."""
    event = Event(
        kind,
        Instant(START, 0, synced),
        track,
        box,
        person=None if kind is EventType.UNKNOWN else Match(person, -0.123, margin=margin),
        was=was if kind is EventType.CHANGED else None,
        age=age,
        ethnicity=ethnicity,
        seen_s=123456.7 if kind is EventType.LEFT else None,
    )
    (message,) = encode((event,), (), TOPICS, MODEL)
    rendered = add_sequence(message, boot, seq).payload
    assert len(rendered) <= MAX_EVENT_BYTES
    Draft202012Validator(schema("event")).validate(json.loads(rendered))


def test_a_margin_has_two_decimals_and_is_left_out_where_it_is_not_known() -> None:
    """A subscriber of version 0.1.0 finds what it found then; the score is the cosine, whatever decided."""
    box = Box(0, 0, 1, 1)
    for margin, person in (
        (0.1249, {"id": "ada", "score": 0.55, "margin": 0.12}),
        (0.001, {"id": "ada", "score": 0.55, "margin": 0.0}),
        (None, {"id": "ada", "score": 0.55}),
    ):
        event = Event(EventType.RECOGNIZED, instant(0), 1, box, person=Match("ada", 0.551, margin=margin))
        assert payload(event)["person"] == person


def test_the_margin_is_the_first_to_be_left_out() -> None:
    """As ids and labels grow, an event loses its margin and keeps its groups; only then it loses ethnicity too."""
    seen = []
    for length in range(1, 33):
        event = Event(
            EventType.CHANGED,
            instant(0, synced=False),
            1,
            Box(0.125, 0.125, 0.125, 0.125),
            person=Match("a" * length, 0.55, margin=0.12),
            was="b" * length,
            age=Classification("middle", 0.55),
            ethnicity=Classification("c" * length, 0.55),
        )
        fields = payload(event)
        seen.append(("margin" in fields["person"], "ethnicity" in fields, "age" in fields))
    assert list(dict.fromkeys(seen)) == [(True, True, True), (False, True, True), (False, False, True)]


def test_ethnicity_is_left_out_before_age() -> None:
    """To stay below the limit an event loses estimates, never the person; what fits stays."""
    long = "a" * 32
    event = Event(
        EventType.CHANGED,
        instant(0),
        1,
        Box(0.1, 0.1, 0.1, 0.1),
        person=Match(long, 0.5),
        was=long,
        age=Classification("middle", 0.5),
        ethnicity=Classification(long, 0.5),
    )
    fields = payload(event)
    assert fields["age"]["group"] == "middle"
    assert "ethnicity" not in fields


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_uuid7_contains_its_time_and_matches_the_contract(naive: datetime) -> None:
    """The first 48 bits are Unix milliseconds; version and variant match the contract's pattern."""
    wall = naive.replace(tzinfo=UTC)
    made = uuid7(wall)
    Draft202012Validator(schema("event")["properties"]["id"]).validate(made)
    assert int(made.replace("-", "")[:12], 16) == int(wall.timestamp() * 1000)


def test_uuid7s_of_one_moment_differ() -> None:
    """A hundred events in one millisecond have a hundred ids."""
    assert len({uuid7(START) for _ in range(100)}) == 100


def test_a_moment_before_1970_still_has_an_id() -> None:
    """A computer without a battery-backed clock may have any time."""
    assert uuid7(datetime(1969, 1, 1, tzinfo=UTC)).startswith("00000000-0000-7")
