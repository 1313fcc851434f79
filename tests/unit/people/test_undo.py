"""Undo: what was done to people in the last ten minutes is put back byte for byte, or refused in one sentence."""

import json
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from cohorts import cohort
from full_disk import full_disk
from makers import unit
from manual_clock import ManualClock
from samples import OneBoot, crop, sample, undoable_gallery

from node.clock import Boot
from node.errors import PeopleError
from node.people import normalisation
from node.people.corrections import Corrections
from node.people.entry import Entry
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.scoring import Scoring
from node.people.store import Store
from node.people.undo_log import FILE, KEEP_S, MAX_ACTIONS, MAX_BYTES, UndoLog
from node.vision.sidecar import EmbeddingHead, Threshold, Thresholds

COHORT = cohort(unit(1, 0), unit(0, 1), nearest=1)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Return a gallery with Ada, Ada again, and Grace; nothing can be undone yet."""
    made = undoable_gallery(tmp_path)
    made.add("ada", "Ada", "s", [sample(1, 0, crop=crop(1)), sample(0, 1, crop=crop(2))])
    made.reject("ada", "s", sample(3, 4, crop=crop(3)))
    made.add("ada2", None, "s", [sample(3, 4, crop=crop(3)), sample(5, 1, crop=crop(4))])
    made.add("grace", "Grace", "s", [sample(1, 9, crop=crop(6))])
    made.changes.clear()
    return made


def files(storage: Path) -> dict[str, bytes]:
    """Return every file of the gallery in a storage folder."""
    people = storage / "people"
    return {str(path.relative_to(people)): path.read_bytes() for path in people.rglob("*") if path.is_file()}


def last(gallery: Gallery) -> str:
    """Return the id of the last action."""
    return gallery.changes.actions()[0].action.id


def photo(gallery: Gallery, person: str) -> str:
    """Return the id of the first photo of a person."""
    return Corrections(gallery).photos(person)[0].id


def imported(gallery: Gallery) -> list[Entry]:
    """Return Ada, as another node knows her, and Eve."""
    elsewhere = Gallery(gallery.changes.store.folder.with_name("elsewhere"))
    elsewhere.add("ada", "Ada L.", "s", [sample(1, 0), sample(7, 1)])
    elsewhere.add("eve", "Eve", "s", [sample(2, 9)])
    return [Entry(person) for person in elsewhere.load()]


ACTIONS: dict[str, Callable[[Gallery], object]] = {
    "add": lambda g: g.add("ada", "Ada B.", "s", [sample(9, 2, crop=crop(9))]),
    "enroll": lambda g: g.add("eve", "Eve", "s", [sample(9, 2, crop=crop(9))]),
    "reject": lambda g: g.reject("ada", "s", sample(0, 1, crop=crop(2))),
    "ignore": lambda g: g.ignore("ada"),
    "rename": lambda g: Corrections(g).rename("ada", "Countess"),
    "merge": lambda g: Corrections(g).merge("ada2", "ada"),
    "remove a photo": lambda g: Corrections(g).remove_photo("ada", photo(g, "ada")),
    "move a photo": lambda g: Corrections(g).move_photo("ada", photo(g, "ada"), "grace"),
    "import": lambda g: g.merge(imported(g)),
    "replace": lambda g: g.replace_everybody(imported(g)),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_the_gallery_after_an_undo_is_byte_for_byte_that_of_before(
    gallery: Gallery, tmp_path: Path, action: str
) -> None:
    """Records, crops and dates; the action is no longer listed, and the file is gone with the last of them."""
    before = files(tmp_path)
    ACTIONS[action](gallery)
    assert files(tmp_path) != before
    (listed,) = gallery.changes.actions()
    assert listed.obstacle is None
    gallery.changes.undo(listed.action.id)
    assert files(tmp_path) == before
    assert gallery.changes.actions() == ()
    with pytest.raises(PeopleError, match="there is no such action to undo"):
        gallery.changes.undo(listed.action.id)


def scored(tmp_path: Path) -> Gallery:
    """Return the gallery as a node with a cohort opens it, with what it computes for each person."""
    head = EmbeddingHead.model_construct(length=2, space="s")
    table = Thresholds(anchors_per_person=5, rows=(Threshold(fpir=0.01, gallery=1, cosine=0.1),))
    scoring = Scoring(head, table, COHORT)
    made = Gallery(tmp_path / "people", scoring=scoring, log=log(tmp_path))
    made.load()
    return made


def computed(storage: Path) -> dict[str, bytes]:
    """Return what is computed for each person; assert that it is of the faces that they have now."""
    people = {person.id: person for person in Gallery(storage / "people").load()}
    found = {path.parent.name: path.read_bytes() for path in storage.rglob(f"{normalisation.FILE}*")}
    for person, content in found.items():
        assert normalisation.read(people[person], content, "s", COHORT) is not None, f"{person} has a stale file"
    return found


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded between", "not loaded between"])
def test_what_was_computed_is_never_kept_of_other_faces(
    gallery: Gallery, tmp_path: Path, action: str, *, loaded: bool
) -> None:
    """Whoever changes loses it until the gallery is loaded again, and so does whoever is put back; nobody else does.

    It is no part of what is put back byte for byte, and not kept to undo an action.
    """
    gallery = scored(tmp_path)
    before, numbers = records(tmp_path), computed(tmp_path)
    assert set(numbers) == {"ada", "ada2", "grace"}
    ACTIONS[action](gallery)
    changed = {path.split("/")[0] for path in before if records(tmp_path).get(path) != before[path]}
    assert set(computed(tmp_path)) == set(numbers) - changed
    assert normalisation.FILE not in (tmp_path / FILE).read_text()
    if loaded:
        gallery.load()
        assert set(computed(tmp_path)) == {person.id for person in gallery.load()}
    gallery.changes.undo(last(gallery))
    assert records(tmp_path) == before
    assert set(computed(tmp_path)) == set(numbers) - changed
    gallery.load()
    assert computed(tmp_path) == numbers


def records(storage: Path) -> dict[str, bytes]:
    """Return every file of the gallery that is not computed from others."""
    return {name: content for name, content in files(storage).items() if not name.endswith(f"/{normalisation.FILE}")}


def test_all_actions_are_undone_one_after_the_other(gallery: Gallery, tmp_path: Path) -> None:
    """The last first; each brings back the gallery before it."""
    states = [files(tmp_path)]
    for act in ACTIONS.values():
        if "ada2" in {person.id for person in gallery.load()} or act is not ACTIONS["merge"]:
            act(gallery)
            states.append(files(tmp_path))
    while states[1:]:
        gallery.changes.undo(last(gallery))
        states.pop()
        assert files(tmp_path) == states[-1]


def test_an_entry_that_version_0_1_0_wrote_is_put_back_as_it_was(gallery: Gallery, tmp_path: Path) -> None:
    """It has no dates, and its record may be formatted otherwise; a file of the owner's own is put back, too."""
    folder = tmp_path / "people" / "ada2"
    record = json.loads((folder / "person.json").read_text())
    (folder / "person.json").write_text(json.dumps(record, indent=7))
    (folder / "photos.json").unlink()
    (folder / "notes.txt").write_text("the tall one")
    before = files(tmp_path)
    for action in ("merge", "replace"):
        ACTIONS[action](gallery)
        assert not folder.exists()
        gallery.changes.undo(last(gallery))
        assert files(tmp_path) == before
    Corrections(gallery).rename("ada2", "Ada too")
    gallery.changes.undo(last(gallery))
    assert files(tmp_path) == before


