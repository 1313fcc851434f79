"""The local socket: this machine's own commands reach a running node, nobody else does, and nothing disturbs it."""

import json
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from makers import instant

from node import __version__
from node.errors import PeopleError
from node.requests.answer import Answer
from node.requests.hello import hello
from node.requests.line_socket import receive_line
from node.requests.local_client import call, running
from node.requests.local_request import Hello, MergePeople
from node.requests.local_socket import MAX_CONNECTIONS, LocalSocket
from node.requests.protocol import FILE, Timeouts
from node.requests.request import EnrollPerson, ListPeople, RejectFace, Request
from node.requests.verb import Verb

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
    """People are merged on the node's own machine only, and a face is forced there only."""
    with pytest.raises(PeopleError):
        call(folder, "people_merge", id="ada2", into="ada")
    with pytest.raises(PeopleError):
        call(folder, "people_enroll", id="ada", event=EVENT, force=True)
    assert responder.requests == [MergePeople("ada2", "ada"), EnrollPerson("ada", event=EVENT, force=True)]


@pytest.mark.parametrize("version", [2, "1", None, [], 1e9])
def test_a_request_of_another_version_is_refused(folder: Path, version: object) -> None:
    """The sentence names the version that the node speaks; one without a version is of the first."""
    answer = raw(folder, json.dumps({"v": version, "verb": "people_list"}).encode() + b"\n")
    assert answer["error"] == "v: this node speaks version 1 of the local protocol: restart it after an update"
    assert raw(folder, b'{"verb":"people_list"}\n')["status"] == "ok"


def test_a_node_that_does_not_know_a_request_is_an_older_one(tmp_path: Path) -> None:
    """The command says what to do, not which verbs there are."""

    def refuse(request: Request, answer: Answer) -> None:
        del request
        answer.error("no such request: choose one of check, snapshot")

    opened = LocalSocket(tmp_path, refuse)
    opened.open()
    with pytest.raises(PeopleError, match="the running node is of an older version that cannot do this: restart it"):
        call(tmp_path, "people_merge", id="ada2", into="ada")
    opened.close()


def test_whoever_says_hello_learns_the_version_and_every_verb() -> None:
    """The version counts for the socket, not for MQTT."""
    answers: list[dict[str, Any]] = []
    hello(Hello(), instant(0), Answer("t", lambda payload: answers.append(json.loads(payload))))
    assert answers[0]["data"] == {"v": 1, "version": __version__, "verbs": [str(verb) for verb in Verb]}


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'"x"', b'{"verb":"fly"}', b'{"verb":"people_remove"}', b"\xff" * 9000, b"[" * 4000]
)
def test_nonsense_is_answered_and_the_socket_stays_open(folder: Path, line: bytes) -> None:
    """Nothing that comes in ends the thread."""
    assert raw(folder, line + b"\n")["status"] == "error"
    assert call(folder, "people_list") == [{"id": "ada"}]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[]", "a request is a JSON object in one line"),
        (b"7", "a request is a JSON object in one line"),
        (b"{", "a request is a JSON object in one line"),
        (b"{}", "no such request: choose one of check,"),
        (b'{"verb":7}', "no such request: choose one of check,"),
        (b'{"verb":"people_photo","id":"ada"}', "photo: must be the id of a photo"),
    ],
)
def test_a_mistake_is_said_in_words(folder: Path, line: bytes, words: str) -> None:
    """Whoever writes a program learns what is wrong, and never the words of Python."""
    assert words in raw(folder, line + b"\n")["error"]


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


def test_a_socket_that_cannot_be_removed_does_not_prevent_a_clean_stop(tmp_path: Path, responder: Responder) -> None:
    """The disk may be gone, or read-only, when the node ends."""
    folder = tmp_path / "s"
    folder.mkdir()
    opened = LocalSocket(folder, responder.put)
    opened.open()
    folder.rename(tmp_path / "gone")
    folder.write_bytes(b"")
    opened.close()
    assert folder.read_bytes() == b""


