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


def test_the_environment_variable_names_the_folder(tmp_path: Path) -> None:
    """FACENODE_DATA takes precedence over the default."""
    assert data_folder({"FACENODE_DATA": str(tmp_path)}) == tmp_path


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"utkface/manifest\.csv"):
        read(tmp_path, "utkface", ("train",))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """The message lists the missing columns."""
    (tmp_path / "utkface").mkdir()
    (tmp_path / "utkface" / "manifest.csv").write_text("path,age\nimages/a.jpg,30\n")
    with pytest.raises(DataError, match="no column gender, age_group, ethnicity, split"):
        read(tmp_path, "utkface", ("train",))


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    """The message names the picture and the known labels."""
    data = _utkface(tmp_path, "images/a.jpg,30,male,martian,young,train\n")
    with pytest.raises(DataError, match=r"a\.jpg.*'martian'.*asian, black"):
        read(data, "utkface", ("train",))


def test_a_split_without_pictures_is_refused(tmp_path: Path) -> None:
    """An empty selection would train on nothing."""
    data = _utkface(tmp_path, "images/a.jpg,30,male,white,young,train\n")
    with pytest.raises(DataError, match="no pictures of val"):
        read(data, "utkface", ("val",))


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    """The message lists the data sets."""
    with pytest.raises(DataError, match="lfw9"):
        read(tmp_path, "imagenet", ("train",))


def test_an_empty_class_is_named() -> None:
    """A label without a picture cannot be learned."""
    samples = [Sample(Path("a.jpg"), "train", age="young")]
    with pytest.raises(DataError, match="no picture of middle, senior"):
        count_labels(samples, "age", ("young", "middle", "senior"))


def test_a_label_that_the_head_does_not_know_is_named() -> None:
    """The message names the picture and the label."""
    samples = [Sample(Path("a.jpg"), "train", age="young"), Sample(Path("b.jpg"), "train", age="senior")]
    with pytest.raises(DataError, match=r"b\.jpg.*'senior'"):
        count_labels(samples, "age", ("young",))


def test_person_ids_are_those_of_the_contract() -> None:
    """Names become ids of lower-case letters, digits, - and _."""
    assert person_id("Roh_Moo-hyun") == "roh_moo-hyun"
    assert person_id("Serena_Williams") == "serena_williams"
    with pytest.raises(DataError):
        person_id("盧武鉉")


@pytest.mark.data
def test_the_calibration_people_are_in_no_training(data_dir: Path) -> None:
    """210 people with at least five pictures are kept out of the training split."""
    kept_out = Counter(sample.person for sample in read(data_dir, "lfw_people", ("calibration",)))
    assert len(kept_out) == 210
    assert min(kept_out.values()) >= 5
    assert not kept_out.keys() & {sample.person for sample in read(data_dir, "lfw_people", ("train", "val"))}


@pytest.mark.data
def test_the_splits_share_no_picture(data_dir: Path) -> None:
    """Validation pictures are never in the training split."""
    for name in ("lfw9", "utkface"):
        train = {sample.path for sample in read(data_dir, name, ("train",))}
        assert not train & {sample.path for sample in read(data_dir, name, ("val",))}


@pytest.mark.data
def test_the_people_data_is_split_by_person(data_dir: Path) -> None:
    """Nobody is in both the training and the validation split."""
    train = {sample.person for sample in read(data_dir, "lfw_people", ("train",))}
    assert not train & {sample.person for sample in read(data_dir, "lfw_people", ("val",))}


@pytest.mark.data
def test_pairs_are_what_they_say(data_dir: Path) -> None:
    """A pair labelled the same shows one person, any other pair two."""
    person = {sample.path: sample.person for sample in read(data_dir, "lfw_people", ("val",))}
    pairs = lfw_pairs(data_dir)
    assert pairs
    assert all((person[pair.left] == person[pair.right]) == pair.same for pair in pairs)
