"""What the outbox keeps, in which order it returns rows, and what it counts."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fake_link import TOPICS, alert, event
from full_disk import full_disk
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from makers import instant
from manual_clock import ManualClock

from node.contract.payloads import encode
from node.contract.topics import Kind
from node.domain import Alert, AlertState, Box, Classification, Event, EventType
from node.errors import OutboxError
from node.outbox.outbox import FILE, Outbox
from node.outbox.rows import Row


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: ManualClock) -> Iterator[Outbox]:
    """Return a new outbox."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as made:
        yield made


def numbers(rows: list[Row]) -> list[int]:
    """Return the numbers that the messages carry."""
    return [json.loads(row.message.payload)["number"] for row in rows]


def test_rows_come_oldest_first_and_alerts_before_events(outbox: Outbox) -> None:
    """Live alerts are more urgent than live events."""
    outbox.put([event(1), event(2)])
    outbox.put([alert(3), event(4)])
    assert numbers(outbox.take(10)) == [3, 1, 2, 4]


def test_live_messages_expire_at_the_broker_and_late_ones_never_do(tmp_path: Path, clock: ManualClock) -> None:
    """A late message is for logs, whenever they are read. The file holds no expiry: it is of the attempt."""
    with closing(Outbox(tmp_path, TOPICS, clock, live_s=30, expire_s=90)) as outbox:
        outbox.put([event(1), alert(2)])
        live = [row.message for row in outbox.take(10)]
        assert [each.expiry_s for each in live] == [90, 90]
        assert [each.user_properties for each in live] == [(("expire_s", "90"),)] * 2
        outbox.release()
        clock.advance(31)
        late = [row.message for row in outbox.take(10)]
        assert [(each.expiry_s, each.user_properties) for each in late] == [(None, ())] * 2
        assert {each.content_type for each in live + late} == {"application/json"}


def test_the_file_keeps_the_tables_and_payloads_of_version_0_1_0(tmp_path: Path, clock: ManualClock) -> None:
    """An update can be taken back: version 0.1.0 reads the same file, byte for byte."""
    happened = Event(EventType.UNKNOWN, instant(0), 1, Box(0.1, 0.1, 0.2, 0.2), age=Classification("middle", 0.88))
    raised = Alert("door", AlertState.RAISED, instant(0), happened)
    ids = iter(("id-1", "id-2"))
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put(encode((happened,), (raised,), TOPICS, "3f9a1c02", lambda _wall: next(ids)))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        rows = database.execute("SELECT id, alert, name, payload, boot, put_s FROM rows").fetchall()
        columns = {
            table: [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
            for table in ("counters", "rows", "rejected")
        }
    event_payload = (
        b'{"v":1,"id":"id-1","boot":1,"seq":1,"at":"2026-01-02T03:04:05.000Z","event_type":"unknown","track":1,'
        b'"age":{"group":"middle","score":0.88},"box":[0.1,0.1,0.2,0.2],"model":"3f9a1c02"}'
    )
    alert_payload = (
        b'{"v":1,"id":"id-2","at":"2026-01-02T03:04:05.000Z","event_type":"door","state":"raised","event_id":"id-1"}'
    )
    assert rows == [(1, 0, "unknown", event_payload, 1, 1000.0), (2, 1, "door", alert_payload, 1, 1000.0)]
    assert columns == {
        "counters": ["one", "boot", "seq", "dropped", "rejected"],
        "rows": ["id", "alert", "name", "payload", "boot", "put_s"],
        "rejected": ["id", "code", "alert", "name", "payload"],
    }


def test_a_late_row_has_the_late_topic(outbox: Outbox, clock: ManualClock) -> None:
    """A subscriber tells late messages from live ones by their topic; the payload is the same."""
    outbox.put([event(1)])
    (live,) = outbox.take(1)
    outbox.release()
    clock.mono_s += 31
    (late,) = outbox.take(1)
    assert live.message.topic == TOPICS.message(Kind.EVENT, "unknown")
    assert late.message.topic == TOPICS.message(Kind.EVENT, "unknown", late=True)
    assert (late.id, late.kind, late.name, late.message.payload) == (
        live.id,
        Kind.EVENT,
        "unknown",
        live.message.payload,
    )


def test_only_the_owner_may_read_the_file(outbox: Outbox, tmp_path: Path) -> None:
    """The file says who was seen when."""
    outbox.put([event(1)])
    files = list(tmp_path.glob(f"{FILE}*"))
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_row_is_returned_once_until_it_is_released(outbox: Outbox) -> None:
    """A row in flight is not sent again; a row that the broker did not get is."""
    outbox.put([event(1), event(2)])
    assert numbers(outbox.take(1)) == [1]
    assert numbers(outbox.take(10)) == [2]
    assert outbox.take(10) == []
    outbox.release()
    assert numbers(outbox.take(10)) == [1, 2]


def test_a_row_leaves_only_when_it_is_settled(tmp_path: Path, clock: ManualClock) -> None:
    """A restart brings back everything that the broker had not acknowledged."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1), event(2), event(3)])
        first, _second, _third = outbox.take(3)
        outbox.settle([first.id])
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        assert numbers(outbox.take(10)) == [2, 3]


def test_a_row_that_waited_longer_than_live_s_is_late_and_comes_last(outbox: Outbox, clock: ManualClock) -> None:
    """A late row must not open a door, so it is marked as late and live rows go first."""
    outbox.put([event(1), alert(2)])
    clock.mono_s += 30.1
    outbox.put([event(3)])
    rows = outbox.take(10)
    assert numbers(rows) == [3, 1, 2]
    assert [row.late for row in rows] == [False, True, True]


def test_a_row_is_live_up_to_live_s(outbox: Outbox, clock: ManualClock) -> None:
    """A row of exactly that age is still live."""
    outbox.put([event(1)])
    clock.mono_s += 30.0
    assert [row.late for row in outbox.take(10)] == [False]


def test_a_row_of_an_earlier_start_is_late_at_once(tmp_path: Path, clock: ManualClock) -> None:
    """The monotonic clock of another start is worthless: a reboot resets it."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
    clock.mono_s = 5.0
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(2)])
        rows = outbox.take(10)
    assert [(number, row.late) for number, row in zip(numbers(rows), rows, strict=True)] == [
        (2, False),
        (1, True),
    ]


