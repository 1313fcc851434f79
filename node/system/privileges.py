"""The owner of `storage.dir` -> the user as whom a command goes on, so that root's rights never reach that folder.

`sudo facenode people add ada photo.jpg` works on a folder of the service's user. That user may put a link there at any
moment, and root would follow it. Therefore a command that root runs first opens what its caller names, then becomes the
owner of the folder, for good, and only then touches the folder. Whatever stands there now, nothing happens that its
owner could not have done.

A folder that does not exist yet is made by the owner of the folder above it that exists. A link on the way is followed
if it belongs to root or to the user who runs the command.
"""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import node
from node.errors import StorageError
from node.system.place import ROOT, Place, check_links, find


@dataclass(frozen=True, slots=True)
class User:
    """Who a process can become.

    Attributes:
        uid: number of the user.
        gid: number of the user's own group.
        name: of the account; None without one. An account may be in more groups.
    """

    uid: int
    gid: int
    name: str | None = None

    def __str__(self) -> str:
        """Return how to call the user in a sentence."""
        return self.name or f"user {self.uid}"


class Process(Protocol):
    """What the operating system says about this process, and lets it do."""

    def user(self) -> int:
        """Return the number of the user."""
        ...

    def find(self, folder: Path) -> Place:
        """Return where a folder is."""
        ...

    def account(self, uid: int) -> User | None:
        """Return the account of a user."""
        ...

    def become(self, user: User) -> None:
        """Become a user for good."""
        ...

    def unreadable(self) -> Path | None:
        """Return a file of the program that this user may not read."""
        ...


def become_owner(folder: Path, process: Process | None = None) -> None:
    """Become the owner of a storage folder, if root runs this and the folder is another user's.

    Call it before anything in the folder is touched, and open before what the caller names.

    Raises:
        StorageError: a link on the way belongs to another user, or this process cannot become the owner.
    """
    process = process or OwnProcess()
    place = process.find(folder)
    check_links(place, process.user())
    owner = owner_to_become(place, process.user(), process.account(place.uid))
    if owner is None:
        return
    try:
        process.become(owner)
    except OSError as error:
        raise StorageError(
            f"{place.path}: this belongs to {owner}, and root cannot become {owner} here ({error.strerror}): "
            "run the command as that user"
        ) from error
    unreadable = process.unreadable()
    if unreadable is not None:
        raise StorageError(
            f"{unreadable}: {owner}, who owns {place.path}, cannot read this program: "
            "run one that every user can read, such as /opt/facenode/current/bin/facenode"
        )


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Act as the owner of a storage folder while the context lasts, for a command that reads it and then goes on.

    Raises:
        StorageError: as `become_owner` has it.
    """
    process = OwnProcess()
    place = process.find(folder)
    check_links(place, process.user())
    owner = owner_to_become(place, process.user(), process.account(place.uid))
    if owner is None:
        yield
        return
    former = os.getegid(), os.getgroups()
    try:
        _set_groups(owner)
        os.setegid(owner.gid)
        os.seteuid(owner.uid)
    except OSError as error:
        raise StorageError(f"{place.path}: root cannot act as {owner} here ({error.strerror})") from error
    try:
        yield
    finally:
        os.seteuid(ROOT)
        os.setegid(former[0])
        os.setgroups(former[1])


def owner_to_become(place: Place, user: int, account: User | None) -> User | None:
    """Return who is to touch a storage folder; None for whoever runs the command.

    Args:
        place: of the folder.
        user: number of the user who runs the command.
        account: of the owner of the folder; None without one.
    """
    if user != ROOT or place.uid == ROOT:
        return None
    # A number without an account has no group of its own. Root's is never taken.
    return account or User(place.uid, place.gid if place.gid != ROOT else place.uid)


class OwnProcess:
    """This process."""

    def user(self) -> int:
        """Return the number of the user."""
        return os.geteuid()

    def find(self, folder: Path) -> Place:
        """Return where a folder is.

        Raises:
            StorageError: the way cannot be looked at.
        """
        return find(folder)

    def account(self, uid: int) -> User | None:
        """Return the account of a user; None if there is none."""
        try:
            found = pwd.getpwuid(uid)
        except KeyError:
            return None
        return User(uid, found.pw_gid, found.pw_name)

    def become(self, user: User) -> None:
        """Become a user for good: groups, group and user, the saved ones too.

        Raises:
            OSError: this process may not, or could go back.
        """
        _set_groups(user)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
        try:
            os.setuid(ROOT)
        except PermissionError:
            return
        raise PermissionError(0, "the rights of root remain")

    def unreadable(self) -> Path | None:
        """Return a file of the program that this user may not read; None if there is none."""
        files = (Path(file) for file in (os.__file__, node.__file__) if file)
        return next((file for file in files if not os.access(file, os.R_OK)), None)


def _set_groups(user: User) -> None:
    if user.name is None:
        os.setgroups([user.gid])
    else:
        os.initgroups(user.name, user.gid)
