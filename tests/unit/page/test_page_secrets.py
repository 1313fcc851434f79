"""What lets somebody in: sessions, password, link and certificate, on disk and over restarts, whole or damaged."""

import json
import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from page_client import ManualBootTime

from node.page.boot_time import Moment, SystemBootTime
from node.page.login_link import FILE as LINK_FILE
from node.page.login_link import LoginLink
from node.page.own_certificate import FILE as CERTIFICATE_FILE
from node.page.own_certificate import KEY_FILE, ensure
from node.page.page_files import PageFiles
from node.page.password import FILE as PASSWORD_FILE
from node.page.password import Attempts, PasswordFile, PasswordHash, new_password
from node.page.sessions import FILE, MAX_SESSIONS, Sessions, form_token
from node.system.plain_files import WrongKindError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    """Return the files of a page."""
    return PageFiles(tmp_path)


def test_a_session_survives_the_process_and_its_token_is_nowhere_on_the_disk(files: PageFiles) -> None:
    """The page ends when nobody looks. Its files are private, and hold digests only."""
    time = ManualBootTime()
    token = Sessions(files, time).begin("lan", "password-1", "user-1")
    found = Sessions(files, time).find(token, "lan", "password-1")
    assert found is not None
    assert (found.door, found.user) == ("lan", "user-1")
    content = files.path(FILE).read_bytes()
    assert token.encode() not in content
    assert form_token(token).encode() not in content
    assert stat.S_IMODE(files.path(FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("door", "secret"), [("loopback", "password-1"), ("lan", "password-2"), ("lan", ""), ("ingress", "password-1")]
)
def test_a_session_is_good_for_its_door_and_its_secret_only(files: PageFiles, door: str, secret: str) -> None:
    """A new password, or another door in the settings, ends it."""
    sessions = Sessions(files, ManualBootTime())
    token = sessions.begin("lan", "password-1")
    assert sessions.find(token, door, secret) is None
    assert sessions.find("", "lan", "password-1") is None
    assert sessions.find(None, "lan", "password-1") is None


def test_a_reboot_ends_every_session(files: PageFiles) -> None:
    """The boot-time clock begins anew, so nobody could tell how old it is."""
    time = ManualBootTime()
    token = Sessions(files, time).begin("lan")
    time.moment = Moment("boot-2", 1001.0)
    assert Sessions(files, time).find(token, "lan") is None


def test_the_number_of_sessions_is_bounded_and_the_oldest_go(files: PageFiles) -> None:
    """A login replaces the session that the browser had."""
    sessions = Sessions(files, ManualBootTime())
    tokens = [sessions.begin("lan") for _ in range(MAX_SESSIONS + 1)]
    assert [sessions.find(token, "lan") is None for token in tokens] == [True] + [False] * MAX_SESSIONS
    new = sessions.begin("lan", replaced=tokens[5])
    assert sessions.find(tokens[5], "lan") is None
    assert sessions.find(new, "lan") is not None
    sessions.end(new)
    assert sessions.find(new, "lan") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"[" * 5000, b'{"sessions": 5}', b'{"sessions": [5, {}, {"digest": 1}]}', b"\xff"],
)
def test_a_damaged_file_lets_nobody_in(files: PageFiles, content: bytes) -> None:
    """Neither by a session, nor by a password, nor by a link."""
    time = ManualBootTime()
    for name in (FILE, PASSWORD_FILE, LINK_FILE):
        files.write(name, content)
    assert Sessions(files, time).find("x", "lan") is None
    assert PasswordFile(files).read() is None
    assert not LoginLink(files).use("x", time.now())


def test_a_forged_session_file_must_have_the_right_types(files: PageFiles) -> None:
    """A number where a text belongs is damage."""
    time = ManualBootTime()
    sessions = Sessions(files, time)
    token = sessions.begin("lan")
    stored = json.loads(files.path(FILE).read_bytes())
    for key, value in (("digest", 5), ("boot", None), ("began_s", "0"), ("began_s", True), ("began_s", 1e9), ("x", 1)):
        forged = {**stored, "sessions": [{**stored["sessions"][0], key: value}]}
        files.write_object(FILE, forged)
        assert sessions.find(token, "lan") is None, key


def test_a_link_in_the_place_of_a_file_is_not_followed(files: PageFiles, tmp_path: Path) -> None:
    """Whoever may put one there must not make the page read something else."""
    files.write(FILE, b"{}")
    files.path(FILE).unlink()
    (tmp_path / "other").write_text("{}")
    files.path(FILE).symlink_to(tmp_path / "other")
    with pytest.raises(WrongKindError):
        files.read(FILE)


