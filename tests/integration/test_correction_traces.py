"""What an inbox and an undo leave on the disk: nothing unless it is asked for, and nothing of whoever is erased."""

import ctypes
import json
import os
import re
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from facenode_command import facenode
from mosquitto_broker import eventually
from passing_visitors import passing_visitors
from running_node import TIMEOUT_S, file_contents, running_facenode

from node.errors import PeopleError
from node.people import normalisation
from node.requests.local_client import call, running

pytestmark = pytest.mark.timeout(900)

_CLOSE_WRITE, _MOVED_TO, _MOVED_FROM, _CREATE, _DELETE, _MODIFY = 0x8, 0x80, 0x40, 0x100, 0x200, 0x2
_CHANGES = _CLOSE_WRITE | _MOVED_TO | _MOVED_FROM | _CREATE | _DELETE | _MODIFY
_HEAD = struct.Struct("iIII")
_UNNAMED = re.compile(r"#\d+")
UNNAMED = "a file before it has its name"
OUTBOX = {
    UNNAMED,
    "outbox.db",
    "outbox.db-wal",
    "outbox.db-shm",
    "outbox.db-journal",
    "durations.json",
    "durations.json.part",
}
"""What a node writes when somebody passes: the events for the broker, and the visit."""


class Watch:
    """Every change of a file in a folder and in the folders in it, as the kernel reports it (inotify)."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._file >= 0
        self._names = {}
        for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            number = self._libc.inotify_add_watch(self._file, os.fsencode(path), _CHANGES)
            assert number >= 0
            self._names[number] = path

    def changed(self) -> set[str]:
        """Return the names of the files that were changed so far."""
        found: set[str] = set()
        while True:
            try:
                events = os.read(self._file, 1 << 16)
            except BlockingIOError:
                return found
            while events:
                watch, _, _, length = _HEAD.unpack_from(events)
                name = events[_HEAD.size : _HEAD.size + length].rstrip(b"\0").decode()
                path = str((self._names[watch] / name).relative_to(self._names[1]))
                found.add(UNNAMED if _UNNAMED.fullmatch(path) else path)
                events = events[_HEAD.size + length :]

    def close(self) -> None:
        """End the watch."""
        os.close(self._file)


@contextmanager
def watched(folder: Path) -> Iterator[Watch]:
    """Watch a folder while the context lasts."""
    watch = Watch(folder)
    try:
        yield watch
    finally:
        watch.close()


@pytest.fixture
def settings(tmp_path: Path, media_dir: Path) -> dict[str, object]:
    """Return the settings of a node without a broker that two people pass, with a page."""
    frames = passing_visitors(tmp_path / "frames", [media_dir / "astronaut.jpg", media_dir / "grace_hopper.jpg"])
    return frames | {
        "storage.dir": tmp_path / "s",
        "mqtt.port": 9,
        "homeassistant.enabled": "false",
        "page.door": "loopback",
    }


def entries(storage: Path) -> list[dict[str, Any]]:
    """Return the entries of a running node's inbox."""
    if not running(storage):
        return []
    return [entry for group in call(storage, "inbox_list")["groups"] for entry in group["entries"]]


