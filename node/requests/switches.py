"""Requests -> what the owner has switched: privacy, recognition, snoozed alerts; kept over restarts."""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.contract.payloads import Fields, timestamp
from node.domain import Instant
from node.requests.answer import Answer
from node.requests.fields import MAX_SNOOZE_S
from node.requests.request import Restart, SetPrivacy, SetRecognition, Snooze
from node.system.files import remove_partial, write_privately
from node.system.plain_files import read_regular

FILE = "control.json"
_MAX_BYTES = 1 << 20
_ALL = "*"
_SAME_END_S = 1.0
"""Seconds by which the end of a silence may differ and still be the same: the two clocks are not read at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switches:
    """What is switched how.

    Attributes:
        privacy: whether no frame may be looked at.
        recognition: whether faces may be recognized.
        snoozed: until which second of the monotonic clock an alert rule is silent, by its id; `*` is all of them.
    """

    privacy: bool = False
    recognition: bool = True
    snoozed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


def load_switches(folder: Path, at: Instant) -> Switches:
    """Return what is switched how in a storage folder; a file that cannot be read turns privacy on.

    Args:
        folder: where the switches are kept.
        at: the moment.
    """
    path = folder / FILE
    try:
        return _decode(json.loads(read_regular(path, _MAX_BYTES)), at)
    except FileNotFoundError:
        return Switches()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        _log.error("requests: %s cannot be read (%s): privacy is on until it is switched off", path, error)
        return Switches(privacy=True)


class SwitchRequests:
    """Carry out requests that switch something, on the main loop's thread only.

    A file that is there but cannot be read turns privacy on: whoever turned it on must be able to rely on it.

    Args:
        folder: where the switches are kept.
        at: the moment.
        rules: ids of the alert rules.

    Attributes:
        switches: what is switched how.
        restarting: whether a restart of the process was requested.
    """

    def __init__(self, folder: Path, at: Instant, rules: Collection[str] = ()) -> None:
        self._path, self._rules = folder / FILE, frozenset(rules)
        remove_partial(self._path)
        self.restarting = False
        self._unsaved = False
        self._ends: dict[str, datetime] = {}
        self.switches = load_switches(folder, at)

    @property
    def watching(self) -> bool:
        """Whether frames may be looked at."""
        return not self.switches.privacy

    @property
    def recognizing(self) -> bool:
        """Whether faces may be recognized."""
        return self.watching and self.switches.recognition

    def snoozed(self, at: Instant) -> frozenset[str]:
        """Return the ids of the alert rules that are silent."""
        return frozenset(rule for rule in self._rules if self.silent(rule, at))

    def silent(self, rule: str, at: Instant) -> bool:
        """Return whether an alert rule is silent."""
        return any(self.switches.snoozed.get(each, float("-inf")) > at.mono_s for each in (rule, _ALL))

    def snoozed_until(self, at: Instant) -> dict[str, datetime]:
        """Return until when each silent rule is silent, by the wall clock.

        The end is the same from tick to tick, unless the wall clock is set or runs differently.
        """
        ends: dict[str, datetime] = {}
        for rule in sorted(self._rules):
            left_s = max(self.switches.snoozed.get(each, float("-inf")) for each in (rule, _ALL)) - at.mono_s
            if left_s > 0:
                end, former = at.wall + timedelta(seconds=left_s), self._ends.get(rule)
                same = former is not None and abs((end - former).total_seconds()) < _SAME_END_S
                ends[rule] = former if former is not None and same else end
        self._ends = ends
        return ends

    def set_privacy(self, request: SetPrivacy, at: Instant, answer: Answer) -> None:
        """Switch privacy mode."""
        self._set(replace(self.switches, privacy=request.on), f"privacy {_word(request.on)}", at, answer)

    def set_recognition(self, request: SetRecognition, at: Instant, answer: Answer) -> None:
        """Switch recognition."""
        self._set(replace(self.switches, recognition=request.on), f"recognition {_word(request.on)}", at, answer)

    def snooze(self, request: Snooze, at: Instant, answer: Answer) -> None:
        """Silence one alert rule or all of them, or end the silence."""
        if request.rule is not None and request.rule not in self._rules:
            known = ", ".join(sorted(self._rules)) or "none"
            answer.error(f"rule: no such rule: the rules are {known}")
            return
        snoozed = {rule: until_s for rule, until_s in self.switches.snoozed.items() if until_s > at.mono_s}
        if request.rule is None:
            snoozed.clear()
        elif (everywhere_s := snoozed.pop(_ALL, None)) is not None:  # the others stay silent
            snoozed = {rule: max(everywhere_s, snoozed.get(rule, everywhere_s)) for rule in self._rules}
        snoozed.pop(request.rule or _ALL, None)
        if request.for_s > 0:
            snoozed[request.rule or _ALL] = at.mono_s + request.for_s
        changed = replace(self.switches, snoozed=MappingProxyType(snoozed))
        self._set(changed, f"alerts of {request.rule or 'all rules'} silent for {request.for_s:.0f} s", at, answer)

    def restart(self, request: Restart, at: Instant, answer: Answer) -> None:
        """Ask the loop to end, so that the process starts again."""
        del request, at
        self.restarting = True
        _log.warning("requests: restart requested (transaction %r)", answer.transaction)
        answer.ok()

    def _set(self, changed: Switches, what: str, at: Instant, answer: Answer) -> None:
        if changed != self.switches:
            self.switches = changed
            _log.info("requests: %s (transaction %r)", what, answer.transaction)
            self._save(at)
        if self._unsaved:
            answer.error("done, but it is lost at the next start: the disk cannot be written")
        else:
            answer.ok()

    def _save(self, at: Instant) -> None:
        """Keep the switches, so that a power cut leaves either the old or the new ones."""
        try:
            write_privately(self._path, json.dumps(_encode(self.switches, at)).encode())
        except OSError as error:
            if not self._unsaved:
                _log.error("requests: %s: %s: switches are lost at the next start", self._path, error)
            self._unsaved = True
        else:
            self._unsaved = False


def _word(on: bool) -> str:  # noqa: FBT001 - a private word for a flag
    return "on" if on else "off"


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
            snoozed[str(rule)] = at.mono_s + min(left_s, float(kept["for_s"]), MAX_SNOOZE_S)
    if not (isinstance(content["privacy"], bool) and isinstance(content["recognition"], bool)):
        raise TypeError("privacy and recognition must be true or false")
    return Switches(content["privacy"], content["recognition"], MappingProxyType(snoozed))
