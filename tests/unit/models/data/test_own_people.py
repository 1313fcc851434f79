"""A folder of own people as a data set."""

from pathlib import Path

import pytest

from models.data.manifests import read
from models.errors import DataError


def _photos(folder: Path, person: str, count: int) -> None:
    (folder / person).mkdir(parents=True)
    for number in range(count):
        (folder / person / f"{number:02d}.JPG").touch()


def test_a_folder_of_people_is_a_data_set(tmp_path: Path) -> None:
    """Each person has a folder; every fifth picture is for validation, and other files are ignored."""
    _photos(tmp_path, "Ada Lovelace", 11)
    _photos(tmp_path, "bob", 5)
    (tmp_path / "bob" / "notes.txt").touch()
    samples = read(tmp_path, str(tmp_path), ("train", "val"))
    assert {sample.person for sample in samples} == {"adalovelace", "bob"}
    assert [sample.path.name for sample in samples if sample.split == "val"] == ["04.JPG", "09.JPG", "04.JPG"]
    assert len(samples) == 16


def test_people_with_too_few_pictures_are_named(tmp_path: Path) -> None:
    """The message gives the person, the number of pictures and the number needed."""
    _photos(tmp_path, "ada", 5)
    _photos(tmp_path, "bob", 2)
    with pytest.raises(DataError, match=r"bob: 2 pictures .* needs at least 5"):
        read(tmp_path, str(tmp_path), ("train",))


def test_a_folder_with_one_person_is_refused(tmp_path: Path) -> None:
    """With one person there is nothing to choose from; a missing folder is an error too."""
    _photos(tmp_path, "ada", 5)
    with pytest.raises(DataError, match="fewer than two people"):
        read(tmp_path, str(tmp_path), ("train",))
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path, str(tmp_path / "none"), ("train",))
