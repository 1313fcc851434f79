"""The inbox: bounded, in memory unless it is kept for days, and empty once somebody or everybody is erased."""

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from full_disk import full_disk
from makers import unit
from review_scene import ReviewScene
from samples import sample

from node.domain import Flaw
from node.errors import PeopleError
from node.people.erasure import Erasure
from node.people.store import Store
from node.people.undo_log import KEEP_S
from node.review.files import FOLDER, ReviewFiles, ReviewTraces
from node.review.inbox import MAX_BYTES, MAX_IN_MEMORY, MAX_ON_DISK
from node.review.privacy import PrivacyErasure

ADA, EVE, BOB = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)
DAY_S = 86_400.0


def paths(storage: Path) -> list[Path]:
    """Return the files of the inbox."""
    return sorted((storage / FOLDER).glob("*")) if (storage / FOLDER).exists() else []


def people(scene: ReviewScene) -> list[str | None]:
    """Return whom the entries name, latest first."""
    return [entry.person for entry in scene.collector.entries()]


def test_without_days_nothing_is_written(tmp_path: Path) -> None:
    """Neither when a visit ends, nor when it is decided about, nor at the end of the process."""
    scene = ReviewScene(tmp_path, pictures=True)
    scene.visit(ADA, "ada")
    scene.visit(EVE, stays=True)
    scene.inbox.handle([scene.collector.entries()[-1].id], None)
    scene.collector.close()
    assert paths(tmp_path) == []
    assert not (tmp_path / FOLDER).exists()


def test_what_was_kept_goes_when_days_are_set_to_zero(tmp_path: Path) -> None:
    """At the next start."""
    ReviewScene(tmp_path, days=1).visit(ADA, "ada")
    assert len(paths(tmp_path)) == 1
    ReviewScene(tmp_path)
    assert not (tmp_path / FOLDER).exists()


def test_kept_entries_are_private_and_the_same_after_a_restart(tmp_path: Path) -> None:
    """Every field; the folder has mode 0700 and each file 0600."""
    scene = ReviewScene(tmp_path, days=1, pictures=True)
    scene.visit(ADA, "ada")
    scene.visit(EVE, flaws=(Flaw.BLUR,), looks=6)
    before = scene.collector.entries()
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths(tmp_path)} == {0o600}
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    scene.start()
    for entry, kept in zip(before, scene.collector.entries(), strict=True):
        assert [getattr(entry, name) for name in ("id", "began", "seen", "person", "looks", "flaws", "events")] == [
            getattr(kept, name) for name in ("id", "began", "seen", "person", "looks", "flaws", "events")
        ]
        assert entry.picture == kept.picture
        if entry.best is not None and kept.best is not None:
            assert (entry.best.crop == kept.best.crop).all()
            assert (entry.best.embedding == kept.best.embedding).all()


def test_without_a_page_kept_pictures_go(tmp_path: Path) -> None:
    """At the next start; the rest of the entry stays."""
    ReviewScene(tmp_path, days=1, pictures=True).visit(ADA, "ada")
    scene = ReviewScene(tmp_path, days=1)
    (entry,) = scene.collector.entries()
    assert entry.picture is None
    assert json.loads(paths(tmp_path)[0].read_text())["picture"] is None


@pytest.mark.parametrize(("days", "most"), [(0, MAX_IN_MEMORY), (1, MAX_ON_DISK)])
def test_the_number_of_entries_is_bounded(tmp_path: Path, days: int, most: int) -> None:
    """Unusable visits go first, then the oldest."""
    scene = ReviewScene(tmp_path, days=days)
    scene.visit(ADA, "first", looks=1)
    scene.visit(ADA, "second", looks=1)
    for _ in range(3):
        scene.visit(EVE, flaws=(Flaw.SIZE,), looks=5)
    for number in range(most - 5):
        scene.visit(BOB, f"p{number}", looks=1)
    assert len(people(scene)) == most
    scene.visit(BOB, looks=1)
    scene.visit(BOB, looks=1)
    scene.visit(BOB, looks=1)
    assert len(people(scene)) == most
    assert "first" in people(scene)
    scene.visit(BOB, looks=1)
    assert "first" not in people(scene)
    assert "second" in people(scene)
    assert len(paths(tmp_path)) == (most if days else 0)


