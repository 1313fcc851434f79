"""Corrections of people on a running node and on a stopped one, each undone; and what a node says about them."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from facenode_command import CommandResult, environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode

from node.errors import PeopleError
from node.people import normalisation
from node.people.gallery import Gallery, Sample
from node.requests.local_client import call, running
from node.system import bundled
from node.vision.sidecar import load_sidecar

pytestmark = pytest.mark.timeout(900)

HEAD = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding
Settings = dict[str, object]


def sample(seed: int) -> Sample:
    """Return a face with a crop that differs from any other."""
    random = np.random.default_rng(seed)
    embedding = random.normal(size=HEAD.length).astype(np.float32)
    crop = random.integers(0, 256, (112, 112, 3), np.uint8)
    return Sample(embedding / np.linalg.norm(embedding), f"{seed}.jpg", crop)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a node that knows three people, sees nobody, and has no broker; and a file to import."""
    gallery = Gallery(tmp_path / "s" / "people")
    for number, person in enumerate(("ada", "ada2", "grace")):
        gallery.add(person, person.title(), HEAD.space, [sample(3 * number), sample(3 * number + 1)])
    gallery.reject("ada", HEAD.space, sample(20))
    other: Settings = {"storage.dir": tmp_path / "other"}
    elsewhere = Gallery(tmp_path / "other" / "people")
    elsewhere.add("ada", "Ada elsewhere", HEAD.space, [sample(0), sample(30)])
    elsewhere.add("eve", "Eve", HEAD.space, [sample(31)], ignored=True)
    assert facenode("people", "export", tmp_path / "family.people", settings=other).code == 0
    (tmp_path / "frames").mkdir()
    black = tmp_path / "black.png"
    cv2.imwrite(str(black), np.zeros((1944, 2592, 3), np.uint8))  # reading it takes a while, so that the frames last
    for number in range(8000):
        (tmp_path / "frames" / f"{number:05}.png").symlink_to(black)
    return {
        "storage.dir": tmp_path / "s",
        "homeassistant.enabled": "false",
        "mqtt.port": 9,
        "camera.source": f"images:{tmp_path / 'frames'}",
        "camera.fps": 5,
    }


def gallery_files(storage: Path) -> dict[str, bytes]:
    """Return every file of the gallery that a running node does not compute from others, whenever it wants."""
    people = storage / "people"
    return {
        str(path.relative_to(people)): path.read_bytes()
        for path in people.rglob("*")
        if path.is_file() and not path.name.startswith(normalisation.FILE)
    }


def computed_files(storage: Path) -> dict[str, bytes]:
    """Return what is computed for each person."""
    return {path.parent.name: path.read_bytes() for path in storage.glob(f"people/*/{normalisation.FILE}")}


def people(*arguments: str | Path, settings: Settings, code: int = 0) -> CommandResult:
    """Run a verb of `people`."""
    done = facenode("people", *arguments, settings=settings)
    assert done.code == code, done.err
    return done


def corrections(storage: Path, file: Path) -> Iterator[Sequence[str | Path]]:
    """Yield the arguments of each correction."""
    record = json.loads((storage / "people" / "ada" / "person.json").read_text())
    photo = Path(record["anchors"][0]["crop"]).stem
    yield ("rename", "ada", "Ada L.")
    yield ("merge", "ada2", "ada")
    yield ("photos", "ada", "--remove", photo[:8])
    yield ("photos", "--move", photo, "grace", "ada")
    yield ("ignore", "ada")
    yield ("import", file)
    yield ("import", "--replace", file)


@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_each_correction_is_done_and_undone_on_a_node(
    settings: Settings, tmp_path: Path, print_line: Callable[[str], None], *, runs: bool
) -> None:
    """The gallery differs, the node knows the people that are there, and after the undo every byte is as before.

    What a running node computes for each person is that of before, too, once it has taken the undo over.
    """
    storage = tmp_path / "s"
    with ExitStack() as stack:
        if runs:
            stack.enter_context(running_facenode(settings))
            assert eventually(lambda: running(storage), 2 * TIMEOUT_S)
        before, numbers = gallery_files(storage), computed_files(storage)
        assert set(numbers) == ({"ada", "ada2", "grace"} if runs else set())
        for arguments in corrections(storage, tmp_path / "family.people"):
            people(*arguments, settings=settings)
            after = gallery_files(storage)
            assert after != before
            if runs:
                assert known(storage) == {path.split("/")[0] for path in after}
            undone = people("undo", "last", settings=settings).out
            assert undone.startswith("undone: ")
            assert gallery_files(storage) == before
            if runs:
                assert known(storage) == {"ada", "ada2", "grace"}
                assert eventually(lambda: computed_files(storage) == numbers, TIMEOUT_S)
            print_line(f"{'running' if runs else 'stopped'}: people {' '.join(map(str, arguments[:2]))}: undone")
        people("ignore", "ada", settings=settings)
        people("ignore", "ada", "--off", settings=settings)
        assert gallery_files(storage)["ada/person.json"] == before["ada/person.json"]
        assert running(storage) == runs


