"""Who is known and what is offered -> the keys under which Home Assistant knows them, and the keys of what is gone.

Home Assistant removes an entity only when it is told its key again, so a key outlives its person. It must not tell who
that was: it is the start of an HMAC-SHA256 of the id, with a secret that is made once for a node and leaves its disk
never. What is kept of somebody who was removed is this number, until Home Assistant has started once more; whoever has
the node's disk can try ids against it until then, whoever has only the broker cannot. Somebody who is enrolled again
under the same id gets the same key, and with it the entities of before. What a setting turns on or off, such as the
picture, is remembered by its plain key.
"""

import hmac
import json
import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from node.homeassistant.removal import PARTS
from node.system.files import make_private_folder, write_privately

FILE = "homeassistant.json"
_KEY_DIGITS = 12
_SECRET_BYTES = 16
_MAX_GONE = 64
_PERSON = re.compile(rf"[0-9a-f]{{{_KEY_DIGITS}}}")

_log = logging.getLogger(__name__)


class Known(Protocol):
    """Somebody in the gallery."""

    @property
    def id(self) -> str:
        """In topics and payloads."""

    @property
    def name(self) -> str:
        """For people to read."""

    @property
    def ignored(self) -> bool:
        """Whether the owner wants no events of this person."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody whom Home Assistant shows.

    Attributes:
        key: 12 hex digits that do not tell the id.
        id: in topics and payloads.
        name: what people read.
    """

    key: str
    id: str
    name: str


class Residents:
    """The keys of one node, over all its starts.

    A file that cannot be read is replaced, and one that cannot be written leaves the keys in memory; both are said
    once. New keys mean new entities: the owner then deletes the old ones by hand.

    Args:
        folder: where the file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._failed = False
        self._secret, self._known, self._gone = self._load()
        self._here: tuple[Resident, ...] = ()

    @property
    def here(self) -> tuple[Resident, ...]:
        """Whom Home Assistant shows."""
        return self._here

    @property
    def known(self) -> tuple[str, ...]:
        """Keys of all that it shows."""
        return self._known

    @property
    def gone(self) -> tuple[str, ...]:
        """Keys of what it may still show; at most the latest 64."""
        return self._gone

    def update(self, people: Iterable[Known], parts: Iterable[str] = ()) -> None:
        """Take over who is known, and what is offered; who is ignored is not shown."""
        self._here = tuple(Resident(self._key(each.id), each.id, each.name) for each in people if not each.ignored)
        known = (*sorted(each.key for each in self._here), *sorted(parts))
        left = (*self._gone, *(key for key in self._known if key not in self._gone))
        self._keep(known, tuple(key for key in left if key not in known)[-_MAX_GONE:])

    def forget(self, keys: Sequence[str]) -> None:
        """Forget keys of which Home Assistant has removed the entities."""
        self._keep(self._known, tuple(key for key in self._gone if key not in keys))

    def leave(self) -> None:
        """Take the file away: Home Assistant shows nothing of this node any more."""
        self._known = self._gone = ()
        self._path.unlink(missing_ok=True)

    def _key(self, person: str) -> str:
        return hmac.new(self._secret, person.encode(), "sha256").hexdigest()[:_KEY_DIGITS]

    def _keep(self, known: tuple[str, ...], gone: tuple[str, ...]) -> None:
        if (known, gone) == (self._known, self._gone):
            return
        self._known, self._gone = known, gone
        content = {"secret": self._secret.hex(), "known": known, "gone": gone}
        try:
            make_private_folder(self._path.parent)
            write_privately(self._path, json.dumps(content).encode())
        except OSError as error:
            if not self._failed:
                _log.error("home assistant: %s: %s: whom it shows is kept in memory only", self._path, error.strerror)
            self._failed = True
        else:
            if self._failed:
                _log.info("home assistant: %s can be written again", self._path)
            self._failed = False

    def _load(self) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
        try:
            content = json.loads(self._path.read_bytes())
            return _secret(content["secret"]), _keys(content["known"]), _keys(content["gone"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.error(
                "home assistant: %s cannot be read (%s): people get new entities: delete the old ones there",
                self._path, error,
            )  # fmt: skip
        return secrets.token_bytes(_SECRET_BYTES), (), ()


def _secret(given: str) -> bytes:
    secret = bytes.fromhex(given)
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes")
    return secret


def _keys(given: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the file holds
    if not (isinstance(given, list) and all(isinstance(key, str) and _is_key(key) for key in given)):
        raise ValueError("keys are 12 hex digits, or the name of a part")
    return tuple(given)


def _is_key(text: str) -> bool:
    return text in PARTS or _PERSON.fullmatch(text) is not None
