"""Tracks: a face keeps its number, and only time ends a track."""

import numpy as np
import pytest
from makers import face, instant, look, unit

from node.domain import Flaw
from node.events.tracker import Tracker
from node.settings import EventSettings

SETTINGS = EventSettings(leave_after_s=2.0, unknown_votes=4, recheck_s=1.0)


def numbers(tracker: Tracker) -> list[int]:
    """Return the numbers of the tracks in view."""
    return [track.number for track in tracker.tracks]


def test_a_face_that_moves_keeps_its_number() -> None:
    """A track follows a face by its position, from tick to tick."""
    tracker = Tracker(SETTINGS)
    for step in range(10):
        tracker.update(instant(step * 0.1), [face(left=0.1 + 0.05 * step)])
    assert numbers(tracker) == [1]
    assert tracker.tracks[0].seen.mono_s == pytest.approx(0.9, abs=1e-9)


def test_a_track_has_the_speed_of_its_face() -> None:
    """In fractions of the frame a second, smoothed, so that it is known where to search next."""
    tracker = Tracker(EventSettings())
    for number in range(8):
        tracker.update(instant(number / 10), [face(0.1 + 0.03 * number, 0.3)])
    (track,) = tracker.tracks
    assert track.speed == pytest.approx((0.3, 0.0), abs=0.01)


def test_two_faces_that_swap_places_slowly_keep_their_numbers() -> None:
    """Each face is assigned to the nearest track, not to the first one in the list."""
    tracker = Tracker(SETTINGS)
    for step in range(9):
        tracker.update(instant(step * 0.1), [face(left=0.8 - 0.02 * step), face(left=0.1 + 0.02 * step)])
    places = {track.number: track.face.box.left for track in tracker.tracks}
    assert places[1] == pytest.approx(0.64, abs=1e-9)
    assert places[2] == pytest.approx(0.26, abs=1e-9)


def test_a_face_far_from_every_track_begins_a_new_one() -> None:
    """Nobody jumps across the image."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face(left=0.0)])
    tracker.update(instant(0.1), [face(left=0.7)])
    assert numbers(tracker) == [1, 2]


def test_a_track_survives_a_short_gap_and_ends_after_a_long_one() -> None:
    """Only `leave_after_s` of monotonic time without being seen ends a track."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    tracker.update(instant(1.9), [])
    assert numbers(tracker) == [1]
    tracker.update(instant(2.0), [face()])
    tracker.update(instant(4.0), [])
    assert numbers(tracker) == [1]
    tracker.update(instant(4.1), [])
    assert numbers(tracker) == []


def test_a_decided_track_is_due_only_now_and_then() -> None:
    """A track is looked at every tick until it is decided, then every `recheck_s`."""
    tracker = Tracker(SETTINGS)
    due = []
    for step in range(20):
        tracker.update(instant(step * 0.25), [face()])
        tracks = tracker.due()
        due.append(len(tracks))
        tracker.assign({track.number: look(unit(1, 0)) for track in tracks})
    assert due == [1, 1, 1, 1] + [0, 0, 0, 1] * 4


def test_a_track_out_of_sight_is_never_due() -> None:
    """A frame without the face has nothing to look at."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    tracker.update(instant(0.1), [])
    assert tracker.due() == ()


def test_the_track_that_was_never_looked_at_is_due_first() -> None:
    """The least certain track comes first."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face(left=0.1)])
    tracker.assign({1: look(unit(1, 0))})
    tracker.update(instant(0.1), [face(left=0.1), face(left=0.7)])
    assert [track.number for track in tracker.due()] == [2, 1]


