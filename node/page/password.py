"""The page's password: generated, kept as its scrypt hash, and the attempts to guess it.

A generated password has 74 bits. Five attempts a minute, over all addresses, are allowed, so nobody guesses it.
"""

import hashlib
import hmac
import secrets
import threading
from collections import deque
from dataclasses import dataclass

from node.page.page_files import PageFiles

FILE = "password.json"
MAX_ATTEMPTS, WITHIN_S = 5, 60.0
"""Most wrong passwords, and within how many seconds."""
MAX_LENGTH = 128
"""Most characters of a password that is tried."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike."""
_GROUPS, _GROUP = 3, 5

_N, _R, _P, _SALT_BYTES = 1 << 14, 8, 1, 16
"""RFC 7914's parameters for interactive logins: 16 MiB of memory."""


def new_password() -> str:
    """Return a random password of three groups of five letters and digits, 74 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def normal(password: str) -> str:
    """Return a password as it is compared: a phone writes the first letter large, and people leave out hyphens."""
    return "".join(each for each in password.lower() if each.isalnum())


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What is kept of a password.

    Attributes:
        salt: random bytes.
        key: what scrypt makes of salt and password.
    """

    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str) -> "PasswordHash":
        """Return the hash of a password, with a new salt."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return cls(salt, _scrypt(password, salt))

    @property
    def id(self) -> str:
        """Different for each password that was ever set, and says nothing about it."""
        return hashlib.sha256(self.salt + self.key).hexdigest()[:16]

    def fits(self, password: str) -> bool:
        """Return whether a password is the one. It takes 16 MiB and, on purpose, some time."""
        return hmac.compare_digest(_scrypt(password, self.salt), self.key)


class PasswordFile:
    """The hash on disk.

    Args:
        files: of the page.
    """

    def __init__(self, files: PageFiles) -> None:
        self._files = files

    def write(self, password: str) -> None:
        """Replace the password. Whoever is logged in with the former one no longer is.

        Raises:
            OSError: it cannot be written; the former one is still good.
        """
        made = PasswordHash.of(password)
        self._files.write_object(FILE, {"v": 1, "salt": made.salt.hex(), "key": made.key.hex()})

    def read(self) -> PasswordHash | None:
        """Return the hash; None if there is no password yet, or if the file is damaged: then nobody gets in.

        Raises:
            OSError: it cannot be read.
        """
        fields = self._files.read_object(FILE)
        try:
            return None if fields is None else PasswordHash(bytes.fromhex(fields["salt"]), bytes.fromhex(fields["key"]))
        except (KeyError, TypeError, ValueError):
            return None


class Attempts:
    """Count the attempts at the password, over all addresses: an attacker has many. Call it from any thread.

    Args:
        most: attempts that may fail.
        within_s: the seconds that count.
    """

    def __init__(self, most: int = MAX_ATTEMPTS, within_s: float = WITHIN_S) -> None:
        self._most, self._within_s = most, within_s
        self._begun: deque[float] = deque()
        self._lock = threading.Lock()

    def begin(self, now_s: float) -> float:
        """Count an attempt. Return 0 if it may take place, else the seconds after which one may.

        Args:
            now_s: seconds of a clock that only goes forward.
        """
        with self._lock:
            while self._begun and now_s - self._begun[0] >= self._within_s:
                self._begun.popleft()
            if len(self._begun) >= self._most:
                return self._begun[0] + self._within_s - now_s
            self._begun.append(now_s)
            return 0.0

    def succeeded(self) -> None:
        """Take back the latest attempt: the password was right."""
        with self._lock:
            if self._begun:
                self._begun.pop()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(normal(password).encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=2 * 128 * _N * _R)
