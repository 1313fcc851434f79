"""Events: a name needs evidence, and each event is reported once."""

from collections.abc import Mapping

import numpy as np
import pytest
from cohorts import cohort
from makers import face, instant, unit

from node.domain import Event, EventType, Match, Track, Vector
from node.events.engine import Engine
from node.people.matcher import GalleryMatcher, Probe
from node.people.person import Anchor, Person
from node.settings import EventSettings
from node.vision.cohort import Cohort

POLICY = EventSettings(votes=3, unknown_votes=5)
ADA, BOB, STRANGER = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)
LABELS = {"age": ("young", "middle", "senior")}


def matcher(*, ignore_bob: bool = False) -> GalleryMatcher:
    """Return a matcher that knows ada and bob."""
    people = (
        Person("ada", "Ada", (Anchor(ADA, "s", "photo"),)),
        Person("bob", "Bob", (Anchor(BOB, "s", "photo"),), ignored=ignore_bob),
    )
    return GalleryMatcher(people, "s", 0.5)


def track(looks: int, embedding: Vector | None, number: int = 1, seen_s: float = 0.0) -> Track:
    """Return a track with so many usable looks."""
    heads = {"age": np.array([0.1, 0.7, 0.2], np.float32)}
    return Track(number, face(), instant(0), instant(seen_s), looks, embedding, heads)


def reported(engine: Engine, *tracks: Track, at_s: float = 0.0) -> list[Event]:
    """Return the events for these tracks."""
    return list(engine.update(instant(at_s), tracks))


def test_a_name_needs_its_votes_and_is_reported_once() -> None:
    """`recognized` comes with the look that completes the votes, and not again during this visit."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = [[event.type for event in reported(engine, track(looks, ADA))] for looks in range(7)]
    assert kinds == [[], [], [], [EventType.RECOGNIZED], [], [], []]


def test_a_recognized_event_carries_person_score_and_age() -> None:
    """The event has the person, the score and the age group; ethnicity was not requested."""
    (event,) = reported(Engine(POLICY, matcher(), LABELS), track(3, ADA))
    assert event.person == Match("ada", 1.0, margin=0.5)
    assert event.age is not None
    assert event.age.group == "middle"
    assert event.ethnicity is None


def test_unknown_needs_more_looks_than_a_name() -> None:
    """A turned head looks like a stranger for a moment: `unknown` waits for `unknown_votes`."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = [[event.type for event in reported(engine, track(looks, STRANGER))] for looks in range(7)]
    assert kinds == [[], [], [], [], [], [EventType.UNKNOWN], []]


def test_a_face_without_usable_looks_makes_no_event() -> None:
    """A face that fails the gates is neither known nor unknown, and has no `left` either."""
    engine = Engine(POLICY, matcher(), LABELS)
    assert reported(engine, track(0, None)) == []
    assert reported(engine, at_s=9) == []


def test_changed_needs_as_many_contradictions_as_a_name_needs_votes() -> None:
    """One contradicting look changes nothing; `votes` of them in a row do, once."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(5, STRANGER))
    assert reported(engine, track(6, ADA)) == []
    assert reported(engine, track(7, STRANGER)) == []
    events = [event for looks in range(8, 12) for event in reported(engine, track(looks, ADA))]
    assert [(event.type, event.was, event.person and event.person.person) for event in events] == [
        (EventType.CHANGED, "unknown", "ada")
    ]


def test_a_tick_without_a_new_look_is_not_a_vote() -> None:
    """Only a new look can contradict."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(5, STRANGER))
    assert [reported(engine, track(6, ADA)) for _ in range(5)] == [[]] * 5


