"""The slowness of a node: slow is much slower than its own first minutes, with frames of the same kind."""

from collections.abc import Iterable

import pytest

from node.slowness import FIRST_S, NOBODY, RECENT_S, Kind, Slowness

_FPS = 2
_SOMEBODY = Kind(anyone=True)


def _pass(slowness: Slowness, from_s: float, to_s: float, took_ms: float, kind: Kind = NOBODY) -> list[bool]:
    """Let time pass with frames of one latency; return what it says after each."""
    return [_added(slowness, from_s + number / _FPS, took_ms, kind) for number in range(int((to_s - from_s) * _FPS))]


def _added(slowness: Slowness, now_s: float, took_ms: float, kind: Kind) -> bool:
    slowness.add(now_s, took_ms, kind)
    return slowness.slow(now_s)


def _begun(took_ms: float = 10.0, kind: Kind = NOBODY) -> Slowness:
    """Return that of a node after its first minutes."""
    slowness = Slowness()
    assert not any(_pass(slowness, 0, FIRST_S + 10, took_ms, kind))
    return slowness


def test_a_node_that_takes_twice_as_long_as_at_first_is_slow_after_minutes() -> None:
    """The median of the last minutes decides: slow frames must be the greater part of them."""
    said = _pass(_begun(), FIRST_S + 10, FIRST_S + 10 + RECENT_S, 20.0)
    first = said.index(True) / _FPS
    assert first == pytest.approx(RECENT_S / 2, abs=2)
    assert all(said[said.index(True) :])


def test_a_node_that_takes_less_than_twice_as_long_is_not_slow() -> None:
    """Another person in view, or a warm processor, is no fault."""
    assert not any(_pass(_begun(), FIRST_S + 10, FIRST_S + 1000, 19.0))


def test_a_slow_node_has_recovered_only_below_one_and_a_half_times() -> None:
    """Between the two bounds a node remains what it is, so that the field does not flap."""
    slowness = _begun()
    end_s = FIRST_S + 10
    for took_ms, slow in ((20.0, True), (16.0, True), (14.0, False), (19.0, False), (16.0, False)):
        *_, last = _pass(slowness, end_s, end_s + RECENT_S + 10, took_ms)
        end_s += RECENT_S + 10
        assert last is slow, took_ms


def test_a_busy_minute_makes_no_node_slow() -> None:
    """A backup that takes a minute is over before anybody could do anything."""
    slowness = _begun()
    end_s = FIRST_S + 10
    assert not any(_pass(slowness, end_s, end_s + 60, 100.0))
    assert not any(_pass(slowness, end_s + 60, end_s + 300, 10.0))


def test_more_work_in_a_frame_is_no_slowness() -> None:
    """After an empty room, frames with faces to look at take longer: they are compared with their own kind."""
    slowness = _begun()
    end_s = FIRST_S + 10
    for number, kind in enumerate((_SOMEBODY, Kind(anyone=True, looks=4))):
        begun_s = end_s + number * (FIRST_S + RECENT_S)
        assert not any(_pass(slowness, begun_s, begun_s + FIRST_S + RECENT_S, 100.0, kind))


def test_one_kind_of_frames_is_enough_to_be_slow() -> None:
    """Where somebody is always in view, no frame is empty."""
    *_, slow = _pass(_begun(30.0, _SOMEBODY), FIRST_S + 10, FIRST_S + 10 + RECENT_S, 70.0, _SOMEBODY)
    assert slow


def _few() -> Iterable[float]:
    return (FIRST_S + 500 + 5 * number for number in range(29))


def test_a_few_frames_prove_nothing() -> None:
    """Without enough recent frames of a kind nothing is said, also of a slow node when the camera stops."""
    slowness = _begun()
    assert not any(_added(slowness, now_s, 100.0, NOBODY) for now_s in _few())
    slowness = _begun()
    assert _pass(slowness, FIRST_S + 10, FIRST_S + 10 + RECENT_S, 100.0)[-1]
    assert not slowness.slow(FIRST_S + 10 + 2 * RECENT_S + 10)


def test_the_first_minutes_have_enough_frames() -> None:
    """A kind that was seen three times in its first minutes is usual only after some more."""
    slowness = Slowness()
    sparse = [_added(slowness, 100.0 * number, 1.0, NOBODY) for number in range(4)]
    assert not any(sparse + _pass(slowness, 400, 400 + 40, 50.0))


def test_memory_does_not_grow_with_the_rate_of_frames() -> None:
    """At a hundred frames a second no more are kept than at two: two frames are at least half a second apart."""
    slowness = Slowness()
    for number in range(int(100 * RECENT_S)):
        slowness.add(number / 100, 1.0 if number % 50 == 0 else 1000.0, NOBODY)
    for number in range(int(100 * FIRST_S)):
        slowness.add(RECENT_S + number / 100, 1.0 if number % 50 == 0 else 1000.0, NOBODY)
    assert not slowness.slow(RECENT_S + FIRST_S)
