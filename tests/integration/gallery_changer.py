"""Changes of a gallery, each in a process that is killed: at its n-th operation on a file, or after a while.

Each line of standard input is a job in JSON; the answer is a line with the exit code (-9 if the process was killed),
the operations that it did and the seconds that it took. The embeddings come from the crops, without a network.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cohorts import cohort
from makers import unit
from manual_clock import ManualClock
from samples import OneBoot, crop, remove, sample

from node.domain import Image, Vector
from node.people import bundle
from node.people.corrections import Corrections
from node.people.erasure import Erasure
from node.people.gallery import Gallery, Sample
from node.people.likeness import Comparison
from node.people.person import Person
from node.people.scoring import Scoring
from node.people.store import Store
from node.people.undo_log import UndoLog
from node.review.actions import Assignment, Kind, ReviewActions
from node.review.collector import Collector
from node.review.entry import BestFace, ReviewEntry
from node.review.files import ReviewFiles
from node.review.inbox import Keeping, ReviewInbox
from node.vision.sidecar import EmbeddingHead, Threshold, Thresholds

OLD, NEW = "old", "new"
COHORT = cohort(unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1), nearest=2)
_LENGTHS = {OLD: 3, NEW: 3}


def face(number: int) -> Sample:
    """Return a face that differs from that of any other number."""
    return sample(1, number, number * number, crop=crop(number), source=f"{number}.jpg")


def embed(image: Image) -> Vector:
    """Return the embedding of a crop by another network."""
    return unit(*(float(each) for each in image.mean(axis=(0, 1))))


def gallery(folder: Path) -> Gallery:
    """Return the gallery in a folder; what can be undone is kept in the folder above, at a time that stands still.

    Its faces are compared with a cohort.
    """
    head = EmbeddingHead.model_construct(length=_LENGTHS[OLD], space=OLD)
    thresholds = Thresholds(anchors_per_person=5, rows=(Threshold(fpir=0.01, gallery=1, cosine=0.1),))
    return Gallery(folder, _LENGTHS, scoring=Scoring(head, thresholds, COHORT), log=undo_log(folder))


def undo_log(folder: Path) -> UndoLog:
    """Return what can be undone in a gallery."""
    return UndoLog(folder.parent, ManualClock(), OneBoot())


def enroll(folder: Path) -> None:
    """Make a gallery of three people with crops, one of whom has a rejected face, and another was merged from two.

    What is computed for each of them is there, too.
    """
    people = gallery(folder)
    for number, person in enumerate(("ada", "bob", "cyd")):
        people.add(person, person.title(), OLD, [face(3 * number), face(3 * number + 1)])
    people.reject("ada", OLD, face(2))
    people.add("cyd-2", "Cyd again", OLD, [face(40), face(41)])
    Corrections(people).merge("cyd-2", "cyd")
    people.load()


def _no_network(crop: Image) -> Vector:
    """Fail: every face here is usable."""
    raise AssertionError(crop.shape)


def review(folder: Path) -> ReviewActions:
    """Return the inbox beside a gallery, which is kept on the disk, and what can be decided about it."""
    keeping = Keeping(days=1, pictures=False, same=Comparison(OLD, _LENGTHS[OLD], 0.5, COHORT))
    inbox = ReviewInbox(keeping, ReviewFiles(folder.parent), ManualClock(), OneBoot())
    inbox.load()
    return ReviewActions(
        Collector(inbox, lambda _image, _box: b""), gallery(folder), keep_crops=True, embed=_no_network
    )


def entries(folder: Path) -> list[str]:
    """Return the ids of the entries that nobody has decided about."""
    return [each.entry.id for group in review(folder).groups(lambda _: None) for each in group.entries]


def fill_inbox(folder: Path) -> None:
    """Put one entry of a stranger into the inbox beside a gallery."""
    stamp, seen = undo_log(folder).now(), face(50)
    best = BestFace(seen.embedding, crop(50), 0.5)
    ReviewFiles(folder.parent).save(ReviewEntry("0123abcd", stamp, stamp, OLD, embedding=seen.embedding, best=best))


def enroll_elsewhere(folder: Path) -> None:
    """Make a gallery that shares two people with the other, with more faces of one and a face fewer of the other."""
    people = Gallery(folder, _LENGTHS)
    people.add("ada", "Ada L.", OLD, [face(0), face(20), face(21)])
    people.add("bob", "Bob", OLD, [face(22), face(4)])
    people.reject("bob", OLD, face(4))
    for number, person in enumerate(("dan", "eve", "fay"), 30):
        people.add(person, None, OLD, [face(number)])


def start(folder: Path) -> tuple[Person, ...]:
    """Return everybody in a gallery, and finish the erasures that have begun, as a node does at its start."""
    people = Gallery(folder, _LENGTHS).load()
    Erasure(Store(folder, _LENGTHS), kept=(undo_log(folder),)).advance(0.0)
    return people


def _add(folder: Path, _file: Path) -> None:
    gallery(folder).add("ada", "Ada B.", OLD, [face(2), face(9)])


def _add_new(folder: Path, _file: Path) -> None:
    gallery(folder).add("gus", "Gus", OLD, [face(10), face(11)])


def _reject(folder: Path, _file: Path) -> None:
    gallery(folder).reject("ada", OLD, face(1))


def _ignore(folder: Path, _file: Path) -> None:
    gallery(folder).ignore("bob")


def _rename(folder: Path, _file: Path) -> None:
    Corrections(gallery(folder)).rename("bob", "Robert")


def _merge(folder: Path, _file: Path) -> None:
    Corrections(gallery(folder)).merge("bob", "ada")


def _remove_photo(folder: Path, _file: Path) -> None:
    Corrections(gallery(folder)).remove_photo("ada", _photo(folder, "ada"))


def _move_photo(folder: Path, _file: Path) -> None:
    Corrections(gallery(folder)).move_photo("ada", _photo(folder, "ada"), "bob")


def _photo(folder: Path, person: str) -> str:
    """Return the id of the first photo of a person."""
    return Corrections(gallery(folder)).photos(person)[0].id


def _assign(folder: Path, _file: Path) -> None:
    (entry,) = entries(folder)
    review(folder).assign([entry], Assignment(Kind.NEW, name="Zoe"), lambda _: None)


def _undo(folder: Path, _file: Path) -> None:
    """Undo the last action: take apart again whoever was merged, unless another action came after."""
    changes = gallery(folder).changes
    changes.undo(changes.actions()[0].action.id)


def _remove(folder: Path, _file: Path) -> None:
    remove(folder, "ada")


def _import(folder: Path, file: Path) -> None:
    with bundle.opened(file, _LENGTHS) as entries:
        gallery(folder).merge(entries)


def _replace(folder: Path, file: Path) -> None:
    with bundle.opened(file, _LENGTHS) as entries:
        gallery(folder).replace_everybody(entries)


def _reembed(folder: Path, _file: Path) -> None:
    Gallery(folder, _LENGTHS).reembed(NEW, embed)


def _compute(folder: Path, _file: Path) -> None:
    """Compute what is usual for everybody's faces, as a node does when it loads the gallery."""
    gallery(folder).load()


