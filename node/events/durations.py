"""What visits and alert rules had come to before a restart -> what of it still counts after it. Pure.

The rules:

1. In the same boot of the machine every moment is exact. After a reboot the moments count by the wall clock, if that
   was synchronized before and is now. Otherwise every cool-down begins anew at the start.
2. Nobody leaves because of a restart. Whoever was in view is expected to be found again, if the gap was shorter than
   the cool-down of visits, or than `RESTART_S`. After a longer gap they had left.
3. A process that was killed did not note when it ended. In the same boot it counts as restarted at once. But a
   stranger, whose face is not kept, is expected only within the gap of rule 2.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from node.domain import Box, Instant

RESTART_S = 30.0
"""Seconds without a process that count as a restart whatever the cool-down: a Pi loads the network in a few."""


@dataclass(frozen=True, slots=True)
class LastFace:
    """How somebody in view was last seen, for the event about their leaving.

    Attributes:
        seen: when.
        track: the number of the track.
        box: in fractions of the full frame.
        score: the score of the match.
    """

    seen: Instant
    track: int
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """A visit that continues, or would continue if the visitor returned. Two are equal if nobody came or left.

    Attributes:
        person: the id; None for a stranger, of whom only strangers in view are recorded.
        since: when the visit began.
        left: when their leaving was last reported; None if never.
        gone: when their last track ended; None while they are in view.
        reported: whether the visit was reported and its end was not.
        face: how they were last seen; None if they are out of view.
        expected: whether they were in view before a restart and are expected to be found again.
    """

    person: str | None
    since: Instant
    left: Instant | None
    gone: Instant | None
    reported: bool
    face: LastFace | None = field(compare=False)
    expected: bool = False

    def moved(self, move: Callable[[Instant], Instant]) -> "VisitRecord":
        """Return the same with each moment moved."""
        face = self.face and replace(self.face, seen=move(self.face.seen))
        since, left, gone = move(self.since), self.left and move(self.left), self.gone and move(self.gone)
        return replace(self, since=since, left=left, gone=gone, face=face)


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What an alert rule has come to.

    Attributes:
        rule: its id.
        when: its kind of condition.
        active: whether its alert is raised and not cleared.
        raised: when it was last raised.
        held_since: since when its condition holds, for a rule about duration that concerns no visitor.
        person: the person whom the raised alert is about.
    """

    rule: str
    when: str
    active: bool
    raised: Instant | None
    held_since: Instant | None
    person: str | None

    def moved(self, move: Callable[[Instant], Instant]) -> "RuleRecord":
        """Return the same with each moment moved."""
        return replace(
            self, raised=self.raised and move(self.raised), held_since=self.held_since and move(self.held_since)
        )


