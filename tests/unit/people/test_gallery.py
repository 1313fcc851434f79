"""The gallery on disk: changes are whole or absent, files are private, and one bad entry harms nobody else."""

import json
import logging
import stat
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from makers import unit
from samples import crop, remove, sample

from node.domain import Image, Vector
from node.errors import ModelError, PeopleError
from node.people.crop import decode, encode
from node.people.erasure import Erasure
from node.people.gallery import Gallery, Sample
from node.people.store import Store


def test_an_added_person_is_loaded_again(tmp_path: Path) -> None:
    """Id, name and space survive the disk unchanged, the embedding to within 1e-6."""
    gallery = Gallery(tmp_path / "people")
    gallery.add("ada", "Zoë Müller", "s", [sample(3, 4), sample(1, 0)])
    (person,) = Gallery(tmp_path / "people").load()
    assert (person.id, person.name, person.ignored) == ("ada", "Zoë Müller", False)
    np.testing.assert_allclose(person.anchors[0].embedding, unit(3, 4), atol=1e-6)
    assert person.anchors[0].space == "s"


def test_more_photos_are_added_to_the_same_person_and_none_twice(tmp_path: Path) -> None:
    """Adding again keeps the name and the former anchors."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", "Ada", "s", [sample(1, 0)])
    person = gallery.add("ada", None, "s", [sample(1, 0), sample(0, 1)])
    assert person.name == "Ada"
    assert len(person.anchors) == 2


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Records and crops have mode 0600, folders 0700."""
    Gallery(tmp_path / "people").add("ada", None, "s", [sample(1, 0, crop=crop())])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "people").rglob("*")}
    assert modes.pop("ada") == 0o700
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


def test_removing_leaves_no_file(tmp_path: Path) -> None:
    """Record and crops are erased."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop())])
    remove(tmp_path, "ada")
    assert list(tmp_path.rglob("*")) == []
    with pytest.raises(PeopleError, match="nobody is enrolled"):
        remove(tmp_path, "ada")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b'{"id":"ada"}',
        b'{"v":1,"id":"eve","name":"x","anchors":[{"embedding":"AACAPw==","space":"s","source":"p"}]}',
        b'{"v":1,"id":"ada","name":"x","anchors":[{"embedding":"AAAA","space":"s","source":"p"}]}',
        b'{"v":1,"id":"ada","name":"x","anchors":[{"embedding":"AAAAQA==","space":"s","source":"p"}]}',
        b'{"v":2,"id":"ada","name":"x","anchors":[]}',
    ],
)
def test_a_damaged_entry_is_set_aside_and_the_others_are_loaded(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is deleted: the entry is renamed, logged once, and not read again."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    gallery.add("bob", None, "s", [sample(0, 1)])
    (tmp_path / "ada" / "person.json").write_bytes(damage)
    with caplog.at_level(logging.ERROR):
        assert [person.id for person in gallery.load()] == ["bob"]
        assert [person.id for person in gallery.load()] == ["bob"]
    (record,) = caplog.records
    assert record.getMessage().endswith("(not published)")
    (aside,) = tmp_path.glob("ada.damaged-*")
    assert (aside / "person.json").read_bytes() == damage


@pytest.mark.parametrize("name", ["", "Ada", "a b", "../x", "unknown", "a" * 33, ".ada"])
def test_a_bad_id_is_refused(tmp_path: Path, name: str) -> None:
    """An id must be valid in topics and as a folder name."""
    with pytest.raises(PeopleError):
        Gallery(tmp_path).add(name, None, "s", [sample(1, 0)])
    assert list(tmp_path.iterdir()) == []


def test_the_revision_differs_after_every_change(tmp_path: Path) -> None:
    """A running node notices an enrollment by comparing revisions."""
    gallery = Gallery(tmp_path)
    stamps = [gallery.revision()]
    gallery.add("ada", None, "s", [sample(1, 0)])
    stamps.append(gallery.revision())
    gallery.add("ada", None, "s", [sample(0, 1)])
    stamps.append(gallery.revision())
    remove(tmp_path, "ada")
    stamps.append(gallery.revision())
    assert all(a != b for a, b in pairwise(stamps))


def test_a_record_truncated_by_a_power_cut_is_never_read(tmp_path: Path) -> None:
    """The record is replaced whole: a leftover partial file changes nothing."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    (tmp_path / "ada" / "person.json.part").write_bytes(b'{"v":1,')
    assert len(gallery.load()) == 1
    gallery.add("ada", None, "s", [sample(0, 1)])
    assert len(json.loads((tmp_path / "ada" / "person.json").read_text())["anchors"]) == 2


def test_mark_and_name_are_written_together_with_the_faces(tmp_path: Path) -> None:
    """A postman enrolled as ignored is never reported, not even for a moment."""
    person = Gallery(tmp_path).add("bob", "Bob", "s", [sample(1, 0)], ignored=True)
    assert (person.name, person.ignored) == ("Bob", True)
    assert Gallery(tmp_path).add("bob", None, "s", [sample(0, 1)]).ignored


