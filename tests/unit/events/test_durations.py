"""Durations over a restart: exact in the same boot, by the wall clock after a reboot, else cool-downs begin anew."""

from dataclasses import replace

import pytest
from makers import face, instant

from node.events.durations import Durations, LastFace, RuleRecord, Saved, VisitRecord, resume

COOL_DOWN_S = 60.0
SAVED_S = 1000.0
EXACT_S = 1e-6


def in_view(person: str | None = "ada", since_s: float = 900, seen_s: float = SAVED_S) -> VisitRecord:
    """Return a visit of somebody in view when it was saved."""
    return VisitRecord(
        person=person,
        since=instant(since_s),
        left=None,
        gone=None,
        reported=True,
        face=LastFace(instant(seen_s), 7, face().box, 0.9),
    )


def out_of_view(left_s: float) -> VisitRecord:
    """Return a visit of somebody who has left."""
    return VisitRecord("ada", instant(900), instant(left_s), instant(left_s), reported=False, face=None)


def rule(when: str, raised_s: float | None = None, held_s: float | None = None) -> RuleRecord:
    """Return what an active rule has come to."""
    raised, held = (None if s is None else instant(s) for s in (raised_s, held_s))
    return RuleRecord("r", when, active=True, raised=raised, held_since=held, person=None)


def saved(
    *visits: VisitRecord,
    rules: tuple[RuleRecord, ...] = (),
    same_boot: bool = True,
    clean: bool = True,
    synced: bool = True,
) -> Saved:
    """Return what a process left at SAVED_S."""
    return Saved(Durations(visits, rules), instant(SAVED_S, synced=synced), same_boot, clean)


@pytest.mark.parametrize("clean", [True, False])
def test_in_the_same_boot_every_moment_is_exact(clean: bool) -> None:  # noqa: FBT001 - a table
    """Whether the process ended by itself or was killed makes no difference to what was noted."""
    found = resume(
        saved(in_view(), out_of_view(990), rules=(rule("unknown", 950),), clean=clean), instant(1010), COOL_DOWN_S
    )
    here, gone = found.visits
    assert (here.since.mono_s, here.expected) == (900, True)
    assert gone.left is not None
    assert gone.left.mono_s == 990
    assert found.rules[0].raised == instant(950)


def test_a_long_stop_ends_the_visits_of_whoever_was_in_view() -> None:
    """Whoever is there after it has come again."""
    (visit,) = resume(saved(in_view()), instant(SAVED_S + COOL_DOWN_S + 1), COOL_DOWN_S).visits
    assert not visit.expected


def test_a_restart_of_some_seconds_ends_no_visit_without_a_cool_down() -> None:
    """Loading the network takes longer than a cool-down of zero."""
    (visit,) = resume(saved(in_view()), instant(SAVED_S + 20), 0).visits
    assert visit.expected


def test_a_killed_process_counts_as_restarted_at_once_for_known_people_alone() -> None:
    """When it was killed is not known. A stranger may be another one: they are reported again rather than never."""
    later = instant(SAVED_S + 3600)
    known, stranger = resume(saved(in_view(), in_view(None), clean=False), later, COOL_DOWN_S).visits
    assert known.expected
    assert not stranger.expected


def test_after_a_reboot_moments_go_by_the_synchronized_wall_clock() -> None:
    """Ten seconds on the wall are ten seconds, whatever the monotonic clock of the new boot says."""
    now = replace(instant(SAVED_S + 10), mono_s=5.0)
    durations = saved(in_view(), rules=(rule("unknown", 950),), same_boot=False, clean=False)
    found = resume(durations, now, COOL_DOWN_S)
    raised = found.rules[0].raised
    assert raised is not None
    assert now.mono_s - raised.mono_s == pytest.approx(60, abs=EXACT_S)
    assert found.visits[0].expected
    assert now.mono_s - found.visits[0].since.mono_s == pytest.approx(110, abs=EXACT_S)


