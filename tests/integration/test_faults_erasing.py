"""Random kills of a removal, seeded: whatever is killed, the next start of the node erases the rest and sends nothing.

FACENODE_ERASING_KILLS sets the number of kills (default 4; a release runs 160). Every other one kills a running node.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode_command import environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import load_settings

from node.clock import SystemClock
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import Alert, AlertState, Box, Event, EventType, Match
from node.homeassistant.entity_keys import EntityKeys
from node.outbox.outbox import Outbox
from node.people.gallery import Gallery, Sample
from node.people.person import Person
from node.requests.local_client import running
from node.system import bundled
from node.vision.sidecar import load_sidecar

pytestmark = pytest.mark.broker

KILLS = int(os.environ.get("FACENODE_ERASING_KILLS", "4"))
ID, BOBS = "xqz-17", 3
LONGEST_DELAY_S = 0.02
TIMEOUT_S = 60.0
HEAD = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding
TOPICS = Topics("hall")


def sample(seed: int) -> Sample:
    """Return a face with a crop that differs from any other."""
    random = np.random.default_rng(seed)
    embedding = random.normal(size=HEAD.length).astype(np.float32)
    return Sample(embedding / np.linalg.norm(embedding), "photo.jpg", random.integers(0, 256, (112, 112, 3), np.uint8))


def about(person: str) -> Event:
    """Return an event about a person."""
    return Event(EventType.RECOGNIZED, SystemClock().now(), 1, Box(0.1, 0.1, 0.2, 0.2), Match(person, 0.9))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a storage folder that holds everything of a person that a node can keep, and messages about Bob."""
    folder = tmp_path_factory.mktemp("template")
    gallery = Gallery(folder / "people")
    gallery.add(ID, "Ada Byron", HEAD.space, [sample(1)])
    (folder / "people" / ID / "person.json").write_bytes(b"{")
    gallery.load()
    gallery.add(ID, "Ada Byron", HEAD.space, [sample(1), sample(2)])
    gallery.reject(ID, HEAD.space, sample(3))
    gallery.add("bob", None, HEAD.space, [sample(4)])
    EntityKeys(folder).update([Person(ID, "Ada Byron", ()), Person("bob", "bob", ())])
    at = SystemClock().now()
    with closing(Outbox(folder, TOPICS, SystemClock())) as outbox:
        alert = Alert("door", AlertState.RAISED, at, person=ID)
        outbox.put(payloads.encode([about(ID)] * 30 + [about("bob")] * BOBS, [alert], TOPICS, "0" * 8))
        for row in outbox.take(3):
            outbox.reject(row.id, 0x87, "not allowed")
    for end in ("", "-wal"):
        (folder / f"outbox.db.damaged-20260101T000000{end}").write_bytes(b"\0" * 9000 + f'"{ID}"'.encode())
    return folder


@pytest.fixture
def settings(mosquitto: Callable[..., Mosquitto], template: Path, tmp_path: Path) -> dict[str, object]:
    """Return the settings of a node with a broker, a copy of the template, and one picture of nobody.

    The node ends when its outbox is empty.
    """
    storage, broker = tmp_path / "s", mosquitto()
    shutil.copytree(template, storage)
    pictures(tmp_path / "short", 1)
    return {
        "node.id": "hall",
        "camera.source": f"images:{tmp_path / 'short'}",
        "mqtt.host": broker.host,
        "mqtt.port": broker.port,
        "storage.dir": storage,
    }


def pictures(folder: Path, count: int) -> None:
    """Make a folder with pictures of nobody."""
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:04}.png"), np.zeros((120, 160, 3), np.uint8))


