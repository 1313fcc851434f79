"""The first bytes of a file -> whether it is a picture or a clip, whatever its name ends in."""

from enum import Enum

from node.camera.heif import heif_kind

HEAD_BYTES = 1024
"""First bytes of a file that tell its kind."""

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif"}
)
"""Endings, in lower case, of files that claim to be pictures: what else they hold is reported as an error."""

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mkv", ".mov", ".3gp", ".avi", ".webm", ".ts", ".h264", ".mjpeg"})
"""Endings, in lower case, of files that claim to be clips."""

_MOTION_JPEG = frozenset({".mjpeg", ".mjpg"})
"""Endings of clips that begin like a picture, and that nothing else tells from one."""

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*")
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_NO_CLIPS = frozenset({b"crx ", b"M4A ", b"M4B ", b"M4P ", b"F4A "})
"""Brands of `ftyp` that are raw pictures or sound."""
_MATROSKA = b"\x1aE\xdf\xa3"
_TRANSPORT, _PACKETS = 0x47, (188, 192)
_PROGRAM_STREAM = 0xBA
_FOREIGN = {
    b"GIF8": "GIF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    b"FUJIFILMCCD-RAW": "a raw picture",
    b"\0\0\0\x18ftypcrx ": "a raw picture",
}
"""Formats by their first bytes."""
_BMP_ZEROS = slice(6, 10)


class FileKind(Enum):
    """What a file is read as."""

    IMAGE = "a picture"
    CLIP = "a clip"


def file_kind(head: bytes, suffix: str = "") -> FileKind | None:
    """Return what a file is; None if it is neither a picture nor a clip of a format that is read.

    Args:
        head: its first HEAD_BYTES, or all of it.
        suffix: the ending of its name, which counts only for motion JPEG.
    """
    if heif_kind(head) or _is_image(head):
        motion = suffix.lower() in _MOTION_JPEG and head.startswith(_IMAGES[0])
        return FileKind.CLIP if motion else FileKind.IMAGE
    return FileKind.CLIP if _is_clip(head) else None


def claimed_kind(suffix: str) -> FileKind | None:
    """Return what the ending of a file's name claims it to be."""
    if suffix.lower() in IMAGE_SUFFIXES:
        return FileKind.IMAGE
    return FileKind.CLIP if suffix.lower() in VIDEO_SUFFIXES else None


def foreign_format(head: bytes) -> str | None:
    """Return the name of a format of pictures that is not read; None if it is not one of them."""
    return next((name for start, name in _FOREIGN.items() if head.startswith(start)), None)


def _is_image(head: bytes) -> bool:
    return (
        head.startswith(_IMAGES)
        or (head.startswith(b"BM") and head[_BMP_ZEROS] == bytes(4))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )


def _is_clip(head: bytes) -> bool:
    if head[4:8] in _BOXES:
        return head[4:8] != b"ftyp" or head[8:12] not in _NO_CLIPS
    if head.startswith(_MATROSKA) or (head.startswith(b"RIFF") and head[8:12] == b"AVI "):
        return True
    for size in _PACKETS:
        first = size % _PACKETS[0]  # a time of four bytes stands before each packet of the longer kind
        if len(head) > first + 3 * size and all(head[first + number * size] == _TRANSPORT for number in range(3)):
            return True
    start = head[: head.find(b"\1") + 1]
    return start in (b"\0\0\1", b"\0\0\0\1") and head[len(start) : len(start) + 1] != bytes([_PROGRAM_STREAM])