def test_a_person_who_has_changed_since_stays(gallery: Gallery, tmp_path: Path) -> None:
    """The sentence names the person; whichever way they changed, nothing is overwritten."""
    Corrections(gallery).rename("ada", "Countess")
    earlier = last(gallery)
    Gallery(tmp_path / "people").ignore("ada")
    before = files(tmp_path)
    with pytest.raises(PeopleError, match=r"renamed ada.*: ada has changed since: undo the later action first"):
        gallery.changes.undo(earlier)
    assert files(tmp_path) == before


@pytest.mark.parametrize("gone", ["erased", "being erased"])
def test_whoever_was_erased_meanwhile_is_not_brought_back(gallery: Gallery, tmp_path: Path, gone: str) -> None:
    """The action that is about them is gone with them."""
    Corrections(gallery).move_photo("ada", photo(gallery, "ada"), "grace")
    action = last(gallery)
    erasure = Erasure(Store(tmp_path / "people", {}), kept=[log(tmp_path)] if gone == "erased" else [])
    erasure.begin("grace")
    if gone == "erased":
        erasure.erase("grace")
        assert not (tmp_path / FILE).exists()
    with pytest.raises(PeopleError, match=r"there is no such action|grace is being erased|grace has changed since"):
        gallery.changes.undo(action)
    assert "grace" not in {person.id for person in gallery.load()}


