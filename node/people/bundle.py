"""People and their crops -> one file for a fleet, and back: an uncompressed zip, with the sha256 of every member.

manifest.json               {"format": "facenode-people", "v": 1, "files": {"ada/person.json": sha256, ...}}
<id>/person.json            the record, as in the gallery
<id>/<digest>.png           the crop of an anchor, where one is kept

The same people give the same bytes. No member is ever extracted to a path that the file names, and a file with any
other kind of name is refused.
"""

import hashlib
import io
import logging
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.errors import PeopleError
from node.people import crop as crops
from node.people import record
from node.people.person import Anchor, Person, checked_name
from node.people.reembedding import read_crop, read_crop_file
from node.people.store import Entry
from node.settings.section import ID_PATTERN
from node.system.caller_files import OpenedFile, open_for_caller
from node.system.files import private_file

VERSION = 1
MAX_BYTES = 256 << 20
"""Most bytes of a file: about ten thousand faces with their crops."""
_MAX_RECORD_BYTES = 8 << 20
_MANIFEST = "manifest.json"
_RECORD = re.compile(rf"({ID_PATTERN})/{re.escape(record.FILE)}")
_CROP = re.compile(rf"({ID_PATTERN})/([0-9a-f]{{16}}\.png)")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can store
_ENCRYPTED = 1
_ZIP_SIGNATURE = b"PK\x03\x04"

_log = logging.getLogger(__name__)


class _Version(BaseModel):
    format: str
    v: int


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["facenode-people"]
    v: Annotated[int, Field(ge=1)]
    files: dict[str, str]


def write(path: Path, people: Sequence[Person]) -> None:
    """Write people to a file of mode 0600, whole or not at all; leave out and log each missing or damaged crop.

    Raises:
        PeopleError: the file cannot be written.
    """
    with writing(path), private_file(path) as file:
        write_to(file, people)


def write_to(file: BinaryIO, people: Sequence[Person]) -> None:
    """Write people to an open file; leave out and log each missing or damaged crop.

    Raises:
        OSError, ValueError: the file cannot be written, or a crop cannot be read.
    """
    files: dict[str, str] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def put(name: str, content: bytes) -> None:
            files[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content)

        for person in sorted(people, key=lambda each: each.id):
            sound = _without_bad_crops(person)
            put(f"{person.id}/{record.FILE}", record.encode(sound))
            for crop in sorted({anchor.crop for anchor in (*sound.anchors, *sound.negatives) if anchor.crop}):
                put(f"{person.id}/{crop.name}", read_crop_file(crop))
        manifest = _Manifest(format="facenode-people", v=VERSION, files=files)
        archive.writestr(zipfile.ZipInfo(_MANIFEST, _ZIP_EPOCH), manifest.model_dump_json())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise a PeopleError for an error of a file that is written."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PeopleError(f"{path}: cannot be written ({reason}): name a file in a writable folder") from error


def open_bundle(path: Path) -> OpenedFile:
    """Open a file of people, to read it later.

    Raises:
        PeopleError: it cannot be opened, or is no file.
    """
    try:
        if not path.is_file():
            raise PeopleError(f"{path}: no such file")
        return open_for_caller(path)
    except OSError as error:
        raise PeopleError(f"{path}: {error.strerror or error}: name a readable file") from error


def read(path: Path | OpenedFile, lengths: Mapping[str, int]) -> tuple[Entry, ...]:
    """Return the people in a file; check every member of it.

    Args:
        path: of the file; or the opened file, which this closes.
        lengths: length of the embeddings of each space, where known.

    Raises:
        PeopleError: the file cannot be read, is damaged, of another format, or of a newer version.
    """
    opened = open_bundle(path) if isinstance(path, Path) else path
    try:
        size = os.fstat(opened.file.fileno()).st_size
        if size > MAX_BYTES:
            raise PeopleError(f"{path}: {size >> 20} MB, more than {MAX_BYTES >> 20} MB: export fewer people")
        file = io.BytesIO(opened.read_bytes())
    except OSError as error:
        raise PeopleError(f"{path}: {error.strerror or error}: name a readable file") from error
    if not file.getvalue().startswith(_ZIP_SIGNATURE):
        raise PeopleError(f"{path}: not a file made by `facenode people export`")
    try:
        with zipfile.ZipFile(file) as archive:
            return _people(_files(archive, size), lengths)
    except _NewerError as error:
        raise PeopleError(f"{path}: {error}: update this node first") from error
    except (zipfile.BadZipFile, UnicodeError, RuntimeError, NotImplementedError, EOFError, struct.error) as error:
        raise PeopleError(f"{path}: damaged or truncated: copy it again") from error
    except ValueError as error:
        raise PeopleError(f"{path}: damaged, or not made by `facenode people export`: {error}") from error


class _NewerError(Exception):
    """The file is of a newer version than this program reads."""


def _files(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Return the members of an archive by name, each checked against the manifest."""
    members = archive.infolist()
    for member in members:
        _check(member)
    if sum(member.file_size for member in members) > size:  # members that overlap
        raise ValueError("its members are larger than the file")
    names = {member.filename for member in members}
    if len(names) != len(members):
        raise ValueError("a name occurs twice")
    if _MANIFEST not in names:
        raise ValueError(f"{_MANIFEST} is missing")
    manifest = _manifest(archive.read(_MANIFEST))
    if set(manifest.files) != names - {_MANIFEST}:
        raise ValueError(f"its members do not match {_MANIFEST}")
    found = {}
    for name, digest in manifest.files.items():
        found[name] = archive.read(name)
        if hashlib.sha256(found[name]).hexdigest() != digest:
            raise ValueError(f"the sha256 of {name} does not match")
    return found


def _check(member: zipfile.ZipInfo) -> None:
    """Refuse a member with a wrong name, or one that could expand."""
    crop = _CROP.fullmatch(member.filename)
    if not (crop or member.filename == _MANIFEST or _RECORD.fullmatch(member.filename)):
        raise ValueError(f"unexpected member {member.filename[:80]!r}")
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{member.filename} is compressed or encrypted")
    if member.file_size != member.compress_size or member.file_size > (crops.MAX_BYTES if crop else _MAX_RECORD_BYTES):
        raise ValueError(f"{member.filename} has {member.file_size} bytes")


def _manifest(content: bytes) -> _Manifest:
    try:
        version = _Version.model_validate_json(content)
        if version.format == "facenode-people" and version.v > VERSION:
            raise _NewerError(f"made by a newer version of facenode (format {version.v}, this one reads {VERSION})")
        return _Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(f"{_MANIFEST} is not valid") from error


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
            raise ValueError(f"{match[1]}: its crops do not match its record")
        for crop, data in own.items():
            crops.decode(crop, data)
        entries.append(Entry(person, own))
    if sum(len(entry.crops) + 1 for entry in entries) != len(files):
        raise ValueError("it contains crops that belong to nobody")
    return tuple(entries)


def _without_bad_crops(person: Person) -> Person:
    """Return a person without the crops that cannot be used."""

    def checked(anchor: Anchor) -> Anchor:
        try:
            read_crop(anchor)
        except ValueError as error:
            _log.error("people: %s: left out the crop of %s: %s", person.id, anchor.source, error)
            return replace(anchor, crop=None)
        return anchor

    anchors, negatives = (tuple(map(checked, own)) for own in (person.anchors, person.negatives))
    return replace(person, anchors=anchors, negatives=negatives)
