"""The cohort beside a network: what is usual for a face, and files that are refused with what and where."""

import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from cohorts import array_file, cohort, description, random_units
from makers import unit
from sidecars import valid

from node.contract import schema
from node.errors import ModelError
from node.vision.cohort import Cohort, load_cohort
from node.vision.sidecar import load_sidecar

TABLE = {"anchors_per_person": 5, "data": "d", "rows": [{"fpir": 0.01, "gallery": 1, "cosine": -0.2}]}
GOOD = random_units(5, 192).astype(np.float16)


def test_what_is_usual_is_the_mean_of_the_highest_cosines() -> None:
    """Two of three embeddings count; the cosines of this face to them are 1, 0.6 and 0."""
    three = cohort(unit(0, 1), unit(1, 0), unit(0.6, 0.8), nearest=2)
    assert three.usual(np.stack([unit(1, 0), unit(0, 1)])) == pytest.approx([0.8, 0.9], abs=1e-6)


def test_a_cohort_may_be_as_small_as_what_counts() -> None:
    """Then all of it counts."""
    assert cohort(unit(1, 0), unit(0, 1), nearest=2).usual(unit(1, 0)[np.newaxis]) == pytest.approx([0.5])


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
@pytest.mark.parametrize(("rows", "nearest"), [(3, 3), (40, 1), (40, 7)])
def test_many_embeddings_give_what_each_gives(rows: int, nearest: int, count: int) -> None:
    """However many there are at once, none included; the plain formula for some of them. Within 1e-5."""
    some = Cohort(random_units(rows, 8), nearest, 1.0, "")
    faces = random_units(count, 8, 1)
    found = some.usual(faces)
    assert found.shape == (count,)
    assert found.dtype == np.float32
    for number in range(0, count, 97):
        plain = sorted((float(row @ faces[number]) for row in some.vectors), reverse=True)[:nearest]
        assert found[number] == pytest.approx(sum(plain) / nearest, abs=1e-5)


def network(folder: Path, content: bytes, **changes: object) -> Path:
    """Write a sidecar and a cohort, and return the path of the network, which need not exist."""
    path = folder / "tiny.tflite"
    section = description(content, "tiny.cohort.npy", **({"thresholds": TABLE} | changes))
    path.with_suffix(".json").write_text(json.dumps(valid() | {"cohort": section}))
    path.with_suffix(".cohort.npy").write_bytes(content)
    return path


def loaded(path: Path) -> Cohort | None:
    """Return the cohort of a network."""
    return load_cohort(path, load_sidecar(path.with_suffix(".json")))


def test_a_cohort_is_read_as_its_sidecar_describes_it(tmp_path: Path) -> None:
    """The numbers of the file, in float32; the sidecar matches the published schema."""
    path = network(tmp_path, array_file(GOOD), weight=0.7)
    found = loaded(path)
    assert found is not None
    np.testing.assert_array_equal(found.vectors, GOOD.astype(np.float32))
    assert (found.nearest, found.weight) == (2, 0.7)
    content = json.loads(path.with_suffix(".json").read_text())
    jsonschema.validate(content, schema("sidecar"))
    assert found.sha256 == content["cohort"]["sha256"]


def test_a_sidecar_without_a_cohort_needs_no_file(tmp_path: Path) -> None:
    """As those of version 0.1.0, and of networks that others made."""
    (tmp_path / "tiny.json").write_text(json.dumps(valid()))
    assert loaded(tmp_path / "tiny.tflite") is None


