"""The small parts of the page: addresses, texts, what it keeps for a moment, its sockets and its own process."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from node.errors import PeopleError, Reason, ServeError
from node.page.bounded_body import BodyRefusedError, BoundedBody
from node.page.caller import Caller, address, host_of
from node.page.doors.supervisor import SupervisorUsers
from node.page.helper_process import HelperProcess
from node.page.inbox_cards import cards
from node.page.kept import Kept
from node.page.listening import listen
from node.page.names import machine_names
from node.page.page_url import page_url
from node.page.texts import choose, load_texts

PAGE = Path(__file__).resolve().parents[3] / "node" / "page"
OWNER, GUEST, FORMER = "0" * 32, "1" * 32, "2" * 32


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("pi.local", "pi.local"), ("PI.local:8470", "pi.local"), ("pi.local.", "pi.local"), ("[::1]:80", "::1"),
        ("127.0.0.1:1", "127.0.0.1"), ("[fe80::0:1]", "fe80::1"), ("", ""), ("a@b", ""), ("a:b", ""), ("a:99999", ""),
        ("a/b", ""), ("a?b", ""), ("[::1", ""), ("a b", "a b"), ("a, b", "a, b"),
    ],
)  # fmt: skip
def test_a_host_header_is_a_name_or_makes_no_sense(header: str, host: str) -> None:
    """Without the port, in small letters, addresses in their usual form."""
    assert host_of(header) == host


def test_addresses_are_compared_in_one_form() -> None:
    """IPv4 in a socket of IPv6, and zones."""
    assert address("::ffff:192.168.1.5") == "192.168.1.5"
    assert address("fe80::1%eth0") == "fe80::1"
    assert address("nonsense") == ""


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("de", "en"), ("xx, en;q=0.5", "en"), ("en-GB", "en"), ("de;q=0", "en"), ("xx;q=x", "en"),
        ("," * 1000, "en"),
    ],
)  # fmt: skip
def test_the_language_is_one_that_there_is(header: str, language: str) -> None:
    """A browser's wish counts if there is a file for it; nonsense is English."""
    assert choose(header, ["en"]) == language
    assert choose("de-CH, en;q=0.9", ["en", "de"]) == "de"
    assert choose("de;q=0.3, en;q=0.9", ["en", "de"]) == "en"


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    """All texts are in one place, so a translation is one file: no other file has words for a reader."""
    texts = load_texts()
    sources = {path: path.read_text(encoding="utf-8") for path in (*PAGE.rglob("*.py"), *PAGE.rglob("*.html"))}
    everything = "\n".join(sources.values())
    keys = {key.removesuffix(".one").removesuffix(".other") for key in texts["en"].table}
    used = set(re.findall(r'"([a-z]+(?:\.[a-z_]+)+)"', everything)) & keys
    made = {key for key in keys if key.split(".")[0] in ("deed", "flaw", "short", "trace", "error", "help", "site")}
    sections = {f"inbox.{name}" for name in ("again", "uncertain", "once", "known")}
    assert keys - used - made - sections == set()
    for path, source in sources.items():
        if path.suffix == ".html":
            visible = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>|&[a-z]+;", " ", source, flags=re.DOTALL)
            assert re.findall(r"[A-Za-z]{3,}", visible) in ([], ["UTC"]), path


def test_every_language_has_the_same_texts_with_the_same_values() -> None:
    """A translation that lacks one would show a fault of the page instead."""
    texts = load_texts()
    places = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in texts["en"].table.items()}
    for language, found in texts.items():
        assert {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in found.table.items()} == places, language


def test_reasons_deeds_and_traces_of_the_node_have_words() -> None:
    """Each that there is: a new one needs a text."""
    from node.people.summary import Deed  # noqa: PLC0415 - the page itself must not need it
    from node.people.trace import TraceKind  # noqa: PLC0415

    table = {key.removesuffix(".one").removesuffix(".other") for key in load_texts()["en"].table}
    assert {f"error.{reason}" for reason in Reason} <= table
    assert {f"deed.{deed}" for deed in Deed} <= table
    assert {f"trace.{kind}" for kind in TraceKind} <= table