def log(storage: Path, clock: ManualClock | None = None) -> UndoLog:
    """Return the log in a storage folder."""
    return UndoLog(storage, clock or ManualClock(), OneBoot())


def test_no_byte_of_an_erased_person_is_left_also_if_merged_into_another(gallery: Gallery, tmp_path: Path) -> None:
    """What was done to the one who was merged goes, too: it holds the same face. Actions about others stay."""
    Corrections(gallery).rename("grace", "Admiral")
    gallery.add("ada2", None, "s", [sample(8, 3, crop=crop(8))])
    Corrections(gallery).merge("ada2", "ada")
    ACTIONS["add"](gallery)
    Erasure(Store(tmp_path / "people", {}), kept=[log(tmp_path)]).erase("ada")
    assert [str(each.action.summary) for each in gallery.changes.actions()] == ["renamed grace: Grace is now Admiral"]
    assert b"ada" not in (tmp_path / FILE).read_bytes()
    assert log(tmp_path).names("grace")


def test_somebody_who_was_merged_away_can_still_be_erased(gallery: Gallery, tmp_path: Path) -> None:
    """Only the log names them."""
    Corrections(gallery).merge("ada2", "ada")
    Erasure(Store(tmp_path / "people", {}), kept=[log(tmp_path)]).erase("ada2")
    assert not (tmp_path / FILE).exists()


def test_the_file_is_private_and_holds_the_last_fifty_actions(gallery: Gallery, tmp_path: Path) -> None:
    """Its mode is 0600; beyond fifty the oldest are dropped."""
    for number in range(MAX_ACTIONS + 3):
        Corrections(gallery).rename("ada", f"Ada {number}")
    listed = gallery.changes.actions()
    assert len(listed) == MAX_ACTIONS
    assert str(listed[-1].action.summary) == "renamed ada: Ada 2 is now Ada 3"
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_an_action_can_be_undone_for_ten_minutes(tmp_path: Path) -> None:
    """Whether a node runs in between or not; it goes from the disk at the next look, and the file with the last."""
    clock = ManualClock()
    gallery = undoable_gallery(tmp_path, clock)
    gallery.add("ada", None, "s", [sample(1, 0)])
    clock.advance(KEEP_S / 2)
    gallery.ignore("ada")
    clock.advance(KEEP_S / 2 - 1)
    assert [round(each.age_s) for each in gallery.changes.actions()] == [299, 599]
    gallery.changes.expire(clock.mono_s)
    clock.advance(1)
    assert len(gallery.changes.actions()) == 1
    gallery.changes.expire(clock.mono_s)
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 1
    clock.advance(KEEP_S)
    Gallery(tmp_path / "people", log=log(tmp_path, clock)).changes.expire(0.0)
    assert not (tmp_path / FILE).exists()


def test_whoever_looks_removes_what_is_too_old(tmp_path: Path) -> None:
    """Without a node nobody else does; a disk that cannot be written hides nothing."""
    clock = ManualClock()
    gallery = undoable_gallery(tmp_path, clock)
    gallery.add("ada", None, "s", [sample(1, 0)])
    clock.advance(KEEP_S / 2)
    gallery.ignore("ada")
    clock.advance(KEEP_S / 2)
    with full_disk():
        assert len(gallery.changes.actions()) == 1
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 2
    assert len(gallery.changes.actions()) == 1
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 1
    clock.advance(KEEP_S)
    assert gallery.changes.actions() == ()
    assert not (tmp_path / FILE).exists()


class Boots:
    """A machine that is rebooted when a test says so."""

    def __init__(self) -> None:
        self.number, self.offset_s = 1, 100.0

    def boot(self) -> Boot:
        """Return the present boot."""
        return Boot(f"boot-{self.number}", self.offset_s)


