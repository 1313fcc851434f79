"""`facenode inbox`: with a running node, and without one where the inbox is kept on disk; each decision is undone."""

import json
import signal
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from facenode_command import CommandResult, facenode
from mosquitto_broker import eventually
from passing_visitors import passing_visitors
from running_node import TIMEOUT_S, running_facenode

from node.people import normalisation
from node.requests.local_client import call, running

Settings = dict[str, object]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def settings(tmp_path: Path, media_dir: Path) -> Settings:
    """Return the settings of a node that two people pass, of whom it knows one, and that has no broker."""
    known, stranger = media_dir / "astronaut.jpg", media_dir / "grace_hopper.jpg"
    made = passing_visitors(tmp_path / "frames", [known, stranger]) | {
        "storage.dir": tmp_path / "s",
        "mqtt.port": 9,
        "homeassistant.enabled": "false",
        "page.door": "loopback",
    }
    assert facenode("people", "add", "eileen", known, settings=made).code == 0
    return made


def inbox(*arguments: str | Path, settings: Settings, code: int = 0) -> CommandResult:
    """Run a verb of `inbox`."""
    done = facenode("inbox", *arguments, settings=settings)
    assert done.code == code, done.err
    return done


def groups(settings: Settings) -> list[Any]:
    """Return the groups of the inbox; a running node is asked as the command asks it."""
    storage = Path(str(settings["storage.dir"]))
    if running(storage):
        return list(call(storage, "inbox_list")["groups"])
    return [json.loads(line) for line in inbox("list", "--json", settings=settings).out.splitlines()]


def both_passed_twice(settings: Settings) -> bool:
    """Return whether a node runs that has seen both people twice."""
    storage = Path(str(settings["storage.dir"]))
    return running(storage) and [len(group["entries"]) >= 2 for group in groups(settings)] == [True] * 2


def gallery(settings: Settings) -> dict[str, bytes]:
    """Return every file of the gallery that a running node does not compute from others, whenever it wants."""
    people = Path(str(settings["storage.dir"])) / "people"
    return {
        str(path.relative_to(people)): path.read_bytes()
        for path in people.rglob("*")
        if path.is_file() and not path.name.startswith(normalisation.FILE)
    }


@pytest.fixture
def process(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """Return a running node that both have passed twice."""
    with running_facenode(settings) as made:
        assert eventually(lambda: both_passed_twice(settings), 2 * TIMEOUT_S)
        yield made


def stop(process: "subprocess.Popen[str]") -> None:
    """End a node."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 0


DECISIONS = {
    ("new", "Grace Hopper", "--alike"): "enrolled as grace-hopper",
    ("drop",): "dropped",
    ("eileen",): "added to eileen",
    ("new", "Grace", "--id", "g1"): "enrolled as g1",
    ("ignore",): "enrolled as ignored, who is ignored",
}


def decide_and_undo(settings: Settings, most: int = len(DECISIONS)) -> None:
    """Decide about a stranger in several ways, and undo each decision."""
    before = gallery(settings)
    for decision, words in islice(DECISIONS.items(), most):
        strangers = next(group for group in groups(settings) if group["entries"][-1]["person"] is None)
        entry = strangers["entries"][-1]["entry"]
        assert inbox("assign", entry, *decision, settings=settings).out == f"{entry}: {words}\n"
        assert (gallery(settings) != before) == (decision != ("drop",))
        assert entry not in json.dumps(groups(settings))
        undone = facenode("people", "undo", "last", settings=settings)
        assert undone.code == 0, undone.err
        assert gallery(settings) == before
        assert entry in json.dumps(groups(settings))


def test_a_running_node_lists_and_shows_its_inbox_and_each_decision_is_undone(
    settings: Settings, process: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    """The most useful first; each entry says why; the picture shows the person with hair and shoulders."""
    strangers, known = groups(settings)
    assert (strangers["use"], known["use"]) == ("stranger_again", "other")
    entry = known["entries"][-1]
    assert (entry["person"], entry["nearest"], entry["score"] > 0.8, entry["margin"] > 0) == (
        "eileen", "eileen", True, True,
    )  # fmt: skip
    assert entry["events"]
    shown = inbox(settings=settings).out
    assert shown.startswith("Strangers seen several times:\n")
    assert "nearest eileen" in shown
    assert inbox("show", entry["entry"], tmp_path / "face.jpg", settings=settings).out.startswith(
        f"{tmp_path}/face.jpg"
    )
    picture = cv2.imread(str(tmp_path / "face.jpg"))
    assert picture is not None
    assert 120 <= max(picture.shape) <= 160
    assert (tmp_path / "face.jpg").stat().st_size < 16 << 10
    decide_and_undo(settings)
    inbox("assign", entry["entry"], "drop", settings=settings)
    again = inbox("assign", entry["entry"], "drop", settings=settings, code=1).err
    assert (
        again
        == f"facenode: {entry['entry']}: there is no such entry in the inbox any more: `facenode inbox` lists them\n"
    )
    assert process.poll() is None
    assert not (tmp_path / "s" / "review").exists()


def test_a_wrong_name_of_the_inbox_is_rejected(settings: Settings, process: "subprocess.Popen[str]") -> None:
    """The person keeps the face as one that is not theirs; a stranger has no name to reject."""
    strangers, known = groups(settings)
    out = inbox("assign", known["entries"][-1]["entry"], "reject", settings=settings, code=1).err
    assert "this is the only known face" in out
    out = inbox("assign", strangers["entries"][-1]["entry"], "reject", settings=settings, code=1).err
    assert "no name to reject" in out
    assert process.poll() is None


def test_a_stopped_node_has_an_inbox_if_it_is_kept_on_disk(settings: Settings, tmp_path: Path) -> None:
    """The same list and decisions; without `review.keep_days` one sentence says what to do."""
    kept = settings | {"review.keep_days": 1}
    with running_facenode(kept) as made:
        assert eventually(lambda: both_passed_twice(kept), 2 * TIMEOUT_S)
        stop(made)
    assert [group["use"] for group in groups(kept)] == ["stranger_again", "other"]
    entry = groups(kept)[0]["entries"][0]["entry"]
    inbox("show", entry, tmp_path / "face.jpg", settings=kept)
    assert np.ptp(cv2.imread(str(tmp_path / "face.jpg"))) > 0
    decide_and_undo(kept, 2)
    inbox("clear", settings=kept)
    assert inbox(settings=kept).out == "the inbox is empty: nobody was seen, or everything is decided\n"
    assert not (tmp_path / "s" / "review").exists()
    assert "start it, or set review.keep_days" in inbox(settings=settings, code=1).err
    inbox("clear", settings=settings)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("assign", "0123abcd"), 2, "WHO"),
        (("assign", "0123abcd", "new"), 2, "give the name of the new person"),
        (("assign", "0123abcd", "drop", "Ada"), 2, "a name and --id are for a new person"),
        (("assign", "nonsense", "drop"), 1, "must be the ids of 1 to 100 entries of the inbox"),
        (("assign", "0123abcd", "ada"), 1, "there is no such entry in the inbox any more"),
        (("show", "0123abcd"), 2, "FILE"),
        (("fly",), 2, "invalid choice"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Nothing is written."""
    done = inbox(*arguments, settings={"storage.dir": tmp_path / "s", "review.keep_days": 1}, code=code)
    assert words in done.err
    assert "Traceback" not in done.err