def test_without_days_no_file_changes_while_faces_pass(
    settings: dict[str, object], tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """As the kernel sees it: nothing but the events for the broker and the visits; the inbox fills nevertheless."""
    storage = tmp_path / "s"
    with running_facenode(settings) as process:
        assert eventually(lambda: len(entries(storage)) >= 1, 2 * TIMEOUT_S)
        with watched(storage) as watch:
            before = len(entries(storage))
            assert eventually(lambda: len(entries(storage)) >= before + 4, 2 * TIMEOUT_S)
            changed = watch.changed()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    print_line(f"4 visits with review.keep_days = 0 changed: {', '.join(sorted(changed))}")
    assert changed <= OUTBOX
    assert not (storage / "review").exists()


def test_with_days_privacy_mode_and_then_remove_leave_nothing(
    settings: dict[str, object], tmp_path: Path, media_dir: Path
) -> None:
    """No file, row or byte holds the id, the name, the embedding, or what was computed from it.

    The inbox was on the disk, and an undo, too.
    """
    storage, kept = tmp_path / "s", settings | {"review.keep_days": 1}
    added = facenode("people", "add", "lovelace", "--name", "Ada Byron", media_dir / "astronaut.jpg", settings=kept)
    assert added.code == 0, added.err
    embedding = json.loads((storage / "people" / "lovelace" / "person.json").read_text())["anchors"][0]["embedding"]
    with running_facenode(kept) as process:
        assert eventually(lambda: {e["person"] for e in entries(storage)} >= {"lovelace", None}, 2 * TIMEOUT_S)
        digest = json.loads((storage / "people" / "lovelace" / normalisation.FILE).read_text())["anchors"]
        assert facenode("people", "rename", "lovelace", "Ada Byron-King", settings=kept).code == 0
        assert eventually(lambda: any(b"lovelace" in each for each in contents(storage / "review")), TIMEOUT_S)
        assert b"Ada Byron" in (storage / "undo.jsonl").read_bytes()
        event = next(e["events"] for e in entries(storage) if e["person"] == "lovelace")[0]
        call(storage, "privacy", state="on")
        with pytest.raises(PeopleError, match=f"the face of event {event} is not remembered"):
            call(storage, "people_reject", id="lovelace", event=event)
        assert eventually(lambda: not (storage / "review").exists(), TIMEOUT_S)
        assert eventually(lambda: not (storage / "undo.jsonl").exists(), TIMEOUT_S)
        assert entries(storage) == []
        call(storage, "privacy", state="off")
        assert eventually(lambda: {e["person"] for e in entries(storage)} >= {"lovelace", None}, 2 * TIMEOUT_S)
        assert facenode("people", "rename", "lovelace", "Countess", settings=kept).code == 0
        assert facenode("people", "remove", "lovelace", settings=kept).code == 0
        call(storage, "privacy", state="on")  # so that nobody is seen any more
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    left = file_contents(storage)
    for trace in ("lovelace", "Ada Byron", "Countess", embedding, digest):
        assert [str(path) for path, content in left.items() if trace.encode() in content] == []
        assert [str(path) for path in storage.rglob("*") if trace in path.name] == []
    assert "review" not in {path.name for path in storage.iterdir()}


def contents(folder: Path) -> list[bytes]:
    """Return the contents of the files in a folder."""
    return list(file_contents(folder).values()) if folder.exists() else []


@pytest.mark.parametrize("merged", [False, True], ids=["alone", "merged into another"])
def test_without_a_node_remove_leaves_nothing_in_the_inbox_or_to_be_undone(
    tmp_path: Path, media_dir: Path, *, merged: bool
) -> None:
    """Also of somebody who was merged into another, whichever of the two is erased."""
    settings: dict[str, object] = {"storage.dir": tmp_path / "s", "homeassistant.enabled": "false"}
    for person, photo in (("lovelace", "astronaut.jpg"), ("hopper", "grace_hopper.jpg")):
        added = facenode("people", "add", person, media_dir / photo, settings=settings)
        assert added.code == 0, added.err
    folder = tmp_path / "s" / "people" / "lovelace"
    record = json.loads((folder / "person.json").read_text())
    digest = json.loads((folder / normalisation.FILE).read_text())["anchors"]
    if merged:
        assert facenode("people", "merge", "lovelace", "hopper", settings=settings).code == 0
        assert digest not in (tmp_path / "s" / "undo.jsonl").read_text()
    assert b"lovelace" in (tmp_path / "s" / "undo.jsonl").read_bytes()
    dry = facenode("people", "remove", "lovelace", "--dry-run", settings=settings).out
    assert f"would erase {tmp_path}/s/undo.jsonl: actions that can be undone\n" in dry
    erased = "hopper" if merged else "lovelace"
    assert facenode("people", "remove", erased, settings=settings).code == 0
    for trace in ("lovelace", record["anchors"][0]["embedding"], record["anchors"][0]["crop"], digest):
        assert [str(path) for path, content in file_contents(tmp_path / "s").items() if trace.encode() in content] == []
        assert [str(path) for path in (tmp_path / "s").rglob("*") if trace in path.name] == []
