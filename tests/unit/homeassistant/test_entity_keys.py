"""The keys under which Home Assistant knows people."""

import json
import stat
from pathlib import Path

import pytest
from makers import PersonStub

from node.homeassistant.entity_keys import FILE, Residents

ADA, BOB = PersonStub("ada", "Ada"), PersonStub("bob", "Bob")


def keys(residents: Residents) -> dict[str, str]:
    """Return the keys of who is shown, by id."""
    return {each.id: each.key for each in residents.here}


def test_a_key_stays_over_starts_and_changes_of_others(tmp_path: Path) -> None:
    """A new key would be a new entity."""
    first = Residents(tmp_path)
    first.update([ADA])
    second = Residents(tmp_path)
    second.update([BOB, ADA])
    assert keys(second)["ada"] == keys(first)["ada"]
    assert keys(second)["bob"] != keys(second)["ada"]
    assert second.gone == ()


def test_no_two_nodes_share_a_key(tmp_path: Path) -> None:
    """Else anybody with a node could try ids against the keys of another."""
    one, other = Residents(tmp_path / "1"), Residents(tmp_path / "2")
    one.update([ADA])
    other.update([ADA])
    assert keys(one) != keys(other)


def test_who_is_removed_while_no_node_runs_is_gone_at_the_next_start(tmp_path: Path) -> None:
    """The owner erases somebody by the command; Home Assistant must hear of it."""
    first = Residents(tmp_path)
    first.update([ADA, BOB])
    second = Residents(tmp_path)
    second.update([BOB])
    assert second.gone == (keys(first)["ada"],)
    assert Residents(tmp_path).gone == second.gone


def test_who_is_ignored_is_not_shown(tmp_path: Path) -> None:
    """They are never in view, by the owner's wish."""
    residents = Residents(tmp_path)
    residents.update([ADA, BOB])
    ada = keys(residents)["ada"]
    residents.update([PersonStub("ada", ignored=True), BOB])
    assert set(keys(residents)) == {"bob"}
    assert residents.gone == (ada,)


def test_who_comes_back_is_no_longer_gone(tmp_path: Path) -> None:
    """Their entities must not be removed again."""
    residents = Residents(tmp_path)
    residents.update([ADA])
    residents.update([])
    residents.update([ADA])
    assert residents.gone == ()
    assert set(keys(residents)) == {"ada"}


def test_what_was_told_is_forgotten(tmp_path: Path) -> None:
    """Nothing of an erased person is kept for longer than it is needed."""
    residents = Residents(tmp_path)
    residents.update([ADA])
    residents.update([])
    key = residents.gone[0]
    residents.forget(residents.gone)
    assert residents.gone == Residents(tmp_path).gone == ()
    assert key not in (tmp_path / FILE).read_text()


def test_the_file_names_nobody_and_is_private(tmp_path: Path) -> None:
    """`people remove` leaves no trace of an id in any file."""
    residents = Residents(tmp_path)
    residents.update([ADA, BOB])
    residents.update([BOB])
    path = tmp_path / FILE
    assert not {"ada", "Ada", "bob", "Bob"} & set(path.read_text().replace('"', " ").split())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_at_most_64_are_remembered(tmp_path: Path) -> None:
    """A house where Home Assistant never starts again must not fill the disk."""
    residents = Residents(tmp_path)
    residents.update([PersonStub(f"p{number}") for number in range(70)])
    residents.update([])
    assert len(residents.gone) == 64


@pytest.mark.parametrize("content", ["", "{}", '{"secret":"00","known":[],"gone":[]}', '{"secret":"x"}', "[]"])
def test_a_damaged_file_is_replaced_and_said(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """The node goes on; the owner learns why there are new entities."""
    (tmp_path / FILE).write_text(content)
    residents = Residents(tmp_path)
    residents.update([ADA])
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert keys(residents)
    assert json.loads((tmp_path / FILE).read_text())["known"] == [keys(residents)["ada"]]


def test_a_disk_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Home Assistant is told all the same."""
    (tmp_path / "file").write_text("in the way")
    residents = Residents(tmp_path / "file")
    caplog.clear()
    residents.update([ADA])
    residents.update([ADA, BOB])
    assert len(caplog.records) == 1
    assert set(keys(residents)) == {"ada", "bob"}
