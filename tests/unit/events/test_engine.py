"""Events: a name only on evidence, each thing told once."""

from collections.abc import Mapping

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


def test_who_is_enrolled_while_in_view_is_recognized_at_once() -> None:
    """Not the evidence has changed but who is known: no further looks are needed, and it is not `changed`."""
    engine = Engine(POLICY, GalleryMatcher((), "s", 0.5), LABELS)
    told(engine, track(5, ADA))
    engine.replace(matcher())
    (event,) = told(engine, track(5, ADA))
    assert event.type is EventType.RECOGNIZED
    assert told(engine, track(6, ADA)) == []
    assert [event.type for event in told(engine, at_s=9)] == [EventType.LEFT]


def test_who_is_erased_while_in_view_is_a_stranger_without_a_past() -> None:
    """No later event carries the id of somebody who was erased, not even as `was`."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(5, ADA))
    engine.forget("ada")
    engine.replace(GalleryMatcher((), "s", 0.5))
    events = [event for looks in (6, 7) for event in told(engine, track(looks, ADA))] + told(engine, at_s=9)
    assert [(event.type, event.person, event.was) for event in events] == [
        (EventType.UNKNOWN, None, None),
        (EventType.LEFT, None, None),
    ]
    assert engine.present == ()


def test_somebody_pacing_at_the_door_is_one_visit() -> None:
    """Who comes back within the cool-down is not told again, nor is the leaving after it; after the cool-down it is."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = []
    for number, at_s in enumerate((0, 10, 40, 99, 200), start=1):
        kinds.append([event.type for event in told(engine, track(3, ADA, number), at_s=at_s)])
        kinds.append([event.type for event in told(engine, at_s=at_s + 5)])
    arrived = [[EventType.RECOGNIZED], [EventType.LEFT]]
    assert kinds == [*arrived, *[[]] * 6, *arrived]


def test_a_stranger_who_comes_back_is_the_same_stranger_and_another_is_not() -> None:
    """Strangers have no id, but the same face within the cool-down is not told twice."""
    engine = Engine(POLICY, matcher(), LABELS, same_stranger=0.7)
    other = unit(0.5, 0.5, -1)
    assert [event.type for event in told(engine, track(5, STRANGER))] == [EventType.UNKNOWN]
    told(engine, at_s=5)
    assert told(engine, track(5, STRANGER, number=2), at_s=10) == []
    assert [event.type for event in told(engine, track(5, STRANGER, 2), track(5, other, 3), at_s=11)] == [
        EventType.UNKNOWN
    ]


def test_a_face_lost_and_found_again_is_one_visit() -> None:
    """A second track of somebody while the first still lives tells nothing; `left` comes when both are gone."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA))
    assert told(engine, track(3, ADA), track(3, ADA, number=2, seen_s=4)) == []
    assert told(engine, track(4, ADA, number=2, seen_s=4), at_s=4) == []
    (left,) = told(engine, at_s=9)
    assert left.type is EventType.LEFT
    assert left.seen_s == 4


def test_a_changed_name_is_told_even_within_the_cool_down() -> None:
    """A mistake that was told has to be put right."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA))
    told(engine, at_s=5)
    told(engine, track(5, STRANGER, number=2), at_s=10)
    events = [event for looks in (6, 7, 8) for event in told(engine, track(looks, ADA, number=2), at_s=11)]
    assert [event.type for event in events] == [EventType.CHANGED]
    assert [event.type for event in told(engine, at_s=20)] == [EventType.LEFT]


def test_who_came_back_untold_and_stays_is_told_after_the_cool_down() -> None:
    """`left` is not the last word about somebody who is there."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA))
    assert [event.type for event in told(engine, at_s=5)] == [EventType.LEFT]
    assert told(engine, track(3, ADA, number=2), at_s=20) == []
    assert told(engine, track(4, ADA, number=2), at_s=64) == []
    assert [event.type for event in told(engine, track(4, ADA, number=2), at_s=65)] == [EventType.RECOGNIZED]
    assert told(engine, track(5, ADA, number=2), at_s=66) == []
    assert [event.type for event in told(engine, at_s=99)] == [EventType.LEFT]


def test_who_is_ignored_while_in_view_is_gone_without_a_word_and_told_when_no_longer_ignored() -> None:
    """From the owner's word on there is no event, and no presence; and back."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, BOB))
    engine.replace(matcher(ignore_bob=True))
    assert told(engine, track(3, BOB)) == []
    assert engine.present == ()
    engine.replace(matcher())
    assert [event.type for event in told(engine, track(3, BOB))] == [EventType.RECOGNIZED]
    engine.replace(matcher(ignore_bob=True))
    told(engine, track(3, BOB))
    assert told(engine, at_s=9) == []


def test_a_name_that_was_a_mistake_does_not_swallow_the_arrival_of_its_owner() -> None:
    """A visit that was none leaves no cool-down behind."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA))
    for looks in (4, 5, 6):
        told(engine, track(looks, STRANGER))
    events = told(engine, track(7, STRANGER), track(3, ADA, number=2), at_s=30)
    assert [event.type for event in events] == [EventType.RECOGNIZED]


def test_sightings_are_of_the_last_sight_not_of_the_presence() -> None:
    """PersonStub out of sight but not yet gone was last seen when they were."""
    engine = Engine(POLICY, matcher(), LABELS)
    told(engine, track(3, ADA, seen_s=4))
    told(engine, track(3, ADA, seen_s=4), at_s=6)
    assert {person: at.mono_s for person, at in engine.sightings.items()} == {"ada": 4}


def test_an_undecided_track_is_matched_only_when_there_is_a_new_look() -> None:
    """Ticks without a look cost nothing."""

    class Counting(GalleryMatcher):
        asked = 0

        def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
            self.asked += 1
            return super().match(embedding, heads)

    counting = Counting((), "s", 0.5)
    engine = Engine(POLICY, counting, LABELS)
    for looks in (0, 1, 1, 1, 2, 2):
        told(engine, track(looks, ADA if looks else None))
    assert counting.asked == 2
