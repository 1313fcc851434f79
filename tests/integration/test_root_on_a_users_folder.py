"""Root's commands on the folder of the service's user: nothing of root's moves, changes hands or is overwritten."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from facenode_command import CommandResult, environment
from readable_program import command

from node.people import bundle
from node.people.person import Anchor, Person
from node.people.reembedding import normalised
from node.system import bundled
from node.vision.sidecar import load_sidecar

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

USER, GROUP, STRANGER = 12345, 12346, 23456
ATTACK = Path(__file__).with_name("storage_attack.py")
TRIES = 25


@dataclass(frozen=True)
class Machine:
    """A machine with a service.

    Attributes:
        storage: the folder of the service's user.
        home: a folder that only its owner and root may enter.
        victim: a folder of root's with a file and a folder.
    """

    storage: Path
    home: Path
    victim: Path

    def facenode(self, *arguments: str | Path, timeout_s: float = 60) -> CommandResult:
        """Run a command as root, in the closed home."""
        settings = {"storage.dir": self.storage, "homeassistant.enabled": "false", "mqtt.host": "127.0.0.1"}
        done = subprocess.run(
            command("-m", "node.cli", *arguments), env=environment(settings), cwd=self.home, timeout=timeout_s,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def owners(self) -> set[tuple[int, int]]:
        """Return user and group of everything in the storage folder."""
        return {(path.lstat().st_uid, path.lstat().st_gid) for path in self.storage.rglob("*")}


def described(folder: Path) -> list[tuple[object, ...]]:
    """Return everything that must not change in a folder."""
    paths = [folder, *sorted(folder.rglob("*"))]
    states = [(path, path.lstat()) for path in paths]
    return [
        (path, state.st_ino, state.st_uid, state.st_gid, state.st_mode, path.read_bytes() if path.is_file() else None)
        for path, state in states
    ]


@pytest.fixture
def machine(media_dir: Path) -> Iterator[Machine]:
    """Return a machine below /tmp, since every user may go there."""
    root = Path(tempfile.mkdtemp(prefix="facenode-"))
    root.chmod(0o755)
    found = Machine(root / "storage", root / "home", root / "victim")
    try:
        found.storage.mkdir(mode=0o700)
        os.chown(found.storage, USER, GROUP)
        (found.victim / "eve").mkdir(parents=True)
        (found.victim / "eve" / "kept").write_bytes(b"kept")
        (found.victim / "file").write_bytes(b"secret")
        found.home.mkdir()
        shutil.copy(media_dir / "astronaut.jpg", found.home / "photo.jpg")
        (found.home / "photo.jpg").chmod(0o600)
        head = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding
        anchor = Anchor(normalised(np.ones(head.length, dtype=np.float32)), head.space, "a photo")
        bundle.write(found.home / "family.zip", [Person("eve", "Eve", (anchor,))])
        for path in (found.home, *found.home.iterdir()):
            os.chown(path, STRANGER, STRANGER)
        found.home.chmod(0o700)
        yield found
    finally:
        shutil.rmtree(root)


def test_photos_in_a_closed_home_are_read_and_the_entry_is_the_services(machine: Machine) -> None:
    """Root may read the photo, and the owner of the folder may not; the folders are private."""
    result = machine.facenode("people", "add", "ada", "photo.jpg")
    assert (result.code, result.out.splitlines()[0]) == (0, "ada: 1 of 1 photo used, 1 face known"), result.err
    assert machine.owners() == {(USER, GROUP)}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in machine.storage.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert machine.facenode("recognize", "photo.jpg").out.startswith("photo.jpg: ada")
    assert "of 1 face of a stranger" not in machine.facenode("people", "test", "--strangers", ".").out
    assert machine.owners() == {(USER, GROUP)}


def test_a_file_is_imported_from_and_exported_to_a_closed_home(machine: Machine) -> None:
    """The exported file is the home's, whole, private, and alone."""
    assert machine.facenode("people", "import", "family.zip").code == 0
    assert machine.owners() == {(USER, GROUP)}
    result = machine.facenode("people", "export", "out.zip")
    assert result.code == 0, result.err
    state = (machine.home / "out.zip").stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (STRANGER, STRANGER, 0o600)
    assert (machine.home / "out.zip").read_bytes() == (machine.home / "family.zip").read_bytes()
    assert machine.facenode("people", "remove", "eve").code == 0
    assert machine.facenode("people", "export", "none.zip").code == 1
    assert {path.name for path in machine.home.iterdir()} == {"photo.jpg", "family.zip", "out.zip"}


