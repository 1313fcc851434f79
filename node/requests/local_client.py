"""A request to the node that uses a storage folder -> its answer, over the local socket."""

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.errors import PeopleError, Reason
from node.requests.line_socket import receive_line
from node.requests.protocol import FILE, MAX_ANSWER_BYTES, NO_SUCH_REQUEST, VERSION, Timeouts
from node.system.plain_files import WrongKindError, check_socket

_TIMEOUTS = Timeouts()
_REASONS = frozenset(Reason)


def call(folder: Path, verb: str, **fields: object) -> Any:  # noqa: ANN401 - whatever the answer's data is
    """Ask the node that uses a storage folder, and return the data of its answer.

    Raises:
        PeopleError: no node runs there, or it answers with an error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            check_socket(folder / FILE)
            connection.settimeout(_TIMEOUTS.receive_s)
            connection.connect(str(folder / FILE))
            with suppress(BrokenPipeError):  # a node that refuses at once has answered, too
                connection.sendall(json.dumps({"v": VERSION, "verb": verb, **fields}).encode() + b"\n")
            line = receive_line(connection, MAX_ANSWER_BYTES, _TIMEOUTS.answer_s + _TIMEOUTS.receive_s)
            answer = json.loads(line)
            if answer["status"] == "ok":
                return answer.get("data")
            sentence = str(answer["error"])
            reason, about = answer.get("reason"), dict(answer.get("about", {}))
        except WrongKindError as error:
            raise PeopleError(str(error)) from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise PeopleError(
                f"no node answers at {folder / FILE} ({error}): start it, or correct storage.dir", Reason.AWAY
            ) from error
    if sentence.startswith(NO_SUCH_REQUEST):
        raise PeopleError("the running node is of an older version that cannot do this: restart it")
    raise PeopleError(sentence, Reason(reason) if reason in _REASONS else None, about)


def running(folder: Path) -> bool:
    """Return whether a node uses a storage folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUTS.receive_s)
        try:
            if not check_socket(folder / FILE):
                return False
            connection.connect(str(folder / FILE))
        except BlockingIOError:  # more commands ask than the system queues
            return True
        except OSError:
            return False
        return True