def test_a_password_is_known_by_its_hash_and_however_a_phone_writes_it(files: PageFiles) -> None:
    """Without hyphens, with a large first letter, with a space at the end; not with anything else."""
    password = new_password()
    assert len(password) == 17
    assert password != new_password()
    stored = PasswordFile(files)
    stored.write(password)
    known = stored.read()
    assert known is not None
    assert password.encode() not in files.path(PASSWORD_FILE).read_bytes()
    for given in (password, password.replace("-", ""), password.capitalize(), f" {password} "):
        assert known.fits(given)
    for given in ("", password[:-1], f"{password}a", "ü" * 128):
        assert not known.fits(given)
    stored.write(password)
    again = stored.read()
    assert again is not None
    assert again.id != known.id


def test_attempts_are_counted_over_a_minute_and_a_right_one_is_taken_back() -> None:
    """Five, then none until the first is a minute old."""
    attempts = Attempts(5, 60.0)
    assert [attempts.begin(float(second)) for second in range(5)] == [0.0] * 5
    assert attempts.begin(5.0) == 55.0
    assert attempts.begin(59.0) == 1.0
    assert attempts.begin(60.0) == 0.0
    attempts.succeeded()
    assert attempts.begin(60.5) == 0.0
    assert attempts.begin(60.5) == 0.5


def test_of_two_who_use_a_link_at_once_one_gets_in(files: PageFiles) -> None:
    """Removing its file is the moment that counts."""
    time = ManualBootTime()
    key = LoginLink(files).make(time.now())
    assert key.encode() not in files.path(LINK_FILE).read_bytes()
    assert LoginLink(files).use(key, time.now())
    assert not LoginLink(files).use(key, time.now())
    assert not files.path(LINK_FILE).exists()


def test_the_certificate_is_made_once_and_loads(files: PageFiles) -> None:
    """Names and addresses are in it; the key is private; a second start makes no other."""
    made = ensure(files, ("pi", "pi.local", "192.168.1.10", "fe80::1"), NOW)
    assert ensure(files, ("other",), NOW + timedelta(days=700)) == made
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.file, made.key_file)
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert len(made.fingerprint.split(":")) == 32


@pytest.mark.parametrize("days", [791, 900, -2])
def test_a_certificate_that_runs_out_or_is_from_a_wrong_clock_is_made_anew_with_the_same_key(
    files: PageFiles, days: int
) -> None:
    """A Pi's clock may have been years ahead when it was made."""
    made = ensure(files, ("pi",), NOW)
    key = made.key_file.read_bytes()
    again = ensure(files, ("pi",), NOW + timedelta(days=days))
    assert again.fingerprint != made.fingerprint
    assert again.key_file.read_bytes() == key


@pytest.mark.parametrize(("name", "content"), [(CERTIFICATE_FILE, b"x"), (KEY_FILE, b"x"), (KEY_FILE, None)])
def test_a_damaged_certificate_or_a_lost_key_is_replaced(files: PageFiles, name: str, content: bytes | None) -> None:
    """The page starts, with another fingerprint."""
    made = ensure(files, ("pi",), NOW)
    if content is None:
        files.path(name).unlink()
    else:
        files.write(name, content)
        if name == KEY_FILE:
            files.path(CERTIFICATE_FILE).unlink()
    again = ensure(files, ("pi",), NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(again.file, again.key_file)
    assert again.fingerprint != made.fingerprint


def test_the_boot_time_of_this_machine_goes_forward_and_knows_its_boot(tmp_path: Path) -> None:
    """Without the kernel's file the boot is unknown, and moments of it can still be compared."""
    first, second = SystemBootTime().now(), SystemBootTime().now()
    age_s = second.since(first)
    assert age_s is not None
    assert 0 <= age_s < 60
    assert first.boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert SystemBootTime(tmp_path / "none").now().boot == ""
    assert Moment("a", 1.0).since(Moment("b", 0.0)) is None


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Nobody is logged in whose session could not be kept."""
    (tmp_path / "page").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        Sessions(PageFiles(tmp_path), ManualBootTime()).begin("lan")


def test_verifying_takes_a_bounded_length() -> None:
    """Whoever sends megabytes does not make the page hash them: the form is refused before (MAX_LENGTH)."""
    made = PasswordHash(os.urandom(16), b"x" * 64)
    assert not made.fits("a" * 128)
