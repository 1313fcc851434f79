"""What is computed for anchors: kept in a file of its own, and never taken for what it is not."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cohorts import cohort, random_units
from makers import unit
from samples import remove, sample

from node.people import normalisation
from node.people.gallery import Gallery
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.people.scoring import Scoring
from node.people.store import Store
from node.vision.cohort import Cohort
from node.vision.sidecar import EmbeddingHead, Threshold, Thresholds

HEAD = EmbeddingHead(length=16, space="s")
TABLE = Thresholds(anchors_per_person=5, rows=(Threshold(fpir=0.01, gallery=1, cosine=0.1),))
FIRST = cohort(*random_units(9, 16), nearest=3, sha256="1" * 64)
SECOND = cohort(*random_units(9, 16, 5), nearest=3, sha256="2" * 64)
FACES = random_units(4, 16, 7)


def gallery(folder: Path, others: Cohort | None = FIRST) -> Gallery:
    """Return a gallery whose embeddings are compared with a cohort."""
    return Gallery(folder, {"s": 16}, scoring=Scoring(HEAD, TABLE, others))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a gallery as version 0.1.0 leaves it, which has no cohort: ada, and bob with a rejected face."""
    made = Gallery(tmp_path)
    made.add("ada", None, "s", [sample(*FACES[0], source="a"), sample(*FACES[1], source="b")])
    made.add("bob", None, "s", [sample(*FACES[2])])
    made.reject("bob", "s", sample(*FACES[3]))
    return tmp_path


def file(folder: Path, person: str = "ada") -> Path:
    """Return the path of the file of a person."""
    return folder / person / normalisation.FILE


def usual(folder: Path, others: Cohort | None = FIRST) -> list[list[float | None]]:
    """Return what is usual for the anchors of each person, and then for their negative anchors."""
    people = gallery(folder, others).load()
    return [[anchor.usual for anchor in (*person.anchors, *person.negatives)] for person in people]


def expected(others: Cohort) -> list[Any]:
    """Return what `usual` must return, within the six decimals of the file."""
    ada, bob = others.usual(FACES[:2]), others.usual(FACES[2:])
    return [pytest.approx(ada.tolist(), abs=1e-6), pytest.approx(bob.tolist(), abs=1e-6)]


def test_a_gallery_of_version_0_1_0_works_at_once_and_its_records_stay_as_they_are(folder: Path) -> None:
    """The numbers are computed while it is loaded, and kept in a file of mode 0600 beside the record."""
    records = {path: path.read_bytes() for path in folder.glob("*/person.json")}
    revision = gallery(folder).revision()
    assert usual(folder) == expected(FIRST)
    assert {path: path.read_bytes() for path in folder.glob("*/person.json")} == records
    assert {path.name for path in (folder / "ada").iterdir()} == {"person.json", "normalization.json"}
    assert stat.S_IMODE(file(folder).stat().st_mode) == 0o600
    assert gallery(folder).revision() == revision, "the file is no change of the gallery"