@pytest.mark.parametrize("place", ["people/.new", "people", "people/eve"])
def test_a_link_to_a_folder_of_roots_is_refused(machine: Machine, place: str) -> None:
    """One line names the link; nothing is put behind it, moved from there or erased."""
    before = described(machine.victim)
    link = machine.storage / place
    if place != "people":
        link.parent.mkdir()
        os.chown(link.parent, USER, GROUP)
    link.symlink_to(machine.victim)
    os.lchown(link, USER, GROUP)
    result = machine.facenode("people", "import", "family.zip")
    assert (result.code, result.err) == (
        1,
        f"facenode: {link}: it must be a folder, but it is a link: remove it, or put a folder there that is no link\n",
    )
    if place != "people/.new":
        assert machine.facenode("people", "remove", "eve").code == 1
    assert described(machine.victim) == before
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["outbox.db", "outbox.db-wal"])
@pytest.mark.parametrize("kind", ["link", "FIFO", "device"])
def test_only_a_plain_file_is_an_outbox(machine: Machine, kind: str, name: str) -> None:
    """Root would overwrite what a link names, wait for a FIFO, and fill the memory from /dev/zero."""
    assert machine.facenode("people", "import", "family.zip").code == 0
    before = described(machine.victim)
    path = machine.storage / name
    if kind == "link":
        path.symlink_to(machine.victim / "file")
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    result = machine.facenode("people", "remove", "eve", timeout_s=20)
    expected = f"facenode: {path}: it must be a file, but it is a {kind}: "
    assert (result.code, result.err.startswith(expected)) == (1, True), result.err
    assert described(machine.victim) == before
    assert "eve" in machine.facenode("people", "list").out


def test_links_that_are_swapped_meanwhile_move_nothing_of_roots(machine: Machine) -> None:
    """The owner of the folder puts links and FIFOs everywhere while root's commands run."""
    before = described(machine.victim)
    done = subprocess.run(
        command(ATTACK, machine.storage, str(USER), str(TRIES), machine.victim, machine.home / "family.zip"),
        env=environment({}), timeout=120, capture_output=True, text=True, check=True,
    )  # fmt: skip
    codes = json.loads(done.stdout)
    assert set(codes) <= {"0", "1"}, codes
    assert sum(codes.values()) == 3 * TRIES
    assert described(machine.victim) == before
    assert {user for user, _ in machine.owners()} <= {USER}


def test_check_looks_at_the_folder_as_its_owner(machine: Machine) -> None:
    """A folder that every user may write is found, and the line says what to do."""
    machine.storage.chmod(0o777)
    out = machine.facenode("check").out
    assert f"{machine.storage} can be written by every user" in out
    assert machine.owners() == set()


def test_a_link_to_the_folder_is_followed_only_if_root_made_it(machine: Machine) -> None:
    """Whoever owns the link decides where root writes."""
    link = machine.storage.with_name("link")
    link.symlink_to(machine.storage)
    followed = Machine(link, machine.home, machine.victim)
    assert followed.facenode("people", "import", "family.zip").code == 0
    assert machine.owners() == {(USER, GROUP)}
    os.lchown(link, STRANGER, STRANGER)
    result = followed.facenode("people", "list")
    assert (result.code, result.err.startswith(f"facenode: {link}: this link leads to storage.dir")) == (1, True)
