"""The file for a fleet: the same people come out, and never anything else."""

import hashlib
import io
import json
import logging
import stat
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from makers import unit
from samples import crop, sample

from node.errors import PeopleError
from node.people import bundle
from node.people.archive import MAX_BYTES, MAX_MEMBERS
from node.people.crop import encode
from node.people.entry import Entry
from node.people.gallery import Gallery
from node.people.person import Anchor, Person

LENGTHS = {"s": 2}


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Return a gallery of two people: with and without crops, with a rejected face, and one person ignored."""
    made = Gallery(tmp_path / "people")
    made.add("ada", "Zoë Müller", "s", [sample(1, 0, crop=crop(0)), sample(0, 1)])
    made.reject("ada", "s", sample(1, 1, crop=crop(1)))
    made.add("bob", None, "s", [sample(1, 2)], ignored=True)
    return made


@pytest.fixture
def file(tmp_path: Path, gallery: Gallery) -> Path:
    """Return a file of these people."""
    bundle.write(tmp_path / "fleet.people", gallery.load())
    return tmp_path / "fleet.people"


def read(file: Path, lengths: Mapping[str, int]) -> list[Entry]:
    """Return the people in a file, with all of their crops."""
    with bundle.opened(file, lengths) as entries:
        return [Entry(entry.person, dict(entry.crops)) for entry in entries]


def members(file: Path) -> dict[str, bytes]:
    """Return the members of a file."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file: Path, content: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED, version: int = 1) -> None:
    """Write a file with any content and matching hashes, as anybody could."""
    rest = {name: data for name, data in content.items() if name != "manifest.json"}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    manifest = json.dumps({"format": "facenode-people", "v": version, "files": hashes}).encode()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in ({"manifest.json": manifest} | rest).items():
            archive.writestr(name, data)


def test_people_survive_export_and_import_unchanged(tmp_path: Path, gallery: Gallery, file: Path) -> None:
    """Names, marks, faces, rejected faces and crops."""
    other = Gallery(tmp_path / "other")
    other.merge(read(file, LENGTHS))
    for ours, theirs in zip(gallery.load(), other.load(), strict=True):
        assert (ours.id, ours.name, ours.ignored) == (theirs.id, theirs.name, theirs.ignored)
        for mine, copy in zip((*ours.anchors, *ours.negatives), (*theirs.anchors, *theirs.negatives), strict=True):
            np.testing.assert_array_equal(mine.embedding, copy.embedding)
            assert (mine.crop is None) == (copy.crop is None)
            assert mine.crop is None or (copy.crop and mine.crop.read_bytes() == copy.crop.read_bytes())


def test_the_file_is_private_and_the_same_people_give_the_same_bytes(
    tmp_path: Path, gallery: Gallery, file: Path
) -> None:
    """Mode 0600; a roll-out that compares files sees no false change."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    bundle.write(tmp_path / "again", gallery.load())
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_no_damaged_byte_changes_anybody_and_no_truncated_file_is_read(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Damage is refused, unless it is in one of the few bytes of a zip without meaning."""
    content = file.read_bytes()
    whole = [(entry.person.id, dict(entry.crops)) for entry in read(file, LENGTHS)]
    chance = np.random.default_rng(1)
    taken = 0
    tries = [*range(0, len(content), 41), *range(len(content) - 700, len(content))]
    for place in tries:
        spoilt = bytearray(content)
        spoilt[place] ^= int(chance.integers(1, 256))
        file.write_bytes(spoilt)
        with suppress(PeopleError):
            assert [(e.person.id, dict(e.crops)) for e in read(file, LENGTHS)] == whole
            taken += 1
        file.write_bytes(content[:place])
        with pytest.raises(PeopleError, match=r"truncated|not a file made by"):
            read(file, LENGTHS)
    assert taken < len(tries) / 3
    assert capfd.readouterr().err == ""