def killed(operation: int, delay_s: float, *arguments: str, settings: Mapping[str, object]) -> "subprocess.Popen[str]":
    """Start a command that is killed at an operation on its files."""
    program = Path(__file__).with_name("killed_command.py")
    return subprocess.Popen(
        [sys.executable, str(program), str(operation), str(delay_s), *arguments],
        env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def operations(template: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many operations on files a removal has."""
    storage = tmp_path_factory.mktemp("whole") / "s"
    shutil.copytree(template, storage)
    settings = {"storage.dir": storage, "homeassistant.enabled": "false"}
    out, err = killed(0, 0, "people", "remove", ID, settings=settings).communicate(timeout=TIMEOUT_S)
    assert traces(storage) == [], err
    return int(re.findall(r"operations: (\d+)", out)[0])


def traces(storage: Path) -> list[str]:
    """Return the files and folders whose name or content names the person, or that hold a crop of theirs."""
    crops = {sample(seed).crop.tobytes() for seed in (1, 2, 3)}  # type: ignore[union-attr]
    found = []
    for path in storage.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        picture = cv2.imread(str(path)) if path.suffix == ".png" else None
        shown = picture is not None and cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes() in crops
        if ID in str(path.relative_to(storage)) or ID.encode() in content or b"Ada Byron" in content or shown:
            found.append(str(path))
    return found


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_removal_that_is_killed_is_finished_before_anything_is_sent(
    seed: int, settings: dict[str, object], tmp_path: Path, operations: int, print_line: Callable[[str], None]
) -> None:
    """No byte of the person is left, nothing about them is ever sent or announced, and Bob's events arrive."""
    chance = random.Random(seed)
    storage = tmp_path / "s"
    operation, delay_s = chance.randint(1, operations), chance.choice((0.0, chance.uniform(0, LONGEST_DELAY_S)))
    unreachable = settings | {"mqtt.port": 9}
    if seed % 2:
        pictures(tmp_path / "long", 600)
        code = kill_node(operation, delay_s, unreachable | {"camera.source": f"images:{tmp_path / 'long'}"})
    else:
        command = killed(operation, delay_s, "people", "remove", ID, settings=unreachable)
        command.communicate(timeout=TIMEOUT_S)
        code = command.returncode
    left = len(traces(storage))
    print_line(f"seed {seed}: operation {operation} of {operations} + {delay_s * 1e3:.0f} ms: {code}, {left} traces")
    with closing(Subscriber(load_settings(settings).mqtt)) as subscriber:
        result = facenode("run", settings=settings, timeout_s=TIMEOUT_S)
        assert result.code == 0, result.err
        assert eventually(lambda: sum("/event/" in message.topic for message in subscriber.messages) == BOBS)
        sent = [(message.topic, bytes(message.payload)) for message in subscriber.messages]
    assert not [each for each in sent if ID in each[0] or ID.encode() in each[1] or b"Ada Byron" in each[1]]
    assert traces(storage) == []
    assert ID not in result.err
    (person,) = map(json.loads, facenode("people", "list", "--json", settings=settings).out.splitlines())
    assert person["id"] == "bob"


def kill_node(operation: int, delay_s: float, settings: Mapping[str, object]) -> int:
    """Kill a node while it erases a person for `facenode people remove`; return its exit code."""
    node = killed(operation, delay_s, "run", settings=settings)
    try:
        assert eventually(lambda: running(Path(str(settings["storage.dir"]))), TIMEOUT_S)
        facenode("people", "remove", ID, settings=settings)
    finally:
        node.kill()
        node.communicate()
    return node.returncode


def test_a_dry_run_lists_everything_and_erases_nothing(settings: dict[str, object], tmp_path: Path) -> None:
    """What was set aside and what the broker refused, too; after an interruption it says so."""
    storage = tmp_path / "s"
    before = sorted(traces(storage))
    lines = facenode("people", "remove", ID, "--dry-run", settings=settings).out.splitlines()
    assert lines[0] == f"would erase {storage / 'people' / ID}: 2 faces, 1 rejected, 3 crops"
    assert re.fullmatch(rf"would erase .*/{ID}\.damaged-\w+: a damaged entry", lines[1])
    assert lines[2:] == [
        "would erase 28 messages waiting for the broker",
        "would erase 3 messages that the broker refused",
        f"would erase {storage / 'outbox.db.damaged-20260101T000000'}: a damaged file of messages",
        f"would erase {storage / 'outbox.db.damaged-20260101T000000-wal'}: a damaged file of messages",
        "would erase name and id in Home Assistant's discovery at the broker",
    ]
    assert sorted(traces(storage)) == before
    (storage / "people" / f"{ID}.erasing").touch()
    out = facenode("people", "remove", ID, "--dry-run", settings=settings).out
    assert f"{storage / 'people' / ID}: left by a removal that was interrupted" in out