def test_boot_counts_starts_and_seq_continues_over_them(tmp_path: Path, clock: ManualClock) -> None:
    """A subscriber sees a gap where something is missing, also across restarts; alerts are not counted."""
    seen = []
    for start in range(3):
        with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
            outbox.put([event(start), alert(start), event(start)])
            seen += [json.loads(row.message.payload) for row in outbox.take(10) if not row.late]
    events = [(fields["boot"], fields["seq"]) for fields in seen if "seq" in fields]
    assert events == [(1, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6)]


def test_puts_are_counted_in_the_transaction_of_their_messages(tmp_path: Path, clock: ManualClock) -> None:
    """Whoever finds a number on the disk knows that its messages got there, over restarts and full disks."""

    def stored() -> int:
        with closing(sqlite3.connect(f"{(tmp_path / FILE).as_uri()}?immutable=1", uri=True)) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])

    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1), alert(2)])
        outbox.put([])
        outbox.put([alert(3)])
        assert outbox.puts == 2
        outbox.settle([row.id for row in outbox.take(10)])
    assert stored() == 2
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        assert outbox.puts == 2
        with full_disk():
            outbox.put([event(4)])
        assert (outbox.puts, stored()) == (3, 2)
        clock.advance(60)
        outbox.put([event(5)])
    assert stored() == 4


@pytest.mark.parametrize("number", [-1, (1 << 31) - 1])
def test_a_damaged_number_of_puts_begins_again_at_zero(tmp_path: Path, clock: ManualClock, number: int) -> None:
    """It could not be counted on, and no message is lost for it."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute(f"PRAGMA user_version = {number}")
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        assert outbox.puts == 0
        outbox.put([event(2)])
        assert outbox.puts == 1
        assert numbers(outbox.take(10)) == [2, 1]


def test_above_the_limit_the_oldest_events_are_dropped_and_counted(tmp_path: Path, clock: ManualClock) -> None:
    """New events are worth more than old ones, and the loss is counted."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_rows=10)) as outbox:
        for number in range(25):
            outbox.put([event(number)])
        assert outbox.counts().dropped == 15
        assert outbox.counts().waiting == 10
        assert numbers(outbox.take(100)) == list(range(15, 25))


def test_alerts_are_dropped_last(tmp_path: Path, clock: ManualClock) -> None:
    """No alert is dropped while an event can be, not even for a newer event."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_rows=10)) as outbox:
        outbox.put([alert(number) for number in range(8)])
        outbox.put([event(number) for number in range(100, 105)])
        assert numbers(outbox.take(100)) == [*range(8), 103, 104]
        outbox.release()
        outbox.put([alert(number) for number in range(8, 12)])
        assert numbers(outbox.take(100)) == list(range(2, 12))
        assert outbox.counts().dropped == 7


def test_the_limit_of_bytes_holds(tmp_path: Path, clock: ManualClock) -> None:
    """Large messages count for more than small ones."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_mb=0.01)) as outbox:
        for number in range(20):
            outbox.put([event(number, padding=1000)])
        waiting = numbers(outbox.take(100))
        assert waiting == list(range(20 - len(waiting), 20))
        assert 8 <= len(waiting) <= 9


