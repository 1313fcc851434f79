"""A zip file of people -> its members, each within its bounds and with the sha256 that the manifest gives.

The number and the sizes of members are bounded before anything is unpacked, and a member is read from the file each
time that it is asked for, so that memory holds one at a time.
"""

import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.people import crop as crops
from node.people import record
from node.settings.section import ID_PATTERN

VERSION = 1
MANIFEST = "manifest.json"
MAX_BYTES = 256 << 20
"""Most bytes of a file: about ten thousand faces with their crops."""
MAX_RECORD_BYTES = 8 << 20
"""Most bytes of a record, and of the manifest."""
MAX_MEMBERS = 100_000
"""Most members of a file: more than a manifest of the largest size can list."""
RECORD = re.compile(rf"({ID_PATTERN})/{re.escape(record.FILE)}")
_CROP = re.compile(rf"({ID_PATTERN})/([0-9a-f]{{16}}\.png)")
_ENCRYPTED = 1
_SIGNATURE, _DIRECTORY_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02"
_CHUNK_BYTES = 1 << 20


class RefusedError(Exception):
    """The file is not one that this program reads, though it may be sound. The message says what to do."""


class _Version(BaseModel):
    format: str
    v: int


class Manifest(BaseModel):
    """What a file says about its members: the sha256 of each, by name."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["facenode-people"]
    v: Annotated[int, Field(ge=1)]
    files: dict[str, str]


class Archive:
    """The members of an open file. Their number, names and sizes are checked; their content is when it is read.

    Args:
        file: open for reading, for as long as the archive is used.

    Attributes:
        digests: sha256 of each member by name, as the manifest gives it.

    Raises:
        RefusedError: it is of another kind, of a newer version, or too large.
        ValueError: it is not one that `export` made; the message says why.
        zipfile.BadZipFile: it is damaged or truncated.
        OSError: it cannot be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise RefusedError(f"{size >> 20} MB, more than {MAX_BYTES >> 20} MB: export fewer people")
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise RefusedError("not a file made by `facenode people export`")
        if _count(file, _DIRECTORY_SIGNATURE) > MAX_MEMBERS:  # before zipfile makes an object of each
            raise RefusedError(f"more than {MAX_MEMBERS} members: export fewer people")
        self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        for member in members:
            _check(member)
        if sum(member.file_size for member in members) > size:  # members that overlap
            raise ValueError("its members are larger than the file")
        names = {member.filename for member in members}
        if len(names) != len(members):
            raise ValueError("a name occurs twice")
        if MANIFEST not in names:
            raise ValueError(f"{MANIFEST} is missing")
        self.digests: Mapping[str, str] = _manifest(self._zip.read(MANIFEST)).files
        if set(self.digests) != names - {MANIFEST}:
            raise ValueError(f"its members do not match {MANIFEST}")

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            ValueError: it does not match the manifest.
            zipfile.BadZipFile: it is damaged.
            OSError: it cannot be read.
        """
        content = self._zip.read(name)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise ValueError(f"the sha256 of {name} does not match")
        return content


def _count(file: BinaryIO, word: bytes) -> int:
    """Return how often a word occurs in a file."""
    found, tail = 0, b""
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        window = tail + chunk
        found += window.count(word)
        tail = window[1 - len(word) :]
    return found


def _check(member: zipfile.ZipInfo) -> None:
    """Refuse a member with a wrong name, or one that could expand."""
    crop = _CROP.fullmatch(member.filename)
    if not (crop or member.filename == MANIFEST or RECORD.fullmatch(member.filename)):
        raise ValueError(f"unexpected member {member.filename[:80]!r}")
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{member.filename} is compressed or encrypted")
    if member.file_size != member.compress_size or member.file_size > (crops.MAX_BYTES if crop else MAX_RECORD_BYTES):
        raise ValueError(f"{member.filename} has {member.file_size} bytes")


def _manifest(content: bytes) -> Manifest:
    try:
        version = _Version.model_validate_json(content)
        if version.format == "facenode-people" and version.v > VERSION:
            raise RefusedError(
                f"made by a newer version of facenode (format {version.v}, this one reads {VERSION}): "
                "update this node first"
            )
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(f"{MANIFEST} is not valid") from error
