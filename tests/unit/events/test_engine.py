"""Events: a name only on evidence, each thing told once."""

from dataclasses import replace

import numpy as np
from makers import face, instant, unit

from node.domain import Event, EventType, Match, Track, Vector
from node.events.engine import Engine
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.settings import EventSettings

POLICY = EventSettings(votes=3, unknown_votes=5)
ADA, BOB, STRANGER = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)
LABELS = {"age": ("young", "middle", "senior")}


def matcher(*, ignore_bob: bool = False) -> GalleryMatcher:
    """Return a matcher that knows Ada and Bob."""
    people = (
        Person("ada", "Ada", (Anchor(ADA, "s", "photo"),)),
        Person("bob", "Bob", (Anchor(BOB, "s", "photo"),), ignored=ignore_bob),
    )
    return GalleryMatcher(people, "s", 0.5)


def track(looks: int, embedding: Vector | None, number: int = 1, seen_s: float = 0.0) -> Track:
    """Return a track with so many usable looks."""
    heads = {"age": np.array([0.1, 0.7, 0.2], np.float32)}
    return Track(number, face(), instant(0), instant(seen_s), looks, embedding, heads)


def told(engine: Engine, *tracks: Track, at_s: float = 0.0) -> list[Event]:
    """Return what the engine tells of these tracks."""
    return list(engine.update(instant(at_s), tracks))


def test_a_name_needs_its_votes_and_comes_once() -> None:
    """`recognized` comes with the look that completes the votes, and never again for this visit."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = [[event.type for event in told(engine, track(looks, ADA))] for looks in range(7)]
    assert kinds == [[], [], [], [EventType.RECOGNIZED], [], [], []]


def test_a_recognized_event_carries_person_score_and_age() -> None:
    """The event says who, how near, and the age group; ethnicity was not asked for."""
    (event,) = told(Engine(POLICY, matcher(), LABELS), track(3, ADA))
    assert event.person == Match("ada", 1.0)
    assert event.age is not None
    assert event.age.group == "middle"
    assert event.ethnicity is None


def test_unknown_needs_more_looks_than_a_name() -> None:
    """A turned head looks like a stranger for a moment: `unknown` waits for `unknown_votes`."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = [[event.type for event in told(engine, track(looks, STRANGER))] for looks in range(7)]
    assert kinds == [[], [], [], [], [], [EventType.UNKNOWN], []]


def test_a_face_without_usable_looks_makes_no_event() -> None:
    """What fails the gates is neither known nor unknown, and does not leave either."""
    engine = Engine(POLICY, matcher(), LABELS)
    assert told(engine, track(0, None)) == []
    assert told(engine, at_s=9) == []


def test_changed_needs_as_many_contradictions_as_a_name_needs_votes() -> None:
    """One look that says otherwise changes nothing; `votes` in a row do, once."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(5, STRANGER))
    assert told(engine, track(6, ADA)) == []
    assert told(engine, track(7, STRANGER)) == []
    events = [event for looks in range(8, 12) for event in told(engine, track(looks, ADA))]
    assert [(event.type, event.was, event.person and event.person.person) for event in events] == [
        (EventType.CHANGED, "unknown", "ada")
    ]


def test_the_same_look_counted_twice_is_no_second_vote() -> None:
    """Ticks without a new look bring no doubt."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(5, STRANGER))
    assert [told(engine, track(6, ADA)) for _ in range(5)] == [[]] * 5


def test_left_says_how_long_somebody_was_in_view() -> None:
    """`left` comes once, with seconds from the first to the last sight."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA, seen_s=4.5))
    (event,) = told(engine, at_s=9)
    assert event.type is EventType.LEFT
    assert event.seen_s == 4.5
    assert event.person is not None
    assert told(engine, at_s=10) == []


def test_closing_lets_everybody_leave() -> None:
    """At the end of a clip or at a clean stop nobody is left in view."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA), track(5, STRANGER, number=2))
    assert [event.type for event in engine.close(instant(1))] == [EventType.LEFT, EventType.LEFT]
    assert engine.present == ()


def test_an_ignored_person_makes_no_event_and_is_not_present() -> None:
    """The postman is recognised and never told."""
    engine = Engine(POLICY, matcher(ignore_bob=True), LABELS)
    assert told(engine, track(9, BOB)) == []
    assert engine.present == ()
    assert told(engine, at_s=9) == []


def test_somebody_in_two_tracks_is_present_once() -> None:
    """A mirror does not double a person."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA), track(3, ADA, number=2))
    assert [presence.person for presence in engine.present] == ["ada"]


def test_a_new_matcher_counts_from_the_next_look() -> None:
    """Enrolling somebody in view needs no restart."""
    engine = Engine(POLICY, GalleryMatcher((), "s", 0.5), LABELS)
    told(engine, track(5, ADA))
    engine.matcher = matcher()
    events = [event for looks in range(6, 9) for event in told(engine, replace(track(looks, ADA)))]
    assert [event.type for event in events] == [EventType.CHANGED]