def test_rows_in_flight_are_not_dropped(tmp_path: Path, clock: ManualClock) -> None:
    """The broker may already have them: counting them as lost would be wrong."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_rows=10)) as outbox:
        outbox.put([event(number) for number in range(10)])
        in_flight = outbox.take(2)
        outbox.put([event(10)])
        outbox.settle([row.id for row in in_flight])
        assert numbers(outbox.take(100)) == [3, 4, 5, 6, 7, 8, 9, 10]
        assert outbox.counts().dropped == 1


def test_a_rejected_row_is_set_aside_counted_and_logged_once(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """A message that the broker never accepts must neither block the others nor vanish silently."""
    outbox.put([event(1), event(2), event(3)])
    for row in outbox.take(2):
        outbox.reject(row.id, 0x87, "not allowed")
    assert outbox.counts().rejected == 2
    assert outbox.counts().waiting == 1
    assert [record.message for record in caplog.records if "not allowed" in record.message] == [
        "outbox: not allowed (reason 0x87): such messages are counted as rejected"
    ]


def test_counts_continue_over_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """`dropped` and `rejected` never decrease, so a restart hides no loss."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_rows=10)) as outbox:
        outbox.put([event(number) for number in range(12)])
        outbox.reject(outbox.take(1)[0].id, 0x87, "not allowed")
    with closing(Outbox(tmp_path, TOPICS, clock, max_rows=10)) as outbox:
        assert (outbox.counts().dropped, outbox.counts().rejected) == (2, 1)


