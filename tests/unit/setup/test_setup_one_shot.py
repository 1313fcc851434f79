"""The code of the page's first run, and what root takes from the page."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from node.errors import SetupError
from node.setup.code import LASTS_S, MOST_ATTEMPTS, Attempt, CodeState, new_code
from node.setup.one_shot import ANSWERS, CODE, INBOX, MAX_BYTES, take_answers, write_result
from node.system.files import write_privately

TYPED, OWN = "abcd-efgh-jkmn", "browser-1"
GOOD: dict[str, Any] = {
    "camera": {"source": "webcam:0"},
    "broker": {"host": "homeassistant.local", "username": "facenode", "password": "s3cret"},
    "node": {"id": "hall", "name": "Hall", "timezone": "Europe/Berlin"},
}


def changed(*keys: str, value: object) -> dict[str, Any]:
    """Return good answers with one of them changed or added."""
    answers = json.loads(json.dumps(GOOD))
    place = answers
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    return {"code": TYPED, "browser": OWN, "answers": answers}


class Folder:
    """The folder of a first run, as root makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / INBOX).mkdir()
        write_privately(path / CODE, json.dumps(CodeState.of(TYPED, 1000.0).fields()).encode())

    def put(self, content: object) -> None:
        """Hand something over, as the page does."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (self.path / INBOX / ANSWERS).write_bytes(data)

    @property
    def state(self) -> dict[str, Any]:
        """What is kept of the code."""
        kept: dict[str, Any] = json.loads((self.path / CODE).read_bytes())
        return kept

    def names(self) -> list[str]:
        """Return every file and folder."""
        return sorted(str(each.relative_to(self.path)) for each in self.path.rglob("*"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return the folder of a first run that has just begun."""
    return Folder(tmp_path)


def test_good_answers_are_taken_once(folder: Folder) -> None:
    """Their file is gone afterwards, and the browser is bound."""
    folder.put(changed("node", "area", value="Hall"))
    answers = take_answers(folder.path, 1001.0)
    assert (answers.node.area, answers.broker.password) == ("Hall", "s3cret")
    assert folder.names() == [CODE, INBOX]
    assert folder.state["browser"] == OWN
    with pytest.raises(SetupError, match="No such file"):
        take_answers(folder.path, 1002.0)


