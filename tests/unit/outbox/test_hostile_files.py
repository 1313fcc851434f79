"""What the outbox does with files that were made to end or to hang it: it starts, or refuses with one sentence."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS, event
from manual_clock import ManualClock

from node.errors import OutboxError
from node.outbox.outbox import FILE, Outbox

LARGEST = (1 << 63) - 1
NOBODY = 65534


def start(folder: Path) -> Outbox:
    """Start a node's outbox."""
    return Outbox(folder, TOPICS, ManualClock())


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a folder with an outbox of five rows and a rejected message."""
    with closing(start(tmp_path)) as outbox:
        outbox.put([event(number) for number in range(6)])
        outbox.reject(outbox.take(1)[0].id, 0x87, "not allowed")
    return tmp_path


def change(folder: Path, *statements: str) -> None:
    """Change the file as somebody with an editor for SQLite files does."""
    with closing(sqlite3.connect(folder / FILE)) as database, database:
        for statement in statements:
            database.execute(statement)


def move(row_id: int, to: int) -> tuple[str, ...]:
    """Return the statement that gives a row another id."""
    return (f"UPDATE rows SET id = {to} WHERE id = {row_id}",)  # noqa: S608 - its own numbers


def two_starts(folder: Path) -> list[int]:
    """Start twice and put a message each time; return how many messages are waiting then."""
    waiting = []
    for _ in range(2):
        with closing(start(folder)) as outbox:
            outbox.put([event(9)])
            assert any(b'"number":9' in row.message.payload for row in outbox.take(100))
            waiting.append(outbox.counts().waiting)
    return waiting


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a link"),
        (lambda path: path.symlink_to(path.with_name("elsewhere")), "a link"),
    ],
)
def test_what_is_no_regular_file_is_refused(tmp_path: Path, end: str, make: Callable[[Path], None], kind: str) -> None:
    """SQLite would wait for a pipe for ever, read a device without end, or write where a link points to."""
    path = tmp_path / f"{FILE}{end}"
    make(path)
    with pytest.raises(OutboxError, match=kind) as refused:
        start(tmp_path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "storage.dir" in str(refused.value)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("row_id", [LARGEST, -LARGEST - 1, 0, (1 << 62) + 1])
def test_a_row_whose_id_cannot_be_counted_on_is_still_sent(filled: Path, row_id: int) -> None:
    """The next id would be too large for SQLite: the node would end at every start."""
    change(filled, *move(3, row_id))
    assert two_starts(filled) == [6, 7]
    assert not list(filled.glob("*.damaged-*"))


def test_a_file_without_room_for_more_ids_is_set_aside(filled: Path) -> None:
    """There is no number left to give to its last row."""
    change(filled, *move(3, 1 << 62), *move(4, LARGEST))
    assert two_starts(filled) == [1, 2]
    assert len(list(filled.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize("counter", ["boot", "seq", "dropped", "rejected"])
@pytest.mark.parametrize("number", [LARGEST, 1 << 53])
def test_a_counter_too_large_to_count_on_begins_again(
    filled: Path, caplog: pytest.LogCaptureFixture, counter: str, number: int
) -> None:
    """No message is lost for it, and every later start works."""
    change(filled, f"UPDATE counters SET {counter} = {number}")  # noqa: S608 - its own words
    assert two_starts(filled) == [6, 7]
    assert sum("begins again at zero" in record.message for record in caplog.records) == 1


def test_a_large_payload_costs_no_message_but_its_own(filled: Path) -> None:
    """It is deleted without being read: a payload of 500 MB must not take 500 MB of memory."""
    change(filled, "UPDATE rows SET payload = zeroblob(3000000) WHERE id = 3", "UPDATE rejected SET payload = 0")
    assert two_starts(filled) == [5, 6]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET name = CAST(zeroblob(3000000) AS TEXT) WHERE id = 3",
        "UPDATE counters SET seq = zeroblob(3000000)",
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE TRIGGER each_start AFTER INSERT ON counters BEGIN DELETE FROM rows; END",
        "ALTER TABLE rows ADD COLUMN more",
    ],
)
def test_a_file_that_the_program_did_not_make_is_set_aside(filled: Path, statement: str) -> None:
    """A view may have rows without end, and a trigger may delete what was just written."""
    change(filled, statement)
    assert two_starts(filled) == [1, 2]
    assert len(list(filled.glob("*.damaged-*"))) == 1


def test_an_endless_view_in_place_of_the_counters_ends_nothing(filled: Path) -> None:
    """What is read from a damaged file is not trusted either."""
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i > 0)"
    view = "CREATE VIEW counters AS " + rows + " SELECT i boot, i seq, i dropped, i rejected FROM n WHERE i < 0"  # noqa: S608 - its own words
    change(filled, "ALTER TABLE counters RENAME TO former", view)
    assert two_starts(filled) == [1, 2]


def test_rejected_messages_without_number_are_cut_to_the_latest(filled: Path) -> None:
    """More than the program keeps are deleted, not read."""
    more = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    change(filled, f"INSERT INTO rejected {more} SELECT i, 135, 0, 'unknown', CAST('{{}}' AS BLOB) FROM n")  # noqa: S608 - its own words
    assert two_starts(filled) == [6, 7]
    with closing(sqlite3.connect(filled / FILE)) as database:
        assert database.execute("SELECT count(*), min(id), max(id) FROM rejected").fetchone() == (1000, 4001, 5000)


@pytest.mark.parametrize("end", ["", "-wal", "-journal"])
def test_a_sparse_file_of_ten_gigabytes_takes_no_time(filled: Path, end: str) -> None:
    """It is longer than the disk and the memory."""
    with (filled / f"{FILE}{end}").open("ab") as file:
        os.truncate(file.fileno(), 10 << 30)
    assert two_starts(filled) == [6, 7]


def test_a_file_that_may_only_be_read_is_refused_with_a_sentence(filled: Path) -> None:
    """The message names the file, not only its folder. Root may write every file, so there another user tries it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(filled / FILE, folder / FILE)
        (folder / FILE).chmod(0o400)
        if os.geteuid() == 0:
            for path in (folder, folder / FILE):
                os.chown(path, NOBODY, NOBODY)
        child = os.fork()
        if child == 0:
            os._exit(_refusal(folder))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _refusal(folder: Path) -> int:
    """Start an outbox as somebody who is not root; return 0 if it is refused by the name of its file."""
    if os.geteuid() == 0:
        os.setresuid(NOBODY, NOBODY, NOBODY)
    try:
        start(folder)
    except OutboxError as error:
        return 0 if FILE in str(error) else 2
    return 1
