"""The local socket: this machine's own commands reach a running node, nobody else does, and nothing disturbs it."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.errors import PeopleError
from node.requests.answer import Answer
from node.requests.local_socket import FILE, LocalSocket, call, running
from node.requests.request import ListPeople, RejectFace, Request

EVENT = "01936d4e-0000-7000-8000-000000000000"


class Responder:
    """Answers each request at once."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def put(self, request: Request, answer: Answer) -> None:
        """Answer a list with people, anything else with an error."""
        self.requests.append(request)
        if isinstance(request, ListPeople):
            answer.ok([{"id": "ada"}])
        else:
            answer.error("no such event")


@pytest.fixture
def responder() -> Responder:
    """Return what answers."""
    return Responder()


@pytest.fixture
def folder(tmp_path: Path, responder: Responder) -> Iterator[Path]:
    """Return the folder of an open socket."""
    opened = LocalSocket(tmp_path, responder.put)
    opened.open()
    yield tmp_path
    opened.close()
    assert not (tmp_path / FILE).exists()


def raw(folder: Path, line: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Send a line as it is and return the answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(folder / FILE))
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        return json.loads(connection.makefile().readline())


def test_a_request_gets_its_answer(folder: Path) -> None:
    """The data of a good answer comes back."""
    assert call(folder, "people_list") == [{"id": "ada"}]


def test_an_error_of_the_node_is_an_error_of_the_command(folder: Path) -> None:
    """Its sentence is kept."""
    with pytest.raises(PeopleError, match="no such event"):
        call(folder, "people_reject", id="ada", event=EVENT)


def test_what_is_never_taken_by_mqtt_is_taken_here(folder: Path, responder: Responder) -> None:
    """`people_reject` is asked on the node's own machine only."""
    with pytest.raises(PeopleError):
        call(folder, "people_reject", id="ada", event=EVENT)
    assert responder.requests == [RejectFace("ada", EVENT)]


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'"x"', b'{"verb":"fly"}', b'{"verb":"people_remove"}', b"\xff" * 9000]
)
def test_nonsense_is_answered_and_the_socket_stays_open(folder: Path, line: bytes) -> None:
    """Nothing that comes in ends the thread."""
    assert raw(folder, line + b"\n")["status"] == "error"
    assert call(folder, "people_list") == [{"id": "ada"}]


def test_only_its_owner_may_ask(folder: Path) -> None:
    """The socket's mode is 0600."""
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_without_a_node_the_command_says_so(tmp_path: Path) -> None:
    """The line names the socket and what to do."""
    assert not running(tmp_path)
    with pytest.raises(PeopleError, match=r"start it, or correct storage\.dir"):
        call(tmp_path, "people_list")


def test_a_socket_left_by_a_killed_node_is_replaced(tmp_path: Path, responder: Responder) -> None:
    """A power cut leaves a socket that nobody listens to."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / FILE))
    assert not running(tmp_path)
    opened = LocalSocket(tmp_path, responder.put)
    opened.open()
    assert running(tmp_path)
    opened.close()


def test_a_socket_that_cannot_be_made_does_not_stop_the_node(tmp_path: Path, responder: Responder) -> None:
    """A folder that is not there, or a path too long for a socket: said once, no exception."""
    opened = LocalSocket(tmp_path / ("x" * 120), responder.put)
    opened.open()
    opened.close()


def test_only_a_socket_is_asked_or_replaced(tmp_path: Path, responder: Responder) -> None:
    """A link may lead to somebody else's socket, and a file is not ours."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other"))
        other.listen(1)
        (tmp_path / FILE).symlink_to("other")
        assert not running(tmp_path)
        with pytest.raises(PeopleError, match=r"node\.sock: it must be a socket, but it is a link: remove it"):
            call(tmp_path, "people_list")
        opened = LocalSocket(tmp_path, responder.put)
        opened.open()
        opened.close()
    assert (tmp_path / FILE).is_symlink()