def _renamed(old: str, new: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda content: {name.replace(old, new): data for name, data in content.items()}


def _with(name: str, data: bytes) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda content: content | {name: data}


FACE = b'{"embedding":"AACAPwAAAAA=","space":"s","source":"x"}'
CROP = encode(crop(0))[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_with("../../etc/cron.d/x", b""), "unexpected member '../../etc/cron.d/x'"),
        (_with("/etc/passwd", b""), "unexpected member"),
        (_with("ada/../../x.png", b""), "unexpected member"),
        (_with("ada/notes.txt", b""), "unexpected member"),
        (_with("ada/0123456789abcdef.png", b""), "crops do not match its record"),
        (_with("eve/0123456789abcdef.png", b""), "crops that belong to nobody"),
        (_with("ada/person.json", b"{"), "ada/person.json: file"),
        (_with(f"ada/{CROP}", encode(crop(5))[1]), "pixels do not match its name"),
        (_with(f"ada/{CROP}", b"\xff\xd8"), "not a PNG"),
        (_renamed("ada/", "eve/"), "its id is 'ada'"),
        (_renamed("ada/", "Ada/"), "unexpected member"),
        (_with("unknown/person.json", b'{"id":"unknown","name":"x","anchors":[%s]}' % FACE), "it means a stranger"),
        (_with("eve/person.json", b'{"id":"eve","name":"\\u001b[2J","anchors":[%s]}' % FACE), "is not a valid name"),
        (lambda content: {k: v for k, v in content.items() if not k.endswith(".png")}, "crops do not match its record"),
    ],
)
def test_content_that_no_export_contains_is_refused(
    file: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]], message: str
) -> None:
    """Even with matching hashes: nothing is written outside the folder of the people, and nothing foreign inside."""
    pack(file, change(members(file)))
    with pytest.raises(PeopleError, match=message.replace(".", r"\.")):
        read(file, LENGTHS)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(file: Path) -> None:
    """Compression is always refused, and so is a member that claims more than there is."""
    pack(file, members(file) | {f"ada/{CROP}": bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(PeopleError, match="compressed"):
        read(file, LENGTHS)
    pack(file, members(file) | {f"ada/{CROP}": bytes((1 << 20) + 1)})
    with pytest.raises(PeopleError, match="has 1048577 bytes"):
        read(file, LENGTHS)


def test_overlapping_members_are_refused(file: Path) -> None:
    """A zip bomb without compression: each member contains the next, so that few bytes are read many times."""
    data, parts_inside = bytes(10_000), []
    for number in range(3):
        with io.BytesIO() as buffer, zipfile.ZipFile(buffer, "w") as archive:
            info = zipfile.ZipInfo(f"ada/{number:016x}.png")
            archive.writestr(info, data)
            parts_inside.append(info)
            data = buffer.getvalue()  # a header and the data; the directory is not written yet
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ada/person.json", data)
        for info in parts_inside:
            info.header_offset = 0  # any offset does: the sum is checked before anything is read
        archive.filelist.extend(parts_inside)
    with pytest.raises(PeopleError, match="its members are larger than the file"):
        read(file, LENGTHS)


def test_a_member_that_does_not_match_the_manifest_is_refused(file: Path) -> None:
    """A file edited by hand may keep the checksums of the zip, but not the sha256."""
    content = members(file)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(b'"Zo', b'"Za'))
    with pytest.raises(PeopleError, match=r"the sha256 of ada/person\.json does not match"):
        read(file, LENGTHS)


def test_a_name_that_occurs_twice_is_refused(file: Path) -> None:
    """It is undefined which of the two counts."""
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("bob/person.json", b"{}")
    with pytest.raises(PeopleError, match="twice"):
        read(file, LENGTHS)


def test_embeddings_of_a_wrong_length_are_refused(file: Path) -> None:
    """They would stop every node of the fleet at the first face."""
    with pytest.raises(PeopleError, match="an embedding has 2 numbers instead of the 192 of s"):
        read(file, {"s": 192})


def test_a_newer_file_requires_an_update(file: Path) -> None:
    """The error does not call it damaged."""
    pack(file, members(file), version=2)
    with pytest.raises(PeopleError, match=r"newer version of facenode .*: update this node first"):
        read(file, LENGTHS)


def opcodes(action: Callable[[], object]) -> int:
    """Return how many steps the interpreter takes for something: work without a clock."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:  # noqa: ANN401 - the tracer itself
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(former)
    return count


def test_the_work_to_read_a_file_grows_with_its_size_alone(tmp_path: Path) -> None:
    """Twice the people take twice the steps, within 10 %: no member is looked at once more for each person."""
    steps = []
    for number in (100, 200):
        people = [Person(f"p{n}", "P", (Anchor(unit(1, n), "s", "x"),)) for n in range(number)]
        bundle.write(tmp_path / "x", people)
        steps.append(opcodes(lambda: read(tmp_path / "x", LENGTHS)))
    assert steps[1] <= 2.1 * steps[0]


def test_too_many_members_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    """Each would take memory, however small it is."""
    (tmp_path / "x").write_bytes(b"PK\x03\x04" + (MAX_MEMBERS + 1) * b"PK\x01\x02")
    with pytest.raises(PeopleError, match="more than 100000 members: export fewer people"):
        read(tmp_path / "x", LENGTHS)


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    """Its size alone decides; here it is all holes."""
    with (tmp_path / "x").open("wb") as file:
        file.truncate(MAX_BYTES + (1 << 20))
    with pytest.raises(PeopleError, match="257 MB, more than 256 MB: export fewer people"):
        read(tmp_path / "x", LENGTHS)


def test_nothing_is_exported_that_no_node_would_import(tmp_path: Path) -> None:
    """One line says so, and no file is left."""
    huge = np.ones(1 << 21, np.float32) / np.sqrt(np.float32(1 << 21))
    with pytest.raises(PeopleError, match=r"not written: with ada/person\.json it would be more than an import"):
        bundle.write(tmp_path / "x", [Person("ada", "Ada", (Anchor(huge, "s", "x"),))])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_after_it_was_checked_is_refused(file: Path) -> None:
    """Crops are read when they are used, and checked again."""
    with bundle.opened(file, LENGTHS) as entries:
        file.write_bytes(bytes(file.stat().st_size))
        with pytest.raises(PeopleError, match="damaged or truncated: copy it again"):
            dict(entries[0].crops)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"PK\x03\x04 and nothing else"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """One line names it."""
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(PeopleError, match=r"/x: (not a file made by|damaged or truncated)"):
        read(tmp_path / "x", LENGTHS)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    """Such as a document."""
    with zipfile.ZipFile(tmp_path / "x.docx", "w") as archive:
        archive.writestr("word/document.xml", b"<x/>")
    with pytest.raises(PeopleError, match=r"unexpected member 'word/document\.xml'"):
        read(tmp_path / "x.docx", LENGTHS)


def test_a_missing_file_and_an_unwritable_path_are_errors(tmp_path: Path, gallery: Gallery) -> None:
    """The line says what, where and what to do; no file remains."""
    with pytest.raises(PeopleError, match="no such file"):
        read(tmp_path / "none", LENGTHS)
    with pytest.raises(PeopleError, match="name a file in a writable folder"):
        bundle.write(tmp_path / "none" / "x", gallery.load())
    with pytest.raises(PeopleError, match="name a file in a writable folder"):
        bundle.write(tmp_path / "people", gallery.load())
    assert [path.name for path in tmp_path.iterdir()] == ["people"]


def test_a_damaged_crop_is_left_out_of_an_export_and_logged(
    tmp_path: Path, gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    """Its anchor is exported without it."""
    (tmp_path / "people" / "ada" / CROP).write_bytes(b"no picture")
    with caplog.at_level(logging.ERROR):
        bundle.write(tmp_path / "x", gallery.load())
    assert "left out the crop of photo.jpg" in caplog.text
    ada = read(tmp_path / "x", LENGTHS)[0]
    assert (len(ada.person.anchors), len(ada.crops)) == (2, 1)