def test_the_embedding_of_a_track_is_the_unit_mean_of_its_usable_looks() -> None:
    """Unusable looks are counted and change nothing."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    tracker.assign({1: look(unit(1, 0), heads={"age": np.array([0.2, 0.8], np.float32)})})
    tracker.assign({1: look(None, flaws=(Flaw.BLUR,))})
    tracker.assign({1: look(unit(0, 1), heads={"age": np.array([0.6, 0.4], np.float32)})})
    track = tracker.tracks[0]
    assert track.looks == 2
    assert track.embedding is not None
    np.testing.assert_allclose(track.embedding, [np.sqrt(0.5)] * 2, atol=1e-6)
    np.testing.assert_allclose(track.heads["age"], [0.4, 0.6], atol=1e-6)
    assert tracker.unusable == 1


def test_two_faces_that_cross_keep_their_numbers() -> None:
    """Each is predicted to keep its speed: at the crossing the boxes overlap fully, and one is hidden briefly."""
    tracker = Tracker(SETTINGS)
    for step in range(17):
        left, right = face(left=0.1 + 0.04 * step), face(left=0.74 - 0.04 * step, top=0.33)
        hidden = step == 8
        tracker.update(instant(step * 0.1), [right] if hidden else [left, right])
    places = {track.number: track.face.box.left for track in tracker.tracks}
    assert places == {1: pytest.approx(0.74, abs=1e-9), 2: pytest.approx(0.1, abs=1e-9)}


def test_a_face_hidden_for_a_moment_is_found_at_its_predicted_position() -> None:
    """A face that keeps moving while it is hidden keeps its number."""
    tracker = Tracker(SETTINGS)
    for step in range(5):
        tracker.update(instant(step * 0.1), [face(left=0.05 * step)])
    for step in range(5, 10):
        tracker.update(instant(step * 0.1), [])
    tracker.update(instant(1.0), [face(left=0.5)])
    assert numbers(tracker) == [1]


def test_somebody_who_takes_the_place_of_another_is_another_track() -> None:
    """Two looks in a row that contradict the earlier ones begin a new track; a single one changes nothing."""
    tracker = Tracker(SETTINGS)
    ada, eve = unit(1, 0), unit(0, 1)
    tracker.update(instant(0), [face()])
    for embedding in (ada, ada, ada, eve, ada):
        tracker.assign({1: look(embedding)})
    assert numbers(tracker) == [1]
    tracker.assign({1: look(eve)})
    tracker.assign({1: look(eve)})
    (track,) = tracker.tracks
    assert track.number == 2
    assert track.looks == 2
    assert track.embedding is not None
    np.testing.assert_allclose(track.embedding, eve, atol=1e-6)


def test_the_looks_per_tick_are_limited_and_every_track_gets_its_turn() -> None:
    """Five faces and two looks per tick: after five ticks each has had two."""
    tracker = Tracker(SETTINGS.model_copy(update={"looks_per_tick": 2}))
    faces = [face(left=0.2 * number, size=0.1) for number in range(5)]
    for step in range(5):
        tracker.update(instant(step * 0.1), faces)
        due = tracker.due()
        assert len(due) == 2
        tracker.assign({track.number: look(unit(1, 0)) for track in due})
    assert [track.looks for track in tracker.tracks] == [2] * 5


def test_a_better_look_counts_more_and_the_best_is_kept() -> None:
    """The mean is weighted by quality, within 1e-6."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    poor, good = look(unit(1, 0), weight=0.25), look(unit(0, 1), weight=0.75)
    tracker.assign({1: poor})
    tracker.assign({1: good})
    (track,) = tracker.tracks
    assert track.embedding is not None
    np.testing.assert_allclose(track.embedding, unit(0.25, 0.75), atol=1e-6)
    assert track.best is good


def test_each_gate_counts_the_looks_that_fail_it() -> None:
    """One look may fail several gates and is one unusable look."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    tracker.assign({1: look(None, flaws=(Flaw.BLUR, Flaw.SIZE))})
    tracker.assign({1: look(None, flaws=(Flaw.BLUR,))})
    assert tracker.unusable == 2
    assert {flaw: count for flaw, count in tracker.flaws.items() if count} == {Flaw.BLUR: 2, Flaw.SIZE: 1}


def test_faces_without_usable_looks_delay_nobody() -> None:
    """Four posters and one person, four looks per tick: the person is decided as soon as their turns allow."""
    tracker = Tracker(SETTINGS.model_copy(update={"looks_per_tick": 4}))
    faces = [face(left=0.2 * number, size=0.1) for number in range(5)]
    for step in range(10):
        tracker.update(instant(step * 0.1), faces)
        tracker.assign(
            {t.number: look(unit(1, 0)) if t.number == 5 else look(None, flaws=(Flaw.SIZE,)) for t in tracker.due()}
        )
    assert tracker.tracks[4].looks >= SETTINGS.unknown_votes


def test_the_best_look_is_one_of_those_in_the_mean() -> None:
    """An older look may have shown somebody else."""
    tracker = Tracker(SETTINGS)
    tracker.update(instant(0), [face()])
    tracker.assign({1: look(unit(1, 0), weight=0.9)})
    for _ in range(30):
        tracker.assign({1: look(unit(1, 0.5), weight=0.2)})
    best = tracker.tracks[0].best
    assert best is not None
    assert best.weight == 0.2