def test_the_page_needs_neither_numpy_nor_opencv_nor_the_camera() -> None:
    """They take more memory than the page may; its own process has them."""
    heavy = {"numpy", "cv2", "paho", "pydantic", "cryptography", "node.camera", "node.domain"}
    code = f"import sys, node.page.__main__, node.page.composition; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_kept_for_a_moment_is_bounded_in_number_and_time_and_for_its_session() -> None:
    """The oldest go first; another session gets nothing."""
    now_s = 0.0
    kept: Kept[str] = Kept(2, 60.0, lambda: now_s)
    first, second, third = (kept.put("a", each) for each in "xyz")
    assert (kept.find("a", first), kept.find("a", second), kept.find("a", third)) == (None, "y", "z")
    assert kept.find("b", third) is None
    kept.drop(third)
    assert kept.find("a", third) is None
    now_s = 60.0
    assert kept.find("a", second) is None
    fourth = kept.put("a", "w")
    kept.clear()
    assert kept.find("a", fourth) is None


def test_a_body_that_comes_too_slowly_is_refused() -> None:
    """Nobody occupies the page by sending a byte now and then."""
    now_s = 0.0

    async def receive() -> dict[str, Any]:
        nonlocal now_s
        now_s += 50
        return {"type": "http.request", "body": b"x", "more_body": True}

    body = BoundedBody(receive, Caller("", "", "POST", "/", {}), 1000, lambda: now_s)

    async def read() -> None:
        while True:
            await body()

    with pytest.raises(BodyRefusedError) as refused:
        asyncio.run(read())
    assert (refused.value.status_code, now_s) == (408, 150)


def test_the_machines_own_names_are_those_of_the_system_and_of_mdns() -> None:
    """In small letters; they follow the machine, since they are asked for each time."""
    name = os.uname().nodename.lower().partition(".")[0]
    assert {name, f"{name}.local"} <= set(machine_names())


@pytest.mark.parametrize(
    ("door", "hosts", "url"),
    [
        ("lan", (), "https://pi.local:8470/"),
        ("lan", ("front-door.example", "x"), "https://front-door.example:8470/"),
        ("lan", ("fd00::5",), "https://[fd00::5]:8470/"),
        ("ingress", (), "homeassistant://hassio/ingress/pi"),
        ("loopback", (), None),
        ("off", (), None),
    ],
)
def test_the_address_for_links_is_one_that_others_reach(door: str, hosts: tuple[str, ...], url: str | None) -> None:
    """A link to loopback would lead to the machine of whoever follows it."""
    assert page_url(door, 8470, hosts, "pi") == url
    assert page_url("ingress", 8470, (), "a0d7b954-facenode") == "homeassistant://hassio/ingress/a0d7b954_facenode"


