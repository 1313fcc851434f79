"""A camera that hangs upside down is noticed; one person on their head is not taken for it."""

import logging

import pytest
from makers import face, instant

from node.domain import Look
from node.events.mounting import Mounting, advice


def seen(mounting: Mounting, turn: int | None, *, from_s: float, for_s: float, track: int = 1) -> None:
    """Show one face, ten times a second."""
    for tenth in range(int(for_s * 10)):
        mounting.update(instant(from_s + tenth / 10), {track: Look(face(), turn=turn)})


def visits(mounting: Mounting, turn: int, count: int, *, from_s: float) -> None:
    """Show as many people for a second each, a minute apart."""
    for number in range(count):
        seen(mounting, turn, from_s=from_s + 60 * number, for_s=1, track=100 + number)


def test_nothing_is_known_until_enough_faces_were_seen() -> None:
    """Fourteen visits are too few, and looks whose turn was not measured do not count."""
    mounting = Mounting(0)
    visits(mounting, 180, 14, from_s=0)
    seen(mounting, None, from_s=2000, for_s=600)
    assert (mounting.turn, mounting.upside_down) == (None, None)
    visits(mounting, 180, 1, from_s=4000)
    assert (mounting.turn, mounting.upside_down) == (180, True)


def test_upright_faces_say_that_all_is_well() -> None:
    """Half a minute of one person is enough."""
    mounting = Mounting(0)
    seen(mounting, 0, from_s=0, for_s=30)
    assert (mounting.turn, mounting.upside_down) == (0, False)


def test_a_handstand_decides_nothing() -> None:
    """Of people who were upright, one may stand on their head for a minute, at the beginning, too."""
    mounting = Mounting(0)
    seen(mounting, 180, from_s=0, for_s=20, track=1)
    seen(mounting, 0, from_s=20, for_s=120, track=2)
    assert mounting.upside_down is False
    seen(mounting, 180, from_s=140, for_s=60, track=3)
    assert mounting.upside_down is False


def test_two_people_in_turn_decide_nothing() -> None:
    """As many faces on their head as upright: it stays unknown."""
    mounting = Mounting(0)
    for number in range(40):
        seen(mounting, 180 * (number % 2), from_s=60 * number, for_s=1, track=number)
    assert mounting.turn is None


def test_a_diagonal_face_says_nothing_about_the_camera() -> None:
    """No camera is mounted at 135 degrees."""
    mounting = Mounting(0)
    visits(mounting, 135, 50, from_s=0)
    assert mounting.turn is None


def test_the_finding_and_its_end_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A change of state is one line, with the setting to change."""
    mounting = Mounting(90)
    with caplog.at_level(logging.INFO):
        found: list[bool | None] = []
        for turn in (180, 0):
            seen(mounting, turn, from_s=600 * len(found), for_s=600)
            found.append(mounting.upside_down)
    assert found == [True, False]
    assert [record.getMessage() for record in caplog.records] == [
        "camera: the faces are upside down: set camera.rotate = 270",
        "camera: the faces are upright again",
    ]


@pytest.mark.parametrize(("turn", "rotate", "value"), [(90, 0, 90), (270, 0, 270), (180, 180, 0), (90, 270, 0)])
def test_the_advice_names_the_value_to_set(turn: int, rotate: int, value: int) -> None:
    """The faces were seen in frames that were already turned by the setting."""
    how = "are upside down" if turn == 180 else "lie on their side"
    assert advice(turn, rotate) == f"the faces {how}: set camera.rotate = {value}"
