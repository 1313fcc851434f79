"""Damaged and forged records, crops and exported files -> the enrolled people, or a refusal.

python -m tests.fuzz.people --seconds 60
"""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np

from node.clock import Stamp, SystemClock
from node.domain import Flaw, Image
from node.errors import PeopleError
from node.people import bundle
from node.people import crop as crops
from node.people.corrections import Corrections
from node.people.gallery import Gallery, Sample
from node.people.record import FILE
from node.people.undo_log import FILE as UNDO_FILE
from node.people.undo_log import UndoLog
from node.review.entry import BestFace, ReviewEntry
from node.review.entry_record import decode, encode
from node.system.machine import Machine
from node.vision.jpeg import PORTRAIT_BYTES
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes, Json, either

_LENGTHS = {"s": 2}
_WORDS = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"manifest.json", b"ada/person.json", b"../../evil.png")
_RECORD = f"ada/{FILE}"


def build(folder: Path) -> Sequence[Target]:
    """Return a target for each kind of file."""
    gallery = Gallery(folder / "people", _LENGTHS)
    gallery.add("ada", "Zoë Müller", "s", [_sample(1, 0, _picture(1)), _sample(0, 1, None)])
    gallery.reject("ada", "s", _sample(1, 1, _picture(2)))
    gallery.add("bob", None, "s", [_sample(1, 2, None)])
    bundle.write(folder / "family.zip", gallery.load())
    return (_records(folder), _crops(), _bundles(folder), _undo(folder), _entries())


def _records(folder: Path) -> Target:
    """A damaged record is set aside whole, and everybody else is still loaded."""
    home = folder / "people"
    record = home / "ada" / FILE
    good = record.read_bytes()

    def check(content: bytes) -> str:
        record.write_bytes(content)
        known = {person.id: person for person in Gallery(home, _LENGTHS).load()}
        assert "bob" in known
        aside = list(home.glob("ada.damaged-*"))
        assert ("ada" in known) != bool(aside)
        if not aside:
            assert all(len(anchor.embedding) == 2 for anchor in known["ada"].anchors)
            return "taken"
        (kept,) = aside
        assert (kept / FILE).read_bytes() == content
        kept.rename(home / "ada")
        return "set aside"

    return Target("records", either(Json([json.loads(good)]), Bytes([good])), check)


def _crops() -> Target:
    """Only the picture that was enrolled is decoded."""
    picture = _picture(1)
    name, good = crops.encode(picture)

    def check(content: bytes) -> str:
        try:
            found = crops.decode(name, content)
        except ValueError:
            return "refused"
        np.testing.assert_array_equal(found, picture)
        return "taken"

    return Target("crops", Bytes([good], (b"IHDR", b"IDAT", b"IEND")), check)


def _bundles(folder: Path) -> Target:
    """Either all people of a file are imported or none, and imported people can be loaded again."""
    path, home = folder / "other.zip", folder / "other"
    good = (folder / "family.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    record = Json([json.loads(parts[_RECORD])])

    def forged(random: Random) -> bytes:
        return _packed(parts | {_RECORD: record(random)})

    def check(content: bytes) -> str:
        path.write_bytes(content)
        shutil.rmtree(home, ignore_errors=True)
        gallery = Gallery(home, _LENGTHS)
        try:
            with bundle.opened(path, _LENGTHS) as entries:
                changes = gallery.merge(entries)
        except PeopleError as error:
            assert str(error).startswith(f"{path}: ")
            assert not home.exists()
            return "refused"
        assert {person.id for person in gallery.load()} == {change.after.id for change in changes}
        assert not list(home.glob("*.damaged-*"))
        return "taken"

    return Target("bundles", either(Bytes([good], _WORDS), forged), check)


def _undo(folder: Path) -> Target:
    """A forged log of actions: everybody stays loadable, nothing is written elsewhere, and it is gone once erased."""
    storage = folder / "undoable"
    storage.mkdir()
    clock, boots = SystemClock(), Machine()
    gallery = Gallery(storage / "people", _LENGTHS, log=UndoLog(storage, clock, boots))
    gallery.add("ada", None, "s", [_sample(1, 0, _picture(1)), _sample(0, 1, None)])
    gallery.add("bob", None, "s", [_sample(1, 2, None)])
    Corrections(gallery).rename("ada", "Ada L.")
    Corrections(gallery).merge("bob", "ada")
    good = (storage / UNDO_FILE).read_bytes()
    last = Json([json.loads(good.splitlines()[-1])])
    sound = {path: path.read_bytes() for path in (storage / "people").rglob("*") if path.is_file()}

    def forged(random: Random) -> bytes:
        return b"\n".join([*good.splitlines()[:-1], last(random)]) + b"\n"

    def check(content: bytes) -> str:
        shutil.rmtree(storage / "people")
        for path, data in sound.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (storage / UNDO_FILE).write_bytes(content)
        undone = 0
        for listed in gallery.changes.actions():
            try:
                gallery.changes.undo(listed.action.id)
                undone += 1
            except PeopleError:
                continue
        assert all(anchor.embedding.shape == (2,) for person in gallery.load() for anchor in person.anchors)
        assert {path.name for path in storage.iterdir()} <= {"people", UNDO_FILE}
        UndoLog(storage, clock, boots).erase("ada")
        UndoLog(storage, clock, boots).erase("bob")
        assert b"ada" not in ((storage / UNDO_FILE).read_bytes() if (storage / UNDO_FILE).exists() else b"")
        return "undone" if undone else "refused"

    return Target("undo", either(Bytes([good]), forged), check)


def _entries() -> Target:
    """A forged entry of the inbox is read within its bounds, or refused."""
    stamp = Stamp(datetime(2026, 1, 2, tzinfo=UTC), 1.0, "boot", synced=True)
    vector = np.array((0.6, 0.8), dtype=np.float32)
    best = BestFace(vector, _picture(1), 0.5)
    entry = ReviewEntry(
        "0123abcd", stamp, stamp, "s", "ada", 3, {Flaw.BLUR: 1}, vector, best, b"\xff\xd8x", ("e",), stamp, "bob"
    )
    good = encode(entry)

    def check(content: bytes) -> str:
        try:
            found = decode(content)
        except ValueError:
            return "refused"
        assert len(found.picture or b"") <= PORTRAIT_BYTES
        assert found.best is None or found.best.crop.dtype == np.uint8
        return "taken"

    return Target("inbox", either(Json([json.loads(good)]), Bytes([good])), check)


def _packed(parts: Mapping[str, bytes]) -> bytes:
    """Return a forged file: any content with hashes that match."""
    files = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items() if name != "manifest.json"}
    manifest = json.dumps({"format": "facenode-people", "v": 1, "files": files}).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in ({"manifest.json": manifest} | {name: parts[name] for name in files}).items():
            archive.writestr(name, data)
    return file.getvalue()


def _picture(seed: int) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)


def _sample(x: float, y: float, crop: Image | None) -> Sample:
    vector = np.array((x, y), dtype=np.float32)
    return Sample((vector / np.linalg.norm(vector)).astype(np.float32), "photo.jpg", crop)


if __name__ == "__main__":
    raise SystemExit(main(build))
