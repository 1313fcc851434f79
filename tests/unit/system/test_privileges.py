"""Who touches a storage folder: its owner, never root in a folder of another user."""

import os
from pathlib import Path

import pytest

from node.errors import StorageError
from node.system.place import Link, Place
from node.system.privileges import OwnProcess, User, as_owner, become_owner, owner_to_become

FOLDER = Path("/var/lib/facenode")
SERVICE = User(100, 101, "facenode")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class FakeProcess:
    """A process of a user, which finds a folder of another one.

    Attributes:
        became: who it has become.
    """

    def __init__(self, user: int, place: Place, *, unreadable: Path | None = None, allowed: bool = True) -> None:
        self._user, self._place, self._unreadable, self._allowed = user, place, unreadable, allowed
        self.became: list[User] = []

    def user(self) -> int:
        """Return the number of the user."""
        return self._user

    def find(self, folder: Path) -> Place:
        """Return the place given."""
        assert folder == FOLDER
        return self._place

    def account(self, uid: int) -> User | None:
        """Return the account of the service."""
        return SERVICE if uid == SERVICE.uid else None

    def become(self, user: User) -> None:
        """Note whom it becomes."""
        if not self._allowed:
            raise PermissionError(1, "Operation not permitted")
        self.became.append(user)

    def unreadable(self) -> Path | None:
        """Return the path given."""
        return self._unreadable


@pytest.mark.parametrize(
    ("user", "owner", "expected"),
    [
        (0, 100, SERVICE),
        (0, 0, None),
        (100, 100, None),
        (200, 100, None),
        (200, 0, None),
        (0, 300, User(300, 101)),
    ],
)
def test_root_alone_becomes_the_owner_of_a_folder_that_is_not_its_own(
    user: int, owner: int, expected: User | None
) -> None:
    """An owner with an account gets its groups; one without, the group of the folder."""
    process = FakeProcess(user, Place(FOLDER, owner, 101))
    become_owner(FOLDER, process)
    assert process.became == ([] if expected is None else [expected])


def test_the_group_of_root_is_never_kept() -> None:
    """A folder that only lacks a group of its own gives nobody root's."""
    assert owner_to_become(Place(FOLDER, 300, 0), 0, None) == User(300, 300)


@pytest.mark.parametrize(
    ("user", "owner", "refused"), [(0, 0, False), (0, 100, True), (100, 100, False), (100, 0, False), (100, 200, True)]
)
def test_a_link_of_another_user_is_not_followed(user: int, owner: int, *, refused: bool) -> None:
    """Whoever owns the link decides what it leads to."""
    process = FakeProcess(user, Place(Path("/mnt/disk"), 100, 101, (Link(FOLDER, owner),)))
    if not refused:
        become_owner(FOLDER, process)
        return
    with pytest.raises(StorageError, match=f"{FOLDER}: this link .* user {owner}.*set storage.dir to /mnt/disk"):
        become_owner(FOLDER, process)
    assert process.became == []


def test_a_root_that_may_not_become_another_user_touches_nothing(tmp_path: Path) -> None:
    """As in a container without these capabilities."""
    del tmp_path
    process = FakeProcess(0, Place(FOLDER, 100, 101), allowed=False)
    with pytest.raises(StorageError, match=r"belongs to facenode.*not permitted.*run the command as that user"):
        become_owner(FOLDER, process)


def test_a_program_that_the_owner_cannot_read_is_named() -> None:
    """Otherwise the next import would fail with a traceback."""
    process = FakeProcess(0, Place(FOLDER, 100, 101), unreadable=Path("/home/ada/venv/os.py"))
    with pytest.raises(StorageError, match=r"^/home/ada/venv/os.py: facenode, who owns .*/opt/facenode"):
        become_owner(FOLDER, process)


@needs_root
def test_the_rights_of_root_are_given_up_for_good() -> None:
    """User, group and groups, the saved ones too; in a process of its own."""
    child = os.fork()
    if not child:
        code = 1
        try:
            OwnProcess().become(User(12345, 12346))
            gone = os.getresuid() == (12345,) * 3 and os.getresgid() == (12346,) * 3 and os.getgroups() == [12346]
            try:
                os.seteuid(0)
            except PermissionError:
                code = 0 if gone else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_root
def test_root_acts_as_the_owner_only_while_it_reads(tmp_path: Path) -> None:
    """`recognize` reads the gallery as its owner, and then the caller's pictures."""
    os.chown(tmp_path, 12345, 12346)
    before = os.getresuid(), os.getresgid(), os.getgroups()
    with as_owner(tmp_path):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (12345, 12346, [12346])
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