def test_after_a_long_reboot_visits_are_over_also_after_a_power_cut() -> None:
    """After a power cut of hours, whoever is there is reported."""
    now = replace(instant(SAVED_S + 7200), mono_s=30.0)
    (visit,) = resume(saved(in_view(), same_boot=False, clean=False), now, COOL_DOWN_S).visits
    assert not visit.expected


@pytest.mark.parametrize(("before", "now"), [(False, True), (True, False), (False, False)])
def test_after_a_reboot_without_a_synchronized_clock_the_cool_downs_begin_anew(
    before: bool,  # noqa: FBT001 - a table
    now: bool,  # noqa: FBT001 - a table
) -> None:
    """Nobody knows how long the machine was off. Whoever was in view left at the start."""
    start = replace(instant(1e6, synced=now), mono_s=5.0)
    durations = saved(in_view(), out_of_view(990), rules=(rule("unknown", 950),), same_boot=False, synced=before)
    found = resume(durations, start, COOL_DOWN_S)
    here, gone = found.visits
    assert not here.expected
    assert here.face is not None
    assert here.face.seen.mono_s == start.mono_s
    assert here.face.seen.mono_s - here.since.mono_s == 100
    assert gone.left is not None
    assert gone.gone is not None
    assert gone.left.mono_s == gone.gone.mono_s == start.mono_s
    assert found.rules[0].raised is not None
    assert found.rules[0].raised.mono_s == start.mono_s


def test_a_clock_that_went_back_makes_no_moment_later_than_the_start() -> None:
    """A cool-down is never longer than it is set to."""
    now = replace(instant(SAVED_S - 500), mono_s=5.0)
    found = resume(saved(rules=(rule("unknown", SAVED_S),), same_boot=False), now, COOL_DOWN_S)
    assert found.rules[0].raised is not None
    assert found.rules[0].raised.mono_s == now.mono_s


def test_a_condition_goes_on_over_a_restart_and_a_crowd_not_over_a_long_stop() -> None:
    """A lost camera stays lost while nothing runs; a crowd may have gone."""
    rules = (rule("count", 950, 900), rule("camera_lost", 950, 900))
    short = resume(saved(rules=rules), instant(SAVED_S + 10), COOL_DOWN_S)
    long = resume(saved(rules=rules), instant(SAVED_S + 3600), COOL_DOWN_S)
    assert [each.held_since for each in short.rules] == [instant(900), instant(900)]
    assert [each.held_since for each in long.rules] == [None, instant(900)]


def test_a_person_can_be_left_out() -> None:
    """Nothing names somebody who was erased, or is ignored now; an alert about them stays raised without the name."""
    named = replace(rule("recognized", 950), person="ada")
    durations = Durations((in_view("ada"), in_view("bob"), in_view(None)), (named,))
    without = durations.without("ada")
    assert durations.names("ada")
    assert not without.names("ada")
    assert [visit.person for visit in without.visits] == ["bob", None]
    assert without.rules == (replace(named, person=None),)
    assert durations.only_about({"bob"}) == without


def test_tracks_go_on_behind_those_that_were_in_view() -> None:
    """The event about somebody's leaving names their own track, and no other of this start."""
    assert Durations().next_track == 1
    assert Durations((in_view(),)).next_track == 8


def test_moving_somebody_about_is_no_change() -> None:
    """Nothing is written because somebody in view moves or is seen again."""
    assert Durations((in_view(seen_s=1),)) == Durations((in_view(seen_s=2),))
    assert Durations((in_view(),)) != Durations((out_of_view(990),))


def test_a_person_who_was_merged_goes_on_under_the_other_id() -> None:
    """A restart must not report them again; a visit of the other one stays as it is, and rules name the other."""
    named = replace(rule("loiter", 950), person="ada2")
    alone = Durations((in_view("ada2"), in_view(None)), (named,)).merged("ada2", "ada")
    assert [visit.person for visit in alone.visits] == ["ada", None]
    assert [each.person for each in alone.rules] == ["ada"]
    both = Durations((in_view("ada2", since_s=800), in_view("ada", since_s=900))).merged("ada2", "ada")
    assert [(visit.person, visit.since.mono_s) for visit in both.visits] == [("ada", 900)]
