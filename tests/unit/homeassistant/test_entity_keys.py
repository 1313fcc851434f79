"""The keys of Home Assistant's entities, over restarts."""

import json
import os
import stat
from pathlib import Path

import pytest
from makers import PersonStub

from node.homeassistant.entity_keys import FILE, EntityKeys

ADA, BOB = PersonStub("ada", "Ada"), PersonStub("bob", "Bob")


def key_by_id(keys: EntityKeys) -> dict[str, str]:
    """Return the keys of the people who are shown, by id."""
    return {each.id: each.key for each in keys.people}


def test_a_key_stays_the_same_over_restarts_and_changes_of_other_people(tmp_path: Path) -> None:
    """A new key would make a new entity."""
    first = EntityKeys(tmp_path)
    first.update([ADA])
    second = EntityKeys(tmp_path)
    second.update([BOB, ADA])
    assert key_by_id(second)["ada"] == key_by_id(first)["ada"]
    assert key_by_id(second)["bob"] != key_by_id(second)["ada"]
    assert second.removed == ()


def test_two_nodes_have_different_keys_for_one_person(tmp_path: Path) -> None:
    """Otherwise the secret of one node would be enough to test ids against the keys of another."""
    one, other = EntityKeys(tmp_path / "1"), EntityKeys(tmp_path / "2")
    one.update([ADA])
    other.update([ADA])
    assert key_by_id(one) != key_by_id(other)


def test_a_person_removed_while_no_node_runs_is_removed_at_the_next_start(tmp_path: Path) -> None:
    """`people remove` needs no running node, and Home Assistant must still remove the entities."""
    first = EntityKeys(tmp_path)
    first.update([ADA, BOB])
    second = EntityKeys(tmp_path)
    second.update([BOB])
    assert second.removed == (key_by_id(first)["ada"],)
    assert EntityKeys(tmp_path).removed == second.removed


def test_an_ignored_person_is_not_shown(tmp_path: Path) -> None:
    """An ignored person makes no events, so entities of theirs would never change."""
    keys = EntityKeys(tmp_path)
    keys.update([ADA, BOB])
    ada = key_by_id(keys)["ada"]
    keys.update([PersonStub("ada", ignored=True), BOB])
    assert set(key_by_id(keys)) == {"bob"}
    assert keys.removed == (ada,)


def test_a_person_enrolled_again_is_no_longer_removed(tmp_path: Path) -> None:
    """Home Assistant must not remove the entities that it has just got again."""
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    keys.update([])
    keys.update([ADA])
    assert keys.removed == ()
    assert set(key_by_id(keys)) == {"ada"}


def test_a_forgotten_key_is_in_no_file(tmp_path: Path) -> None:
    """Nothing of a removed person is kept longer than necessary."""
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    keys.update([])
    key = keys.removed[0]
    keys.forget_removed()
    assert keys.removed == EntityKeys(tmp_path).removed == ()
    assert key not in (tmp_path / FILE).read_text()


def test_the_file_names_nobody_and_is_private(tmp_path: Path) -> None:
    """After `people remove` no file contains the id."""
    keys = EntityKeys(tmp_path)
    keys.update([ADA, BOB])
    keys.update([BOB])
    path = tmp_path / FILE
    assert not {"ada", "Ada", "bob", "Bob"} & set(path.read_text().replace('"', " ").split())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_at_most_64_removed_keys_are_kept(tmp_path: Path) -> None:
    """If Home Assistant never starts again, the file must not grow without limit."""
    keys = EntityKeys(tmp_path)
    keys.update([PersonStub(f"p{number}") for number in range(70)])
    keys.update([])
    assert len(keys.removed) == 64


@pytest.mark.parametrize("content", ["", "{}", '{"secret":"00","known":[],"gone":[]}', '{"secret":"x"}', "[]"])
def test_a_damaged_file_is_replaced_and_logged(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """The node keeps running, and the owner learns why there are new entities."""
    (tmp_path / FILE).write_text(content)
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert key_by_id(keys)
    assert json.loads((tmp_path / FILE).read_text())["known"] == [key_by_id(keys)["ada"]]


def test_a_pipe_in_place_of_the_file_is_replaced(tmp_path: Path) -> None:
    """Without a writer it would keep the node from starting."""
    os.mkfifo(tmp_path / FILE)
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    assert json.loads((tmp_path / FILE).read_text())["known"] == [key_by_id(keys)["ada"]]


def test_a_link_in_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What it leads to is neither read nor written."""
    (tmp_path / "other").write_text("{}")
    (tmp_path / FILE).symlink_to("other")
    EntityKeys(tmp_path).update([ADA])
    assert (tmp_path / "other").read_text() == "{}"
    assert not (tmp_path / FILE).is_symlink()


def test_a_disk_that_cannot_be_written_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """People are still shown."""
    (tmp_path / "file").write_text("in the way")
    keys = EntityKeys(tmp_path / "file")
    caplog.clear()
    keys.update([ADA])
    keys.update([ADA, BOB])
    assert len(caplog.records) == 1
    assert set(key_by_id(keys)) == {"ada", "bob"}


def test_a_folder_in_place_of_the_file_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Keys are kept in memory, and the folder is named when it is to be deleted."""
    (tmp_path / FILE).mkdir()
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    assert list(key_by_id(keys)) == ["ada"]
    keys.delete()
    logged = [record.message for record in caplog.records]
    assert len(logged) == 3
    assert all(str(tmp_path / FILE) in line for line in logged)


def test_read_only_keys_change_no_file(tmp_path: Path) -> None:
    """A check asks what a node would announce, beside that node; keys that are stored are those of the node."""
    assert not EntityKeys(tmp_path, read_only=True).stored
    keys = EntityKeys(tmp_path)
    keys.update([ADA])
    before = (tmp_path / FILE).read_bytes()
    partial = tmp_path / f"{FILE}.part"
    partial.write_bytes(b"of a node that writes at this moment")
    other = EntityKeys(tmp_path, read_only=True)
    other.update([ADA, BOB])
    assert other.stored
    assert key_by_id(other)["ada"] == key_by_id(keys)["ada"]
    assert (tmp_path / FILE).read_bytes() == before
    assert partial.exists()