def test_left_says_how_long_somebody_was_in_view() -> None:
    """`left` comes once, with seconds from the first to the last sight."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA, seen_s=4.5))
    (event,) = reported(engine, at_s=9)
    assert event.type is EventType.LEFT
    assert event.seen_s == 4.5
    assert event.person is not None
    assert reported(engine, at_s=10) == []


def test_everybody_leaves_on_close() -> None:
    """At the end of a clip or at a clean stop nobody remains in view."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA), track(5, STRANGER, number=2))
    assert [event.type for event in engine.close(instant(1))] == [EventType.LEFT, EventType.LEFT]
    assert engine.present == ()


def test_an_ignored_person_makes_no_event_and_is_not_present() -> None:
    """The postman is recognized and never reported."""
    engine = Engine(POLICY, matcher(ignore_bob=True), LABELS)
    assert reported(engine, track(9, BOB)) == []
    assert engine.present == ()
    assert reported(engine, at_s=9) == []


def test_somebody_in_two_tracks_is_present_once() -> None:
    """A mirror does not count a person twice."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA), track(3, ADA, number=2))
    assert [presence.person for presence in engine.present] == ["ada"]


def test_who_is_enrolled_while_in_view_is_recognized_at_once() -> None:
    """The gallery has changed, not the evidence: no further looks are needed, and it is not `changed`."""
    engine = Engine(POLICY, GalleryMatcher((), "s", 0.5), LABELS)
    reported(engine, track(5, ADA))
    engine.replace(matcher())
    (event,) = reported(engine, track(5, ADA))
    assert event.type is EventType.RECOGNIZED
    assert reported(engine, track(6, ADA)) == []
    assert [event.type for event in reported(engine, at_s=9)] == [EventType.LEFT]


def test_a_person_erased_while_in_view_is_a_new_stranger() -> None:
    """No later event contains the id of somebody who was erased, not even as `was`."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(5, ADA))
    engine.forget("ada")
    engine.replace(GalleryMatcher((), "s", 0.5))
    events = [event for looks in (6, 7) for event in reported(engine, track(looks, ADA))] + reported(engine, at_s=9)
    assert [(event.type, event.person, event.was) for event in events] == [
        (EventType.UNKNOWN, None, None),
        (EventType.LEFT, None, None),
    ]
    assert engine.present == ()


def test_somebody_pacing_at_the_door_is_one_visit() -> None:
    """A return within the cool-down is not reported, and neither is the leaving after it; later ones are."""
    engine = Engine(POLICY, matcher(), LABELS)
    kinds = []
    for number, at_s in enumerate((0, 10, 40, 99, 200), start=1):
        kinds.append([event.type for event in reported(engine, track(3, ADA, number), at_s=at_s)])
        kinds.append([event.type for event in reported(engine, at_s=at_s + 5)])
    arrived = [[EventType.RECOGNIZED], [EventType.LEFT]]
    assert kinds == [*arrived, *[[]] * 6, *arrived]


def test_a_stranger_who_comes_back_is_the_same_stranger_and_another_is_not() -> None:
    """Strangers have no id, but the same face within the cool-down is not reported twice."""
    engine = Engine(POLICY, matcher(), LABELS, same_stranger=0.7)
    other = unit(0.5, 0.5, -1)
    assert [event.type for event in reported(engine, track(5, STRANGER))] == [EventType.UNKNOWN]
    reported(engine, at_s=5)
    assert reported(engine, track(5, STRANGER, number=2), at_s=10) == []
    assert [event.type for event in reported(engine, track(5, STRANGER, 2), track(5, other, 3), at_s=11)] == [
        EventType.UNKNOWN
    ]


@pytest.mark.parametrize(("others", "kinds"), [(None, []), (cohort(unit(0, 0.1, -1)), [EventType.UNKNOWN])])
def test_two_strangers_are_one_by_the_score_that_decides(others: Cohort | None, kinds: list[EventType]) -> None:
    """Two children are alike by the cosine alone; less what is usual for children, they are two."""
    engine = Engine(POLICY, matcher(), LABELS, 0.6, lambda embedding: Probe.of(embedding, others))
    assert [event.type for event in reported(engine, track(5, unit(0.3, 0, -1)))] == [EventType.UNKNOWN]
    reported(engine, at_s=5)
    assert [event.type for event in reported(engine, track(5, unit(-0.1, 0.1, -1), 2), at_s=6)] == kinds


