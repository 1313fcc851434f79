"""Changes of the gallery that are killed at any moment: all or nothing, and nothing is left after the next start.

FACENODE_KILLS sets the number of kills of each change and kind (default 20; a release runs 160).
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from facenode_command import environment, facenode
from gallery_changer import (
    COHORT,
    NOT_UNDONE,
    OLD,
    VERBS,
    GalleryChanger,
    enroll,
    enroll_elsewhere,
    entries,
    fill_inbox,
    gallery,
    start,
)
from makers import unit

from node.people import bundle, normalisation, photo_dates, record
from node.people.entry import crop_names
from node.people.gallery import Gallery
from node.people.person import Anchor, Person
from node.system import bundled
from node.vision.sidecar import load_sidecar

pytestmark = pytest.mark.timeout(900)

KILLS = int(os.environ.get("FACENODE_KILLS", "20"))
CHANGES = [verb for verb in VERBS if verb not in ("compute", "export", "start")]
HEAD = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding

State = Mapping[str, object]


@dataclass(frozen=True)
class Scene:
    """A gallery, a file to import, and a process that changes galleries."""

    folder: Path
    changer: GalleryChanger

    @property
    def file(self) -> Path:
        """The exported file of another gallery."""
        return self.folder / "theirs.people"

    def gallery(self, name: str) -> Path:
        """Return a fresh copy of the gallery, with what can be undone in it."""
        copy = self.folder / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "storage", copy)
        return copy / "people"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Return a scene in memory where possible: a killed process leaves the same there, and far sooner."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder is made by mkdtemp
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        closing(GalleryChanger()) as changer,
    ):
        made = Scene(Path(folder), changer)
        (made.folder / "storage").mkdir()
        enroll(made.folder / "storage" / "people")
        fill_inbox(made.folder / "storage" / "people")
        enroll_elsewhere(made.folder / "elsewhere")
        bundle.write(made.file, Gallery(made.folder / "elsewhere").load())
        yield made


def state(folder: Path) -> State:
    """Return everything in a gallery as the next start finds it; assert that nothing else is there.

    What is computed for a person is left out: it is there or not, but only of the faces that they have now.
    """
    people = start(folder)
    assert sorted(path.name for path in folder.iterdir()) == [person.id for person in people]
    for person in people:
        files = {path.name for path in (folder / person.id).iterdir()}
        assert files - {normalisation.FILE} == {record.FILE, photo_dates.FILE} | crop_names(person)
        if normalisation.FILE in files:
            content = (folder / person.id / normalisation.FILE).read_bytes()
            assert normalisation.read(person, content, OLD, COHORT) is not None, f"{person.id} has a stale file"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != normalisation.FILE
    }


def assert_undone(verb: str, folder: Path, before: State, found: State) -> None:
    """Assert that a change that took place can be undone byte for byte, and that one that did not is not listed."""
    if found == before:
        assert entries(folder) == ["0123abcd"], "a face of the inbox is lost that was given to nobody"
    if verb in NOT_UNDONE:
        return
    listed = gallery(folder).changes.actions()
    assert [each.obstacle for each in listed[:1]] == [None]
    gallery(folder).changes.undo(listed[0].action.id)
    merged = state(folder)
    assert (merged == before) == (found != before)


def test_a_change_that_is_killed_at_any_operation_is_whole_or_absent(
    scene: Scene, print_line: Callable[[str], None]
) -> None:
    """Whichever file was being created, renamed or removed; also if the next start, which finishes it, is killed."""
    for verb in CHANGES:
        before, whole = state(scene.gallery("a")), scene.gallery("b")
        operations = scene.changer.change(verb, whole, scene.file).operations
        after, chance, done = state(whole), random.Random(verb), 0
        assert before != after
        for number in chance.choices(range(operations), k=KILLS):
            folder = scene.gallery("a")
            assert scene.changer.change(verb, folder, scene.file, kill_at=number).code == -signal.SIGKILL
            scene.changer.change("start", folder, scene.file, kill_at=chance.randrange(60))
            found = state(folder)
            assert found in (before, after), f"{verb}, killed at operation {number}, is half done"
            assert_undone(verb, folder, before, found)
            done += found == after
        print_line(f"{verb}: {operations} operations, {KILLS} kills, {done} done")


def test_a_change_that_is_killed_at_any_moment_is_whole_or_absent(
    scene: Scene, print_line: Callable[[str], None]
) -> None:
    """At random moments, also between two operations on files."""
    for verb in CHANGES:
        before, whole = state(scene.gallery("a")), scene.gallery("b")
        duration_s = scene.changer.change(verb, whole, scene.file).duration_s
        after, chance, done = state(whole), random.Random(verb), 0
        for _ in range(KILLS):
            folder = scene.gallery("a")
            scene.changer.change(verb, folder, scene.file, kill_after_s=chance.uniform(0, duration_s))
            found = state(folder)
            assert found in (before, after), f"{verb} is half done"
            assert_undone(verb, folder, before, found)
            done += found == after
        print_line(f"{verb}: {duration_s * 1000:.0f} ms, {KILLS} kills, {done} done")


def test_what_is_computed_is_whole_or_absent_after_a_kill(scene: Scene, print_line: Callable[[str], None]) -> None:
    """The people stay as they are, and the next who loads them has all of it and leaves nothing else."""

    def computed(folder: Path) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in folder.rglob(f"{normalisation.FILE}*")}

    def cleared(name: str) -> Path:
        folder = scene.gallery(name)
        for path in folder.rglob(normalisation.FILE):
            path.unlink()
        return folder

    before, folder = state(scene.gallery("a")), cleared("a")
    operations = scene.changer.change("compute", folder, scene.file).operations
    whole, chance, done = computed(folder), random.Random(0), 0
    assert len(whole) == len(gallery(folder).load())
    for number in chance.choices(range(operations), k=KILLS):
        cleared("a")
        assert scene.changer.change("compute", folder, scene.file, kill_at=number).code == -signal.SIGKILL
        left = {path: content for path, content in computed(folder).items() if path in whole}
        assert left.items() <= whole.items()
        gallery(folder).load()
        assert computed(folder) == whole
        assert state(folder) == before
        done += len(left)
    print_line(f"compute: {operations} operations, {KILLS} kills, {done} of {KILLS * len(whole)} files kept")


@pytest.mark.parametrize("replaced", [False, True])
def test_an_export_that_is_killed_leaves_no_face_behind(
    scene: Scene, print_line: Callable[[str], None], *, replaced: bool
) -> None:
    """The file is the old one, the new one or absent; what stays beside it in the last instant, the next one clears."""
    people, target = scene.gallery("a"), scene.folder / "usb" / "family.people"
    target.parent.mkdir(exist_ok=True)
    old = scene.file.read_bytes() if replaced else None

    def reset() -> None:
        target.unlink(missing_ok=True)
        if old is not None:
            target.write_bytes(old)

    reset()
    whole = scene.changer.change("export", people, target)
    new, chance, left = target.read_bytes(), random.Random(0), 0
    for kill in range(2 * KILLS):
        reset()
        at = chance.randrange(whole.operations) if kill % 2 else None
        after_s = None if kill % 2 else chance.uniform(0, whole.duration_s)
        scene.changer.change("export", people, target, kill_at=at, kill_after_s=after_s)
        assert (target.read_bytes() if target.exists() else None) in (old, new)
        names = {path.name for path in target.parent.iterdir()} - {target.name}
        assert not names or (replaced and names == {f"{target.name}.part"})
        left += bool(names)
        assert scene.changer.change("export", people, target).code == 0
        assert target.read_bytes() == new
        assert [path.name for path in target.parent.iterdir()] == [target.name]
    print_line(f"export{' over a file' if replaced else ''}: {2 * KILLS} kills, {left} left a part")


def test_the_command_that_is_killed_imports_everybody_or_nobody(tmp_path: Path) -> None:
    """`kill -9` while `facenode people import` writes: the next command shows all of them or none."""
    numbers = np.random.default_rng(0).normal(size=(100, HEAD.length))
    everybody = tuple(
        Person(f"p{number}", f"P {number}", (Anchor(unit(*row), HEAD.space, "x"),))
        for number, row in enumerate(numbers)
    )
    file, chance = tmp_path / "family.people", random.Random(0)
    bundle.write(file, everybody)
    for run in range(max(2, KILLS // 10)):
        settings = {"storage.dir": tmp_path / f"storage-{run}"}
        folder = tmp_path / f"storage-{run}" / "people"
        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "people", "import", str(file)],
            env=environment(settings), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            staged = chance.randrange(1, 100)
            while process.poll() is None and not (folder / ".new" / "added" / f"p{staged}").exists():
                pass
        finally:
            process.kill()
            process.wait()
        listed = facenode("people", "list", settings=settings)
        assert listed.code == 0
        assert len(Gallery(folder).load()) in (0, len(everybody))
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
