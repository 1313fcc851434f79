"""People and their crops -> one file for a fleet, and back: a zip without compression, every part with its sha256.

manifest.json               {"format": "facenode-people", "v": 1, "files": {"ada/person.json": sha256, ...}}
<id>/person.json            the record, as in the gallery
<id>/<digest>.png           the crop of an anchor, where one is kept

The same people give the same bytes. Nothing is ever unpacked by the name that a file gives it: a name that is not of
one of these three kinds refuses the file.
"""

import hashlib
import io
import logging
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.errors import PeopleError
from node.people import crop as crops
from node.people import record
from node.people.person import Anchor, Person, checked_name
from node.people.reembedding import read_crop, read_crop_file
from node.people.store import Entry
from node.settings.schema import ID_PATTERN
from node.system.files import private_file

VERSION = 1
MAX_BYTES = 256 << 20
"""Bytes of a file at the most: some ten thousand faces with their crops."""
_MAX_RECORD_BYTES = 8 << 20
_MANIFEST = "manifest.json"
_RECORD = re.compile(rf"({ID_PATTERN})/{re.escape(record.FILE)}")
_CROP = re.compile(rf"({ID_PATTERN})/([0-9a-f]{{16}}\.png)")
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say
_ENCRYPTED = 1
_START = b"PK\x03\x04"

_log = logging.getLogger(__name__)


class _Stamp(BaseModel):
    format: str
    v: int


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["facenode-people"]
    v: Annotated[int, Field(ge=1)]
    files: dict[str, str]


def write(path: Path, people: Sequence[Person]) -> None:
    """Write people to a file of mode 0600, whole or not at all; a crop that is missing or damaged is left out and said.

    Raises:
        PeopleError: the file cannot be written.
    """
    files: dict[str, str] = {}
    try:
        with private_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

            def put(name: str, content: bytes) -> None:
                files[name] = hashlib.sha256(content).hexdigest()
                archive.writestr(zipfile.ZipInfo(name, _WHEN), content)

            for person in sorted(people, key=lambda each: each.id):
                sound = _sound(person)
                put(f"{person.id}/{record.FILE}", record.encode(sound))
                for crop in sorted({anchor.crop for anchor in (*sound.anchors, *sound.negatives) if anchor.crop}):
                    put(f"{person.id}/{crop.name}", read_crop_file(crop))
            manifest = _Manifest(format="facenode-people", v=VERSION, files=files)
            archive.writestr(zipfile.ZipInfo(_MANIFEST, _WHEN), manifest.model_dump_json())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PeopleError(f"{path}: cannot be written ({reason}): name a file in a folder that has room") from error


def read(path: Path, lengths: Mapping[str, int]) -> tuple[Entry, ...]:
    """Return the people of a file, every part of it checked.

    Args:
        path: the file.
        lengths: of the embeddings of a space, where that is known.

    Raises:
        PeopleError: it cannot be read, is damaged, of another kind, or of a newer version.
    """
    try:
        if not path.is_file():
            raise PeopleError(f"{path}: there is no such file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PeopleError(f"{path}: {size >> 20} MB, above {MAX_BYTES >> 20}: export fewer people")
        file = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise PeopleError(f"{path}: {error.strerror or error}: name a readable file") from error
    if not file.getvalue().startswith(_START):
        raise PeopleError(f"{path}: not a file that `facenode people export` has made")
    try:
        with zipfile.ZipFile(file) as archive:
            return _people(_files(archive, size), lengths)
    except _NewerError as error:
        raise PeopleError(f"{path}: {error}: update this node first") from error
    except (zipfile.BadZipFile, UnicodeError, RuntimeError, NotImplementedError, EOFError, struct.error) as error:
        raise PeopleError(f"{path}: damaged or cut short: copy it again") from error
    except ValueError as error:
        raise PeopleError(f"{path}: damaged, or not what `facenode people export` writes: {error}") from error


class _NewerError(Exception):
    """The file is of a version that is not known here."""


def _files(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Return the files of an archive by name, each as its manifest says."""
    parts = archive.infolist()
    for part in parts:
        _check(part)
    if sum(part.file_size for part in parts) > size:  # parts that lie over one another
        raise ValueError("its parts are larger than it")
    names = {part.filename for part in parts}
    if len(names) != len(parts):
        raise ValueError("it holds a name twice")
    if _MANIFEST not in names:
        raise ValueError(f"it has no {_MANIFEST}")
    manifest = _manifest(archive.read(_MANIFEST))
    if set(manifest.files) != names - {_MANIFEST}:
        raise ValueError(f"it does not hold what its {_MANIFEST} says")
    found = {}
    for name, digest in manifest.files.items():
        found[name] = archive.read(name)
        if hashlib.sha256(found[name]).hexdigest() != digest:
            raise ValueError(f"the sha256 of {name} is another")
    return found


def _check(part: zipfile.ZipInfo) -> None:
    """Refuse a part of a wrong name, or one that could grow."""
    crop = _CROP.fullmatch(part.filename)
    if not (crop or part.filename == _MANIFEST or _RECORD.fullmatch(part.filename)):
        raise ValueError(f"it holds {part.filename[:80]!r}")
    if part.compress_type != zipfile.ZIP_STORED or part.flag_bits & _ENCRYPTED:
        raise ValueError(f"{part.filename} is compressed or encrypted")
    if part.file_size != part.compress_size or part.file_size > (crops.MAX_BYTES if crop else _MAX_RECORD_BYTES):
        raise ValueError(f"{part.filename} has {part.file_size} bytes")


def _manifest(content: bytes) -> _Manifest:
    try:
        stamp = _Stamp.model_validate_json(content)
        if stamp.format == "facenode-people" and stamp.v > VERSION:
            raise _NewerError(f"made by a newer version of facenode (format {stamp.v}, this one reads {VERSION})")
        return _Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(f"{_MANIFEST} is not as it must be") from error


def _people(files: Mapping[str, bytes], lengths: Mapping[str, int]) -> tuple[Entry, ...]:
    entries = []
    for name, content in files.items():
        match = _RECORD.fullmatch(name)
        if match is None:
            continue
        prefix = f"{match[1]}/"
        try:
            person = record.decode(content, Path(match[1]), lengths)
            checked_name(person.name)
        except (ValueError, PeopleError) as error:
            raise ValueError(f"{name}: {error}") from error
        own = {other.removeprefix(prefix): data for other, data in files.items() if other.startswith(prefix)}
        del own[record.FILE]
        if set(own) != {anchor.crop.name for anchor in (*person.anchors, *person.negatives) if anchor.crop}:
            raise ValueError(f"{match[1]}: its crops are not those that its record names")
        for crop, data in own.items():
            crops.decode(crop, data)
        entries.append(Entry(person, own))
    if sum(len(entry.crops) + 1 for entry in entries) != len(files):
        raise ValueError("it holds crops of nobody")
    return tuple(entries)


def _sound(person: Person) -> Person:
    """Return somebody without the crops that cannot be used."""

    def sound(anchor: Anchor) -> Anchor:
        try:
            read_crop(anchor)
        except ValueError as error:
            _log.error("people: %s: the crop of %s is left out: %s", person.id, anchor.source, error)
            return replace(anchor, crop=None)
        return anchor

    anchors, negatives = (tuple(map(sound, own)) for own in (person.anchors, person.negatives))
    return replace(person, anchors=anchors, negatives=negatives)
