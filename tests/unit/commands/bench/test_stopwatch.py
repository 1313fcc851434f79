"""The stopwatch of `facenode bench`: steps take turns, and ratios are taken within a round."""

from functools import partial

import pytest

from node.commands.bench.stopwatch import Rounds, time_in_rounds


def test_steps_time_in_rounds_and_the_first_rounds_are_left_out() -> None:
    """Two warm-up rounds and three that count: five runs of each, in turns."""
    ran: list[str] = []
    rounds = time_in_rounds({name: partial(ran.append, name) for name in "ab"}, 3, warm_up=2)
    assert "".join(ran) == "ab" * 5
    assert {name: len(times) for name, times in rounds.times_ms.items()} == {"a": 3, "b": 3}
    assert all(time_ms >= 0 for times in rounds.times_ms.values() for time_ms in times)


def test_a_ratio_does_not_move_with_the_machine() -> None:
    """A machine four times as slow in every other round changes the medians but not the ratio, 1.5."""
    slow = (1, 4, 1, 4, 1)
    rounds = Rounds({"whole": [3.0 * s for s in slow], "a": [0.5 * s for s in slow], "b": [1.5 * s for s in slow]})
    assert rounds.ratio(("whole",), ("a", "b")) == pytest.approx(1.5, abs=1e-3)


def test_a_share_is_of_the_total_times() -> None:
    """A step that is rarely long counts as it does in a running node; a median would hide it."""
    rounds = Rounds({"four": [1.0, 1.0, 1.0, 7.0], "one": [1.0, 1.0, 1.0, 2.0]})
    assert rounds.share("four", "one") == pytest.approx(2.0, abs=1e-3)
    assert rounds.p50_ms("four") == pytest.approx(1.0, abs=1e-3)
    # Linear interpolation between the greatest two of four.
    assert rounds.p95_ms("four") == pytest.approx(6.1, abs=1e-3)
