"""What an owner decides about an entry of the inbox: somebody known, new or ignored, nobody, or not the one named."""

from pathlib import Path

import pytest
from makers import unit
from review_scene import THRESHOLD, ReviewScene
from samples import remove, sample

from node.domain import Flaw
from node.errors import PeopleError, Reason
from node.people.person import id_for
from node.people.undo_log import KEEP_S
from node.review.actions import Assignment, Kind

ADA, EVE = unit(1, 0, 0), unit(0, 1, 0)


@pytest.fixture
def scene(tmp_path: Path) -> ReviewScene:
    """Return the inbox of a node that knows Ada."""
    made = ReviewScene(tmp_path)
    made.gallery.add("ada", "Ada", "s", [sample(1, 0, 0)])
    return made


def assign(scene: ReviewScene, kind: Kind, person: str | None = None, name: str | None = None, **more: bool) -> str:
    """Decide about the latest entry."""
    entry = scene.collector.entries()[0]
    return scene.actions.assign([entry.id], Assignment(kind, person, name, **more), scene.compare).words


def test_a_face_that_failed_a_gate_is_enrolled_only_if_its_owner_insists(scene: ReviewScene) -> None:
    """The widest of them is kept for that; without insisting the error names the flaws."""
    scene.visit(EVE, looks=6, flaws=(Flaw.SIZE, Flaw.BLUR))
    with pytest.raises(PeopleError, match="no face of this visit is usable: blur, size") as refused:
        assign(scene, Kind.PERSON, "ada")
    assert (refused.value.reason, refused.value.about) == (Reason.UNUSABLE, {"flaws": ["blur", "size"]})
    assert people(scene)["ada"] == ("Ada", 1, 0, False)
    assert assign(scene, Kind.PERSON, "ada", force=True) == "added to ada"
    assert people(scene)["ada"] == ("Ada", 2, 0, False)


def test_a_face_that_is_recognized_as_somebody_else_is_enrolled_only_if_its_owner_insists(scene: ReviewScene) -> None:
    """Also as somebody new: the gallery never learns Ada's face under another name by a slip."""
    scene.gallery.add("eve", "Eve", "s", [sample(0, 1, 0)])
    scene.visit(ADA)
    for kind, person, name in ((Kind.PERSON, "eve", None), (Kind.NEW, None, "Zoe"), (Kind.IGNORE, None, "Postman")):
        with pytest.raises(PeopleError, match=r"the face is ada's \(1.00\)") as refused:
            assign(scene, kind, person, name)
        assert (refused.value.reason, refused.value.about) == (Reason.NEARER, {"id": "ada", "score": 1.0})
    assert set(people(scene)) == {"ada", "eve"}
    assert assign(scene, Kind.PERSON, "eve", force=True) == "added to eve"


def test_several_entries_are_one_action(scene: ReviewScene) -> None:
    """One decision about several visits is undone at once, and every entry is shown again."""
    for _ in range(3):
        scene.visit(EVE)
    entries = [entry.id for entry in scene.collector.entries()]
    decided = scene.actions.assign(entries[:2], Assignment(Kind.NEW, None, "Eve"), scene.compare)
    assert (decided.words, decided.person) == ("enrolled as eve", "eve")
    assert [entry.id for entry in scene.collector.entries()] == entries[2:]
    action, _ = scene.gallery.changes.actions()
    scene.actions.restore(scene.gallery.changes.undo(action.action.id).entries)
    assert {entry.id for entry in scene.collector.entries()} == set(entries)
    assert set(people(scene)) == {"ada"}


def test_one_entry_that_is_gone_lets_nothing_happen(scene: ReviewScene) -> None:
    """Two phones at once: the second is told, and decides about nothing."""
    scene.visit(EVE)
    (entry,) = scene.collector.entries()
    with pytest.raises(PeopleError, match="no such entry") as refused:
        scene.actions.assign([entry.id, "00000000"], Assignment(Kind.NEW, None, "Eve"), scene.compare)
    assert refused.value.reason is Reason.NO_ENTRY
    assert scene.collector.entries() == (entry,)
    assert set(people(scene)) == {"ada"}


