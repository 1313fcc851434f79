"""The doors: each request that must be refused is tried at the whole application, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from page_client import PageClient, PlayedNode

from node.page.doors.ingress import SUPERVISOR, IngressDoor
from node.page.doors.lan import LanDoor
from node.page.page_files import PageFiles
from node.page.password import PasswordFile
from node.page.sessions import LASTS_S

PASSWORD = "horse-apple-stone"  # noqa: S105 - of a test
OWNER, GUEST = "0" * 32, "1" * 32
INGRESS = "/api/hassio_ingress/Abc-123_x"
Make = Callable[[Path], PageClient]


class PlayedUsers:
    """The users of a Home Assistant, of whom one is an administrator; or one that does not answer."""

    def __init__(self) -> None:
        self.answers = True

    def is_administrator(self, user: str) -> bool | None:
        """Return whether a user is the administrator."""
        return user == OWNER if self.answers else None


def at_loopback(storage: Path) -> PageClient:
    """Return a browser on the machine itself, logged in by a link."""
    client = PageClient(storage)
    client.log_in_by_link()
    return client


def on_the_network(storage: Path) -> PageClient:
    """Return a browser on the network, logged in by the password."""
    password = PasswordFile(PageFiles(storage))
    password.write(PASSWORD)
    client = PageClient(storage, LanDoor(password, lambda: ("pi", "pi.local"), ("front-door.example",)))
    client.peer, client.own = "192.168.1.20", "192.168.1.10"
    client.headers = {"host": "pi.local:8470"}
    assert client.post("/login", {"password": PASSWORD}, origin="https://pi.local:8470").status == 303
    answer = client.post("/login", {"password": PASSWORD}, origin="https://pi.local:8470")
    client.cookie = answer.headers["set-cookie"].partition(";")[0]
    return client


def at_home_assistant(storage: Path) -> PageClient:
    """Return the browser of an administrator of Home Assistant, with the cookie of its first page."""
    client = PageClient(storage, IngressDoor(PasswordFile(PageFiles(storage)), PlayedUsers()))
    client.peer, client.own = SUPERVISOR, "172.30.33.4"
    client.headers = {
        "host": "ha.local:8123", "x-forwarded-host": "ha.local:8123", "x-ingress-path": INGRESS,
        "x-remote-user-id": OWNER,
    }  # fmt: skip
    client.cookie = client.get("/").headers["set-cookie"].partition(";")[0]
    return client


DOORS = pytest.mark.parametrize(
    "make", [at_loopback, on_the_network, at_home_assistant], ids=["loopback", "lan", "ingress"]
)


def changes(client: PageClient) -> list[str]:
    """Return what the node was asked to change."""
    return [verb for verb, _ in client.node.asked if verb in ("inbox_assign", "people_rename", "people_undo")]


def drop(client: PageClient, token: str, origin: str = "", **headers: str) -> int:
    """Try to drop a visit; return the status."""
    client.node.answers["inbox_assign"] = {"id": None}
    given = {"origin": origin} if origin else {}
    return client.post("/decide", {"token": token, "entries": "0" * 8, "do": "drop"}, **{**given, **headers}).status


def own_origin(client: PageClient) -> str:
    """Return the origin that a browser on the page itself sends."""
    return f"{'https' if client.door.name == 'lan' else 'http'}://{client.headers['host']}"


@DOORS
def test_a_session_shows_and_changes_things(tmp_path: Path, make: Make) -> None:
    """The way that the others are measured against: the same request, with all that it needs, is carried out."""
    client = make(tmp_path)
    assert client.get("/").status == 200
    assert drop(client, client.token(), own_origin(client)) == 303
    assert changes(client) == ["inbox_assign"]


@DOORS
def test_without_a_session_nothing_is_shown_or_changed(tmp_path: Path, make: Make) -> None:
    """Every path asks for a login, and a picture or a change is not even looked for."""
    client = make(tmp_path)
    token, client.cookie = client.token(), "facenode=nonsense; __Host-facenode=nonsense"
    client.headers.pop("x-remote-user-id", None)  # of ingress: nobody says who asks
    client.node.asked.clear()
    for path in ("/", "/people", "/people/ada", "/inbox/00000000", "/camera", "/undo", "/help", "/people/ada/erase"):
        assert client.get(path).status == 401, path
    assert drop(client, token, own_origin(client)) == 403
    assert client.node.asked == []


@DOORS
def test_a_cookie_that_was_replaced_or_logged_out_is_good_for_nothing(tmp_path: Path, make: Make) -> None:
    """Whoever has copied it gets no further than to the login."""
    client = make(tmp_path)
    client.headers.pop("x-remote-user-id", None)
    if client.door.name == "ingress":  # there the user in the header is part of the session
        client.headers["x-remote-user-id"] = OWNER
    old = client.cookie
    assert client.send("/logout", {}, origin=own_origin(client)).status == 200
    client.cookie = old
    if client.door.name == "ingress":  # an administrator gets another one at once
        assert client.get("/").headers["set-cookie"].partition(";")[0] != old
        client.headers.pop("x-remote-user-id")
    assert client.get("/").status == 401


@DOORS
def test_a_session_ends_after_a_day_and_at_a_reboot(tmp_path: Path, make: Make) -> None:
    """24 hours of the boot-time clock, whatever the wall clock says."""
    client = make(tmp_path)
    client.headers.pop("x-remote-user-id", None)
    found = client.sessions.find(client.cookie.partition("=")[2], client.door.name, _secret(client))
    assert found is not None
    client.time.advance(LASTS_S - 1)
    assert client.sessions.find(client.cookie.partition("=")[2], client.door.name, _secret(client)) == found
    client.time.advance(1)
    assert client.get("/").status == 401


def _secret(client: PageClient) -> str:
    known = client.password.read()
    return known.id if client.door.name == "lan" and known else ""


@DOORS
def test_a_form_of_another_site_changes_nothing(tmp_path: Path, make: Make) -> None:
    """By `Origin`, by `Sec-Fetch-Site`, and also if neither is sent; the cookie alone is not enough."""
    client = make(tmp_path)
    token, here = client.token(), own_origin(client)
    other_port = here.rpartition(":")[0] + ":9999"
    for origin in ("https://evil.example", "null", other_port, here.replace("://", "://x.")):
        assert drop(client, token, origin) == 403, origin
    for site in ("cross-site", "same-site", "none"):
        assert drop(client, token, here, **{"sec-fetch-site": site}) == 403, site
    content = f"token={token}&entries=00000000&do=drop".encode()
    head = {"content-type": "application/x-www-form-urlencoded"}
    assert client.request("POST", f"{client.base}/decide", head, content).status == 403
    assert changes(client) == []


@DOORS
def test_a_form_without_the_token_of_the_session_changes_nothing(tmp_path: Path, make: Make) -> None:
    """None, a forged one, that of another session, or two of them."""
    client = make(tmp_path)
    for token in ("", "0" * 64, "é"):
        assert drop(client, token, own_origin(client)) == 403
    fields = {"token": [client.token(), "0" * 64], "entries": "0" * 8, "do": "drop"}
    assert client.post("/decide", fields, origin=own_origin(client)).status == 403
    assert changes(client) == []


@DOORS
def test_every_answer_forbids_what_a_page_does_not_need(tmp_path: Path, make: Make) -> None:
    """No inline code, no frame of another site, nothing kept: for pages, pictures, refusals and files alike."""
    client = make(tmp_path)
    client.node.answers["inbox_show"] = {"jpeg": "/9j/", "png": None}
    frames = "'self'" if client.door.name == "ingress" else "'none'"
    for path in ("/", "/inbox/00000000", "/nowhere", "/static/page.css", "/people/../../etc/passwd"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert policy.endswith(f"frame-ancestors {frames}"), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("no-store", "no-cache"), path
    assert "<script>" not in client.get("/").text
    assert " style=" not in client.get("/").text


@DOORS
@pytest.mark.parametrize(
    "path",
    [
        "/people/..", "/people/%2e%2e", "/people/../sessions", "/people/ada%2f..%2f..%2fetc", "/people/Ada",
        "/people/ada/photos/..", "/people/ada/photos/../person.json", "/people/ada/photos/0123456789abcdeg",
        "/inbox/..%2f..%2fetc", "/inbox/0000000", "/inbox/000000000", "/camera/..", "/camera/" + "0" * 31,
        "/uploads/..", "/uploads/" + "0" * 33, "/static/../application.py", "/static/..%2fapplication.py",
        "/static/%2e%2e/application.py", "/people/ada/erase/..",
    ],
)  # fmt: skip
def test_an_id_in_a_path_is_an_id_or_nothing(tmp_path: Path, make: Make, path: str) -> None:
    """Path traversal reaches neither the node nor a file."""
    client = make(tmp_path)
    client.node.asked.clear()
    answer = client.get(path)
    assert answer.status in (404, 405)
    assert {verb for verb, _ in client.node.asked} <= {"people_undo_list", "people_list"}
    assert b"build_application" not in answer.body


@DOORS
def test_an_id_in_the_path_of_a_change_is_an_id_or_nothing(tmp_path: Path, make: Make) -> None:
    """With a session and its token, too: nothing that is not an id is asked for."""
    client = make(tmp_path)
    token, here = client.token(), own_origin(client)
    client.node.asked.clear()
    fields = {"token": token, "name": "Zoë", "into": "bob", "to": "bob", "ignored": "yes", "picture-0": "0"}
    for path in (
        "/people/{}/rename", "/people/{}/merge", "/people/{}/ignore", "/people/{}/erase",
        "/people/{}/photos/0123456789abcdef/remove", "/people/ada/photos/{}/remove", "/people/ada/photos/{}/move",
        "/uploads/{}",
    ):  # fmt: skip
        for bad in ("..", "../ada", "..%2fada", "%2e%2e", "Ada", "ada/../bob", "a" * 33):
            assert client.post(path.format(bad), fields, origin=here).status in (404, 405), (path, bad)
    assert {verb for verb, _ in client.node.asked} <= {"people_undo_list", "people_list"}


@DOORS
def test_an_id_in_a_form_is_an_id_or_nothing(tmp_path: Path, make: Make) -> None:
    """The page says so on the page where the form was."""
    client = make(tmp_path)
    token, here = client.token(), own_origin(client)
    client.node.asked.clear()
    visit = "0" * 8
    for bad in ("..", "../ada", "/etc/passwd", "Ada", "a" * 33, "ada\n", ""):
        for path, fields in (
            ("/decide", {"entries": bad, "do": "drop"}), ("/decide", {"entries": visit, "do": f"person:{bad}"}),
            ("/decide", {"entries": visit, "do": "person", "who": bad}), ("/undo", {"action": bad}),
            ("/people/ada/merge", {"into": bad}), ("/people/ada/photos/0123456789abcdef/move", {"to": bad}),
        ):  # fmt: skip
            assert client.post(path, {"token": token, **fields}, origin=here).status == 303, (path, bad)
    assert {verb for verb, _ in client.node.asked} <= {"people_undo_list", "people_list"}


def test_another_machine_gets_nothing_at_the_loopback_door(tmp_path: Path) -> None:
    """Also where the socket listens at every address, as a unit may say; and neither does the link of its owner."""
    client = at_loopback(tmp_path)
    client.peer, client.own = "192.168.1.20", "192.168.1.10"
    assert client.get("/").status == 403
    client.base, client.cookie = "", ""
    key = client.link.make(client.time.now())
    assert client.get(f"/enter/{key}").status == 403
    client.peer, client.own = "::ffff:127.0.0.1", "127.0.0.1"
    assert client.get(f"/enter/{key}").status == 303


def test_another_user_of_the_machine_gets_nothing_without_a_link(tmp_path: Path) -> None:
    """They can connect, and may even know the path of a session: they lack its cookie."""
    client = at_loopback(tmp_path)
    client.cookie = ""
    assert client.get("/").status == 401
    assert "facenode page --link" in client.get("/").text
    for guess in ("0" * 43, "..", "%00"):
        assert client.request("GET", f"/enter/{guess}").status in (403, 404)


def test_the_cookie_of_loopback_is_sent_to_the_paths_of_its_session_only(tmp_path: Path) -> None:
    """A browser sends a cookie of localhost to every port, and so to the programs of other users."""
    client = PageClient(tmp_path)
    answer = client.request("GET", f"/enter/{client.link.make(client.time.now())}")
    cookie = answer.headers["set-cookie"]
    assert f"Path={answer.location};" in cookie
    assert answer.location.count("/") == 2
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert cookie.partition(";")[0].partition("=")[2] not in answer.location


def test_a_link_works_once_and_for_ten_minutes(tmp_path: Path) -> None:
    """A browser that looks ahead does not use it up; a newer link makes an older one useless."""
    client = PageClient(tmp_path)
    first = client.link.make(client.time.now())
    assert client.request("GET", f"/enter/{first}", {"sec-purpose": "prefetch;prerender"}).status == 503
    assert client.request("HEAD", f"/enter/{first}").status == 503
    assert client.request("GET", f"/enter/{first}").status == 303
    assert client.request("GET", f"/enter/{first}").status == 403
    second, third = client.link.make(client.time.now()), client.link.make(client.time.now())
    assert client.request("GET", f"/enter/{second}").status == 403
    client.time.advance(600)
    assert client.request("GET", f"/enter/{third}").status == 403


@pytest.mark.parametrize("host", ["evil.example", "pi.evil.example", "192.168.1.11", "", "pi local", "a@pi.local"])
def test_a_name_that_is_not_the_machines_is_refused(tmp_path: Path, host: str) -> None:
    """DNS rebinding: a site whose name leads here tomorrow cannot ask for it; the page says what to do."""
    client = on_the_network(tmp_path)
    client.headers = {"host": host} if host else {}
    answer = client.get("/")
    assert answer.status == 421
    assert "page.hosts" in answer.text


@pytest.mark.parametrize("host", ["pi.local:8470", "PI.LOCAL", "pi", "192.168.1.10:8470", "front-door.example:443"])
def test_names_and_addresses_of_the_machine_and_of_the_settings_are_known(tmp_path: Path, host: str) -> None:
    """An address only if the connection is to that very address."""
    client = on_the_network(tmp_path)
    client.headers = {"host": host}
    assert client.get("/").status == 200


def test_a_name_of_another_kind_is_refused_at_loopback(tmp_path: Path) -> None:
    """Also one that leads to 127.0.0.1."""
    client = at_loopback(tmp_path)
    client.headers = {"host": "localtest.example:8470"}
    assert client.get("/").status == 421


def test_five_wrong_passwords_a_minute_are_tried_over_all_addresses(tmp_path: Path) -> None:
    """The sixth is not looked at, even if it is right; the answer says when to come back."""
    client = on_the_network(tmp_path)
    client.cookie = ""
    for number in range(5):
        client.peer = f"192.168.1.{100 + number}"
        assert client.post("/login", {"password": "wrong"}, origin="https://pi.local:8470").status == 403
    client.peer = "192.168.1.200"
    answer = client.post("/login", {"password": PASSWORD}, origin="https://pi.local:8470")
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "set-cookie" not in answer.headers


def test_the_cookie_of_the_network_is_bound_to_the_host_and_new_at_each_login(tmp_path: Path) -> None:
    """`__Host-`, HttpOnly, SameSite=Strict, Secure, a day."""
    client = on_the_network(tmp_path)
    former = client.cookie
    answer = client.post("/login", {"password": PASSWORD}, origin="https://pi.local:8470")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-facenode=")
    for part in ("Max-Age=86400", "Path=/", "HttpOnly", "SameSite=Strict", "Secure"):
        assert part in cookie.split("; ")
    assert cookie.partition(";")[0] != former
    assert client.get("/").status == 401  # the former session has ended with the login


def test_a_new_password_ends_every_session(tmp_path: Path) -> None:
    """Whoever has lost a phone runs one command."""
    client = on_the_network(tmp_path)
    client.password.write("another-one-here")
    assert client.get("/").status == 401


def test_without_a_password_nobody_gets_in_from_the_network(tmp_path: Path) -> None:
    """An empty one is not one; the page says which command sets one."""
    password = PasswordFile(PageFiles(tmp_path))
    client = PageClient(tmp_path, LanDoor(password, lambda: ("pi",)))
    client.headers = {"host": "pi:8470"}
    assert client.post("/login", {"password": ""}, origin="https://pi:8470").status == 403
    assert "facenode page --new-password" in client.get("/").text


def test_a_form_over_http_is_not_one_of_the_network_door(tmp_path: Path) -> None:
    """The page there is HTTPS only, so an origin of HTTP is another site."""
    client = on_the_network(tmp_path)
    assert drop(client, client.token(), "http://pi.local:8470") == 403


def test_a_browser_that_held_the_cookie_back_is_led_to_the_page_once(tmp_path: Path) -> None:
    """From a link of another site it comes without; the answer leads to the same address as a request of this site."""
    client = on_the_network(tmp_path)
    kept, client.cookie = client.cookie, ""
    answer = client.get("/", **{"sec-fetch-site": "cross-site"})
    assert (answer.status, 'http-equiv="refresh"' in answer.text) == (200, True)
    client.cookie = kept
    assert "http-equiv" not in client.get("/", **{"sec-fetch-site": "same-origin"}).text


@pytest.mark.parametrize("peer", ["172.30.32.1", "172.30.33.9", "127.0.0.1", "192.168.1.20", "::1"])
def test_a_forged_ingress_header_from_another_address_is_refused(tmp_path: Path, peer: str) -> None:
    """Only the Supervisor says who a user is."""
    client = at_home_assistant(tmp_path)
    client.peer = peer
    assert client.get("/").status == 403


@pytest.mark.parametrize("user", [GUEST, "", "../../x", "0" * 33, f"{OWNER}, {OWNER}", "<script>"])
def test_who_is_not_an_administrator_is_refused_through_ingress(tmp_path: Path, user: str) -> None:
    """Also with the cookie of an administrator, and with an id that is none; without any user, the password counts."""
    client = at_home_assistant(tmp_path)
    client.headers["x-remote-user-id"] = user
    answer = client.get("/")
    assert answer.status == (401 if not user else 403)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["", "/", "/api/hassio_ingress/", "/api/hassio_ingress/../x", "/evil", f"{INGRESS}/x"])
def test_an_ingress_path_of_another_form_is_refused(tmp_path: Path, path: str) -> None:
    """It stands in every link of the page."""
    client = at_home_assistant(tmp_path)
    client.headers["x-ingress-path"] = path
    assert client.get("/").status == 400


def test_where_home_assistant_does_not_answer_the_pages_own_password_counts(tmp_path: Path) -> None:
    """Not the header: nobody can tell who is an administrator. A session belongs to the user who opened it."""
    users, password = PlayedUsers(), PasswordFile(PageFiles(tmp_path))
    password.write(PASSWORD)
    client = at_home_assistant(tmp_path)
    client.app = PageClient(tmp_path, IngressDoor(password, users)).app
    users.answers = False
    assert client.get("/").status == 401
    assert client.log_in_by_password(PASSWORD).status == 303
    assert client.get("/").status == 200
    client.headers["x-remote-user-id"] = GUEST
    assert client.get("/").status == 401
    users.answers = True
    assert client.get("/").status == 403


def test_every_link_of_the_page_stands_under_the_ingress_path(tmp_path: Path) -> None:
    """Home Assistant serves other things beside it."""
    client = at_home_assistant(tmp_path)
    text = client.get("/people").text
    links = [part.partition('"')[0] for mark in ('href="', 'action="', 'src="') for part in text.split(mark)[1:]]
    assert links
    assert [link for link in links if not link.startswith((INGRESS, "#"))] == []


def test_a_websocket_is_closed(tmp_path: Path) -> None:
    """There is none."""
    import asyncio  # noqa: PLC0415 - for this test alone

    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    asyncio.run(PageClient(tmp_path, node=PlayedNode()).app({"type": "websocket"}, receive, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