def known(storage: Path) -> set[str]:
    """Return the ids of everybody whom a running node lists."""
    return {person["id"] for person in call(storage, "people_list")}


def test_the_local_socket_corrects_people_as_the_commands_do(settings: Settings, tmp_path: Path) -> None:
    """Photos with their faces, merge, move, undo; a stale id is one sentence."""
    storage = tmp_path / "s"
    with running_facenode(settings):
        assert eventually(lambda: running(storage), 2 * TIMEOUT_S)
        before = gallery_files(storage)
        first, second, rejected = call(storage, "people_photos", id="ada")
        assert (first["rejected"], rejected["rejected"], second["source"]) == (False, True, "1.jpg")
        assert call(storage, "people_photo", id="ada", photo=first["photo"])["png"].startswith("iVBOR")
        assert call(storage, "people_photo_move", id="ada", photo=first["photo"], to="grace") == [
            {"id": "ada", "faces": 1}, {"id": "grace", "faces": 3},
        ]  # fmt: skip
        assert call(storage, "people_merge", id="ada2", into="ada") == {"id": "ada", "faces": 3}
        assert call(storage, "people_rename", id="ada", name="Ada L.") == {"id": "ada", "name": "Ada L."}
        listed = call(storage, "people_undo_list")
        assert [each["what"].split()[0] for each in listed] == ["renamed", "merged", "moved"]
        assert [each["obstacle"] is None for each in listed] == [True, False, False]
        for each in listed:
            call(storage, "people_undo", action=each["action"])
        assert gallery_files(storage) == before
        for verb, fields, sentence in (
            ("people_undo", {"action": listed[0]["action"]}, "there is no such action to undo"),
            ("people_merge", {"id": "ada", "into": "ada"}, "name two different people"),
            ("people_merge", {"id": "eve", "into": "ada"}, "nobody is enrolled"),
            ("people_photo_remove", {"id": "ada", "photo": "0" * 16}, "has no such photo"),
            ("people_photos", {"id": "eve"}, "nobody is enrolled"),
        ):
            with pytest.raises(PeopleError, match=sentence):
                call(storage, verb, **fields)


