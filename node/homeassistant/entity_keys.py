"""The enrolled people and a node's optional components -> the keys of their entities in Home Assistant, over restarts.

Home Assistant removes an entity only when it gets its key once more, so a key is kept after its person is removed. A
key must not reveal the person's id. It is therefore the first 12 hex digits of an HMAC-SHA256 of the id, with a secret
that is generated once for a node and never leaves its disk. The key is all that is kept of a removed person, until Home
Assistant has started once more. Until then, whoever has the node's disk can test ids against it; whoever has only the
broker cannot. A person who is enrolled again under the same id gets the same key, and with it the former entities. The
key of an optional component, such as the snapshot, is its plain name.
"""

import hmac
import json
import logging
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from node.homeassistant.removal import OPTIONAL, rule_key
from node.homeassistant.rule_keys import RuleKeys
from node.system.files import make_private_folder, remove_partial, write_privately
from node.system.plain_files import read_regular

FILE = "homeassistant.json"
_MAX_BYTES = 1 << 20
_KEY_DIGITS = 12
_SECRET_BYTES = 16
_MAX_REMOVED = 64
_MAX_BYTES = 1 << 20
_PERSON_KEY = re.compile(rf"[0-9a-f]{{{_KEY_DIGITS}}}")

_log = logging.getLogger(__name__)


class Person(Protocol):
    """A person in the gallery."""

    @property
    def id(self) -> str:
        """The id in topics and payloads."""

    @property
    def name(self) -> str:
        """The name for people to read."""

    @property
    def ignored(self) -> bool:
        """Whether the owner wants no events about this person."""


@dataclass(frozen=True, slots=True)
class KeyedPerson:
    """A person whom Home Assistant shows, with the key of their entities.

    Attributes:
        key: 12 hex digits that do not reveal the id.
        id: the id in topics and payloads.
        name: the name for people to read.
    """

    key: str
    id: str
    name: str


class EntityKeys:
    """The keys of one node's entities, kept in a file over restarts.

    A file that cannot be read is replaced. While it cannot be written, the keys are kept in memory. Both are logged
    once. New keys mean new entities: the owner then deletes the old ones in Home Assistant.

    Args:
        folder: where the file is kept.
        read_only: leave the file as it is, whatever changes.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path, self._read_only = folder / FILE, read_only
        self._rules = RuleKeys(folder, read_only=read_only)
        if not read_only:
            remove_partial(self._path)
        self._failed = False
        self._secret, self._shown, self._removed = self._load()
        self._people: tuple[KeyedPerson, ...] = ()

    @property
    def stored(self) -> bool:
        """Whether the file exists, so that the keys are those of the next start, too."""
        return self._path.exists()

    @property
    def people(self) -> tuple[KeyedPerson, ...]:
        """The people whom Home Assistant shows."""
        return self._people

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys of the people, rules and optional components that Home Assistant shows."""
        return (*self._shown, *map(rule_key, self._rules.shown))

    @property
    def removed(self) -> tuple[str, ...]:
        """The keys of what was removed and Home Assistant may still have: the latest 64, and the latest 64 rules."""
        return (*self._removed, *map(rule_key, self._rules.removed))

    def update(self, people: Iterable[Person], components: Iterable[str] = (), rules: Iterable[str] = ()) -> None:
        """Set who is enrolled, and which optional components and rules there are. Ignored people are not shown."""
        self._rules.update(rules)
        self._people = tuple(KeyedPerson(self._key(each.id), each.id, each.name) for each in people if not each.ignored)
        shown = (*sorted(each.key for each in self._people), *sorted(components))
        former = (*self._removed, *(key for key in self._shown if key not in self._removed))
        self._save(shown, tuple(key for key in former if key not in shown)[-_MAX_REMOVED:])

    def forget_removed(self) -> None:
        """Forget the removed keys, because Home Assistant has removed their entities."""
        self._save(self._shown, ())
        self._rules.forget_removed()

    def delete(self) -> None:
        """Forget all keys and delete the file, because Home Assistant shows nothing of this node any more.

        A file that cannot be deleted is logged: the next start then removes the device once more.
        """
        self._shown = self._removed = ()
        self._rules.delete()
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.error("home assistant: cannot delete %s (%s): delete it yourself", self._path, error.strerror)

    def _key(self, person_id: str) -> str:
        return hmac.new(self._secret, person_id.encode(), "sha256").hexdigest()[:_KEY_DIGITS]

    def _save(self, shown: tuple[str, ...], removed: tuple[str, ...]) -> None:
        if (shown, removed) == (self._shown, self._removed):
            return
        self._shown, self._removed = shown, removed
        if self._read_only:
            return
        content = {"secret": self._secret.hex(), "known": shown, "gone": removed}
        try:
            make_private_folder(self._path.parent, through_link=True)
            write_privately(self._path, json.dumps(content).encode())
        except OSError as error:
            if not self._failed:
                _log.error(
                    "home assistant: cannot write %s (%s): entity keys are kept in memory only: check the disk",
                    self._path, error.strerror,
                )  # fmt: skip
            self._failed = True
        else:
            if self._failed:
                _log.info("home assistant: %s can be written again", self._path)
            self._failed = False

    def _load(self) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
        """Return the secret, the keys that are shown and those that are removed."""
        try:
            content = json.loads(read_regular(self._path, _MAX_BYTES))
            return _parse_secret(content["secret"]), _parse_keys(content["known"]), _parse_keys(content["gone"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.error(
                "home assistant: cannot read %s (%s): people get new entities: delete the old ones in Home Assistant",
                self._path, error,
            )  # fmt: skip
        return secrets.token_bytes(_SECRET_BYTES), (), ()


def _parse_secret(text: str) -> bytes:
    secret = bytes.fromhex(text)
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes instead of {_SECRET_BYTES}")
    return secret


def _parse_keys(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the file holds
    if not (isinstance(value, list) and all(isinstance(key, str) and _is_key(key) for key in value)):
        raise ValueError(f"a key must be {_KEY_DIGITS} hex digits or the name of an optional component")
    return tuple(value)


def _is_key(text: str) -> bool:
    return text in OPTIONAL or _PERSON_KEY.fullmatch(text) is not None
