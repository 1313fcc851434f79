"""Browsers that have logged in -> `sessions.json`, by which the page knows them again after it has ended and restarted.

The rules:

1. A token is random, has 256 bits, and is new at each login. The file holds its digest only.
2. A session ends after 24 hours of the boot-time clock, at logout, at a reboot, and when the secret changes that it was
   opened with. It is good for one door.
3. Beyond 32 sessions the oldest end.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from node.page.boot_time import BootTime, Moment
from node.page.page_files import PageFiles

FILE = "sessions.json"
LASTS_S = 24 * 3600.0
"""Seconds after which a session ends."""
MAX_SESSIONS = 32
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has logged in.

    Attributes:
        digest: of its token, SHA-256, hexadecimal.
        door: through which it came.
        secret: which secret opened it, such as a password's id; empty where none did.
        user: who it is at Home Assistant; empty at the other doors.
        boot: the boot in which it began.
        began_s: when, in seconds of the boot-time clock.
    """

    digest: str
    door: str
    secret: str
    user: str
    boot: str
    began_s: float

    def lasts(self, now: Moment) -> bool:
        """Return whether it has not ended by itself."""
        age_s = now.since(Moment(self.boot, self.began_s))
        return age_s is not None and 0 <= age_s < LASTS_S


class Sessions:
    """Begin, find and end sessions, from any thread of one process.

    Args:
        files: of the page.
        boot_time: the time.
    """

    def __init__(self, files: PageFiles, boot_time: BootTime) -> None:
        self._files, self._boot_time = files, boot_time
        self._lock = threading.Lock()

    def begin(self, door: str, secret: str = "", user: str = "", replaced: str | None = None) -> str:
        """Return the token of a new session.

        Args:
            door: through which the browser came.
            secret: which secret opened it.
            user: who it is at Home Assistant.
            replaced: the token that the browser had until now, which is good for nothing from now on.

        Raises:
            OSError: the session cannot be written.
        """
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._boot_time.now()
        session = Session(_digest(token), door, secret, user, now.boot, now.boot_s)
        with self._lock:
            former = None if replaced is None else _digest(replaced)
            kept = [each for each in self._load(now) if each.digest != former]
            self._save([*kept[-(MAX_SESSIONS - 1) :], session])
        return token

    def find(self, token: str | None, door: str, secret: str = "") -> Session | None:
        """Return the session of a token; None if there is none for this door and secret, or none any more.

        Raises:
            OSError: the file cannot be read.
        """
        if not token:
            return None
        digest = _digest(token)
        with self._lock:
            known = self._load(self._boot_time.now())
        found = next((each for each in known if hmac.compare_digest(each.digest, digest)), None)
        return found if found is not None and (found.door, found.secret) == (door, secret) else None

    def end(self, token: str) -> None:
        """End a session.

        Raises:
            OSError: the file cannot be written.
        """
        digest = _digest(token)
        with self._lock:
            known = self._load(self._boot_time.now())
            self._save(each for each in known if each.digest != digest)

    def _load(self, now: Moment) -> Sequence[Session]:
        """Return the sessions that last, the oldest first. A damaged file holds none."""
        listed = (self._files.read_object(FILE) or {}).get("sessions")
        found = [_session(each) for each in listed] if isinstance(listed, list) else []
        return [each for each in found if each is not None and each.lasts(now)]

    def _save(self, sessions: Iterable[Session]) -> None:
        self._files.write_object(FILE, {"v": 1, "sessions": [asdict(each) for each in sessions]})


def form_token(token: str) -> str:
    """Return what a form of this session must carry: nobody can know it without the session's token."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _session(fields: Any) -> Session | None:  # noqa: ANN401 - whatever the file holds
    """Return what a session's fields say; None if they are not those of a session."""
    try:
        session = Session(**fields)
    except TypeError:
        return None
    texts = (session.digest, session.door, session.secret, session.user, session.boot)
    number = isinstance(session.began_s, int | float) and not isinstance(session.began_s, bool)
    return session if number and all(isinstance(text, str) for text in texts) else None