def test_what_is_kept_is_used_and_not_written_again(folder: Path) -> None:
    """A number that only the file can have says so."""
    usual(folder)
    content = json.loads(file(folder).read_text())
    content["usual"] = [0.25, 0.5]
    file(folder).write_text(json.dumps(content))
    before = file(folder).stat()
    assert usual(folder)[0] == [0.25, 0.5]
    assert (file(folder).stat().st_mtime_ns, file(folder).stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_another_cohort_another_face_or_a_rejected_one_makes_the_file_again(folder: Path) -> None:
    """It fits one cohort and one list of embeddings."""
    usual(folder)
    assert usual(folder, SECOND) == expected(SECOND)
    nearer = Cohort(FIRST.vectors, 2, FIRST.weight, FIRST.sha256)
    assert usual(folder, nearer) == expected(nearer)
    assert usual(folder) == expected(FIRST)
    gallery(folder).add("ada", None, "s", [sample(*FACES[2], source="c")])
    assert usual(folder)[0] == pytest.approx(FIRST.usual(FACES[[0, 1, 2]]).tolist(), abs=1e-6)
    gallery(folder).reject("ada", "s", sample(*FACES[0]))
    assert usual(folder)[0] == pytest.approx(FIRST.usual(FACES[[1, 2, 0]]).tolist(), abs=1e-6)
    assert len(json.loads(file(folder).read_text())["usual"]) == 3


def spoilt(content: dict[str, Any]) -> dict[str, bytes]:
    """Return contents that are no file of this person."""
    changes: dict[str, dict[str, Any]] = {
        "version": {"v": 2},
        "cohort": {"cohort": "3" * 64},
        "nearest": {"nearest": 4},
        "anchors": {"anchors": "0" * 64},
        "too few": {"usual": [0.1]},
        "too many": {"usual": [0.1, 0.2, 0.3]},
        "far off": {"usual": [0.1, 9.0]},
        "undefined": {"usual": [0.1, float("nan")]},
        "text": {"usual": ["x", "y"]},
    }
    made = {name: json.dumps(content | change).encode() for name, change in changes.items()}
    return made | {"empty": b"", "zeros": bytes(200), "cut": json.dumps(content).encode()[:-9], "list": b"[1]"}


@pytest.mark.parametrize("name", spoilt({}))
def test_a_file_that_does_not_fit_or_is_damaged_is_made_again(folder: Path, name: str) -> None:
    """As after a power cut; nobody is set aside because of it."""
    usual(folder)
    file(folder).write_bytes(spoilt(json.loads(file(folder).read_text()))[name])
    assert usual(folder) == expected(FIRST)
    assert len(json.loads(file(folder).read_text())["usual"]) == 2


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "huge"])
def test_what_stands_in_the_place_of_the_file_is_neither_followed_nor_waited_for(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    """The numbers are computed, whether they can be kept or not."""
    other = tmp_path_factory.mktemp("elsewhere") / "file"
    other.write_text("untouched")
    place = file(folder)
    if kind == "link":
        place.symlink_to(other)
    elif kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.touch()
        os.truncate(place, 1 << 40)
    assert usual(folder) == expected(FIRST)
    assert usual(folder) == expected(FIRST)
    assert other.read_text() == "untouched"


def test_a_gallery_that_another_process_changes_is_loaded_without_waiting(folder: Path) -> None:
    """The file is written by the next who loads it."""
    with Store(folder, {}).locked():
        assert usual(folder) == expected(FIRST)
        assert not file(folder).exists()
    usual(folder)
    assert file(folder).exists()


def test_who_changes_while_their_numbers_are_computed_gets_none_of_the_former_faces(folder: Path) -> None:
    """Another process corrects Ada and erases Bob after this one has read them, and before it keeps the numbers."""
    people = Gallery(folder, {"s": 16}).load()
    made = normalisation.compute(people, "s", FIRST)
    store, contents = Store(folder, {}), [(each, normalisation.encode(each, "s", FIRST)) for each in made]
    Gallery(folder).add("ada", None, "s", [sample(*FACES[2], source="c")])
    remove(folder, "bob")
    store.keep_computed(normalisation.FILE, contents)
    assert not list(folder.rglob(f"{normalisation.FILE}*"))
    Gallery(folder).add("bob", None, "s", [sample(*FACES[1])])
    (folder / "ada" / "person.json").write_text("{")
    store.keep_computed(normalisation.FILE, contents)
    assert not list(folder.rglob(f"{normalisation.FILE}*"))


def test_a_change_of_a_person_removes_the_file_at_once(folder: Path) -> None:
    """Of that person only."""
    usual(folder)
    gallery(folder).add("ada", None, "s", [sample(*FACES[2], source="c")])
    assert not file(folder).exists()
    assert file(folder, "bob").exists()
    usual(folder)
    assert len(json.loads(file(folder).read_text())["usual"]) == 3


def test_a_disk_that_cannot_be_written_is_no_obstacle(folder: Path, without_writing: Callable[[Path], None]) -> None:
    """Who may only read decides by the same score."""
    without_writing(folder)
    assert usual(folder) == expected(FIRST)


@pytest.fixture
def without_writing() -> Callable[[Path], None]:
    """Return what makes every part of a gallery unwritable: a folder stands in the place of each unfinished file."""

    def obstruct(folder: Path) -> None:
        for person in ("ada", "bob"):
            part = file(folder, person).with_name(f"{normalisation.FILE}.part")
            part.mkdir()

    return obstruct


def test_erasing_a_person_erases_the_file(folder: Path) -> None:
    """It is computed from their face."""
    usual(folder)
    remove(folder, "ada")
    assert not (folder / "ada").exists()


def test_without_a_cohort_nothing_is_computed_and_nothing_is_written(folder: Path) -> None:
    """A network of version 0.1.0 decides by the cosine."""
    assert usual(folder, None) == [[None, None], [None, None]]
    assert not list(folder.glob(f"*/{normalisation.FILE}"))


def test_anchors_of_another_network_have_no_number() -> None:
    """They are compared with nothing, and may be of another length."""
    ada = Person("ada", "Ada", (Anchor(unit(1, 0), "old", "a"), Anchor(FACES[0], "s", "b")))
    (found,) = normalisation.compute([ada], "s", FIRST)
    assert [anchor.usual for anchor in found.anchors] == [
        None,
        pytest.approx(float(FIRST.usual(FACES[:1])[0]), abs=1e-6),
    ]
    assert normalisation.read(ada, normalisation.encode(found, "s", FIRST), "s", FIRST) is not None


def test_the_matcher_decides_the_same_with_and_without_the_file(folder: Path) -> None:
    """Within the six decimals of the file."""
    plain = Gallery(folder, {"s": 16}).load()
    probe = random_units(1, 16, 99)[0]
    computed, kept = (
        GalleryMatcher(people, "s", 0.1, FIRST).match(probe, {}).margin
        for people in (plain, (gallery(folder).load(), gallery(folder).load())[1])
    )
    assert computed == pytest.approx(kept, abs=2e-6)


def test_embeddings_made_again_get_new_numbers(folder: Path) -> None:
    """After the network has changed, what was computed for the old faces does not stay with them."""
    before = usual(folder)
    faces = iter(random_units(4, 16, 50))
    crops = [np.full((32, 32, 3), number, np.uint8) for number in range(2)]
    gallery(folder).add("eve", None, "old", [sample(*FACES[number], crop=crop) for number, crop in enumerate(crops)])
    assert gallery(folder).reembed("s", lambda _: next(faces)) == 2
    after = usual(folder)
    assert after[:2] == before
    assert after[2] == pytest.approx(FIRST.usual(random_units(4, 16, 50)[:2]).tolist(), abs=1e-6)
