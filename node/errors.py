"""The errors that Facenode raises, each with its exit code."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar


class FacenodeError(Exception):
    """An error whose message says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(FacenodeError):
    """The command line is invalid."""

    exit_code = 2


class SettingsError(FacenodeError):
    """A setting is missing, unknown or out of bounds; systemd does not restart the node."""

    exit_code = 78


class ModelError(FacenodeError):
    """A model file is missing, damaged or does not match its sidecar; systemd does not restart the node."""

    exit_code = 78


class OutputError(FacenodeError):
    """What a command prints cannot be written.

    Args:
        message: why not.
        reader_gone: whether whoever reads the output, such as `head`, wants no more of it.
    """

    def __init__(self, message: str, *, reader_gone: bool) -> None:
        super().__init__(message)
        self.reader_gone = reader_gone


class CameraError(FacenodeError):
    """A camera, video or picture cannot be opened or read."""


class StorageError(FacenodeError):
    """The folder of the storage, or something in it, is not as it must be to be used safely."""


class OutboxError(FacenodeError):
    """The outbox cannot be opened."""


class Reason(StrEnum):
    """Why something about people is refused, for programs that say so in words of their own."""

    NOBODY = "nobody"
    TAKEN = "taken"
    SAME_PERSON = "same_person"
    NO_PHOTO = "no_photo"
    ONLY_PHOTO = "only_photo"
    NO_ENTRY = "no_entry"
    NO_NAME = "no_name"
    SEVERAL_NAMES = "several_names"
    UNUSABLE = "unusable"
    NEARER = "nearer"
    NO_ACTION = "no_action"
    CHANGED = "changed"
    TOO_LARGE = "too_large"
    ERASING = "erasing"
    BUSY = "busy"
    DISK = "disk"
    PRIVATE = "private"
    CAMERA_LOST = "camera_lost"
    NO_FRAME = "no_frame"
    AWAY = "away"


_NOTHING: Mapping[str, object] = MappingProxyType({})


class PeopleError(FacenodeError):
    """The gallery cannot be read or written, or a person cannot be enrolled.

    Args:
        message: what is wrong, where, and what to do.
        reason: the kind of it, if programs need to know.
        about: ids and numbers that the message names.
    """

    def __init__(self, message: str, reason: Reason | None = None, about: Mapping[str, object] = _NOTHING) -> None:
        super().__init__(message)
        self.reason, self.about = reason, about


class ServeError(FacenodeError):
    """The web page cannot be served."""


class BrokerError(FacenodeError):
    """The broker cannot be reached, or it refuses; inside a running node this error never leaves the publisher."""