@pytest.mark.parametrize(
    ("change", "value", "where"),
    [
        ("file", "../cohort.npy", "cohort.file"),
        ("file", "/etc/cohort.npy", "cohort.file"),
        ("file", "cohort.json", "cohort.file"),
        ("sha256", "xyz", "cohort.sha256"),
        ("form", "s-norm", "cohort.form"),
        ("weight", 0, "cohort.weight"),
        ("weight", float("inf"), "cohort.weight"),
        ("nearest", 0, "cohort.nearest"),
        ("nearest", 10**9, "cohort.nearest"),
        ("thresholds", {"anchors_per_person": 5, "rows": []}, "cohort.thresholds.rows"),
    ],
)
def test_a_wrong_section_is_refused_with_the_field(tmp_path: Path, change: str, value: object, where: str) -> None:
    """The message names the sidecar and the field."""
    path = network(tmp_path, array_file(GOOD), **{change: value})
    with pytest.raises(ModelError, match=rf"tiny\.json: {where}: "):
        loaded(path)


def test_a_cohort_whose_digest_does_not_fit_is_refused(tmp_path: Path) -> None:
    """It would decide about names by another network's faces."""
    path = network(tmp_path, array_file(GOOD))
    path.with_suffix(".cohort.npy").write_bytes(array_file(GOOD[::-1]))
    with pytest.raises(ModelError, match=r"tiny\.cohort\.npy: sha256 is .*: copy all files of the network again"):
        loaded(path)


def damaged() -> dict[str, tuple[bytes, str]]:
    """Return contents whose digest fits and which are no cohort of this network, each with what is said about it."""
    whole = array_file(GOOD)
    infinite = GOOD.copy()
    infinite[1, 1] = np.inf
    undefined = GOOD.copy()
    undefined[1, 1] = np.nan
    no_array = "not an array of float16"
    return {
        "empty": (b"", no_array),
        "text": (b"cohort", no_array),
        "cut": (whole[:-1], "its array is cut off"),
        "more": (whole + b"\0", "something is behind it"),
        "header only": (whole[:100], no_array),
        "float32": (array_file(GOOD.astype(np.float32)), no_array),
        "big endian": (array_file(GOOD.astype(">f2")), no_array),
        "by column": (array_file(np.asfortranarray(GOOD)), no_array),
        "flat": (array_file(GOOD.ravel()), no_array),
        "pickled": (b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}\n", no_array),
        "claims much": (whole.replace(b"(5, 192), }   ", b"(999999, 192)}"), no_array),
        "claims more": (whole.replace(b"(5, 192), }   ", b"(4000, 192), }"), "its array is cut off"),
        "too many": (array_file(np.ones((4097, 192), np.float16)), "it has 4097 embeddings, not 2 to 4096"),
        "too few": (array_file(GOOD[:1]), "it has 1 embeddings, not 2 to 4096"),
        "another length": (array_file(GOOD[:, :128]), "its embeddings have 128 numbers, those of the network 192"),
        "not unit": (array_file(GOOD * np.float16(1.01)), "an embedding is not of unit length"),
        "infinite": (array_file(infinite), "an embedding is not of unit length"),
        "undefined": (array_file(undefined), "an embedding is not of unit length"),
    }


@pytest.mark.parametrize("name", damaged())
def test_a_file_that_is_no_cohort_of_this_network_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    """Though its digest fits; nothing that it states is allocated or run."""
    content, said = damaged()[name]
    with pytest.raises(ModelError, match=rf"tiny\.cohort\.npy: .*{said}.*: export the network again") as caught:
        loaded(network(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["missing", "folder", "pipe", "huge", "device"])
def test_a_cohort_that_cannot_be_read_is_refused_and_not_waited_for(tmp_path: Path, place: str) -> None:
    """A pipe without a writer, a device without an end, and a file that would fill the memory."""
    path = network(tmp_path, array_file(GOOD))
    file = path.with_suffix(".cohort.npy")
    file.unlink()
    if place == "folder":
        file.mkdir()
    elif place == "pipe":
        os.mkfifo(file)
    elif place == "huge":
        file.touch()
        os.truncate(file, 1 << 40)
    elif place == "device":
        file.symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"tiny\.cohort\.npy: .*needs its cohort beside it: copy it again"):
        loaded(path)
