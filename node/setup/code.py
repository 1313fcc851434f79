"""The code of the page's first run: printed on the terminal, typed into the first browser, good for half an hour.

The rules:

1. It has 59 bits, and is kept as its scrypt hash only.
2. It is good for 30 minutes of the monotonic clock, and for five attempts in all, whoever makes them.
3. The first browser that types it is the only one: another is refused, with the right code, too.
"""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

LASTS_S = 30 * 60.0
MOST_ATTEMPTS = 5
MAX_LENGTH = 64
"""Most characters that are hashed."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike: 31, so 12 of them have 59 bits."""
_GROUPS, _GROUP = 3, 4
_N, _R, _P, _SALT_BYTES = 1 << 14, 8, 1, 16
"""RFC 7914's parameters for interactive logins: 16 MiB of memory."""


class Attempt(StrEnum):
    """What came of an attempt."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED_UP = "used_up"
    OTHER_BROWSER = "other_browser"


def new_code() -> str:
    """Return a random code of three groups of four letters and digits, 59 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


@dataclass(frozen=True, slots=True)
class CodeState:
    """What is kept of a code.

    Attributes:
        salt: random bytes, hexadecimal.
        key: what scrypt makes of salt and code, hexadecimal.
        made_s: when it was made, seconds of the monotonic clock, which all processes of one boot share.
        attempts: those that failed.
        browser: the digest of the browser that typed it first; empty until one has.
    """

    salt: str
    key: str
    made_s: float
    attempts: int = 0
    browser: str = ""

    @classmethod
    def of(cls, code: str, now_s: float) -> "CodeState":
        """Return what is kept of a new code."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return cls(salt.hex(), _scrypt(code, salt), now_s)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "CodeState":
        """Return what was kept.

        Raises:
            ValueError: it is damaged.
        """
        try:
            state = cls(**fields)
            bytes.fromhex(state.salt)
            if not (isinstance(state.attempts, int) and isinstance(state.browser, str) and state.made_s >= 0):
                raise ValueError("damaged")
        except (TypeError, AttributeError) as error:
            raise ValueError("damaged") from error
        return state

    def fields(self) -> dict[str, Any]:
        """Return it as a file holds it."""
        return asdict(self)

    @property
    def id(self) -> str:
        """Different for each code, and says nothing about it."""
        return hashlib.sha256((self.salt + self.key).encode()).hexdigest()[:16]

    def attempt(self, code: str, browser: str, now_s: float) -> "tuple[CodeState, Attempt]":
        """Return what is kept after an attempt, and what came of it.

        Args:
            code: that was typed.
            browser: the digest of what only this browser knows.
            now_s: seconds of the monotonic clock.
        """
        if not 0 <= now_s - self.made_s < LASTS_S:
            return self, Attempt.EXPIRED
        if self.attempts >= MOST_ATTEMPTS:
            return self, Attempt.USED_UP
        right = len(code) <= MAX_LENGTH and hmac.compare_digest(_scrypt(code, bytes.fromhex(self.salt)), self.key)
        if not right:
            return replace(self, attempts=self.attempts + 1), Attempt.WRONG
        if self.browser and not hmac.compare_digest(self.browser.encode(), browser.encode(errors="replace")):
            return replace(self, attempts=self.attempts + 1), Attempt.OTHER_BROWSER
        return replace(self, browser=browser), Attempt.ACCEPTED


def _scrypt(code: str, salt: bytes) -> str:
    typed = "".join(each for each in code.lower() if each.isalnum()).encode()
    return hashlib.scrypt(typed, salt=salt, n=_N, r=_R, p=_P, maxmem=2 * 128 * _N * _R).hex()