def test_two_sides_that_correct_at_once_both_succeed_or_say_why(settings: Settings, tmp_path: Path) -> None:
    """A command and the node take turns; each ends with 0, or with one sentence and nothing half done."""
    storage = tmp_path / "s"
    with running_facenode(settings):
        assert eventually(lambda: running(storage), 2 * TIMEOUT_S)
        for number in range(3):
            command = subprocess.Popen(
                [sys.executable, "-m", "node.cli", "people", "merge", "ada2", "ada"],
                env=environment(settings), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            renamed, refused = 0, list[str]()
            while command.poll() is None:
                try:
                    call(storage, "people_rename", id="ada2", name=f"Ada {number} {renamed}")
                    renamed += 1
                except PeopleError as error:
                    refused.append(str(error))
            assert renamed
            assert all("nobody is enrolled under this id" in each or "try again" in each for each in refused)
            assert command.returncode == 0, command.communicate()[1]
            command.communicate()
            assert sorted(known(storage)) == ["ada", "grace"]
            merged = next(each for each in call(storage, "people_undo_list") if each["what"].startswith("merged"))
            call(storage, "people_undo", action=merged["action"])
            assert sorted(known(storage)) == ["ada", "ada2", "grace"]


def test_a_second_node_knows_exactly_the_people_of_the_first(settings: Settings, tmp_path: Path) -> None:
    """Two commands; the file that the second one exports is that of the first, byte for byte."""
    second: Settings = {"storage.dir": tmp_path / "second"}
    people("import", tmp_path / "family.people", settings=second)
    people("export", tmp_path / "first.people", settings=settings)
    out = people("import", "--replace", tmp_path / "first.people", settings=second).out
    assert "eve: no longer known" in out
    assert out.endswith(f"{tmp_path}/first.people: 3 people, 2 new, 1 changed, 1 no longer known\n")
    people("export", tmp_path / "again.people", settings=second)
    assert (tmp_path / "again.people").read_bytes() == (tmp_path / "first.people").read_bytes()
    assert people("import", "--replace", tmp_path / "first.people", settings=second).out == (
        f"{tmp_path}/first.people: 3 people, 0 new, 0 changed, 0 no longer known\n"
    )


def test_events_that_wait_keep_the_id_of_whoever_is_merged_until_that_is_erased(
    portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """A merge is no erasure: what happened was about the old id. Erasing the old id erases them."""
    settings: Settings = {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
        "mqtt.port": 9,
        "homeassistant.enabled": "false",
        "storage.dir": tmp_path / "s",
    }
    people("add", "ada", media_dir / "grace_hopper.jpg", settings=settings)
    people("add", "lovelace", media_dir / "astronaut.jpg", settings=settings)

    def waiting(person: str) -> bool:
        return any(f'"{person}"'.encode() in path.read_bytes() for path in (tmp_path / "s").glob("outbox.db*"))

    with running_facenode(settings):
        assert eventually(lambda: waiting("lovelace"), 2 * TIMEOUT_S)
        people("merge", "lovelace", "ada", settings=settings)
        assert eventually(lambda: waiting("ada"), TIMEOUT_S)  # the gallery is taken over: they were seen as Ada
        assert waiting("lovelace")
        people("remove", "lovelace", settings=settings)
        assert eventually(lambda: not waiting("lovelace"), TIMEOUT_S)
        assert known(tmp_path / "s") == {"ada"}


@pytest.mark.broker
def test_whoever_is_merged_while_in_view_goes_on_under_the_other_id(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """One `changed` event; `state` and discovery name the other only; an event that still waits keeps its id."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    people("add", "ada", media_dir / "grace_hopper.jpg", settings=settings)
    people("add", "ada2", media_dir / "astronaut.jpg", settings=settings)
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings) as process:
        client = NodeClient(subscriber)
        assert eventually(lambda: present(client) == ["ada2"], 2 * TIMEOUT_S)
        people("merge", "ada2", "ada", settings=settings)
        assert eventually(lambda: present(client) == ["ada"] and len(client.events()) == 2, TIMEOUT_S)
        first, changed = client.events()
        assert (first["person"]["id"], changed["event_type"], changed["was"]) == ("ada2", "changed", "ada2")
        assert eventually(lambda: set(client.latest("state")["people"]) == {"ada"}, TIMEOUT_S)
        answer = client.request("people_rename", id="ada", name="Ada L.")
        assert answer["data"] == {"id": "ada", "name": "Ada L."}
        assert client.request("people_rename", id="eve", name="Eve")["error"].startswith("eve: nobody is enrolled")
        assert client.request("people_merge", id="ada", into="eve")["error"].startswith("no such request")
        rejected = client.request("people_reject", id="ada", event=changed["id"])
        assert rejected["status"] == "ok", rejected
        assert eventually(lambda: client.event_types()[-1] == "changed" and len(client.events()) == 3, TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


def present(client: NodeClient) -> list[str]:
    """Return who is in view."""
    return [each["id"] for each in client.latest("state").get("present", [])]


@pytest.mark.broker
def test_enrolling_by_mqtt_refuses_a_face_that_is_somebody_elses(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """From an event or from the view; the sentence names whose it is, and nobody is enrolled."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    people("add", "eileen", media_dir / "astronaut.jpg", settings=settings)
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings):
        client = NodeClient(subscriber)
        assert eventually(lambda: present(client) == ["eileen"] and client.events() != [], 2 * TIMEOUT_S)
        event: Any = client.events()[0]["id"]
        for fields in ({"event": event}, {"event": event, "force": True}, {"for_s": 1}):
            answer = client.request("people_enroll", id="grace", **fields)
            assert "the face is eileen's" in answer["error"]
        assert [each["id"] for each in client.request("people_list")["data"]] == ["eileen"]
        people("add", "grace", "--event", event, "--force", settings=settings)
        assert known(tmp_path / "s") == {"eileen", "grace"}
    shutil.rmtree(tmp_path / "s")