@pytest.mark.parametrize("synced", [True, False], ids=["synchronized", "unsynchronized"])
def test_after_a_reboot_an_action_goes_by_the_wall_clock_or_counts_anew(tmp_path: Path, *, synced: bool) -> None:
    """Without a synchronized clock nobody can tell its age: it then counts from the first look."""

    class Clock(ManualClock):
        def now(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the clock that it replaces
            moment = super().now()
            return type(moment)(moment.wall, moment.mono_s, synced)

    clock, boots = Clock(), Boots()
    gallery = Gallery(tmp_path / "people", log=UndoLog(tmp_path, clock, boots))
    gallery.add("ada", None, "s", [sample(1, 0)])
    boots.number = 2
    clock.advance(KEEP_S)
    gallery.changes.expire(clock.mono_s)
    assert len(gallery.changes.actions()) == (0 if synced else 1)
    clock.advance(KEEP_S)
    gallery.changes.expire(clock.mono_s)
    assert not (tmp_path / FILE).exists()


def test_suspended_time_counts_within_a_boot(tmp_path: Path) -> None:
    """The boot-time clock goes on while the machine sleeps."""
    clock, boots = ManualClock(), Boots()
    gallery = Gallery(tmp_path / "people", log=UndoLog(tmp_path, clock, boots))
    gallery.add("ada", None, "s", [sample(1, 0)])
    boots.offset_s += KEEP_S
    assert gallery.changes.actions() == ()


@pytest.mark.parametrize("action", ACTIONS)
def test_on_a_full_disk_nothing_is_done_and_nothing_can_be_undone(
    gallery: Gallery, tmp_path: Path, action: str
) -> None:
    """One sentence that says where and what to do; also where only the log finds no room."""
    imported(gallery)
    before = files(tmp_path)
    with full_disk(), pytest.raises(PeopleError, match=r"storage\.dir must be readable and writable, with free space"):
        ACTIONS[action](gallery)
    assert files(tmp_path) == before
    assert gallery.changes.actions() == ()


def test_on_a_full_disk_an_undo_changes_nothing_and_can_be_done_later(gallery: Gallery, tmp_path: Path) -> None:
    """Erasing needs no room: the whole log goes then."""
    before = files(tmp_path)
    ACTIONS["merge"](gallery)
    Corrections(gallery).rename("grace", "Admiral")
    after = files(tmp_path)
    merge = gallery.changes.actions()[1].action.id
    with full_disk():
        with pytest.raises(PeopleError, match="with free space"):
            gallery.changes.undo(merge)
        assert files(tmp_path) == after
    gallery.changes.undo(last(gallery))
    gallery.changes.undo(merge)
    assert files(tmp_path) == before
    ACTIONS["add"](gallery)
    Corrections(gallery).rename("grace", "Admiral")
    with full_disk():
        log(tmp_path).erase("ada")
    assert not (tmp_path / FILE).exists()


def test_an_action_that_keeps_too_much_is_done_but_cannot_be_undone(gallery: Gallery, tmp_path: Path) -> None:
    """The list says so; it bounds the file and the memory."""
    for number in range(3):
        (tmp_path / "people" / "ada2" / f"film{number}.mp4").write_bytes(bytes(11 << 20))
    ACTIONS["merge"](gallery)
    (listed,) = gallery.changes.actions()
    assert listed.obstacle == "it cannot be undone: it was too large to be kept"
    with pytest.raises(PeopleError, match="too large to be kept"):
        gallery.changes.undo(listed.action.id)
    assert (tmp_path / FILE).stat().st_size < 2000
    assert gallery.changes.departed() == {"ada2": "ada"}


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_an_action_that_removes_what_cannot_be_put_back_cannot_be_undone(
    gallery: Gallery, tmp_path: Path, kind: str
) -> None:
    """What the owner has put there is more than files: nobody gets half of it back."""
    more = tmp_path / "people" / "ada2" / "more"
    if kind == "folder":
        more.mkdir()
    else:
        more.symlink_to(tmp_path)
    ACTIONS["merge"](gallery)
    (listed,) = gallery.changes.actions()
    assert listed.obstacle == "it cannot be undone: it was too large to be kept"
    assert tmp_path.exists()


def test_a_full_log_takes_little_memory(gallery: Gallery, tmp_path: Path) -> None:
    """A node on a small board reads and writes it while it runs: its service may have 320 MB, with all else."""
    for _ in range(3):
        gallery.add("ada2", None, "s", [sample(3, 4)])
        for number in range(2):
            (tmp_path / "people" / "ada2" / f"film{number}.mp4").write_bytes(bytes(5 << 20))
        Corrections(gallery).merge("ada2", "ada")
    size = (tmp_path / FILE).stat().st_size
    assert MAX_BYTES / 2 < size <= MAX_BYTES
    tracemalloc.start()
    try:
        Corrections(gallery).rename("ada", "Countess")
        gallery.changes.undo(last(gallery))
        gallery.changes.undo(last(gallery))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * MAX_BYTES


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_that_utc_does_not_have_is_damage(gallery: Gallery, tmp_path: Path, moment: str) -> None:
    """In the dates of photos, which then are not known, and in the log, in which nothing can be undone."""
    dates = tmp_path / "people" / "ada" / "photos.json"
    found = json.loads(dates.read_text())
    dates.write_text(json.dumps(found | {"photos": dict.fromkeys(found["photos"], moment)}))
    assert len(Corrections(gallery).photos("ada")) == 3
    Corrections(gallery).rename("ada", "Countess")
    assert moment not in dates.read_text()
    action = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(action | {"at": action["at"] | {"wall": moment}}))
    assert gallery.changes.actions() == ()
    gallery.changes.expire(0.0)
    assert not (tmp_path / FILE).exists()


