"""Erasing a person from the outbox: no message and no byte about them remains."""

from pathlib import Path

import pytest
from fake_link import TOPICS
from makers import face, instant
from manual_clock import ManualClock

from node.contract.payloads import concerns, encode
from node.domain import Alert, AlertState, Event, EventType, Match
from node.outbox.outbox import Outbox


def event(person: str | None, was: str | None = None) -> Event:
    """Return an event about somebody."""
    kind = EventType.CHANGED if was else EventType.RECOGNIZED if person else EventType.UNKNOWN
    return Event(kind, instant(0), 1, face().box, Match(person, 0.9) if person else None, was=was)


def alert(person: str | None) -> Alert:
    """Return an alert about somebody."""
    return Alert("door", AlertState.RAISED, instant(0), person=person)


def filled(folder: Path) -> Outbox:
    """Return an outbox with messages about Ada, Bob and a stranger, one of Ada's rejected, one on its way."""
    outbox = Outbox(folder, TOPICS, ManualClock())
    happened = [event("lovelace"), event("bob"), event(None), event("bob", was="lovelace")]
    outbox.put(encode(happened, [alert("lovelace"), alert("bob"), alert(None)], TOPICS, "0" * 8))
    rows = outbox.take(10)
    first = next(row for row in rows if b"lovelace" in row.message.payload)
    outbox.reject(first.id, 0x87, "not allowed")
    outbox.release([row.id for row in rows[1:] if row.id != first.id])
    return outbox


def test_no_byte_of_an_erased_person_remains_on_disk(tmp_path: Path) -> None:
    """Waiting, rejected and delivered messages are overwritten, in the file and in its journal."""
    outbox = filled(tmp_path)
    assert any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
    outbox.erase("lovelace")
    assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
    outbox.close()
    assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())


def test_messages_about_others_remain_and_the_erased_ones_are_counted(tmp_path: Path) -> None:
    """Erased messages count as dropped, which explains the gap in `seq`."""
    outbox = filled(tmp_path)
    waiting = outbox.traces("lovelace").waiting
    assert waiting == 2
    assert outbox.erase("lovelace") == waiting
    assert outbox.counts().dropped == waiting
    outbox.release()
    left = [row.message.payload for row in outbox.take(10)]
    assert len(left) == 4
    assert outbox.traces("lovelace").waiting == 0
    outbox.close()


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b'{"person":{"id":"ada","score":0.9}}', True),
        (b'{"was":"ada"}', True),
        (b'{"person":"ada"}', True),
        (b'{"person":{"id":"adam","score":0.9}}', False),
        (b'{"event_type":"ada"}', False),
    ],
)
def test_a_message_concerns_the_person_it_names(payload: bytes, named: bool) -> None:  # noqa: FBT001 - a table
    """The name is in `person` of an event or an alert, or in `was`."""
    assert concerns(payload, "ada") is named


def test_all_rows_are_searched_however_many_wait(tmp_path: Path) -> None:
    """There are more rows of both kinds on disk than one read returns."""
    outbox = Outbox(tmp_path, TOPICS, ManualClock())
    outbox.put(encode([event("lovelace"), event("bob")] * 700, [alert("lovelace")] * 3, TOPICS, "0" * 8))
    assert outbox.traces("lovelace").waiting == 703
    assert outbox.erase("lovelace") == 703
    assert outbox.counts().waiting == 700
    outbox.close()


def test_damaged_files_that_name_an_erased_person_are_deleted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file set aside must not outlive the erasure, and the log does not name the person."""
    outbox = filled(tmp_path)
    named, other, empty = (tmp_path / f"outbox.db.damaged-2026112{number}T000000" for number in range(3))
    named.write_bytes(b"\0" * 5000 + b'"lovelace"' + b"\0" * 5000)
    other.write_bytes(b'"bob"')
    empty.touch()
    outbox.erase("lovelace")
    outbox.close()
    assert (named.exists(), other.exists(), empty.exists()) == (False, True, True)
    assert named.name in caplog.text
    assert "lovelace" not in caplog.text


def test_a_damaged_file_too_large_to_search_is_deleted(tmp_path: Path) -> None:
    """Nobody can tell in time whether it names the person, and the loop must not stop for it."""
    outbox = filled(tmp_path)
    huge = tmp_path / "outbox.db.damaged-20261120T000000"
    with huge.open("wb") as file:
        file.truncate(10 << 30)
    outbox.erase("lovelace")
    outbox.close()
    assert not huge.exists()