def test_nothing_is_written_when_nothing_happens(outbox: Outbox, tmp_path: Path, clock: ManualClock) -> None:
    """An SD card wears out: an empty put and an empty take leave the files as they are."""
    outbox.put([event(1)])
    outbox.settle([row.id for row in outbox.take(1)])
    before = {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    for _ in range(100):
        outbox.put([])
        outbox.take(10)
        outbox.settle([])
        clock.mono_s += 1
    assert {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


def test_two_nodes_cannot_share_an_outbox(outbox: Outbox, tmp_path: Path, clock: ManualClock) -> None:
    """Each would send the messages of the other, and use the same numbers."""
    del outbox
    with pytest.raises(OutboxError, match="another facenode uses it"):
        Outbox(tmp_path, TOPICS, clock)


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path, clock: ManualClock) -> None:
    """A mistyped setting is an error at the start, not a silent degradation."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match=r"storage\.dir"):
        Outbox(tmp_path / "file" / "folder", TOPICS, clock)


def test_a_put_notifies(outbox: Outbox) -> None:
    """The publisher does not have to poll."""
    rung = threading.Event()
    outbox.on_put(rung.set)
    outbox.put([event(1)])
    assert rung.is_set()


def test_waiting_for_an_empty_outbox_ends_when_it_is(outbox: Outbox) -> None:
    """With a finite source the process ends once everything is delivered, or logs that it is not."""
    outbox.put([event(1)])
    assert not outbox.wait_empty(0.01)
    rows = outbox.take(1)
    thread = threading.Thread(target=lambda: outbox.settle([row.id for row in rows]))
    thread.start()
    assert outbox.wait_empty(5)
    thread.join()


def test_a_damaged_file_is_set_aside_and_counting_continues(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged database must not stop the node, and stays available for inspection."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(number) for number in range(200)])
    file = tmp_path / FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1000)])
        assert numbers(outbox.take(300)) == [1000]
        assert outbox.boot == 2
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == 1
    assert sum("set aside" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "payload = CAST('{' AS BLOB)", "payload = x'ff'", "payload = CAST('5' AS BLOB)", "payload = 'text'",
        "name = 'a/b'", "name = '#'", "name = x'ff'", "name = CAST(x'ff' AS TEXT)",
        "put_s = 'x'", "boot = 'x'",
    ],
)  # fmt: skip
def test_a_damaged_message_is_deleted_and_counted(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """SQLite finds no damage inside a value; such a message would end the publisher at every start."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(number) for number in range(3)])
    with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
        database.execute(f"UPDATE rows SET {damage} WHERE id = (SELECT max(id) FROM rows)")  # noqa: S608 - its own words
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        assert (outbox.counts().waiting, outbox.counts().dropped) == (2, 1)
        assert numbers(outbox.take(3)) == [0, 1]
        assert outbox.erase("ada") == 0
    assert sum("damaged messages, deleted and not sent: 1" in record.message for record in caplog.records) == 1


def test_a_damaged_rejected_message_is_deleted(tmp_path: Path, clock: ManualClock) -> None:
    """Nobody could tell whether it names a person who is to be erased."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
        outbox.reject(outbox.take(1)[0].id, 0x87, "not allowed")
    with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
        database.execute("UPDATE rejected SET payload = x'ff'")
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.erase("ada")
        assert outbox.counts().rejected == 1
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("SELECT count(*) FROM rejected").fetchone() == (0,)


def test_damaged_counters_set_the_file_aside(tmp_path: Path, clock: ManualClock) -> None:
    """Counting cannot continue from a value that is not a number."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
    with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
        database.execute("UPDATE counters SET seq = 'x'")
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(2)])
        assert numbers(outbox.take(3)) == [2]
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == 1


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"CREATE TABLE counters", b"CREATE TABL\x8b counters"),
        (b"dropped INTEGER NOT NULL, rejected", b"dropped INTEGER NOT NULL, rejgcted"),
        (b"boot INTEGER NOT NULL, put_s", b"boot INTEGER NOT NULL, pet_s"),
    ],
)
def test_a_damaged_schema_sets_the_file_aside(tmp_path: Path, clock: ManualClock, good: bytes, bad: bytes) -> None:
    """This includes a message of SQLite that quotes bytes that are not UTF-8, on which Python's sqlite3 raises."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
    file = tmp_path / FILE
    content = file.read_bytes()
    assert good in content
    file.write_bytes(content.replace(good, bad))
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(2)])
        assert numbers(outbox.take(3)) == [2]
        assert outbox.counts().waiting == 1
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == 1


def test_a_file_that_is_not_a_database_is_set_aside(tmp_path: Path, clock: ManualClock) -> None:
    """The node starts, whatever the file contains."""
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        outbox.put([event(1)])
        assert numbers(outbox.take(10)) == [1]
        assert outbox.boot == 1


class Life(RuleBasedStateMachine):
    """An outbox through puts, takes, answers, lost connections and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = ManualClock()
        self.outbox = self.begin()
        self.put = 0
        self.in_flight: list[Row] = []
        self.gone: set[int] = set()

    def begin(self) -> Outbox:
        """Start the node."""
        return Outbox(Path(self.folder.name), TOPICS, self.clock, max_rows=10, live_s=30)

    @rule(kinds=st.lists(st.booleans(), max_size=4))
    def putting(self, kinds: list[bool]) -> None:
        """Something happens."""
        messages = [alert(self.put + i) if kind else event(self.put + i) for i, kind in enumerate(kinds)]
        self.put += len(kinds)
        self.outbox.put(messages)

    @rule(limit=st.integers(1, 5))
    def taking(self, limit: int) -> None:
        """The publisher has room; within each class the rows are in order."""
        rows = self.outbox.take(limit)
        assert len(rows) <= limit
        classes = [2 if row.late else row.kind is Kind.EVENT for row in rows]
        assert classes == sorted(classes)
        for wanted in set(classes):
            ids = [row.id for row, found in zip(rows, classes, strict=True) if found == wanted]
            assert ids == sorted(ids)
        self.in_flight += rows

    @precondition(lambda self: self.in_flight)
    @rule(reject=st.booleans())
    def answering(self, *, reject: bool) -> None:
        """The broker answers the oldest."""
        row = self.in_flight.pop(0)
        number = json.loads(row.message.payload)["number"]
        assert number not in self.gone
        self.gone.add(number)
        if reject:
            self.outbox.reject(row.id, 0x87, "not allowed")
        else:
            self.outbox.settle([row.id])

    @rule()
    def losing(self) -> None:
        """The connection ends."""
        self.outbox.release()
        self.in_flight = []

    @rule()
    def restarting(self) -> None:
        """The process ends and starts again."""
        self.outbox.close()
        self.outbox = self.begin()
        self.in_flight = []

    @rule(seconds=st.floats(0, 40))
    def passing(self, seconds: float) -> None:
        """Time passes."""
        self.clock.mono_s += seconds

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        """Each message waits, is at the broker, or was counted as dropped; and the limit holds."""
        counts = self.outbox.counts()
        assert counts.waiting + counts.dropped + len(self.gone) == self.put
        assert counts.waiting <= max(10, len(self.in_flight))

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.outbox.close()
        self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