def test_an_action_from_the_future_counts_anew(tmp_path: Path) -> None:
    """A wall clock that went back between two boots keeps no face on the disk for longer."""
    clock, boots = ManualClock(), Boots()
    gallery = Gallery(tmp_path / "people", log=UndoLog(tmp_path, clock, boots))
    clock.advance(1e7)
    gallery.add("ada", None, "s", [sample(1, 0)])
    clock.advance(-1e7)
    boots.number = 2
    gallery.changes.expire(clock.mono_s)
    assert len(gallery.changes.actions()) == 1
    clock.advance(KEEP_S)
    gallery.changes.expire(clock.mono_s)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("content", [b"{\n", b"\xff\n", b'{"v":2}\n', b"[" * 100_000, b"\0" * 1000])
def test_a_damaged_log_keeps_nobody_from_being_changed_and_goes(
    gallery: Gallery, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing in it can be undone; it may name anybody, so it goes at once when somebody is erased."""
    (tmp_path / FILE).write_bytes(content)
    assert gallery.changes.actions() == ()
    assert "is damaged" in caplog.text
    Corrections(gallery).rename("ada", "Countess")
    assert len(gallery.changes.actions()) == 1
    (tmp_path / FILE).write_bytes(content)
    log(tmp_path).erase("ada")
    assert not (tmp_path / FILE).exists()


def test_a_link_in_place_of_the_log_is_neither_followed_nor_replaced(gallery: Gallery, tmp_path: Path) -> None:
    """The sentence names it, and nothing is changed."""
    (tmp_path / "other").write_bytes(b"kept")
    (tmp_path / FILE).symlink_to("other")
    before = files(tmp_path)
    with pytest.raises(PeopleError, match=rf"{FILE}: it must be a file, but it is a link"):
        Corrections(gallery).rename("ada", "Countess")
    assert files(tmp_path) == before
    assert (tmp_path / "other").read_bytes() == b"kept"


def test_a_forged_log_puts_no_file_elsewhere(gallery: Gallery, tmp_path: Path) -> None:
    """A name with a slash, or of another folder, is damage."""
    ACTIONS["merge"](gallery)
    line = (tmp_path / FILE).read_text()
    for name in ("../x", "..", "a/b", ""):
        (tmp_path / FILE).write_text(line.replace('"photos.json"', json.dumps(name)))
        assert gallery.changes.actions() == ()


def test_a_reversal_by_hand_is_listed_as_an_action_of_its_own(gallery: Gallery) -> None:
    """Both took place: neither counts as interrupted by a kill."""
    gallery.ignore("ada")
    gallery.ignore("ada", on=False)
    assert [str(each.action.summary) for each in gallery.changes.actions()] == [
        "no longer ignored: ada",
        "ignored: ada",
    ]
    gallery.changes.undo(last(gallery))
    gallery.changes.undo(last(gallery))
    assert gallery.changes.actions() == ()


def test_who_left_by_a_merge_or_an_undo_is_known_and_was_not_erased(gallery: Gallery) -> None:
    """So a running node keeps their waiting messages; whoever is enrolled again has not left."""
    ACTIONS["merge"](gallery)
    ACTIONS["enroll"](gallery)
    assert gallery.changes.departed() == {"ada2": "ada"}
    gallery.changes.undo(last(gallery))
    assert gallery.changes.departed() == {"ada2": "ada", "eve": None}
    gallery.changes.undo(last(gallery))
    assert gallery.changes.departed() == {"eve": None}
    ACTIONS["enroll"](gallery)
    assert gallery.changes.departed() == {}