def _start(folder: Path, _file: Path) -> None:
    start(folder)


def _export(folder: Path, file: Path) -> None:
    bundle.write(file, Gallery(folder, _LENGTHS).load())


NOT_UNDONE = frozenset(["undo", "remove", "reembed", "compute", "export", "start"])
"""The changes that cannot be undone."""

VERBS: Mapping[str, Callable[[Path, Path], None]] = {
    "add": _add, "add_new": _add_new, "reject": _reject, "ignore": _ignore, "rename": _rename, "merge": _merge,
    "remove_photo": _remove_photo, "move_photo": _move_photo, "import": _import, "replace": _replace, "assign": _assign,
    "undo": _undo, "remove": _remove, "reembed": _reembed, "compute": _compute, "export": _export, "start": _start,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a change ended.

    Attributes:
        code: 0, or -9 if it was killed.
        operations: operations on files that it did; 0 if it was killed.
        duration_s: seconds.
    """

    code: int
    operations: int
    duration_s: float


class GalleryChanger:
    """A process that starts one process for each change. Close it to end it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        self._jobs = 0

    def change(
        self, verb: str, folder: Path, file: Path, *, kill_at: int | None = None, kill_after_s: float | None = None
    ) -> Outcome:
        """Do a change to its end, or kill it at an operation, or after a while.

        Args:
            verb: one of `VERBS`.
            folder: of the people.
            file: to import or export.
            kill_at: number of the operation on a file before which the process is killed.
            kill_after_s: seconds after which it is killed.
        """
        self._jobs += 1
        job = {"verb": verb, "folder": str(folder), "file": str(file), "kill_at": kill_at, "after_s": kill_after_s}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(job | {'number': self._jobs})}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.pop("number") == self._jobs:  # a test that was ended in the middle has left an answer
                return Outcome(**answer)
        raise EOFError("the process that changes galleries has ended")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _change(job: Mapping[str, Any], report: int) -> None:
    """Do a change in this process; write a dot once it begins, and the number of its operations on files at its end."""
    operations = 0

    def count(event: str, _arguments: object) -> None:
        nonlocal operations
        if event == "open" or event.startswith("os."):
            operations += 1
            if operations - 1 == job["kill_at"]:
                signal.raise_signal(signal.SIGKILL)

    sys.addaudithook(count)
    os.write(report, b".")
    VERBS[job["verb"]](Path(job["folder"]), Path(job["file"]))
    os.write(report, str(operations).encode())


def _run(job: Mapping[str, Any]) -> Outcome:
    """Do a change in a process of its own."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            _change(job, writing)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    os.read(reading, 1)
    began_s = time.monotonic()
    if job["after_s"] is not None:
        signal.sigtimedwait({signal.SIGCHLD}, job["after_s"])
        os.kill(process, signal.SIGKILL)  # even if it has ended: nobody has waited for it, so that the id is its own
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    signal.sigtimedwait({signal.SIGCHLD}, 0)
    duration_s = time.monotonic() - began_s
    with os.fdopen(reading) as rest:
        return Outcome(code, int(rest.read() or 0), duration_s)


def main() -> None:
    """Do the jobs of standard input."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for line in sys.stdin:
        job = json.loads(line)
        answer = {"number": job["number"], **asdict(_run(job))}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
