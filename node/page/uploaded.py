"""A file that a browser has sent -> an open file that another process can be given."""

from tempfile import SpooledTemporaryFile
from typing import BinaryIO

from starlette.datastructures import UploadFile


def spooled(upload: UploadFile) -> BinaryIO:
    """Return the file, on the disk without a name, at its beginning.

    Raises:
        OSError: the disk is full.
    """
    file = upload.file
    if isinstance(file, SpooledTemporaryFile):
        file.rollover()
    file.seek(0)
    return file


def file_name(upload: UploadFile) -> str:
    """Return the last part of the name that a browser gives, for people to read."""
    name = (upload.filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in name if each.isprintable())[:64] or "?"