def test_a_face_lost_and_found_again_is_one_visit() -> None:
    """A second track of a person in view reports nothing; `left` comes when both tracks are gone."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA))
    assert reported(engine, track(3, ADA), track(3, ADA, number=2, seen_s=4)) == []
    assert reported(engine, track(4, ADA, number=2, seen_s=4), at_s=4) == []
    (left,) = reported(engine, at_s=9)
    assert left.type is EventType.LEFT
    assert left.seen_s == 4


def test_a_changed_name_is_reported_even_within_the_cool_down() -> None:
    """A reported mistake must be corrected."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA))
    reported(engine, at_s=5)
    reported(engine, track(5, STRANGER, number=2), at_s=10)
    events = [event for looks in (6, 7, 8) for event in reported(engine, track(looks, ADA, number=2), at_s=11)]
    assert [event.type for event in events] == [EventType.CHANGED]
    assert [event.type for event in reported(engine, at_s=20)] == [EventType.LEFT]


def test_an_unreported_return_is_reported_after_the_cool_down() -> None:
    """`left` is not the last event about somebody who is in view."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA))
    assert [event.type for event in reported(engine, at_s=5)] == [EventType.LEFT]
    assert reported(engine, track(3, ADA, number=2), at_s=20) == []
    assert reported(engine, track(4, ADA, number=2), at_s=64) == []
    assert [event.type for event in reported(engine, track(4, ADA, number=2), at_s=65)] == [EventType.RECOGNIZED]
    assert reported(engine, track(5, ADA, number=2), at_s=66) == []
    assert [event.type for event in reported(engine, at_s=99)] == [EventType.LEFT]


def test_a_person_ignored_while_in_view_vanishes_without_an_event_until_no_longer_ignored() -> None:
    """There is no event and no presence while the person is ignored."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, BOB))
    engine.replace(matcher(ignore_bob=True))
    assert reported(engine, track(3, BOB)) == []
    assert engine.present == ()
    engine.replace(matcher())
    assert [event.type for event in reported(engine, track(3, BOB))] == [EventType.RECOGNIZED]
    engine.replace(matcher(ignore_bob=True))
    reported(engine, track(3, BOB))
    assert reported(engine, at_s=9) == []


def test_a_mistaken_name_does_not_suppress_the_arrival_of_the_real_person() -> None:
    """A mistaken visit has no cool-down."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA))
    for looks in (4, 5, 6):
        reported(engine, track(looks, STRANGER))
    events = reported(engine, track(7, STRANGER), track(3, ADA, number=2), at_s=30)
    assert [event.type for event in events] == [EventType.RECOGNIZED]


def test_a_sighting_is_the_moment_last_seen() -> None:
    """Somebody hidden but not yet gone has the moment before they were hidden."""
    engine = Engine(POLICY, matcher(), LABELS)
    reported(engine, track(3, ADA, seen_s=4))
    reported(engine, track(3, ADA, seen_s=4), at_s=6)
    assert {person: at.mono_s for person, at in engine.last_seen.items()} == {"ada": 4}


def test_an_undecided_track_is_matched_only_with_a_new_look() -> None:
    """Ticks without a new look do not run the matcher."""

    class Counting(GalleryMatcher):
        asked = 0

        def match(self, embedding: Vector, heads: Mapping[str, Vector]) -> Match:
            self.asked += 1
            return super().match(embedding, heads)

    counting = Counting((), "s", 0.5)
    engine = Engine(POLICY, counting, LABELS)
    for looks in (0, 1, 1, 1, 2, 2):
        reported(engine, track(looks, ADA if looks else None))
    assert counting.asked == 2
