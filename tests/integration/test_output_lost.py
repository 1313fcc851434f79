"""Output that is full, closed or of another encoding: no command ends in a traceback or loses what it does."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from facenode_command import ROOT, environment
from mosquitto_broker import Mosquitto, Subscriber

from node.cli import COMMANDS
from node.people.gallery import Gallery, Sample
from node.system import bundled
from node.vision.sidecar import load_sidecar

NAME = "Zoë Ünsal ☃"
PRINTING: dict[str, Sequence[str]] = {
    "run": ["run", "--help"],
    "demo": ["demo"],
    "recognize": ["recognize", "PHOTO"],
    "recognize --json": ["recognize", "--json", "PHOTO"],
    "watch": ["watch", "--help"],
    "people list": ["people", "list"],
    "people list --json": ["people", "list", "--json"],
    "people add": ["people", "add", "bob", "PHOTO"],
    "people export": ["people", "export", "FOLDER/all.people"],
    "people remove": ["people", "remove", "zoe"],
    "people test": ["people", "test"],
    "people photos": ["people", "photos", "zoe"],
    "people undo": ["people", "undo"],
    "page": ["page", "--link", "--set", "page.door=loopback"],
    "inbox": ["inbox", "list", "--set", "review.keep_days=1"],
    "check": ["check"],
    "check --settings": ["check", "--settings"],
    "bench": ["bench", "--runs", "1"],
    "simulate": ["simulate", "--nodes", "1", "--duration", "1"],
    "fleet": ["fleet", "--nodes", "pi-1"],
    "gate": ["gate", "--nodes", "pi-1", "--wait", "1"],
    "forget": ["forget", "pi-1"],
    "setup": ["setup", "--help"],
    "help": ["--help"],
    "version": ["--version"],
}


class Program:
    """Runs commands in a folder with a photo and an enrolled person, beside a broker.

    Args:
        folder: of the photo and the storage.
        broker: that the commands use.
    """

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self._folder, self.broker = folder, broker
        self.settings = {
            "storage.dir": folder / "storage",
            "camera.source": f"images:{folder}",
            "mqtt.port": broker.settings().port,
        }

    def start(self, arguments: Sequence[str], redirection: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command as a shell does, such as with `>/dev/full`."""
        words = [word.replace("FOLDER", str(self._folder)).replace("PHOTO", str(self.photo)) for word in arguments]
        return subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "node.cli", *words],
            cwd=ROOT, env=environment(self.settings) | variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, arguments: Sequence[str], redirection: str = "", **variables: str) -> tuple[int, bytes, bytes]:
        """Return the exit code of a command, and what it prints."""
        process = self.start(arguments, redirection, **variables)
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert b"Traceback" not in out + err, err.decode(errors="replace")
        assert b"Exception ignored" not in err
        return process.returncode, out, err

    @property
    def photo(self) -> Path:
        """A photo whose name is not ASCII."""
        return self._folder / f"{NAME}.jpg"


def open_files(pid: int) -> dict[int, str]:
    """Return the numbers and paths of the open files of a process."""
    files: dict[int, str] = {}
    with suppress(OSError):  # it closes some meanwhile
        for link in (Path("/proc") / str(pid) / "fd").iterdir():
            files[int(link.name)] = str(link.readlink())
    return files


@pytest.fixture
def program(tmp_path: Path, media_dir: Path, mosquitto: Callable[..., Mosquitto]) -> Program:
    """Return what runs commands."""
    made = Program(tmp_path, mosquitto())
    shutil.copy(media_dir / "astronaut.jpg", made.photo)
    head = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding
    embedding = np.eye(head.length, dtype=np.float32)[0]
    Gallery(tmp_path / "storage" / "people").add("zoe", NAME, head.space, [Sample(embedding, "a.jpg", None)])
    return made


def test_every_command_is_tried() -> None:
    """A new one, too."""
    assert {arguments[0] for arguments in PRINTING.values()} - {"--help", "--version"} == set(COMMANDS)


@pytest.mark.broker
@pytest.mark.parametrize("command", PRINTING)
def test_a_full_disk_behind_the_output_is_one_sentence_and_exit_code_1(program: Program, command: str) -> None:
    """Whoever reads the file later must not take it for the whole."""
    code, _, err = program.run(PRINTING[command], ">/dev/full")
    assert code == 1
    errors = [line for line in err.decode().splitlines() if line.startswith("facenode: the output")]
    assert errors == ["facenode: the output cannot be written: No space left on device"]


@pytest.mark.broker
@pytest.mark.parametrize("redirection", ["2>/dev/full", ">&-", "<&- >&- 2>&-", "| true"])
@pytest.mark.parametrize("command", ["recognize --json", "people list", "people export", "help"])
def test_output_that_nobody_can_read_changes_nothing(program: Program, command: str, redirection: str) -> None:
    """Neither notes that are lost, nor files that the parent closed, nor a reader such as `head` that goes."""
    assert program.run(PRINTING[command], redirection)[0] == 0


@pytest.mark.broker
def test_no_file_of_the_storage_takes_the_number_of_a_closed_output(program: Program) -> None:
    """Libraries write to the numbers 1 and 2: in place of the terminal that would be the outbox."""
    process = program.start(["run"], "<&- >&- 2>&-")
    try:
        files: dict[int, str] = {}
        while not any(path.endswith("outbox.db") for path in files.values()):
            assert process.poll() is None
            files = open_files(process.pid)
        assert {files[number] for number in range(3)} == {"/dev/null"}
    finally:
        process.kill()
        process.communicate()


@pytest.mark.broker
@pytest.mark.parametrize(
    "command", ["check", "fleet", "forget", "gate", "help", "people list", "people list --json", "recognize --json"]
)
def test_an_output_of_another_encoding_gets_every_line(program: Program, command: str) -> None:
    """What it cannot show is escaped."""
    encoding = "latin-1" if command == "recognize --json" else "ascii"
    code, out, err = program.run(PRINTING[command], PYTHONIOENCODING=encoding)
    assert code in (0, 1), err
    assert (out + err).decode(encoding)
    if command == "people list --json":
        assert json.loads(out)["name"] == NAME
    if command == "people list":
        assert rb"\u2603" in out


@pytest.mark.broker
@pytest.mark.parametrize(("redirection", "expected"), [(">/dev/full", 1), ("| true", 0)])
def test_a_subscriber_whose_output_is_lost_ends(program: Program, redirection: str, expected: int) -> None:
    """`watch` prints as messages come, for days."""
    process = program.start(["watch", "--json"], redirection)
    try:
        with closing(Subscriber(program.broker.settings())) as other:
            while process.poll() is None:
                other.publish("facenode/pi-1/event/left", b'{"id":"1"}')
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
        assert b"Traceback" not in process.communicate()[1]
        assert process.returncode == expected
    finally:
        process.kill()
        process.communicate()