def test_the_page_listens_at_loopback_or_everywhere_and_says_if_it_cannot() -> None:
    """As its door says; another program at the port is one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for door in ("loopback", "lan"):
            with pytest.raises(ServeError, match=f"cannot listen at port {port}"):
                listen(door, port, {})
    for door, hosts in (("loopback", {"127.0.0.1", "::1"}), ("lan", {"::", "0.0.0.0"})):  # noqa: S104 - what is tested
        found = listen(door, port, {})
        addresses = {each.getsockname()[0] for each in found.sockets}
        for each in found.sockets:
            each.close()
        assert addresses <= hosts
        assert not found.activated


def test_sockets_that_systemd_hands_over_are_taken() -> None:
    """From descriptor 3 on, if they are for this process; the settings' port does not count then."""
    code = (
        "import os, socket; opened = socket.create_server(('127.0.0.1', 0)); os.dup2(opened.fileno(), 3); "
        "from node.page.listening import listen; "
        "found = listen('loopback', 1, {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}); "
        "print(found.activated, found.sockets[0].getsockname() == opened.getsockname())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
    of_another = listen("loopback", _free_port(), {"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert not of_another.activated
    for each in of_another.sockets:
        each.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


class PlayedCore:
    """A Home Assistant Core that lists its users over its WebSocket.

    Args:
        users: that it lists.
        accepts: whether it accepts the token.
    """

    def __init__(self, users: list[dict[str, Any]], *, accepts: bool = True) -> None:
        self._users, self._accepts = users, accepts
        self.asked = 0
        self._server = serve(self._answer, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/core/websocket"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Go away."""
        self._server.shutdown()

    def _answer(self, connection: ServerConnection) -> None:
        self.asked += 1
        connection.send(json.dumps({"type": "auth_required"}))
        token = json.loads(connection.recv())["access_token"]
        if not self._accepts or token != "t0ken":  # noqa: S105 - of this test
            connection.send(json.dumps({"type": "auth_invalid"}))
            return
        connection.send(json.dumps({"type": "auth_ok"}))
        request = json.loads(connection.recv())
        connection.send(json.dumps({"id": request["id"], "type": "result", "success": True, "result": self._users}))


USERS = [
    {"id": OWNER, "is_active": True, "is_owner": True, "group_ids": []},
    {"id": GUEST, "is_active": True, "is_owner": False, "group_ids": ["system-users"]},
    {"id": FORMER, "is_active": False, "is_owner": False, "group_ids": ["system-admin"]},
    {"id": "3" * 32, "is_active": True, "is_owner": False, "group_ids": ["system-admin", "system-users"]},
]


def test_administrators_are_asked_for_at_home_assistant_and_remembered_for_a_minute() -> None:
    """The owner and members of the group of administrators, if their account is active; nobody else."""
    core, now_s = PlayedCore(USERS), 0.0
    users = SupervisorUsers("t0ken", core.url, lambda: now_s)
    found = [users.is_administrator(user) for user in (OWNER, GUEST, FORMER, "3" * 32, "4" * 32)]
    assert found == [True, False, False, True, False]
    assert core.asked == 1
    now_s = 60.0
    assert users.is_administrator(OWNER) is True
    assert core.asked == 2
    core.close()
    now_s = 120.0
    assert users.is_administrator(OWNER) is None
    now_s = 129.0
    assert users.is_administrator(OWNER) is None


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_token_or_with_a_wrong_one_nobody_can_tell(token: str) -> None:
    """Then the page asks for its password; it never takes somebody for an administrator."""
    core = PlayedCore(USERS)
    assert SupervisorUsers(token, core.url).is_administrator(OWNER) is None
    core.close()


ECHO = """
import json, os, socket, sys, time
connection = socket.socket(fileno=0)
while True:
    line, files, _, _ = socket.recv_fds(connection, 65536, 16)
    while line and not line.endswith(b"\\n"):
        line += connection.recv(65536)
    if not line:
        break
    fields = json.loads(line)
    if fields["verb"] == "die": sys.exit(3)
    if fields["verb"] == "sleep": time.sleep(60)
    if fields["verb"] == "refuse": answer = {"status": "error", "error": "no", "reason": "nobody", "about": {"id": "x"}}
    else: answer = {"status": "ok", "data": [fields, [os.fdopen(file, "rb").read().decode() for file in files]]}
    connection.sendall(json.dumps(answer).encode() + b"\\n")
"""


def helper(**more: float) -> HelperProcess:
    """Return a process that answers with what it is asked."""
    return HelperProcess((sys.executable, "-c", ECHO), **more)


def test_the_pages_own_process_answers_with_files_and_is_ended_when_nobody_asks() -> None:
    """One process for many questions; long ones too."""
    process = helper(idle_s=0.5)
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.seek(0)
        assert process.ask("look", {"name": "x" * 500_000}, (file,))[1] == ["content"]
    pid = process.pid
    assert process.ask("again", {}) == [{"verb": "again"}, []]
    assert process.pid == pid
    until_s = time.monotonic() + 10
    while process.pid is not None and time.monotonic() < until_s:
        time.sleep(0.05)
    assert process.pid is None


def test_a_process_that_dies_or_does_not_answer_is_one_sentence_and_the_next_question_is_answered() -> None:
    """A forged photo may end it: nothing is half done, and the page goes on."""
    process = helper(wait_s=1.0)
    for verb in ("die", "sleep"):
        with pytest.raises(PeopleError, match="the page's own process has ended"):
            process.ask(verb, {})
        assert process.pid is None
        assert process.ask("again", {}) == [{"verb": "again"}, []]
    with pytest.raises(PeopleError) as refused:
        process.ask("refuse", {})
    assert (refused.value.reason, refused.value.about) == (Reason.NOBODY, {"id": "x"})
    process.close()
    missing = HelperProcess(("/nowhere/at/all",))
    with pytest.raises(PeopleError, match="has ended"):
        missing.ask("x", {})


def test_a_person_who_was_erased_meanwhile_is_a_stranger_again() -> None:
    """The inbox may still name them: the page does not."""
    entry = {
        "entry": "0" * 8, "seen": "2026", "person": "eve", "nearest": "eve", "score": 0.7, "margin": 0.2, "looks": 1,
        "flaws": {}, "picture": False,
    }  # fmt: skip
    (card,) = cards([{"use": "other", "entries": [entry]}], {"ada": "Ada"}, ())
    assert (card.sentence.key, card.likely, card.rejectable) == ("inbox.stranger_alone", "", "")