def test_the_bytes_of_the_entries_are_bounded(tmp_path: Path) -> None:
    """A network with large crops fills the memory no more than one with small ones."""
    scene = ReviewScene(tmp_path, crop_px=512)
    for number in range(40):
        scene.visit(BOB, f"p{number}", looks=1)
    assert len(people(scene)) == MAX_BYTES // (512 * 512 * 3)


def test_an_entry_is_kept_for_so_many_days(tmp_path: Path) -> None:
    """Then its file goes, while the node runs or at its next start."""
    scene = ReviewScene(tmp_path, days=2)
    scene.visit(ADA, "ada")
    scene.clock.advance(DAY_S)
    scene.visit(EVE, "eve")
    scene.clock.advance(DAY_S)
    scene.inbox.advance(scene.clock.mono_s)
    assert people(scene) == ["eve"]
    scene.clock.advance(DAY_S)
    scene.start()
    assert people(scene) == []
    assert paths(tmp_path) == []


def test_what_was_decided_about_is_hidden_and_goes_after_ten_minutes(tmp_path: Path) -> None:
    """Until then it can be shown again."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, "ada")
    scene.visit(EVE, "eve")
    ids = [entry.id for entry in scene.collector.entries()]
    scene.inbox.handle(ids, "bob")
    assert people(scene) == []
    with pytest.raises(PeopleError, match=f"{ids[0]}: there is no such entry in the inbox any more"):
        scene.actions.find(ids[0])
    scene.start()
    assert people(scene) == []
    scene.inbox.restore(ids[:1])
    assert people(scene) == ["eve"]
    scene.clock.advance(KEEP_S)
    scene.inbox.advance(scene.clock.mono_s)
    scene.inbox.restore(ids)
    assert people(scene) == ["eve"]
    assert len(paths(tmp_path)) == 1


def erase(scene: ReviewScene, person: str) -> None:
    """Erase somebody as a running node does."""
    store = Store(scene.storage / "people", {})
    traces = ReviewTraces(ReviewFiles(scene.storage), store.anchors, lambda: scene.inbox.keeping.same)
    Erasure(store, forget=scene.collector.forget, kept=[traces]).erase(person)


@pytest.mark.parametrize("days", [0, 1])
def test_whoever_is_erased_takes_along_every_face_that_may_be_theirs(tmp_path: Path, days: int) -> None:
    """Entries that name them, strangers, and a face like theirs under another name; entries of others stay."""
    scene = ReviewScene(tmp_path, days=days)
    scene.gallery.add("ada", None, "s", [sample(1, 0, 0)])
    scene.visit(ADA, "ada")
    scene.visit(EVE)
    scene.visit(unit(1, 0.1, 0), "grace")
    scene.visit(BOB, "bob")
    scene.visit(BOB, "cyd")
    scene.inbox.handle([scene.collector.entries()[0].id], "ada")
    erase(scene, "ada")
    assert people(scene) == ["bob"]
    scene.start()
    assert people(scene) == (["bob"] if days else [])


def test_an_id_that_no_entry_holds_is_nobody(tmp_path: Path) -> None:
    """A stranger in the inbox may be anybody, but does not make anybody known."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(EVE)
    with pytest.raises(PeopleError, match="nobody is enrolled under this id"):
        erase(scene, "ada")
    assert people(scene) == [None]
    scene.visit(BOB, "ada")
    assert ReviewTraces(ReviewFiles(tmp_path), lambda _: (), lambda: None).names("ada")


