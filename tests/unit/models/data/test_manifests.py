"""Reading the manifests of the face data."""

from collections import Counter
from pathlib import Path

import pytest

from models.data.manifests import data_folder, lfw_pairs, read
from models.data.samples import Sample, count_labels, person_id
from models.errors import DataError


def _utkface(folder: Path, rows: str) -> Path:
    (folder / "utkface").mkdir()
    (folder / "utkface" / "manifest.csv").write_text(f"path,age,gender,ethnicity,age_group,split\n{rows}")
    return folder


def test_a_missing_folder_says_which_variable_to_set(tmp_path: Path) -> None:
    """The message names the folder and FACENODE_DATA."""
    with pytest.raises(DataError, match=r"nowhere.*FACENODE_DATA"):
        data_folder({"FACENODE_DATA": str(tmp_path / "nowhere")})


def test_a_given_folder_is_taken(tmp_path: Path) -> None:
    """The environment decides where the data lies."""
    assert data_folder({"FACENODE_DATA": str(tmp_path)}) == tmp_path


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"utkface/manifest\.csv"):
        read(tmp_path, "utkface", ("train",))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A manifest of another shape is refused by the column that it lacks."""
    (tmp_path / "utkface").mkdir()
    (tmp_path / "utkface" / "manifest.csv").write_text("path,age\nimages/a.jpg,30\n")
    with pytest.raises(DataError, match="no column gender, age_group, ethnicity, split"):
        read(tmp_path, "utkface", ("train",))


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    """A label outside the closed list is an error with the picture and the list, not a class of its own."""
    data = _utkface(tmp_path, "images/a.jpg,30,male,martian,young,train\n")
    with pytest.raises(DataError, match=r"a\.jpg.*'martian'.*asian, black"):
        read(data, "utkface", ("train",))


def test_a_split_without_pictures_is_refused(tmp_path: Path) -> None:
    """An empty selection would train on nothing."""
    data = _utkface(tmp_path, "images/a.jpg,30,male,white,young,train\n")
    with pytest.raises(DataError, match="no pictures of val"):
        read(data, "utkface", ("val",))


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    """The message lists those that there are."""
    with pytest.raises(DataError, match="lfw9"):
        read(tmp_path, "imagenet", ("train",))


def test_an_empty_class_is_named() -> None:
    """A label that no picture has cannot be learnt."""
    samples = [Sample(Path("a.jpg"), "train", age="young")]
    with pytest.raises(DataError, match="no picture of middle, senior"):
        count_labels(samples, "age", ("young", "middle", "senior"))


def test_a_label_that_the_head_lacks_is_named() -> None:
    """A picture of a class that the head has not is an error, not an example of another."""
    samples = [Sample(Path("a.jpg"), "train", age="young"), Sample(Path("b.jpg"), "train", age="senior")]
    with pytest.raises(DataError, match=r"b\.jpg.*'senior'"):
        count_labels(samples, "age", ("young",))


def test_person_ids_are_those_of_the_contract() -> None:
    """Names become ids of small letters, digits, - and _."""
    assert person_id("Roh_Moo-hyun") == "roh_moo-hyun"
    assert person_id("Serena_Williams") == "serena_williams"
    with pytest.raises(DataError):
        person_id("盧武鉉")


def _photos(folder: Path, person: str, count: int) -> None:
    (folder / person).mkdir(parents=True)
    for number in range(count):
        (folder / person / f"{number:02d}.JPG").touch()


def test_a_folder_of_people_is_a_data_set(tmp_path: Path) -> None:
    """A folder each; every fifth picture is for validation, and what is no picture is left alone."""
    _photos(tmp_path, "Ada Lovelace", 11)
    _photos(tmp_path, "bob", 5)
    (tmp_path / "bob" / "notes.txt").touch()
    samples = read(tmp_path, str(tmp_path), ("train", "val"))
    assert {sample.person for sample in samples} == {"adalovelace", "bob"}
    assert [sample.path.name for sample in samples if sample.split == "val"] == ["04.JPG", "09.JPG", "04.JPG"]
    assert len(samples) == 16


def test_people_with_too_few_pictures_are_named(tmp_path: Path) -> None:
    """The message says who, how many there are and how many are needed."""
    _photos(tmp_path, "ada", 5)
    _photos(tmp_path, "bob", 2)
    with pytest.raises(DataError, match=r"bob: 2 pictures .* needs at least 5"):
        read(tmp_path, str(tmp_path), ("train",))


def test_a_folder_of_one_person_is_no_closed_set(tmp_path: Path) -> None:
    """With one person there is nothing to choose between; neither is a folder of pictures one of people."""
    _photos(tmp_path, "ada", 5)
    with pytest.raises(DataError, match="fewer than two people"):
        read(tmp_path, str(tmp_path), ("train",))
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path, str(tmp_path / "none"), ("train",))


@pytest.mark.data
def test_thresholds_are_measured_on_people_that_no_training_saw(data_dir: Path) -> None:
    """210 people with five pictures or more are kept out of the training part."""
    kept_out = Counter(sample.person for sample in read(data_dir, "lfw_people", ("calibration",)))
    assert len(kept_out) == 210
    assert min(kept_out.values()) >= 5
    assert not kept_out.keys() & {sample.person for sample in read(data_dir, "lfw_people", ("train", "val"))}


@pytest.mark.data
def test_the_splits_share_no_picture(data_dir: Path) -> None:
    """What is tested on was never trained on, in any data set."""
    for name in ("lfw9", "utkface"):
        train = {sample.path for sample in read(data_dir, name, ("train",))}
        assert not train & {sample.path for sample in read(data_dir, name, ("val",))}


@pytest.mark.data
def test_the_people_data_is_split_by_person(data_dir: Path) -> None:
    """Nobody whom the thresholds are measured with is in both parts."""
    train = {sample.person for sample in read(data_dir, "lfw_people", ("train",))}
    assert not train & {sample.person for sample in read(data_dir, "lfw_people", ("val",))}


@pytest.mark.data
def test_pairs_are_what_they_say(data_dir: Path) -> None:
    """A pair called the same shows one person, another two."""
    person = {sample.path: sample.person for sample in read(data_dir, "lfw_people", ("val",))}
    pairs = lfw_pairs(data_dir)
    assert pairs
    assert all((person[pair.left] == person[pair.right]) == pair.same for pair in pairs)
