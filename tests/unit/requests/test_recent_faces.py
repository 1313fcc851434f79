"""The faces of the latest events are remembered, a bounded number of them."""

from makers import look, unit

from node.requests.recent_faces import RecentFaces


def test_the_face_of_an_event_is_found_by_its_id() -> None:
    """What was noted comes back; what was not is none."""
    recent, seen = RecentFaces(), look(unit(1, 0))
    recent.add("a", seen, "ada")
    found = recent.find("a")
    assert found is not None
    assert (found.look, found.person) == (seen, "ada")
    assert recent.find("b") is None


def test_the_oldest_is_forgotten_where_there_are_too_many() -> None:
    """The memory is bounded: the hundred and first event pushes the first out."""
    recent = RecentFaces()
    for number in range(101):
        recent.add(str(number), look(unit(1, 0)), None)
    assert recent.find("0") is None
    assert recent.find("1") is not None


def test_privacy_mode_forgets_every_face() -> None:
    """Nobody can be looked at, enrolled or rejected afterwards."""
    recent = RecentFaces()
    recent.add("a", look(unit(1, 0)), "ada")
    recent.clear()
    assert recent.find("a") is None


def test_whoever_is_merged_into_another_is_forgotten_with_them() -> None:
    """The faces under the former id are theirs, too."""
    recent = RecentFaces()
    for person in ("ada2", "ada", "bob"):
        recent.add(person, look(unit(1, 0)), person)
    recent.merge("ada2", "ada")
    assert recent.forget("ada") == 2
    assert recent.find("bob") is not None


def test_all_faces_of_somebody_are_forgotten() -> None:
    """Erasing a person leaves no face of theirs in memory, nor any from before they had a name; others' stay."""
    recent = RecentFaces()
    for number, person in enumerate(["ada", None, "bob", "ada"]):
        recent.add(str(number), look(unit(1, 0)), person)
    assert recent.forget("ada") == 3
    assert [recent.find(str(number)) is not None for number in range(4)] == [False, False, True, False]
