"""Text that others wrote reaches the terminal as text: no command passes on what a terminal would obey."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from node.cli import main
from node.people.gallery import Gallery, Sample
from node.requests.answer import Answer
from node.requests.local_socket import LocalSocket
from node.requests.request import Request
from node.system import bundled
from node.vision.sidecar import load_sidecar

HOSTILE = "x\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b\r\nroot"
NOT_UTF8 = os.fsdecode(b"caf\xe9")
NAME = "Ada \x1b[2J\u202e\x9b31m"
EVENT = "0193f0a0-0000-7000-8000-000000000000"
HEAD = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding


@pytest.fixture(params=[HOSTILE, NOT_UTF8], ids=["hostile", "not UTF-8"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with a bad name: photos with bad names, a network, and the storage with a person."""
    bad: str = request.param
    folder = tmp_path / bad
    photos = folder / "photos"
    photos.mkdir(parents=True)
    shutil.copy(bundled.path("media") / "astronaut.jpg", photos / f"{bad}.jpg")
    (photos / f"{bad}-damaged.jpg").write_bytes(b"\xff\xd8\xff cut short")
    embedding = np.eye(HEAD.length, dtype=np.float32)[0]
    Gallery(folder / "storage" / "people").add("ada", "Ada", HEAD.space, [Sample(embedding, "a.jpg", None)])
    record = folder / "storage" / "people" / "ada" / "person.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"name": NAME}))
    (folder / "storage" / "people" / f"ada.damaged-{bad}").write_bytes(b"")
    with zipfile.ZipFile(folder / "forged.people", "w") as archive:
        archive.writestr("\x1b[2J/person.json", b"{}")
    return folder


class Terminal:
    """Runs commands and keeps what they print.

    Args:
        capture: of pytest.
        home: the folder that they use.
    """

    def __init__(self, capture: pytest.CaptureFixture[str], home: Path) -> None:
        self._capture, self._home = capture, home

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """Return what a command prints to stdout, after a look at all that it prints."""
        given = (*arguments, "--set", f"storage.dir={self._home / 'storage'}")
        self._capture.readouterr()
        try:
            ended = main([str(each) for each in given])
        except SystemExit as usage:
            ended = int(usage.code or 0)
        printed = self._capture.readouterr()
        assert ended == code, printed.err
        assert printed.out + printed.err
        for line in (printed.out + printed.err).split("\n"):
            assert line.isprintable(), line
        printed.out.encode()
        return printed.out


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], home: Path) -> Terminal:
    """Return what runs commands."""
    return Terminal(capsys, home)


MISTAKES: dict[str, Callable[[Path], tuple[int, Sequence[str | Path]]]] = {
    "no settings file": lambda home: (78, ["check", "--settings", "--config", home / "none.toml"]),
    "no folder for --ready": lambda home: (2, ["watch", "--ready", home / "none" / "file"]),
    "no file for --before": lambda home: (2, ["gate", "--nodes", "pi", "--before", home / "none"]),
    "no node": lambda home: (2, ["forget", home.name]),
    "no option": lambda home: (2, ["recognize", f"--{home.name}"]),
    "no setting": lambda home: (78, ["check", "--set", f"camera.{home.name}=1"]),
    "no section": lambda home: (2, ["check", "--set", f"{home.name}=1"]),
    "a wrong value": lambda home: (78, ["check", "--set", f"mqtt.host={home.name} {home.name}"]),
    "no camera": lambda home: (78, ["check", "--set", f"camera.source=images:{home}"]),
    "no broker": lambda home: (1, ["fleet", "--nodes", home.name, "--set", "mqtt.port=9"]),
    "no picture": lambda home: (1, ["recognize", home / "none.jpg"]),
    "no file to import": lambda home: (1, ["people", "import", home / "none"]),
    "a forged file to import": lambda home: (1, ["people", "import", home / "forged.people"]),
    "no folder to export to": lambda home: (1, ["people", "export", home / "none" / "file"]),
    "no strangers": lambda home: (1, ["people", "test", "--strangers", home / "none"]),
    "no id": lambda home: (1, ["people", "add", home.name, home / "none.jpg"]),
    "no name": lambda home: (1, ["people", "add", "bob", "--name", home.name, home / "none.jpg"]),
    "no photo": lambda home: (1, ["people", "add", "bob", home / "none.jpg"]),
    "no node to ask": lambda home: (1, ["people", "reject", "ada", "--event", home.name]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_names_what_was_given_and_the_terminal_obeys_none_of_it(
    home: Path, terminal: Terminal, mistake: str
) -> None:
    """Whoever names a file decides nothing about the terminal of whoever types `*`."""
    code, arguments = MISTAKES[mistake](home)
    terminal.run(*arguments, code=code)


def test_pictures_are_recognized_whatever_their_names_are(home: Path, terminal: Terminal) -> None:
    """The line of each picture is one line, and a line of JSON is JSON in UTF-8."""
    assert "unknown" in terminal.run("recognize", home / "photos", code=1)
    (line,) = terminal.run("recognize", "--json", home / "photos", code=1).splitlines()
    path = json.loads(line)["path"]
    assert path.encode()
    assert "\udce9" not in path


def test_photos_are_enrolled_whatever_their_names_are(home: Path, terminal: Terminal) -> None:
    """A photo that cannot be used is named, and the others of the call still count; the record is UTF-8."""
    terminal.run("people", "add", "bob", home / "photos")
    record = json.loads((home / "storage" / "people" / "bob" / "person.json").read_bytes().decode("utf-8"))
    (anchor,) = record["anchors"]
    assert anchor["source"].encode()
    assert anchor["source"].endswith(".jpg")


def test_people_are_listed_whatever_their_records_hold(home: Path, terminal: Terminal) -> None:
    """A record that comes from elsewhere, such as a copied folder, may hold any name."""
    assert "Ada" in terminal.run("people", "list")
    assert json.loads(terminal.run("people", "list", "--json"))["name"] == NAME
    terminal.run("people", "test", code=1)
    terminal.run("people", "test", "--json", "--strangers", home / "photos", code=1)
    terminal.run("people", "remove", "ada", "--dry-run")
    terminal.run("people", "export", home / "everybody")
    terminal.run("people", "import", home / "everybody", code=1)  # the name is refused
    terminal.run("people", "remove", "ada")


def test_a_check_names_the_camera_as_text(home: Path, terminal: Terminal) -> None:
    """A source may be a path or a URL of any characters."""
    assert home
    shown = terminal.run("check", "--set", "camera.source=images:/none\x1b[2J\u202e", "--set", "mqtt.port=9", code=1)
    assert r"/none\x1b[2J\u202e" in shown


def test_the_answer_of_a_node_is_printed_as_text(home: Path, terminal: Terminal) -> None:
    """Whoever owns the socket may answer anything."""

    def refuse(request: Request, answer: Answer) -> None:
        del request
        answer.error(HOSTILE)

    socket = LocalSocket(home / "storage", refuse)
    socket.open()
    terminal.run("people", "reject", "ada", "--event", EVENT, code=1)
    socket.close()
