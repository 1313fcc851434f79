"""The clock: both clocks of the machine in one value."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from makers import instant

from node.clock import Boot, Stamp, SystemClock, elapsed_s, stamped, synchronised


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


def stamp(boot_s: float, boot: str = "a", *, synced: bool = True) -> Stamp:
    """Return a moment as it is kept; the wall clock runs beside the boot-time clock."""
    return stamped(instant(boot_s - 100, synced=synced), Boot(boot, 100.0))


def test_within_a_boot_a_duration_is_exact_whatever_the_wall_clock_says() -> None:
    """The first NTP step changes no duration."""
    stepped = replace(stamp(60), wall=stamp(60).wall + timedelta(days=365))
    assert elapsed_s(stamp(10, synced=False), stepped) == 50
    assert elapsed_s(stepped, stamp(10)) == 0


def test_over_a_reboot_a_duration_goes_by_a_wall_clock_that_was_synchronized_both_times() -> None:
    """Otherwise nobody can tell; neither where the boot is unknown."""
    assert elapsed_s(stamp(10), stamp(70, "b")) == 60
    assert elapsed_s(stamp(10, synced=False), stamp(70, "b")) is None
    assert elapsed_s(stamp(10), stamp(70, "b", synced=False)) is None
    assert elapsed_s(stamp(70), stamp(10, "b")) is None
    assert elapsed_s(stamp(10, "", synced=False), stamp(70, "")) is None
