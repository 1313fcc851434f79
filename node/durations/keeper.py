"""What visits and rules have come to, tick by tick -> the file, written when a visit or an alert changes.

- What comes with messages is written before them, beside what held until then. The outbox counts its puts in the
  transaction that adds the messages, so the next start knows which of the two holds. Whenever the process is killed,
  nobody is reported twice, and nothing is lost.
- In quiet times nothing is written. Other changes are written at once, but at most `_BURST` within `_BURST_S`.
- A disk that cannot be written is logged once, and tried again every `_RETRY_S`.
"""

import logging
from collections import deque
from dataclasses import replace

from node.clock import BootClock
from node.domain import Instant
from node.durations.file import DurationsFile
from node.durations.record import Record
from node.events.durations import NOTHING, Durations, Saved, resume

_BURST, _BURST_S = 10, 10.0
_RETRY_S = 30.0

_log = logging.getLogger(__name__)


class Keeper:
    """Keep durations over restarts.

    Args:
        file: where they are kept.
        clock: says which boot of the machine this is.
        puts: how often messages were put into the outbox before this start.
    """

    def __init__(self, file: DurationsFile, clock: BootClock, puts: int = 0) -> None:
        self._file, self._clock, self._puts = file, clock, puts
        self._kept: Durations | None = None
        self._latest = Durations()
        self._written_s: deque[float] = deque(maxlen=_BURST)
        self._next_s = float("-inf")
        self._failed = False

    def load(self, now: Instant, cool_down_s: float) -> Durations:
        """Return what the process before has left, in the time of this start.

        Args:
            now: the moment of this start.
            cool_down_s: seconds after leaving within which a return continues the same visit.
        """
        record = self._file.load()
        if record is None:
            return Durations()
        boot = self._clock.boot()
        same_boot = bool(boot.id) and record.boot == boot.id
        durations, at = record.holding(self._puts), record.at
        if same_boot:
            durations, at = _shifted(durations, -boot.offset_s), _shift(at, -boot.offset_s)
        self._latest = resume(Saved(durations, at, same_boot, record.clean), now, cool_down_s)
        return self._latest

    def prepare(self, at: Instant, durations: Durations, put: int) -> None:
        """Keep what a restart must not lose once messages are in the outbox; call it before they are put there.

        Args:
            at: now.
            durations: what holds with the messages.
            put: the number that the put will have.
        """
        before, self._latest = self._latest, durations
        if durations != before and not (self._failed and at.mono_s < self._next_s):
            self._save(at, durations, put, before)
            if not durations:
                self._kept = None  # so that nothing is left in the file after the put

    def update(self, at: Instant, durations: Durations) -> None:
        """Keep what a restart must not lose now, if it has changed."""
        self._latest = durations
        if durations != self._kept and at.mono_s >= self._next_s:
            self._save(at, durations)

    def forget(self, person: str) -> None:
        """Drop everything about a person who was erased."""
        self._latest = self._latest.without(person)

    def close(self, at: Instant, durations: Durations) -> None:
        """Keep the same at the end of the process."""
        if durations or self._kept != durations:
            self._save(at, durations, clean=True)

    def _save(
        self, at: Instant, durations: Durations, put: int = 0, before: Durations = NOTHING, *, clean: bool = False
    ) -> None:
        boot = self._clock.boot()
        kept, former = (_shifted(each, boot.offset_s) for each in (durations, before))
        record = Record(kept, _shift(at, boot.offset_s), boot.id, clean, put, former)
        try:
            self._file.save(record)
        except OSError as error:
            self._next_s = at.mono_s + _RETRY_S
            if not self._failed:
                _log.error(
                    "events: cannot write %s (%s): a restart may report again who is in view: check the disk",
                    self._file.path, error.strerror,
                )  # fmt: skip
            self._failed = True
            return
        if self._failed:
            _log.info("events: %s can be written again", self._file.path)
        self._failed = False
        self._kept = durations
        self._written_s.append(at.mono_s)
        if len(self._written_s) == _BURST:
            self._next_s = self._written_s[0] + _BURST_S


def _shifted(durations: Durations, by_s: float) -> Durations:
    return durations.moved(lambda moment: _shift(moment, by_s))


def _shift(moment: Instant, by_s: float) -> Instant:
    return replace(moment, mono_s=moment.mono_s + by_s)
