"""People and their crops -> one file for a fleet, and back: an uncompressed zip, with the sha256 of every member.

manifest.json               {"format": "facenode-people", "v": 1, "files": {"ada/person.json": sha256, ...}}
<id>/person.json            the record, as in the gallery
<id>/<digest>.png           the crop of an anchor, where one is kept

The same people give the same bytes. No member is ever extracted to a path that the file names, and a file with any
other kind of name is refused. Reading checks each member once, and reads a crop again where its content is used.
"""

import hashlib
import logging
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from node.errors import PeopleError
from node.people import crop as crops
from node.people import record
from node.people.archive import (
    MANIFEST,
    MAX_BYTES,
    MAX_MEMBERS,
    MAX_RECORD_BYTES,
    RECORD,
    VERSION,
    Archive,
    Manifest,
    RefusedError,
)
from node.people.entry import Entry, crop_names
from node.people.person import Anchor, Person, checked_name
from node.people.reembedding import read_crop, read_crop_file
from node.system.caller_files import OpenedFile, open_for_caller
from node.system.files import private_file

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can store
_HEADER_BYTES, _END_BYTES = 30 + 46, 22  # what a zip adds for a member, beside its name twice, and at the end
# What zipfile raises for damaged files; OSError and OverflowError are for places outside the file.
_DAMAGED = (zipfile.BadZipFile, UnicodeError, RuntimeError, EOFError, struct.error, OverflowError, OSError)

_log = logging.getLogger(__name__)


class _TooLargeError(Exception):
    """No node would import the file. The message names the first member that is too much."""


def write(path: Path, people: Sequence[Person]) -> None:
    """Write people to a file of mode 0600, whole or not at all; leave out and log each missing or damaged crop.

    Raises:
        PeopleError: the file cannot be written, or would be too large to be imported.
    """
    with writing(path), private_file(path) as file:
        write_to(file, people)


def write_to(file: BinaryIO, people: Sequence[Person]) -> None:
    """Write people to an open file, within `writing`; leave out and log each missing or damaged crop."""
    files: dict[str, str] = {}
    total = _END_BYTES

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def put(name: str, content: bytes, most: int) -> None:
            nonlocal total
            total += len(content) + 2 * len(name) + _HEADER_BYTES
            if len(content) > most or total > MAX_BYTES or len(files) >= MAX_MEMBERS:
                raise _TooLargeError(name)
            files[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content)

        for person in sorted(people, key=lambda each: each.id):
            sound = _without_bad_crops(person)
            put(f"{person.id}/{record.FILE}", record.encode(sound), MAX_RECORD_BYTES)
            for crop in sorted({anchor.crop for anchor in (*sound.anchors, *sound.negatives) if anchor.crop}):
                put(f"{person.id}/{crop.name}", read_crop_file(crop), crops.MAX_BYTES)
        manifest = Manifest(format="facenode-people", v=VERSION, files=files)
        put(MANIFEST, manifest.model_dump_json().encode(), MAX_RECORD_BYTES)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise a PeopleError for whatever is wrong with a file that is written."""
    try:
        yield
    except _TooLargeError as error:
        raise PeopleError(
            f"{path}: not written: with {error} it would be more than an import accepts ({MAX_BYTES >> 20} MB, "
            f"{MAX_MEMBERS} members, {MAX_RECORD_BYTES >> 20} MB for a record): remove people or faces first"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PeopleError(f"{path}: cannot be written ({reason}): name a file in a writable folder") from error


def open_bundle(path: Path) -> OpenedFile:
    """Open a file of people, to read it with `opened` later.

    Raises:
        PeopleError: it cannot be opened, or is no file.
    """
    try:
        if not path.is_file():
            raise PeopleError(f"{path}: no such file")
        return open_for_caller(path)
    except OSError as error:
        raise PeopleError(f"{path}: {error.strerror or error}: name a readable file") from error


@contextmanager
def opened(source: Path | OpenedFile, lengths: Mapping[str, int]) -> Iterator[tuple[Entry, ...]]:
    """Open a file, check every member of it, and yield the people in it. Their crops can be read in the context.

    Args:
        source: path of the file; or the opened file, which this closes.
        lengths: length of the embeddings of each space, where known.

    Raises:
        PeopleError: the file cannot be read, is damaged, of another format, of a newer version, or changes meanwhile.
    """
    bundle = source if isinstance(source, OpenedFile) else open_bundle(source)
    with bundle.file as file:
        yield read_from(Path(bundle.name), file, lengths)


def read_from(path: Path, file: BinaryIO, lengths: Mapping[str, int]) -> tuple[Entry, ...]:
    """Check every member of an open file, and return the people in it. It must stay open for their crops to be read.

    Args:
        path: names the file in errors.
        file: open for reading.
        lengths: length of the embeddings of each space, where known.

    Raises:
        PeopleError: the file is damaged, of another format, or of a newer version.
    """
    with _damage(path):
        return _people(path, Archive(file), lengths)


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Raise a PeopleError for whatever is wrong with a file."""
    try:
        yield
    except RefusedError as error:
        raise PeopleError(f"{path}: {error}") from error
    except _DAMAGED as error:
        raise PeopleError(f"{path}: damaged or truncated: copy it again") from error
    except ValueError as error:
        raise PeopleError(f"{path}: damaged, or not made by `facenode people export`: {error}") from error


class _Crops(Mapping[str, bytes]):
    """The crops of one person in an archive, by file name, each read when it is asked for."""

    def __init__(self, path: Path, archive: Archive, person: str, names: Sequence[str]) -> None:
        self._path, self._archive, self._person = path, archive, person
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        with _damage(self._path):
            return self._archive.read(f"{self._person}/{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _people(path: Path, archive: Archive, lengths: Mapping[str, int]) -> tuple[Entry, ...]:
    """Return everybody in an archive. One pass gives each person their own members."""
    own: dict[str, list[str]] = {}
    for name in archive.digests:
        owner, _, file = name.partition("/")
        own.setdefault(owner, []).append(file)
    if any(record.FILE not in files for files in own.values()):
        raise ValueError("it contains crops that belong to nobody")
    entries = []
    for name in archive.digests:
        if not RECORD.fullmatch(name):
            continue
        folder = Path(name).parent
        try:
            person = record.decode(archive.read(name), folder, lengths)
            checked_name(person.name)
        except (ValueError, PeopleError) as error:
            raise ValueError(f"{name}: {error}") from error
        files = [file for file in own[folder.name] if file != record.FILE]
        if set(files) != crop_names(person):
            raise ValueError(f"{folder.name}: its crops do not match its record")
        for file in files:
            crops.decode(file, archive.read(f"{folder.name}/{file}"))
        entries.append(Entry(person, _Crops(path, archive, folder.name, files)))
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