def test_ignoring_is_kept_and_undone(tmp_path: Path) -> None:
    """It is a mark and leaves the faces as they are; an unknown id is an error."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    gallery.ignore("ada")
    assert [(person.ignored, len(person.anchors)) for person in gallery.load()] == [(True, 1)]
    gallery.ignore("ada", on=False)
    assert not gallery.load()[0].ignored
    with pytest.raises(PeopleError, match="nobody is enrolled"):
        gallery.ignore("bob")


def test_a_rejected_face_is_kept_once_and_privately(tmp_path: Path) -> None:
    """The negative anchor and its crop survive the disk."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    gallery.reject("ada", "s", sample(1, 1, crop=crop(1)))
    gallery.reject("ada", "s", sample(1, 1, crop=crop(1)))
    (person,) = gallery.load()
    (negative,) = person.negatives
    np.testing.assert_allclose(negative.embedding, unit(1, 1), atol=1e-6)
    assert negative.crop is not None
    assert stat.S_IMODE(negative.crop.stat().st_mode) == 0o600
    with pytest.raises(PeopleError, match="nobody is enrolled"):
        gallery.reject("bob", "s", sample(1, 1))


def test_the_latest_decision_about_a_face_counts(tmp_path: Path) -> None:
    """A face rejected after its enrollment is no longer enrolled, and vice versa; the last face cannot be rejected."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0), sample(0, 1)])
    person = gallery.reject("ada", "s", sample(0, 1))
    assert (len(person.anchors), len(person.negatives)) == (1, 1)
    with pytest.raises(PeopleError, match="the only known face"):
        gallery.reject("ada", "s", sample(1, 0))
    person = gallery.add("ada", None, "s", [sample(0, 1)])
    assert (len(person.anchors), len(person.negatives)) == (2, 0)


def test_a_record_of_the_first_version_still_loads(tmp_path: Path) -> None:
    """Version 0.1.0's record is read; without rejected faces the record is still written byte for byte the same."""
    first = (
        b'{\n "v": 1,\n "id": "ada",\n "name": "Ada",\n "ignored": false,\n "anchors": [\n  {\n'
        b'   "embedding": "AACAPwAAAAA=",\n   "space": "s",\n   "source": "a.jpg",\n   "crop": null\n  }\n ]\n}'
    )
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "person.json").write_bytes(first)
    gallery = Gallery(tmp_path)
    (person,) = gallery.load()
    np.testing.assert_array_equal(person.anchors[0].embedding, unit(1, 0))
    gallery.ignore("ada")
    gallery.ignore("ada", on=False)
    assert (tmp_path / "ada" / "person.json").read_bytes() == first


def test_an_embedding_of_a_wrong_length_is_a_damaged_entry(tmp_path: Path) -> None:
    """It would stop the node at the first face; the others are loaded."""
    Gallery(tmp_path).add("ada", None, "s", [sample(1, 0)])
    Gallery(tmp_path).add("bob", None, "s", [sample(1, 0, 0)])
    assert [person.id for person in Gallery(tmp_path, {"s": 3}).load()] == ["bob"]


def test_an_embedding_of_nearly_unit_length_is_stored_at_unit_length(tmp_path: Path) -> None:
    """That of a quantized network is off by more than the record allows; one without a length is refused."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [Sample(unit(1, 0) * np.float32(1.02), "p", None)])
    np.testing.assert_array_equal(gallery.load()[0].anchors[0].embedding, unit(1, 0))
    with pytest.raises(ModelError, match="without a length"):
        gallery.add("bob", None, "s", [Sample(np.zeros(2, np.float32), "p", None)])


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\x1b[31m"])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """A name is shown in terminals and messages."""
    with pytest.raises(PeopleError, match="is not a valid name"):
        Gallery(tmp_path).add("ada", name, "s", [sample(1, 0)])


def test_everything_stored_is_listed_and_removing_erases_all_of_it(tmp_path: Path) -> None:
    """Entries set aside as damaged contain faces, too."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1))])
    (tmp_path / "ada" / "person.json").write_bytes(b"{")
    gallery.load()
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1)), sample(0, 1)])
    gallery.add("ad", None, "s", [sample(1, 0)])
    first, second = map(str, Erasure(Store(tmp_path, {})).traces("ada"))
    assert first == f"{tmp_path / 'ada'}: 2 faces, 1 crop"
    assert "ada.damaged-" in second
    remove(tmp_path, "ada")
    assert [path.name for path in tmp_path.iterdir()] == ["ad"]
    assert Erasure(Store(tmp_path, {})).traces("ada") == ()