def people(scene: ReviewScene) -> dict[str, tuple[str, int, int, bool]]:
    """Return the name, the faces, the rejected faces and the mark of everybody."""
    return {p.id: (p.name, len(p.anchors), len(p.negatives), p.ignored) for p in scene.gallery.load()}


def files(scene: ReviewScene) -> dict[str, bytes]:
    """Return every file of the gallery."""
    return {str(path): path.read_bytes() for path in (scene.storage / "people").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("kind", "given", "words", "expected"),
    [
        (Kind.PERSON, {"person": "ada"}, "added to ada", {"ada": ("Ada", 2, 0, False)}),
        (
            Kind.NEW,
            {"name": "Zoë Müller"},
            "enrolled as zoe-muller",
            {"ada": ("Ada", 1, 0, False), "zoe-muller": ("Zoë Müller", 1, 0, False)},
        ),
        (
            Kind.NEW,
            {"name": "Eve", "person": "e1"},
            "enrolled as e1",
            {"ada": ("Ada", 1, 0, False), "e1": ("Eve", 1, 0, False)},
        ),
        (
            Kind.IGNORE,
            {},
            "enrolled as ignored, who is ignored",
            {"ada": ("Ada", 1, 0, False), "ignored": ("Ignored", 1, 0, True)},
        ),
        (Kind.DROP, {}, "dropped", {"ada": ("Ada", 1, 0, False)}),
    ],
)
def test_a_stranger_is_decided_about_and_it_can_be_undone(
    scene: ReviewScene, kind: Kind, given: dict[str, str], words: str, expected: dict[str, tuple[str, int, int, bool]]
) -> None:
    """The entry leaves the inbox; after an undo it is there again, and the gallery byte for byte as before."""
    scene.visit(EVE)
    before, entries = files(scene), [entry.id for entry in scene.collector.entries()]
    assert assign(scene, kind, **given) == words  # type: ignore[arg-type]
    assert people(scene) == expected
    assert scene.collector.entries() == ()
    undone = scene.gallery.changes.undo(scene.gallery.changes.actions()[0].action.id)
    scene.actions.restore(undone.entries)
    assert files(scene) == before
    assert [entry.id for entry in scene.collector.entries()] == entries


def test_a_wrong_name_is_rejected(scene: ReviewScene) -> None:
    """The face becomes one that is not hers; also that of a stranger who nearly got the name."""
    scene.visit(unit(THRESHOLD, 0.5, 0), "ada")
    assert assign(scene, Kind.REJECT) == "rejected: this face is not ada's"
    scene.visit(unit(THRESHOLD - 0.01, 0, 0.45))
    assert assign(scene, Kind.REJECT) == "rejected: this face is not ada's"
    assert people(scene)["ada"] == ("Ada", 1, 2, False)


def test_whoever_was_named_is_ignored_from_now_on(scene: ReviewScene) -> None:
    """No second person is enrolled."""
    scene.visit(ADA, "ada")
    assert assign(scene, Kind.IGNORE) == "ada is ignored from now on"
    assert people(scene) == {"ada": ("Ada", 1, 0, True)}


def test_a_whole_group_is_decided_about(scene: ReviewScene) -> None:
    """The best five faces are enrolled, and all entries leave."""
    for number in range(7):
        scene.visit(unit(0, 1, number / 100), looks=number + 1)
    scene.visit(ADA, "ada")
    entry = scene.collector.entries()[3]
    scene.actions.assign([entry.id], Assignment(Kind.NEW, name="Eve", alike=True), scene.compare)
    assert people(scene)["eve"][1] == 5
    assert [each.person for each in scene.collector.entries()] == ["ada"]


def test_of_a_group_with_several_names_nobody_is_ignored_or_rejected(scene: ReviewScene) -> None:
    """The latest visit of a group does not decide about somebody whom the owner did not name."""
    scene.gallery.add("postman", None, "s", [sample(0, 1, 0)])
    scene.visit(unit(0, 1, 0.1), "postman")
    scene.visit(unit(0, 1, 0.2), "ada")
    before = files(scene)
    entry = scene.collector.entries()[1]
    for kind in (Kind.IGNORE, Kind.REJECT):
        with pytest.raises(PeopleError, match=f"{entry.id}: visits of this group were named ada and postman"):
            scene.actions.assign([entry.id], Assignment(kind, alike=True), scene.compare)
    assert files(scene) == before
    assert len(scene.collector.entries()) == 2


