"""Folders: read by content, named where not used, and nothing opened that could keep the program waiting."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.camera import folder as folder_module
from node.camera.file_kind import FileKind
from node.camera.folder import PICTURES_AND_CLIPS, find_files
from node.errors import CameraError

JPEG = b"\xff\xd8\xff\xe0"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def names(found: folder_module.Found) -> list[str]:
    """Return the names of the files that are used."""
    return [file.name for file, _ in found.files]


def reasons(found: folder_module.Found) -> dict[str, str]:
    """Return why entries are not used, by name."""
    return {other.path.name: other.reason for other in found.others}


def test_the_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    """Upper case, an ending that few know, and none: each is a picture."""
    for name, content in {"a.JPG": JPEG, "b.jfif": JPEG, "c": JPEG, "d.HEIC": HEIC, "e.txt": JPEG}.items():
        (tmp_path / name).write_bytes(content)
    found = find_files(tmp_path)
    assert names(found) == ["a.JPG", "b.jfif", "c", "d.HEIC", "e.txt"]
    assert found.not_used() is None


def test_what_is_not_used_is_named_with_the_reason(tmp_path: Path) -> None:
    """Nothing of a folder is passed over without a word; nothing but a regular file is opened."""
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "b.txt").write_text("notes")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "clip.mp4").write_bytes(MP4)
    (tmp_path / "in").mkdir()
    (tmp_path / "moving.png").write_bytes(b"GIF89a")
    (tmp_path / "dance.gif").write_bytes(b"GIF89a")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "lost.jpg").symlink_to("nowhere")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "._a.jpg").write_bytes(JPEG)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "socket"))
        found = find_files(tmp_path)
    assert names(found) == ["a.jpg", "moving.png"]  # the second claims to be a picture: its reader says what it is
    assert reasons(found) == {
        "b.txt": "not a picture",
        "c.pdf": "not a picture",
        "clip.mp4": "a clip, not a picture",
        "dance.gif": "GIF, which is not read: save it as JPEG",
        "in": "a folder inside it, which is not searched",
        "link": "a link to a folder, which is not followed",
        "lost.jpg": "a broken link",
        "pipe.jpg": "a pipe, a socket or a device",
        "socket": "a pipe, a socket or a device",
    }
    assert found.hidden == 2
    line = found.not_used()
    assert line is not None
    assert line.startswith("11 entries not used: b.txt, c.pdf: not a picture; clip.mp4: a clip, not a ")
    assert line.endswith("; others for 2 other reasons; 2 hidden")


def test_the_line_about_many_files_is_short(tmp_path: Path) -> None:
    """A folder of ten thousand texts does not fill the terminal."""
    for number in range(300):
        (tmp_path / f"{number:03}.txt").write_text("x")
    line = find_files(tmp_path).not_used()
    listed = "000.txt, 001.txt, 002.txt, 003.txt, 004.txt and 295 more"
    assert line == f"300 entries not used: {listed}: not a picture"


def test_clips_are_distinguished_from_pictures(tmp_path: Path) -> None:
    """By content; motion JPEG, which begins like a picture, by its ending."""
    contents = {
        "a": MP4,
        "b.jpg": MP4,
        "c.mkv": b"\x1aE\xdf\xa3",
        "d": b"RIFF\0\0\0\0AVI LIST",
        "e": (b"G" + bytes(187)) * 4,
        "f": bytes([0, 0, 0, 1, 0x67]),
        "g.mjpeg": JPEG,
        "h.mov": b"\0\0\0\x08wide\0\0\0\0mdat",
        "i": JPEG,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    kinds = {file.name: kind for file, kind in find_files(tmp_path, PICTURES_AND_CLIPS).files}
    assert {name for name, kind in kinds.items() if kind is FileKind.IMAGE} == {"i"}
    assert set(kinds) == set(contents)


@pytest.mark.parametrize(
    "content", [b"\0\0\0\x18ftypM4A \0\0\0\0", b"\0\0\x01\xba" + bytes(60), b"BM is a car", b"RIFF\0\0\0\0WAVE", b""]
)
def test_what_only_resembles_a_picture_or_a_clip_is_neither(tmp_path: Path, content: bytes) -> None:
    """Sound, a format that is not read, a text."""
    (tmp_path / "file").write_bytes(content)
    assert reasons(find_files(tmp_path, PICTURES_AND_CLIPS)) == {"file": "not a picture or a clip"}


def test_inner_folders_are_searched_on_request_and_loops_of_links_end(tmp_path: Path) -> None:
    """A hidden folder, such as one of thumbnails, is not."""
    for place in ("in/deep", ".thumbs"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "x.jpg").write_bytes(JPEG)
    (tmp_path / "in" / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "in" / "self").symlink_to("self")
    found = find_files(tmp_path, nested=True)
    assert [file for file, _ in found.files] == [tmp_path / "in" / "deep" / "x.jpg"]
    assert set(reasons(found)) == {"loop", "self"}
    assert found.hidden == 1


@pytest.mark.parametrize("name", ["notes.txt", "missing.jpg", "x" * 300, "a\0b"])
def test_a_path_that_is_not_a_folder_is_returned(tmp_path: Path, name: str) -> None:
    """Also one that does not exist, or has a name that the system refuses: its reader reports the error."""
    (tmp_path / "notes.txt").write_text("x")
    assert find_files(tmp_path / name).files == ((tmp_path / name, FileKind.IMAGE),)


def test_a_named_clip_is_recognized_by_its_content(tmp_path: Path) -> None:
    """Whatever it is called; one that cannot be read, by its ending."""
    (tmp_path / "holiday").write_bytes(MP4)
    assert find_files(tmp_path / "holiday").files[0][1] is FileKind.CLIP
    assert find_files(tmp_path / "missing.mp4").files[0][1] is FileKind.CLIP


@pytest.fixture
def closed() -> Iterator[Path]:
    """Yield a folder with a folder and a file that nobody may read, without root's rights, for which nothing is."""
    root = os.geteuid() == 0
    with TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        (top / "in").mkdir(mode=0o000)
        for file in ("secret", "secret.jpg"):
            (top / file).write_bytes(JPEG)
            (top / file).chmod(0o000)
        if root:
            os.seteuid(65534)
        yield top
        if root:
            os.seteuid(0)
        (top / "in").chmod(0o700)


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_that_cannot_be_listed_is_an_error(closed: Path, nested: bool) -> None:  # noqa: FBT001 - a case
    """It does not count as empty."""
    with pytest.raises(CameraError, match="Permission denied"):
        find_files(closed / "in", nested=nested)


def test_what_cannot_be_read_is_named(closed: Path) -> None:
    """An inner folder and a file of unknown kind; a file that claims to be a picture is left to its reader."""
    found = find_files(closed, nested=True)
    assert reasons(found) == {"in": "Permission denied", "secret": "Permission denied"}
    assert found.unreadable
    assert names(found) == ["secret.jpg"]