def test_leftovers_of_a_change_after_a_power_cut_are_ignored_and_cleared(tmp_path: Path) -> None:
    """Neither a half-written nor a half-erased entry is read; the next change erases both."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1))])
    for left in (".new/eve", ".gone-eve"):
        (tmp_path / left).mkdir(parents=True)
        (tmp_path / left / "person.json").write_bytes(b"{")
    assert [person.id for person in gallery.load()] == ["ada"]
    gallery.add("bob", None, "s", [sample(0, 1)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada", "bob"]


def test_crops_without_an_anchor_are_removed_and_the_owners_files_stay(tmp_path: Path) -> None:
    """A crop left by a power cut shows a face; a note beside the record belongs to the owner."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1))])
    for name in ("0123456789abcdef.png", "person.json.part", "notes.txt"):
        (tmp_path / "ada" / name).write_bytes(b"")
    gallery.ignore("ada")
    names = {path.name for path in (tmp_path / "ada").iterdir()}
    assert names == {"person.json", encode(crop(1))[0], "notes.txt"}


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """A command and the node may change one person at once: every face is stored, and no reader fails."""
    writers = [
        threading.Thread(
            target=lambda start: [
                Gallery(tmp_path).add("ada", None, "s", [sample(start, number)]) for number in range(1, 11)
            ],
            args=(start,),
        )
        for start in (1, -1)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        Gallery(tmp_path).load()
    for writer in writers:
        writer.join()
    assert len(Gallery(tmp_path).load()[0].anchors) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["ada"]


def test_a_person_erased_while_another_process_reads_is_not_set_aside(tmp_path: Path) -> None:
    """Otherwise the crops of an erased person would remain under another name."""
    gallery = Gallery(tmp_path)

    def add_and_remove() -> None:
        for _ in range(40):
            gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1))])
            remove(tmp_path, "ada")

    writer = threading.Thread(target=add_and_remove)
    writer.start()
    while writer.is_alive():
        Gallery(tmp_path).load()
    writer.join()
    assert list(tmp_path.iterdir()) == []


def test_anchors_of_an_older_network_are_embedded_again_from_their_crops(tmp_path: Path) -> None:
    """Rejected ones, too; the network does not run for anchors of its own space."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "old", [sample(1, 0, crop=crop(1))])
    gallery.reject("ada", "old", sample(0, 1, crop=crop(2)))
    gallery.add("ada", None, "new", [sample(1, 0, 0)])
    seen = []

    def embed(image: Image) -> Vector:
        seen.append(image)
        return np.array([0, 3, 4], np.float32)

    assert gallery.reembed("new", embed) == 2
    np.testing.assert_array_equal(np.stack(seen), np.stack([crop(1), crop(2)]))
    (person,) = gallery.load()
    assert {anchor.space for anchor in (*person.anchors, *person.negatives)} == {"new"}
    np.testing.assert_allclose(person.anchors[0].embedding, [0, 0.6, 0.8], atol=1e-6)
    assert gallery.reembed("new", embed) == 0
    assert len(seen) == 2


def test_an_anchor_without_a_crop_is_kept_but_not_compared_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for everybody says what to do; with the former network the anchors count again."""
    gallery = Gallery(tmp_path)
    for name in ("ada", "bob"):
        gallery.add(name, None, "old", [sample(1, 0)])
    with caplog.at_level(logging.WARNING):
        assert gallery.reembed("new", lambda _: unit(1, 0)) == 0
    (record,) = caplog.records
    assert "2 faces enrolled with another network" in record.getMessage()
    assert "(not published): ada, bob: facenode people add" in record.getMessage()
    assert gallery.load()[0].anchors[0].space == "old"


@pytest.mark.parametrize("spoil", ["missing", "foreign", "no picture"])
def test_a_bad_crop_affects_only_its_own_anchor(tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: str) -> None:
    """The other faces are embedded again, the log names the bad one; adding the photo again repairs it."""
    gallery = Gallery(tmp_path)
    person = gallery.add("ada", None, "old", [sample(1, 0, crop=crop(1)), sample(0, 1, crop=crop(2))])
    path = person.anchors[0].crop
    assert path is not None
    place = tmp_path / "ada" / path.name
    place.unlink()
    if spoil != "missing":
        place.write_bytes(encode(crop(3))[1] if spoil == "foreign" else b"\xff\xd8")
    with caplog.at_level(logging.WARNING):
        assert gallery.reembed("new", lambda _: unit(1, 1)) == 1
    assert f"the crop {place.name} cannot be used" in caplog.text
    assert [anchor.space for anchor in gallery.load()[0].anchors] == ["old", "new"]
    healed = gallery.add("ada", None, "new", [sample(1, 0, crop=crop(1))])
    assert [anchor.space for anchor in healed.anchors] == ["new", "new"]
    np.testing.assert_array_equal(decode(place.name, place.read_bytes()), crop(1))