LONG = "x" * 70_000
FORGED: list[tuple[object, str]] = [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[" * 50_000, "not JSON"),
    (b'{"code": NaN}', "not JSON"),
    (b'{"code":"a","code":"b","browser":"c","answers":{}}', "not JSON"),
    ([], "other fields"),
    ({"code": TYPED, "browser": OWN}, "other fields"),
    ({**changed("node", "id", value="a"), "unit": "ssh.service"}, "other fields"),
    ({"code": 5, "browser": OWN, "answers": GOOD}, "make no sense"),
    ({"code": TYPED, "browser": OWN, "answers": "camera"}, "make no sense"),
    ({"code": "y" * 200, "browser": OWN, "answers": GOOD}, "make no sense"),
    ({"code": "wrong", "browser": OWN, "answers": GOOD}, "the code is wrong"),
    ({"code": TYPED, "browser": OWN, "answers": {}}, "camera is missing"),
    (changed("storage", "dir", value="/etc"), "storage: there is no such answer"),
    (changed("broker", "password_file", value="/etc/shadow"), "no such answer"),
    (changed("broker", "ca_file", value="/etc/shadow"), "no such answer"),
    (changed("mqtt", value={}), "mqtt: there is no such answer"),
    (changed("camera", "source", value="video:/etc/passwd"), "cameras of this machine alone"),
    (changed("camera", "source", value="images:/root"), "cameras of this machine alone"),
    (changed("camera", "source", value="webcam:/dev/../etc/shadow"), "cameras of this machine alone"),
    (changed("camera", "source", value="webcam:/dev/sda"), "cameras of this machine alone"),
    (changed("camera", "source", value="video:http://10.0.0.1/"), "cameras of this machine alone"),
    (changed("camera", "source", value='webcam:0"\n[storage]\ndir = "/"'), "camera.source"),
    (changed("camera", "rotate", value=45), "camera.rotate"),
    (changed("broker", "host", value="a, b"), "name one host"),
    (changed("broker", "host", value="h\n[storage]"), "broker.host"),
    (changed("broker", "host", value="mqtt://u:p@h"), "broker.host"),
    (changed("broker", "port", value=10**30), "broker.port"),
    (changed("broker", "port", value=True), "broker.port"),
    (changed("broker", "password", value="a\nb"), "broker.password"),
    (changed("broker", "username", value="u" * 300), "broker.username"),
    (changed("broker", "ca", value="-----BEGIN CERTIFICATE-----" + LONG), "broker.ca"),
    (changed("broker", "ca", value="root:x:0:0"), "broker.ca"),
    (changed("node", "id", value="../../etc"), "node.id"),
    (changed("node", "id", value="a/#"), "node.id"),
    (changed("node", "name", value='x"\n[alerts]'), "node.name"),
    (changed("node", "timezone", value="../../../etc/shadow"), "node.timezone"),
    (changed("person", "name", value="\x1b[2J"), "person.name"),
    (b" " * (MAX_BYTES + 1), "more than"),
]


@pytest.mark.parametrize(("handed", "sentence"), FORGED)
def test_a_forged_file_is_refused_and_nothing_is_written(folder: Folder, handed: object, sentence: str) -> None:
    """One sentence; its file is gone, and only a wrong code is counted."""
    folder.put(handed)
    with pytest.raises(SetupError, match=sentence) as caught:
        take_answers(folder.path, 1001.0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert "s3cret" not in str(caught.value)
    assert folder.names() == [CODE, INBOX]
    assert folder.state["attempts"] == (1 if sentence == "the code is wrong" else 0)


def test_what_is_no_plain_file_is_refused(folder: Folder, tmp_path: Path) -> None:
    """A link to what only root may read, and a pipe that would keep root waiting."""
    (tmp_path / "secret").write_text(json.dumps(changed("node", "id", value="a")), encoding="utf-8")
    (folder.path / INBOX / ANSWERS).symlink_to(tmp_path / "secret")
    with pytest.raises(SetupError, match="it is a link"):
        take_answers(folder.path, 1001.0)
    assert (tmp_path / "secret").exists()
    os.mkfifo(folder.path / INBOX / ANSWERS)
    with pytest.raises(SetupError, match="it is a FIFO"):
        take_answers(folder.path, 1001.0)


def test_a_second_browser_is_refused_with_the_right_code(folder: Folder) -> None:
    """Whoever reads the code over a shoulder comes too late."""
    folder.put(changed("node", "id", value="a"))
    take_answers(folder.path, 1001.0)
    folder.put({**changed("node", "id", value="b"), "browser": "browser-2"})
    with pytest.raises(SetupError, match="another browser has begun"):
        take_answers(folder.path, 1002.0)


def test_an_old_code_is_refused(folder: Folder) -> None:
    """By the monotonic clock: the wall clock of a Pi may jump."""
    for now_s in (1000.0 + LASTS_S, 999.0):
        folder.put(changed("node", "id", value="a"))
        with pytest.raises(SetupError, match="older than 30 minutes"):
            take_answers(folder.path, now_s)


def test_after_five_wrong_codes_the_right_one_is_refused(folder: Folder) -> None:
    """In all, whoever makes them, and over restarts: root keeps the count."""
    for number in range(MOST_ATTEMPTS):
        folder.put({**changed("node", "id", value="a"), "code": f"wrong-{number}", "browser": f"b{number}"})
        with pytest.raises(SetupError, match="the code is wrong"):
            take_answers(folder.path, 1001.0)
    folder.put(changed("node", "id", value="a"))
    with pytest.raises(SetupError, match="five wrong codes"):
        take_answers(folder.path, 1001.0)


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b'{"salt":"zz","key":"","made_s":1}', b'{"salt":1}'])
def test_without_an_open_first_run_nothing_is_taken(folder: Folder, content: bytes | None) -> None:
    """The unit may be started by hand, or the file of the code be damaged."""
    (folder.path / CODE).unlink()
    if content is not None:
        (folder.path / CODE).write_bytes(content)
    folder.put(changed("node", "id", value="a"))
    with pytest.raises(SetupError, match="no first run is open"):
        take_answers(folder.path, 1001.0)


def test_a_code_is_random_and_kept_as_its_hash() -> None:
    """59 bits; typed with large letters and without hyphens it is the same."""
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    code = codes.pop()
    assert len(code.replace("-", "")) == 12
    state = CodeState.of(code, 0.0)
    assert code not in json.dumps(state.fields())
    assert state.attempt(code.upper().replace("-", " "), "b", 1.0)[1] is Attempt.ACCEPTED
    assert state.attempt("x" * 100_000, "b", 1.0)[1] is Attempt.WRONG
    assert CodeState.of(code, 0.0).id != state.id


@pytest.mark.parametrize(("sentence", "ok"), [(None, True), ("no", False)])
def test_the_page_gets_the_result(sentence: str | None, ok: bool) -> None:  # noqa: FBT001 - pytest's parameter
    """With a sentence where something is wrong."""
    put: list[bytes] = []
    write_result(put.append, sentence)
    assert json.loads(put[0]) == {"ok": ok, "sentence": sentence or ""}
