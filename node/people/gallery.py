"""The folder of the people who are known -> persons, and back; written atomically, readable by its owner only.

people/<id>/person.json     id, name, anchors (embedding in base64 of float32, little endian)
people/<id>/<digest>.png    the aligned face of an anchor, where crops are kept
"""

import base64
import binascii
import hashlib
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.domain import Image, Vector
from node.errors import PeopleError
from node.people.person import Anchor, Person, checked_id

_log = logging.getLogger(__name__)
_RECORD = "person.json"
_UNIT_TOLERANCE = 1e-3


class _AnchorRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")

    embedding: str
    space: str
    source: str
    crop: Annotated[str | None, Field(pattern=r"^[0-9a-f]+\.png$")] = None


class _PersonRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")

    v: Annotated[int, Field(ge=1, le=1)] = 1
    id: str
    name: str
    ignored: bool = False
    anchors: Annotated[list[_AnchorRecord], Field(min_length=1)]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A face to be enrolled.

    Attributes:
        embedding: shape (n,), float32, unit length.
        source: where it came from, such as the name of a photo.
        crop: the aligned face, shape (height, width, 3), uint8, RGB, or None where it is not to be kept.
    """

    embedding: Vector
    source: str
    crop: Image | None


class Gallery:
    """The people of one node.

    Args:
        folder: made when somebody is first added.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> tuple[Person, ...]:
        """Return everybody, by id. An entry that is damaged is set aside and said; the others live.

        Raises:
            PeopleError: the folder cannot be read.
        """
        people = []
        with _readable(self._folder):
            entries = sorted(p for p in self._folder.iterdir() if p.is_dir()) if self._folder.exists() else []
            for entry in entries:
                if "." in entry.name:  # set aside, or half written when the power went
                    continue
                try:
                    people.append(_read(entry))
                except (ValidationError, ValueError, FileNotFoundError) as error:
                    aside = entry.with_name(f"{entry.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
                    entry.rename(aside)
                    _log.error("people: the entry %s is damaged (%s): set aside as %s", entry, _brief(error), aside)
        return tuple(people)

    def stamp(self) -> tuple[int, ...]:
        """Return a value that differs after any change, so that a running node sees one."""
        try:
            found = [record.stat() for record in sorted(self._folder.glob(f"*/{_RECORD}"))]
            return tuple(number for state in found for number in (state.st_mtime_ns, state.st_ino))
        except OSError:
            return ()

    def add(self, person: str, name: str | None, space: str, samples: Sequence[Sample]) -> Person:
        """Add anchors to somebody, who is made if not yet known; a face already there is not added twice.

        Raises:
            PeopleError: the id is none, there is no sample, or the folder cannot be written.
        """
        checked_id(person)
        if not samples:
            raise PeopleError(f"{person}: no usable face to add")
        folder = self._folder / person
        with _readable(folder):
            known = _read(folder) if (folder / _RECORD).exists() else None
            anchors = list(known.anchors) if known else []
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            for sample in samples:
                if not any(np.allclose(sample.embedding, anchor.embedding, atol=1e-6) for anchor in anchors):
                    crop = _keep(folder, sample)
                    anchors.append(Anchor(sample.embedding, space, sample.source, crop))
            former = known.name if known else person
            changed = Person(person, name or former, tuple(anchors), ignored=known.ignored if known else False)
            _write(folder, changed)
        return changed

    def remove(self, person: str) -> None:
        """Erase somebody: their record and their crops.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be written.
        """
        folder = self._folder / checked_id(person)
        if not (folder / _RECORD).exists():
            raise PeopleError(f"{person}: nobody is enrolled under this id: `facenode people list` shows who is")
        with _readable(folder):
            # The record goes first: from then on nobody is called by this name, whatever happens to the rest.
            (folder / _RECORD).unlink()
            shutil.rmtree(folder)


def _read(folder: Path) -> Person:
    record = _PersonRecord.model_validate_json((folder / _RECORD).read_bytes())
    if record.id != folder.name:
        raise ValueError(f"it says that it is {record.id!r}")
    anchors = tuple(
        Anchor(_decoded(anchor.embedding), anchor.space, anchor.source, folder / anchor.crop if anchor.crop else None)
        for anchor in record.anchors
    )
    return Person(record.id, record.name, anchors, record.ignored)


def _write(folder: Path, person: Person) -> None:
    record = _PersonRecord(
        id=person.id,
        name=person.name,
        ignored=person.ignored,
        anchors=[
            _AnchorRecord(
                embedding=base64.b64encode(anchor.embedding.astype("<f4").tobytes()).decode(),
                space=anchor.space,
                source=anchor.source,
                crop=anchor.crop.name if anchor.crop else None,
            )
            for anchor in person.anchors
        ],
    )
    write_privately(folder / _RECORD, record.model_dump_json(indent=1).encode())


def _keep(folder: Path, sample: Sample) -> Path | None:
    if sample.crop is None:
        return None
    path = folder / f"{hashlib.sha256(sample.crop.tobytes()).hexdigest()[:16]}.png"
    write_privately(path, cv2.imencode(".png", cv2.cvtColor(sample.crop, cv2.COLOR_RGB2BGR))[1].tobytes())
    return path


def write_privately(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with mode 0600; it is on the disk when this returns."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _decoded(text: str) -> Vector:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("an embedding is not base64") from error
    if not raw or len(raw) % 4:
        raise ValueError("an embedding has a wrong length")
    embedding: Vector = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    if not abs(float(np.linalg.norm(embedding)) - 1) < _UNIT_TOLERANCE:
        raise ValueError("an embedding is not of unit length")
    return embedding


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}"
    return str(error)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PeopleError(
            f"{error.filename or path}: {error.strerror}: storage.dir must be readable and writable"
        ) from error
    except ValidationError as error:
        raise PeopleError(f"{path}: damaged: {_brief(error)}") from error