def test_whoever_stays_long_after_the_decision_does_not_come_back_into_the_inbox(scene: ReviewScene) -> None:
    """The decision holds for the whole visit; the entry goes when that is over."""
    number = scene.visit(EVE, stays=True, key="x")
    assign(scene, Kind.DROP)
    for looks in range(4, 10):
        scene.clock.advance(KEEP_S)
        scene.tick(number, scene.look(EVE, number, count=looks), looks, scene.decision(None, key="x"))
        assert scene.collector.entries() == ()
    scene.tick(number, None, 9, None, gone=True)
    assert scene.collector.entries() == ()
    scene.clock.advance(KEEP_S)
    scene.visit(ADA, "ada")
    assert [entry.person for entry in scene.collector.entries()] == ["ada"]


def test_somebody_who_is_still_in_view_is_decided_about(scene: ReviewScene) -> None:
    """What is seen of them later in the same visit does not bring the entry back."""
    number = scene.visit(EVE, stays=True, key="x")
    assign(scene, Kind.DROP)
    scene.tick(number, scene.look(EVE, number, count=9), 4, scene.decision(None, key="x"))
    assert scene.collector.entries() == ()
    scene.tick(number, None, 4, None, gone=True)
    assert scene.collector.entries() == ()


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        (Kind.PERSON, {"person": "eve"}, "eve: nobody is enrolled under this id"),
        (Kind.PERSON, {"person": "../x"}, "not a valid id"),
        (Kind.NEW, {"name": "\n"}, "is not a valid name"),
        (Kind.NEW, {"name": "Eve", "person": "ada"}, "ada: there is already somebody with this id"),
        (Kind.NEW, {"name": "Eve", "person": "unknown"}, "cannot be a person's id"),
        (Kind.REJECT, {}, "no name to reject: use drop, or assign the face to somebody"),
    ],
)
def test_a_decision_that_cannot_be_changes_nothing(
    scene: ReviewScene, kind: Kind, given: dict[str, str], sentence: str
) -> None:
    """One sentence, and the entry stays."""
    scene.visit(EVE)
    before = files(scene)
    with pytest.raises(PeopleError, match=sentence):
        assign(scene, kind, **given)  # type: ignore[arg-type]
    assert files(scene) == before
    assert len(scene.collector.entries()) == 1


def test_an_entry_without_a_usable_face_enrolls_nobody(scene: ReviewScene) -> None:
    """The sentence names the gates."""
    scene.visit(EVE, flaws=(Flaw.BLUR, Flaw.SIZE), looks=6)
    with pytest.raises(PeopleError, match="no face of this visit is usable: blur, size"):
        assign(scene, Kind.PERSON, "ada")
    assign(scene, Kind.DROP)
    assert scene.collector.entries() == ()


def test_a_stale_id_is_refused(scene: ReviewScene) -> None:
    """The entry was forgotten, decided about, or never there; or the person was erased meanwhile."""
    scene.visit(EVE)
    (entry,) = scene.collector.entries()
    remove(scene.storage / "people", "ada")
    with pytest.raises(PeopleError, match="ada: nobody is enrolled"):
        assign(scene, Kind.PERSON, "ada")
    assign(scene, Kind.DROP)
    for id_ in (entry.id, "00000000"):
        with pytest.raises(PeopleError, match=f"{id_}: there is no such entry in the inbox any more"):
            scene.actions.assign([id_], Assignment(Kind.DROP), scene.compare)


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        ("Zoë Müller", "zoe-muller"),
        ("李", "person"),
        ("Unknown", "unknown-2"),
        ("Ada", "ada-3"),
        ("--", "person"),
        ("x" * 64, "x" * 24),
    ],
)
def test_an_id_is_made_from_a_name(name: str, id_: str) -> None:
    """It is valid in topics and as a folder name, and nobody else's."""
    assert id_for(name, {"ada", "ada-2"}) == id_
