"""Tracks, tick by tick -> an entry of the inbox for each visit, with the best face and why it was named or not.

- Nothing is kept of somebody whom the owner ignores, and nothing that was too short to be looked at.
- A visit may have several tracks, as when a face is lost and found again: they are one entry.
- A track that turns out to show somebody else goes to the entry of that visit.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from node.domain import Box, Event, Flaw, Image, Instant, Look, Tick, Track, Vector
from node.events.engine import Decision
from node.review.entry import MAX_EVENTS, BestFace, ReviewEntry
from node.review.inbox import ReviewInbox

_LEAST_LOOKS = 5
"""Looks at a face that was never usable, from which on it is kept."""
_BETTER = 1.1
"""Factor by which a look must be better than the best so far to take its place: a picture is encoded each time."""

Encode = Callable[[Image, Box], bytes]
"""Returns a small JPEG of the part of an image around a face."""


@dataclass(slots=True, eq=False)
class _TrackState:
    """What was seen of one track."""

    began: Instant
    seen: Instant
    key: Hashable
    decision: Decision | None = None
    looks: int = 0
    unusable: int = 0
    flaws: Counter[Flaw] = field(default_factory=Counter)
    embedding: Vector | None = None
    best: Look | None = None
    failed: Look | None = None
    picture: bytes | None = None
    events: list[str] = field(default_factory=list)

    @property
    def worth_keeping(self) -> bool:
        """Whether there is enough for an owner to look at."""
        ignored = self.decision is not None and self.decision.ignored
        return not ignored and (self.best is not None or self.unusable >= _LEAST_LOOKS)


class Collector:
    """Gather the faces of visits, on the main loop's thread.

    Args:
        inbox: the entries of visits that have ended.
        encode: makes the pictures, if there are any.
    """

    def __init__(self, inbox: ReviewInbox, encode: Encode) -> None:
        self.inbox, self._encode = inbox, encode
        self._states: dict[int, _TrackState] = {}
        self._ids: dict[Hashable, str] = {}

    def update(
        self,
        tick: Tick,
        tracks: Sequence[Track],
        looks: Mapping[int, Look],
        decisions: Mapping[int, Decision],
        events: Iterable[tuple[str, Event]] = (),
    ) -> None:
        """Take over what was seen in a tick.

        Args:
            tick: the moment and its frame.
            tracks: everybody in view.
            looks: of this tick, by track.
            decisions: what was decided about each track.
            events: of this tick, each with its id.
        """
        for track in tracks:
            state = self._states.setdefault(track.number, _TrackState(track.began, track.seen, ("track", track.number)))
            state.seen, state.embedding = track.seen, track.embedding
            decision = decisions.get(track.number)
            if decision is not None:
                state.decision = decision
                self._rename(state, decision.visit or state.key)
            look = looks.get(track.number)
            if look is not None:
                self._look(state, look, tick)
        for event_id, event in events:
            if event.track in self._states:
                self._states[event.track].events.append(event_id)
                del self._states[event.track].events[:-MAX_EVENTS]
        numbers = {track.number for track in tracks}
        for number in [number for number in self._states if number not in numbers]:
            self._end(self._states.pop(number))
        self.inbox.advance(tick.at.mono_s, self._in_view)

    def entries(self) -> tuple[ReviewEntry, ...]:
        """Return the entries that nobody has decided about, with those of visits that go on, latest first."""
        shown = {entry.id: entry for entry in self.inbox.entries()}
        ended = shown.keys()
        current: dict[str, ReviewEntry] = {}
        for state in sorted(self._states.values(), key=lambda each: each.seen.mono_s):
            # Before it is decided who that is, a track has not found its visit: its entry would soon have another id.
            if state.worth_keeping and state.decision is not None:
                entry = self._entry(state)
                former = current.pop(entry.id, None) or (shown[entry.id] if entry.id in ended else None)
                current[entry.id] = former.joined(entry) if former else entry
        live = [entry for entry in reversed(current.values()) if not self.inbox.is_handled(entry.id)]
        return (*live, *(entry for entry in shown.values() if entry.id not in current))

    def settle(self, ids: Iterable[str]) -> None:
        """Put entries of visits that go on into the inbox, so that the owner can decide about them."""
        wanted = set(ids)
        for number, state in list(self._states.items()):
            if state.worth_keeping and self._id(state.key) in wanted:
                self.inbox.put(self._entry(state))
                self._states[number] = replace(
                    state,
                    looks=0,
                    unusable=0,
                    flaws=Counter(),
                    embedding=None,
                    best=None,
                    failed=None,
                    picture=None,
                    events=[],
                )

    def forget(self, person: str) -> None:
        """Forget whoever may be a person who is erased."""
        self.inbox.forget(person)
        self._states.clear()

    def clear(self) -> None:
        """Drop everything.

        Raises:
            OSError: a file cannot be removed.
        """
        self._states.clear()
        self._ids.clear()
        self.inbox.clear()

    def close(self) -> None:
        """Put the visits that go on into the inbox, at the end of the process."""
        while self._states:
            self._end(self._states.popitem()[1])

    def _in_view(self) -> frozenset[str]:
        """Return the ids of the entries whose visits go on."""
        return frozenset(self._ids[state.key] for state in self._states.values() if state.key in self._ids)

    def _rename(self, state: _TrackState, key: Hashable) -> None:
        """Let what is not in the inbox yet keep its id, when its visit turns out to be another one."""
        former = self._ids.get(state.key)
        if key != state.key and key not in self._ids and former is not None and not self.inbox.holds(former):
            others = (each for each in self._states.values() if each is not state)
            if all(each.key != state.key for each in others):
                self._ids[key] = self._ids.pop(state.key)
        state.key = key

    def _look(self, state: _TrackState, look: Look, tick: Tick) -> None:
        if not look.usable or look.embedding is None or look.crop is None:
            state.unusable += 1
            state.flaws.update(look.flaws)
            if state.best is None and _wider(look, state.failed):
                state.failed, state.picture = look, self._picture(look, tick)
            return
        state.looks += 1
        if state.best is None or look.weight > state.best.weight * _BETTER:
            state.best, state.picture = look, self._picture(look, tick)

    def _picture(self, look: Look, tick: Tick) -> bytes | None:
        if tick.frame is None or not self.inbox.keeping.pictures:
            return None
        return self._encode(tick.frame.image, look.face.box)

    def _end(self, state: _TrackState) -> None:
        if state.worth_keeping:
            self.inbox.put(self._entry(state))
        kept = {self._ids.get(each.key) for each in self._states.values()}
        self._ids = {key: id_ for key, id_ in self._ids.items() if id_ in kept or self.inbox.holds(id_)}

    def _entry(self, state: _TrackState) -> ReviewEntry:
        best, face = state.best, None
        if best is not None and best.embedding is not None and best.crop is not None:
            face = BestFace(best.embedding, best.crop, best.weight)
        return ReviewEntry(
            id=self._id(state.key),
            began=self.inbox.stamp(state.began),
            seen=self.inbox.stamp(state.seen),
            space=self.inbox.keeping.same.space,
            person=state.decision.person if state.decision else None,
            looks=state.looks,
            flaws=MappingProxyType(dict(state.flaws)),
            embedding=state.embedding,
            best=face,
            failed=state.failed.crop if face is None and state.failed is not None else None,
            picture=state.picture,
            events=tuple(state.events[-MAX_EVENTS:]),
        )

    def _id(self, key: Hashable) -> str:
        if key not in self._ids:
            self._ids[key] = secrets.token_hex(4)
        return self._ids[key]


def _wider(look: Look, former: Look | None) -> bool:
    """Return whether a face that failed a gate shows much more than the former one."""
    return former is None or look.face.box.width > former.face.box.width * _BETTER
