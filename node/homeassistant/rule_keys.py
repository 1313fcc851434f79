"""The alert rules whose entities Home Assistant shows, and those that it may still have, over restarts.

They are in a file of their own: version 0.1.0 takes a name that it does not know in `homeassistant.json` for damage.
The ids of rules are no secret, since they are part of the topics of alerts.
"""

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from node.system.files import make_private_folder, remove_partial, write_privately
from node.system.plain_files import read_regular

FILE = "homeassistant_rules.json"
_MAX_BYTES = 1 << 20
_MAX_REMOVED = 64
_RULE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

_log = logging.getLogger(__name__)


class RuleKeys:
    """The rules that Home Assistant shows or showed, kept in a file over restarts.

    While the file cannot be read or written, entities of rules that are gone meanwhile stay in Home Assistant until
    their owner deletes them. Both are logged once.

    Args:
        folder: where the file is kept.
        read_only: leave the file as it is, whatever changes.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path, self._read_only = folder / FILE, read_only
        if not read_only:
            remove_partial(self._path)
        self._failed = False
        self.shown, self.removed = self._load()

    def update(self, rules: Iterable[str]) -> None:
        """Set which rules there are."""
        shown = tuple(sorted(rules))
        former = (*self.removed, *(rule for rule in self.shown if rule not in self.removed))
        self._save(shown, tuple(rule for rule in former if rule not in shown)[-_MAX_REMOVED:])

    def forget_removed(self) -> None:
        """Forget the removed rules, because Home Assistant has removed their entities."""
        self._save(self.shown, ())

    def delete(self) -> None:
        """Forget all rules and delete the file, because Home Assistant shows nothing of this node any more."""
        self.shown = self.removed = ()
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.error("home assistant: cannot delete %s (%s): delete it yourself", self._path, error.strerror)

    def _save(self, shown: tuple[str, ...], removed: tuple[str, ...]) -> None:
        if (shown, removed) == (self.shown, self.removed):
            return
        self.shown, self.removed = shown, removed
        if self._read_only:
            return
        try:
            make_private_folder(self._path.parent, through_link=True)
            write_privately(self._path, json.dumps({"known": shown, "gone": removed}).encode())
        except OSError as error:
            if not self._failed:
                _log.error(
                    "home assistant: cannot write %s (%s): the rules are kept in memory only: check the disk",
                    self._path, error.strerror,
                )  # fmt: skip
            self._failed = True
        else:
            self._failed = False

    def _load(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        try:
            content = json.loads(read_regular(self._path, _MAX_BYTES))
            return _parse(content["known"]), _parse(content["gone"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.error(
                "home assistant: cannot read %s (%s): delete the entities of rules that are gone in Home Assistant",
                self._path, error,
            )  # fmt: skip
        return (), ()


def _parse(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the file holds
    if not (isinstance(value, list) and all(isinstance(rule, str) and _RULE.fullmatch(rule) for rule in value)):
        raise ValueError("it holds something else than ids of rules")
    return tuple(value)
