"""The subscriber's view: what a person reads of an event."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from node.console.sightings import sighting

AT = datetime(2026, 11, 24, 18, 0, 58, 621000, tzinfo=UTC)
EVENT = {"event_type": "recognized", "at": "2026-11-24T18:00:58.621Z", "person": {"id": "ada", "score": 0.97},
         "age": {"group": "middle", "score": 0.88}}  # fmt: skip


def test_a_row_says_who_with_score_age_group_and_latency() -> None:
    """Latency is from the event's own time to its receipt."""
    seen = sighting(json.dumps(EVENT).encode(), AT + timedelta(milliseconds=41))
    assert seen.kind == "recognized"
    assert seen.latency_ms == pytest.approx(41, abs=1e-6)
    assert seen.row[1:] == ("recognized", "ada", "0.97", "middle 0.88", "", "41 ms")


def test_a_stranger_has_no_score_and_who_left_has_a_time_in_view() -> None:
    """What an event does not carry stays empty."""
    left = {"event_type": "left", "at": EVENT["at"], "seen_s": 4.25}
    assert sighting(json.dumps(left).encode(), AT).row[1:] == ("left", "unknown", "", "", "4.2 s", "0 ms")