@dataclass(frozen=True, slots=True)
class Durations:
    """What is kept over a restart."""

    visits: tuple[VisitRecord, ...] = ()
    rules: tuple[RuleRecord, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to keep."""
        return bool(self.visits or self.rules)

    @property
    def next_track(self) -> int:
        """The first number of a track that no visit has."""
        return 1 + max((visit.face.track for visit in self.visits if visit.face), default=0)

    def moved(self, move: Callable[[Instant], Instant]) -> "Durations":
        """Return the same with each moment moved."""
        return Durations(
            tuple(visit.moved(move) for visit in self.visits), tuple(rule.moved(move) for rule in self.rules)
        )

    def names(self, person: str) -> bool:
        """Return whether a person is named."""
        return person in self._people()

    def without(self, person: str) -> "Durations":
        """Return the same without a person: no visit of theirs, and rules that do not name them."""
        return Durations(
            tuple(visit for visit in self.visits if visit.person != person),
            tuple(replace(rule, person=None) if rule.person == person else rule for rule in self.rules),
        )

    def merged(self, person: str, into: str) -> "Durations":
        """Return the same with a person known by another id; a visit of the other one stays as it is."""
        kept = self.without(person) if any(visit.person == into for visit in self.visits) else self

        def known(given: str | None) -> str | None:
            return into if given == person else given

        return Durations(
            tuple(replace(visit, person=known(visit.person)) for visit in kept.visits),
            tuple(replace(rule, person=known(rule.person)) for rule in self.rules),
        )

    def only_about(self, people: Collection[str]) -> "Durations":
        """Return the same without everybody but these people and strangers."""
        kept = self
        for person in self._people().difference(people):
            kept = kept.without(person)
        return kept

    def _people(self) -> frozenset[str]:
        named = (*(visit.person for visit in self.visits), *(rule.person for rule in self.rules))
        return frozenset(person for person in named if person is not None)


NOTHING = Durations()


@dataclass(frozen=True, slots=True)
class Saved:
    """Durations as a process left them.

    Attributes:
        durations: what was kept; `mono_s` of each moment is in seconds of the same clock as `at`.
        at: when they were saved.
        same_boot: whether the machine has not been rebooted since; then `mono_s` is in the time of this start.
        clean: whether the process saved them at its end.
    """

    durations: Durations
    at: Instant
    same_boot: bool
    clean: bool


def resume(saved: Saved, now: Instant, cool_down_s: float) -> Durations:
    """Return durations in the time of this start.

    A visitor in view of the result who is not `expected` has left meanwhile.

    Args:
        saved: what the process before left.
        now: the moment of this start.
        cool_down_s: seconds after leaving within which a return continues the same visit.
    """
    gap = _Gap(saved, now, max(cool_down_s, RESTART_S))
    return Durations(
        tuple(_resume_visit(visit, gap) for visit in saved.durations.visits),
        tuple(_resume_rule(rule, gap) for rule in saved.durations.rules),
    )


class _Gap:
    """The time between two processes: it moves moments from one to the other."""

    def __init__(self, saved: Saved, now: Instant, restart_s: float) -> None:
        self.now, self.restart_s = now, restart_s
        age_s = _age_s(saved, now)
        self.dated = age_s is not None
        self.killed = saved.same_boot and not saved.clean
        self._shift_s = now.mono_s - (age_s or 0.0) - saved.at.mono_s
        self.is_restart = age_s is not None and (age_s < restart_s or self.killed)

    def moved(self, moment: Instant) -> Instant:
        """Return a moment in the time of this start; never after it."""
        return replace(moment, mono_s=min(moment.mono_s + self._shift_s, self.now.mono_s))

    def begun(self, moment: Instant | None) -> Instant | None:
        """Return the beginning of a cool-down in the time of this start; the start, if its age is unknown."""
        if moment is None:
            return None
        return self.moved(moment) if self.dated else replace(moment, mono_s=self.now.mono_s)


def _age_s(saved: Saved, now: Instant) -> float | None:
    """Return how long ago durations were saved; None if that is unknown."""
    if saved.same_boot:
        return max(0.0, now.mono_s - saved.at.mono_s)
    if saved.at.synced and now.synced:
        return max(0.0, (now.wall - saved.at.wall).total_seconds())
    return None


def _resume_visit(visit: VisitRecord, gap: _Gap) -> VisitRecord:
    if visit.face is None:
        return replace(visit, since=gap.moved(visit.since), left=gap.begun(visit.left), gone=gap.begun(visit.gone))
    if not gap.dated:  # they left at the start, and their cool-down begins there
        since_start_s = gap.now.mono_s - visit.face.seen.mono_s
        return visit.moved(lambda moment: replace(moment, mono_s=moment.mono_s + since_start_s))
    moved = visit.moved(gap.moved)
    unseen_s = gap.now.mono_s - gap.moved(visit.face.seen).mono_s
    return replace(moved, expected=unseen_s < gap.restart_s or (gap.killed and visit.person is not None))


def _resume_rule(rule: RuleRecord, gap: _Gap) -> RuleRecord:
    held_since = gap.begun(rule.held_since)
    if rule.when == "count" and not gap.is_restart:  # the crowd may have gone and come again
        held_since = None
    return replace(rule, raised=gap.begun(rule.raised), held_since=held_since)