def connected(folder: Path) -> socket.socket:
    """Return a connection that has sent nothing."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(folder / FILE))
    return connection


def test_silent_connections_keep_nobody_waiting(tmp_path: Path, responder: Responder) -> None:
    """However long they may take: another command gets its answer at once."""
    opened = LocalSocket(tmp_path, responder.put, Timeouts(receive_s=3600, answer_s=3600))
    opened.open()
    silent = [connected(tmp_path) for _ in range(MAX_CONNECTIONS - 1)]
    assert call(tmp_path, "people_list") == [{"id": "ada"}]
    for connection in silent:
        connection.close()
    opened.close()


def test_a_request_that_waits_for_its_answer_keeps_nobody_waiting(tmp_path: Path) -> None:
    """An enrollment takes seconds; meanwhile the node answers the others."""
    kept: list[Answer] = []
    waits = threading.Event()

    def put(request: Request, answer: Answer) -> None:
        if isinstance(request, RejectFace):
            kept.append(answer)
            waits.set()
        else:
            answer.ok([])

    opened = LocalSocket(tmp_path, put)
    opened.open()
    with connected(tmp_path) as first:
        first.sendall(json.dumps({"verb": "people_reject", "id": "ada", "event": EVENT}).encode() + b"\n")
        assert waits.wait(10)
        assert call(tmp_path, "people_list") == []
        kept[0].ok("late")
        assert json.loads(first.makefile().readline())["data"] == "late"
    opened.close()


def test_one_connection_too_many_is_answered_and_the_next_is_served(tmp_path: Path, responder: Responder) -> None:
    """The number of threads is bounded; a place that is free again is used again."""
    opened = LocalSocket(tmp_path, responder.put, Timeouts(receive_s=3600))
    opened.open()
    silent = [connected(tmp_path) for _ in range(MAX_CONNECTIONS)]
    with pytest.raises(PeopleError, match="too many commands ask at once: try again"):
        call(tmp_path, "people_list")
    assert running(tmp_path)
    for connection in silent:
        connection.shutdown(socket.SHUT_WR)
        assert json.loads(connection.makefile().readline())["status"] == "error"
        assert connection.recv(1) == b""
        connection.close()
    assert call(tmp_path, "people_list") == [{"id": "ada"}]
    opened.close()


def test_a_request_that_drips_in_has_one_time_for_all_of_it(tmp_path: Path, responder: Responder) -> None:
    """A byte now and then does not prolong it."""
    opened = LocalSocket(tmp_path, responder.put, Timeouts(receive_s=0.2))
    opened.open()
    with connected(tmp_path) as slow:
        slow.settimeout(0.05)
        for _ in range(100):
            try:
                slow.sendall(b" ")
                answer = slow.recv(4096)
                break
            except TimeoutError:
                continue
    assert json.loads(answer)["error"] == "timed out"
    opened.close()


def test_whoever_does_not_read_a_large_answer_holds_up_nobody(tmp_path: Path) -> None:
    """The others get theirs at once; the one who does not read is dropped, and its place is free again."""

    def put(request: Request, answer: Answer) -> None:
        answer.ok("x" * (8 << 20) if isinstance(request, MergePeople) else [])

    opened = LocalSocket(tmp_path, put, Timeouts(receive_s=0.5))
    opened.open()
    with ExitStack() as connections:
        slow = [connections.enter_context(connected(tmp_path)) for _ in range(MAX_CONNECTIONS - 1)]
        for connection in slow:
            connection.sendall(b'{"verb":"people_merge","id":"ada2","into":"ada"}\n')
        assert call(tmp_path, "people_list") == []
        assert places_free(tmp_path, until_s=time.monotonic() + 10)
        for connection in slow:
            received = connection.recv(64 << 20, socket.MSG_WAITALL)
            assert 0 < len(received) < 8 << 20
    opened.close()


def places_free(folder: Path, until_s: float) -> bool:
    """Return whether every place serves a request before a moment of the monotonic clock."""
    while time.monotonic() < until_s:
        with ExitStack() as connections:
            busy = [connections.enter_context(connected(folder)) for _ in range(MAX_CONNECTIONS)]
            for connection in busy:
                # Whoever finds no place is answered and closed at once, perhaps before its request is sent.
                with suppress(BrokenPipeError):
                    connection.sendall(b'{"verb":"people_list"}\n')
            answers = [json.loads(receive_line(connection, 4096, 10))["status"] for connection in busy]
        if answers == ["ok"] * MAX_CONNECTIONS:
            return True
    return False


def test_a_line_in_parts_is_one_line_within_its_time() -> None:
    """The time left shrinks with each part, whatever each of them took."""
    now_s = iter([0.0, 1.0, 1.9, 2.0])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"ab")
        with pytest.raises(ValueError, match="longer than 1 bytes"):
            receive_line(ours, 1, 10)
        theirs.sendall(b"ab\ncd")
        assert receive_line(ours, 10, 10) == b"ab"
        theirs.sendall(b"ab")
        with pytest.raises(TimeoutError):
            receive_line(ours, 10, 2, lambda: next(now_s))


@pytest.mark.parametrize(
    "answer", [b"", b"\n", b"[]\n", b"{}\n", b'{"status":"error"}\n', b"[" * 100_000 + b"\n", b'"x"\n', b"\xff\n"]
)
def test_an_answer_that_is_none_is_an_error_of_the_command(tmp_path: Path, answer: bytes) -> None:
    """Another program may listen there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / FILE))
        listener.listen(1)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(PeopleError, match="no node answers at"):
            call(tmp_path, "people_list")
        thread.join()


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
