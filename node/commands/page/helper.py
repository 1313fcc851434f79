"""Questions of the page on a socket -> answers: about uploaded photos, and about people while no node runs.

It is the page's own short-lived process: `node.page.helper_process` starts and ends it. A question is a line of JSON
as on the node's local socket; its files come along as descriptors.
"""

import contextlib
import json
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from node.assembly import build_gallery, build_offline_requests
from node.commands.page.photos import Photos
from node.commands.people.fleet_file import take_over
from node.commands.people.removal import erase_here, traces_here
from node.errors import FacenodeError, PeopleError
from node.page.helper_process import MAX_LINE_BYTES
from node.people import bundle
from node.requests import fields as field
from node.requests.answer import failure, success
from node.requests.overview import trace_fields
from node.settings import Settings
from node.system.caller_files import OpenedFile

_TRANSACTION = "local"
_PART_BYTES, _MAX_FILES = 64 * 1024, 16
_FILE = Path("the file")

_log = logging.getLogger(__name__)

Files = Sequence[BinaryIO]


def answer_questions(settings: Settings, connection: socket.socket) -> None:
    """Answer until the page closes the connection."""
    answers = Answers(settings)
    while True:
        line, descriptors = _receive(connection)
        if not line:
            return
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(os.fdopen(descriptor, "r+b")) for descriptor in descriptors]
            connection.sendall(_answer(answers, line, files) + b"\n")


class Answers:
    """Answer questions; what they need is loaded with the first that needs it.

    Args:
        settings: all of them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._offline = cache(lambda: build_offline_requests(settings))
        self._photos = cache(lambda: Photos(settings))
        self._own: Mapping[str, Callable[[Mapping[str, Any], Files], object]] = {
            "photos_look": self._look,
            "faces_add": self._add,
            "people_export": self._export,
            "people_import": self._import,
            "people_remove": self._remove,
            "people_traces": self._traces,
        }

    def ask(self, verb: str, fields: Mapping[str, Any], files: Files) -> object:
        """Return the data of an answer.

        Raises:
            FacenodeError: the question cannot be answered.
            ValueError: a field is wrong.
        """
        own = self._own.get(verb)
        return self._offline().ask(verb, fields) if own is None else own(fields, files)

    def _look(self, fields: Mapping[str, Any], files: Files) -> object:
        person = field.person(fields) if "id" in fields else None
        return self._photos().look([str(name) for name in fields["names"]], files, person)

    def _add(self, fields: Mapping[str, Any], files: Files) -> object:
        del files
        person = field.person(fields) if "id" in fields else None
        return self._photos().add(fields["faces"], person, field.name(fields), force=field.flag(fields, "force"))

    def _export(self, fields: Mapping[str, Any], files: Files) -> object:
        del fields
        people = build_gallery(self._settings).load()
        if not people:
            raise PeopleError("nobody is enrolled: there is nothing to export")
        with bundle.writing(_FILE):
            bundle.write_to(files[0], people)
            files[0].flush()
        return {"people": len(people)}

    def _import(self, fields: Mapping[str, Any], files: Files) -> object:
        given = OpenedFile(str(_FILE), files[0])
        changes, _ = take_over(given, self._settings, replace=field.flag(fields, "replace"))
        return {"people": len(changes)}

    def _remove(self, fields: Mapping[str, Any], files: Files) -> object:
        del files
        erase_here(field.person(fields), self._settings)
        return None

    def _traces(self, fields: Mapping[str, Any], files: Files) -> object:
        del files
        return [trace_fields(trace) for trace in traces_here(field.person(fields), self._settings)]


def _answer(answers: Answers, line: bytes, files: Files) -> bytes:
    """Return the answer to a question; whatever is wrong is a sentence."""
    try:
        fields = json.loads(line)
        return success(_TRANSACTION, answers.ask(str(fields.pop("verb")), fields, files))
    except PeopleError as error:
        return failure(_TRANSACTION, str(error), error.reason, error.about)
    except FacenodeError as error:
        return failure(_TRANSACTION, str(error))
    except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
        _log.exception("page: a question could not be answered")
        return failure(_TRANSACTION, str(error) or type(error).__name__)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next line and the descriptors that came with it; an empty line at the end.

    Raises:
        ValueError: the line is too long.
    """
    received, descriptors = bytearray(), list[int]()
    while not received.endswith(b"\n"):
        part, files, _, _ = socket.recv_fds(connection, _PART_BYTES, _MAX_FILES)
        descriptors += files
        received += part
        if not part:
            return b"", descriptors
        if len(received) > MAX_LINE_BYTES:
            raise ValueError("the question is too long")
    return bytes(received), descriptors
