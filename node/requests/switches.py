"""Requests -> what the owner has switched: privacy, recognition, snoozed alerts; kept over restarts."""

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.contract.payloads import Fields, timestamp
from node.domain import Instant
from node.requests.inbox import Request, Verb, failure, success
from node.system.files import write_privately

FILE = "control.json"
_ALL = "*"
_VERBS = frozenset({Verb.CHECK, Verb.PRIVACY, Verb.RECOGNITION, Verb.SNOOZE, Verb.RESTART})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switches:
    """What is switched how.

    Attributes:
        privacy: whether the camera must not be looked at.
        recognition: whether faces may be recognised.
        snoozed: until which second of the monotonic clock an alert rule is silent, by its id; `*` is all of them.
    """

    privacy: bool = False
    recognition: bool = True
    snoozed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class Control:
    """Apply requests, on the main loop's thread only.

    A file that is there but cannot be read turns privacy on: whoever had turned it on must be able to rely on it.

    Args:
        folder: where the switches are kept.
        answer: sends a payload to whoever made a request.
        examine: returns what `check` answers.
        at: the moment.
        rules: ids of the alert rules that there are.

    Attributes:
        switches: what is switched how.
        restarting: whether somebody asked for a new start of the process.
    """

    def __init__(
        self,
        folder: Path,
        answer: Callable[[Request, bytes], None],
        examine: Callable[[], Fields],
        at: Instant,
        rules: Collection[str] = (),
    ) -> None:
        self._path, self._answer, self._examine = folder / FILE, answer, examine
        self._rules = frozenset(rules)
        self.restarting = False
        self._unsaved = False
        self.switches = self._load(at)

    @property
    def watching(self) -> bool:
        """Whether frames may be looked at."""
        return not self.switches.privacy

    @property
    def recognising(self) -> bool:
        """Whether faces may be recognised."""
        return self.watching and self.switches.recognition

    def silent(self, rule: str, at: Instant) -> bool:
        """Return whether alerts of a rule are snoozed."""
        return any(self.switches.snoozed.get(each, float("-inf")) > at.mono_s for each in (rule, _ALL))

    def apply(self, requests: Sequence[Request], at: Instant) -> None:
        """Do what was asked, keep it, and answer; what is not about switches is left to others."""
        for request in requests:
            if request.verb not in _VERBS:
                continue
            if request.rule is not None and request.rule not in self._rules:
                known = ", ".join(sorted(self._rules)) or "none"
                self._answer(request, failure(request.transaction, f"rule: there is no such rule: there are {known}"))
                continue
            changed = self._change(request, at)
            if changed != self.switches:
                self.switches = changed
                _log.info("control: %s as %r asked", self._said(request), request.transaction)
                self._save(at)
            if request.verb is Verb.RESTART:
                self.restarting = True
                _log.warning("control: a new start as %r asked", request.transaction)
            self._reply(request)

    def _change(self, request: Request, at: Instant) -> Switches:
        match request:
            case Request(verb=Verb.PRIVACY, on=bool(on)):
                return replace(self.switches, privacy=on)
            case Request(verb=Verb.RECOGNITION, on=bool(on)):
                return replace(self.switches, recognition=on)
            case Request(verb=Verb.SNOOZE, for_s=float(for_s)):
                rest = {rule: until_s for rule, until_s in self.switches.snoozed.items() if until_s > at.mono_s}
                if request.rule is None:
                    rest.clear()
                rest.pop(request.rule or _ALL, None)
                if for_s > 0:
                    rest[request.rule or _ALL] = at.mono_s + for_s
                return replace(self.switches, snoozed=MappingProxyType(rest))
            case _:
                return self.switches

    def _reply(self, request: Request) -> None:
        if self._unsaved and request.verb in (Verb.PRIVACY, Verb.RECOGNITION, Verb.SNOOZE):
            self._answer(request, failure(request.transaction, "done, but lost at the next start: the disk is full"))
            return
        self._answer(request, success(request.transaction, self._examine() if request.verb is Verb.CHECK else None))

    def _said(self, request: Request) -> str:
        if request.verb is Verb.SNOOZE:
            return f"alerts of {request.rule or 'all rules'} silent for {request.for_s:.0f} s"
        return f"{request.verb} {'on' if request.on else 'off'}"

    def _load(self, at: Instant) -> Switches:
        try:
            return _decode(json.loads(self._path.read_text(encoding="utf-8")), at)
        except FileNotFoundError:
            return Switches()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            _log.error("control: %s cannot be read (%s): privacy is on until it is switched", self._path, error)
            return Switches(privacy=True)

    def _save(self, at: Instant) -> None:
        """Keep the switches, so that a power cut leaves either the old or the new ones."""
        try:
            write_privately(self._path, json.dumps(_encode(self.switches, at)).encode())
        except OSError as error:
            if not self._unsaved:
                _log.error("control: %s: %s: what is switched is lost at the next start", self._path, error)
            self._unsaved = True
        else:
            self._unsaved = False


def _encode(switches: Switches, at: Instant) -> Fields:
    """Return what is kept; a snooze as its length and the wall time of its end, since mono_s ends with the boot."""
    left = {rule: until_s - at.mono_s for rule, until_s in switches.snoozed.items() if until_s > at.mono_s}
    return {
        "privacy": switches.privacy,
        "recognition": switches.recognition,
        "snoozed": {
            rule: {"for_s": for_s, "until": timestamp(at.wall + timedelta(seconds=for_s))}
            for rule, for_s in left.items()
        },
    }


def _decode(content: Any, at: Instant) -> Switches:  # noqa: ANN401 - whatever a file holds
    """Return what was kept; a clock that went back makes no snooze longer than it was."""
    snoozed = {}
    for rule, kept in content["snoozed"].items():
        left_s = (datetime.fromisoformat(kept["until"]).astimezone(UTC) - at.wall).total_seconds()
        if left_s > 0:
            snoozed[str(rule)] = at.mono_s + min(left_s, float(kept["for_s"]))
    if not (isinstance(content["privacy"], bool) and isinstance(content["recognition"], bool)):
        raise TypeError("privacy and recognition must be true or false")
    return Switches(content["privacy"], content["recognition"], MappingProxyType(snoozed))
