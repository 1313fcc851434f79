"""The clock: both clocks of the machine in one value."""

from datetime import UTC, datetime, timedelta

from node.clock import SystemClock, synchronised


def test_now_is_utc_and_monotonic_time_grows() -> None:
    """Wall time is within a second of the system's; monotonic time never runs back."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.wall.tzinfo is UTC
    assert abs(first.wall - datetime.now(UTC)) < timedelta(seconds=1)
    assert second.mono_s >= first.mono_s


def test_whether_the_clock_is_synchronised_is_the_kernels_answer() -> None:
    """The instant says what adjtimex says."""
    assert SystemClock().now().synced is synchronised()
