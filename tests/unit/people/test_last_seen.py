"""When each person was last seen, also under the id of somebody they were merged into."""

from makers import instant

from node.people.last_seen import LastSeen


def test_of_two_moments_the_later_counts() -> None:
    """A track that ends later may have been seen earlier."""
    seen = LastSeen()
    seen.update({"ada": instant(5), "bob": instant(1)})
    seen.update({"ada": instant(4)})
    assert dict(seen) == {"ada": instant(5), "bob": instant(1)}


def test_whoever_is_merged_is_known_by_the_other_id() -> None:
    """Whoever of the two was seen later; a track may have the old id for some frames."""
    seen = LastSeen()
    seen.update({"ada": instant(1), "ada2": instant(2)})
    seen.merge("ada2", "ada")
    assert dict(seen) == {"ada": instant(2)}
    seen.update({"ada2": instant(3)})
    assert dict(seen) == {"ada": instant(3)}


def test_an_id_that_is_enrolled_again_stands_for_itself() -> None:
    """As after the merge was undone."""
    seen = LastSeen()
    seen.merge("ada2", "ada")
    seen.enrolled("ada2")
    seen.update({"ada2": instant(3)})
    assert dict(seen) == {"ada2": instant(3)}


def test_whoever_is_erased_is_forgotten_under_each_id() -> None:
    """Nothing is left in memory that names them."""
    seen = LastSeen()
    seen.merge("ada2", "ada")
    seen.update({"ada2": instant(3)})
    seen.forget("ada")
    assert dict(seen) == {}
    seen.update({"ada2": instant(4)})
    assert dict(seen) == {"ada2": instant(4)}
