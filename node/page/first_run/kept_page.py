"""The page for every day that the owner keeps: its address, and a password for it."""

import os
from dataclasses import dataclass

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
        OSError: the password cannot be written.
    """
    password = ""
    if passwords.read() is None:
        password = new_password()
        passwords.write(password)
    return KeptPage(page_url("lan", port, (), os.uname().nodename) or "", password)
