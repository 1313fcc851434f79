"""The page for every day that the owner keeps: its address, and a password for it."""

import os
from dataclasses import dataclass

from node.errors import PeopleError, Reason
from node.page.page_url import page_url
from node.page.password import PasswordFile, new_password


@dataclass(frozen=True, slots=True)
class KeptPage:
    """The page, once the first run is over.

    Attributes:
        address: where it is then.
        password: for it, shown once; empty if it has one that the owner knows.
    """

    address: str
    password: str


def keep(passwords: PasswordFile, port: int) -> KeptPage:
    """Give the page a password, if it has none, and return what the owner must write down.

    Raises:
        PeopleError: the password cannot be written; one sentence.
    """
    password = ""
    if passwords.read() is None:
        password = new_password()
        try:
            passwords.write(password)
        except OSError as error:
            raise PeopleError(
                f"the password of the page cannot be written ({error.strerror or error}): make space, and run "
                "`sudo facenode page --new-password`",
                Reason.DISK,
            ) from error
    return KeptPage(page_url("lan", port, (), os.uname().nodename) or "", password)