def test_one_call_erases_the_inbox(tmp_path: Path) -> None:
    """In memory and on the disk, and what is in view."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, "ada")
    scene.visit(EVE, stays=True)
    (tmp_path / FOLDER / "00000000.json.part").write_bytes(b"{")
    scene.actions.clear()
    assert people(scene) == []
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"v":2}', b"\xff" * 100, b"[" * 9000, b"moment"])
def test_a_damaged_file_is_removed_and_the_others_are_kept(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It may show anybody, and nobody can be asked about it."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, "ada")
    if content == b"moment":  # one that UTC does not have
        entry = json.loads(paths(tmp_path)[0].read_text())
        entry["began"]["wall"] = "0001-01-01T00:00:00+14:00"
        content = json.dumps(entry).encode()
    (tmp_path / FOLDER / "0123abcd.json").write_bytes(content)
    scene.start()
    assert people(scene) == ["ada"]
    assert len(paths(tmp_path)) == 1
    assert "0123abcd.json is damaged" in caplog.text


def test_of_too_many_files_those_that_were_written_last_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is put there, memory is bounded; what is not read is removed, since it may show anybody."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, "ada")
    (kept,) = paths(tmp_path)
    content = kept.read_text()
    for number in range(MAX_ON_DISK + 5):
        id_ = f"{number:08x}"
        (tmp_path / FOLDER / f"{id_}.json").write_text(content.replace(kept.stem, id_))
    os.utime(kept, (4e9, 4e9))
    scene.start()
    assert len(people(scene)) == len(paths(tmp_path)) == MAX_ON_DISK
    assert kept.exists()
    assert caplog.text.count("removed 6 files: too many or too large") == 1
    for path in paths(tmp_path):
        path.write_bytes(b" " * (2 << 20))
    kept.write_text(content)
    os.utime(kept, (4e9, 4e9))
    scene.start()
    assert paths(tmp_path) == [kept]
    assert "removed 268 files: too many or too large" in caplog.text


def test_after_a_reboot_without_a_synchronized_clock_a_decision_counts_anew(tmp_path: Path) -> None:
    """What nobody can tell the age of is not kept for as long as the inbox keeps anything."""
    scene = ReviewScene(tmp_path, days=30)
    scene.visit(ADA, "ada")
    scene.inbox.handle([scene.collector.entries()[0].id], None)
    (path,) = paths(tmp_path)
    entry = json.loads(path.read_text())
    other = entry["handled"] | {"boot": "another", "synced": False}
    path.write_text(json.dumps(entry | {"handled": other}))
    scene.start()
    assert len(paths(tmp_path)) == 1
    scene.clock.advance(KEEP_S)
    scene.inbox.advance(scene.clock.mono_s)
    assert paths(tmp_path) == []


def test_a_file_of_the_owner_in_the_folder_stays(tmp_path: Path) -> None:
    """The program removes only what it put there."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, "ada")
    (tmp_path / FOLDER / "notes.txt").write_text("x")
    scene.actions.clear()
    assert paths(tmp_path) == [tmp_path / FOLDER / "notes.txt"]


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Entries stay in memory, and one line says so."""
    (tmp_path / "elsewhere").mkdir()
    scene = ReviewScene(tmp_path, days=1)
    (tmp_path / FOLDER).symlink_to("elsewhere")
    scene.visit(ADA, "ada")
    scene.visit(EVE, "eve")
    assert people(scene) == ["eve", "ada"]
    scene.actions.clear()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert caplog.text.count("inbox: cannot write") == 1


def test_entries_of_another_network_go(tmp_path: Path) -> None:
    """Their faces cannot be compared any more."""
    ReviewScene(tmp_path, days=1).visit(ADA, "ada")
    scene = ReviewScene(tmp_path, days=1, space="other")
    assert people(scene) == []
    assert paths(tmp_path) == []


def test_on_a_full_disk_entries_are_in_memory_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And once that it can be written again."""
    scene = ReviewScene(tmp_path, days=1)
    with caplog.at_level(logging.INFO):
        with full_disk():
            scene.visit(ADA, "ada")
            scene.visit(EVE, "eve")
        assert people(scene) == ["eve", "ada"]
        scene.visit(BOB, "bob")
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["inbox", "inbox"]
    assert "can be written again" in caplog.records[-1].getMessage()
    assert "ada" not in caplog.text


def test_privacy_mode_erases_once_and_tries_again_what_fails(caplog: pytest.LogCaptureFixture) -> None:
    """At the start if it is on; what is kept later, the owner has done while it was on."""
    done: list[str] = []
    failing = True

    def sometimes() -> None:
        if failing:
            raise OSError(30, "Read-only file system", "/x")
        done.append("b")

    privacy = PrivacyErasure((lambda: done.append("a"), sometimes))
    privacy.update(private=True)
    privacy.update(private=True)
    assert (done, caplog.text.count("not everything is erased yet")) == (["a"], 1)
    failing = False
    privacy.update(private=True)
    privacy.update(private=True)
    assert done == ["a", "b"]
    privacy.update(private=False)
    privacy.update(private=True)
    assert done == ["a", "b", "a", "b"]
