"""Damaged files of the storage folder -> a node that starts, reports the damage and loses no new message.

python -m tests.fuzz.storage --seconds 60
"""

import json
import os
import shutil
import sqlite3
import ssl
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Alert, AlertState, Box, Event, EventType, Instant, Match
from node.errors import OutboxError
from node.homeassistant.entity_keys import FILE as ENTITY_KEYS_FILE
from node.homeassistant.entity_keys import EntityKeys
from node.outbox.outbox import FILE, Outbox
from node.people.person import Person
from node.requests.switches import FILE as SWITCHES
from node.requests.switches import SwitchRequests
from node.system.certificate import days_left
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes, Json, either

_TOPICS = Topics("pi-1")
_AT = Instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 100.0, synced=True)
_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUMj6ea5CoP1TCKKx9AfA8+LGR3Y4wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEcGktMTAeFw0yNjExMjQxNDU5MzVaFw0yNzA5MjAxNDU5MzVa
MA8xDTALBgNVBAMMBHBpLTEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARjxQ/o
l2JWuY97skCiSJFSp8y/rb09BEk3wp6/FNPesEDpfqx1Jn0EUpnbtnQeCN28ZUeG
YDrog6fAXIAh489Eo1MwUTAdBgNVHQ4EFgQUvPHNd4AHxPA5kPaZVc1MOl/iR6Ew
HwYDVR0jBBgwFoAUvPHNd4AHxPA5kPaZVc1MOl/iR6EwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiB9iSxoAp7YAMPBj9PU9IQOuKC9DDp9S1uYJHej
DoLtOgIhAPouH8RYZFiIwYcDwweHHJLHJtbiD5dSrUgRBde98wdy
-----END CERTIFICATE-----
"""


_INTEGERS = (0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**60, 2**62, 2**62 + 1, 2**63 - 2, 2**63 - 1, -(2**63))
_COLUMNS = {
    "rows": ("id", "alert", "name", "payload", "boot", "put_s"),
    "counters": ("boot", "seq", "dropped", "rejected"),
    "rejected": ("id", "code", "alert", "name", "payload"),
}
_VALUES = (*map(str, _INTEGERS), "NULL", "'x'", "x'ff'", "1e308", "9e999", "zeroblob(2000000)", "''")


class _StoppedClock:
    """A clock that stands still."""

    def now(self) -> Instant:
        """Return the fixed time."""
        return _AT


def build(folder: Path) -> Sequence[Target]:
    """Return a target for each file."""
    return (
        _outbox(folder),
        _forged_outbox(folder),
        _irregular_files(folder),
        _switches(folder),
        _entity_keys(folder),
        _certificate(folder),
    )


def _outbox(folder: Path) -> Target:
    """A new message is stored and delivered, whatever is wrong with earlier ones."""
    home = folder / "outbox"
    home.mkdir()
    path = home / FILE
    with closing(Outbox(home, _TOPICS, _StoppedClock())) as made:
        for _ in range(20):
            made.put(_messages())
        for row in made.take(2):
            made.reject(row.id, 0x87, "not allowed")
    good = path.read_bytes()

    def check(content: bytes) -> str:
        shutil.rmtree(home)
        home.mkdir()
        path.write_bytes(content)
        return _deliver(home)

    return Target("outbox", Bytes([good]), check)


def _deliver(home: Path) -> str:
    """Start twice on what a folder holds, deliver a new message each time, and return what became of the file."""
    for _ in range(2):
        try:
            with closing(Outbox(home, _TOPICS, _StoppedClock())) as outbox:
                outbox.traces("ada")
                (new, *_) = messages = _messages()
                outbox.put(messages)
                seen = set()
                while rows := outbox.take(8):
                    seen |= {row.message.payload for row in rows}
                    outbox.settle([row.id for row in rows])
                assert any(payloads.message_id(new).encode() in payload for payload in seen)
                outbox.erase("ada")
                assert outbox.counts().waiting == 0
        except OutboxError as error:
            assert str(home) in str(error)
            return "refused"
    return "set aside" if list(home.glob(f"{FILE}.damaged-*")) else "read"


def _forged_outbox(folder: Path) -> Target:
    """Values that SQLite finds nothing wrong with end no start, and none is too large to be counted on."""
    home = folder / "forged outbox"

    def make(random: Random) -> bytes:
        statements = []
        for _ in range(random.randint(1, 4)):
            table, columns = random.choice(tuple(_COLUMNS.items()))
            change = f"UPDATE OR IGNORE {table} SET {random.choice(columns)} = {random.choice(_VALUES)}"  # noqa: S608
            statements.append(change + random.choice(("", f" WHERE rowid = {random.randint(1, 8)}")))
        return json.dumps(statements).encode()

    def check(content: bytes) -> str:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        with closing(Outbox(home, _TOPICS, _StoppedClock())) as outbox:
            for _ in range(4):
                outbox.put(_messages())
            outbox.reject(outbox.take(1)[0].id, 0x87, "not allowed")
        with closing(sqlite3.connect(home / FILE)) as database, database:
            database.execute("PRAGMA ignore_check_constraints = ON")
            for statement in json.loads(content):
                try:
                    database.execute(statement)
                except sqlite3.IntegrityError:  # the column takes no such value
                    continue
        return _deliver(home)

    return Target("forged outbox", make, check)


def _irregular_files(folder: Path) -> Target:
    """Whatever has the name of a file: the node refuses it in one sentence, or starts, and never waits for it."""
    home = folder / "irregular"
    names = (FILE, f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal", SWITCHES, ENTITY_KEYS_FILE)
    kinds = ("folder", "pipe", "device", "link", "sparse")

    def make(random: Random) -> bytes:
        return json.dumps({random.choice(names): random.choice(kinds) for _ in range(random.randint(1, 2))}).encode()

    def check(content: bytes) -> str:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        made = json.loads(content)
        for name, kind in made.items():
            _make(home / name, kind)
        assert SwitchRequests(home, _AT).watching is (SWITCHES not in made)
        EntityKeys(home).update((Person("ada", "Ada", ()),))
        outcome = _deliver(home)
        wrong = [made[name] for name in names[:4] if made.get(name, "sparse") != "sparse"]
        assert (outcome == "refused") is bool(wrong)
        return outcome

    return Target("irregular files", make, check)


def _make(path: Path, kind: str) -> None:
    """Make something that has the name of a file."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(10 << 30)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path.with_name("nothing"))


def _messages() -> tuple[Message, ...]:
    event = Event(EventType.RECOGNIZED, _AT, 1, Box(0.1, 0.1, 0.2, 0.2), Match("ada", 0.9))
    return payloads.encode([event], [Alert("door", AlertState.RAISED, _AT, event, "ada")], _TOPICS, "0" * 8)


def _switches(folder: Path) -> Target:
    """An unreadable file turns privacy on; only a file that says so leaves it off."""
    path = folder / SWITCHES
    good = {
        "privacy": False,
        "recognition": True,
        "snoozed": {"night": {"for_s": 60.0, "until": "2026-01-02T04:04:05Z"}},
    }

    def check(content: bytes) -> str:
        path.write_bytes(content)
        switches = SwitchRequests(folder, _AT, ["night"])
        switches.silent("night", _AT)
        if switches.watching:
            assert json.loads(content)["privacy"] is False
        return "watching" if switches.watching else "private"

    return Target("switches", Json([good]), check)


def _entity_keys(folder: Path) -> Target:
    """Entity keys are read, or made anew."""
    path = folder / ENTITY_KEYS_FILE
    people = (Person("ada", "Ada", ()),)
    EntityKeys(folder).update(people, ("snapshot",))
    good = path.read_bytes()
    whole = EntityKeys(folder).shown

    def check(content: bytes) -> str:
        path.write_bytes(content)
        keys = EntityKeys(folder)
        read = keys.shown
        keys.update(people, ("snapshot",))
        assert len(keys.people) == 1
        assert EntityKeys(folder).shown == keys.shown
        return "read" if read == whole else "made anew"

    return Target("entity keys", either(Json([json.loads(good)]), Bytes([good])), check)


def _certificate(folder: Path) -> Target:
    """Health shows the remaining days, or null."""
    path = folder / "cert.pem"

    def check(content: bytes) -> str:
        path.write_bytes(content)
        return "no certificate" if days_left(path, _AT.wall) is None else "read"

    der = Bytes([ssl.PEM_cert_to_DER_cert(_CERTIFICATE)])

    def inside(random: Random) -> bytes:
        return ssl.DER_cert_to_PEM_cert(der(random)).encode()

    return Target("certificates", either(Bytes([_CERTIFICATE.encode()]), inside), check)


if __name__ == "__main__":
    raise SystemExit(main(build))
