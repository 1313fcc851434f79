"""Password and certificates are read at each connection attempt, and nothing in their place stops the node."""

import os
from pathlib import Path

import pytest
from makers import START

from node.errors import BrokerError
from node.mqtt.credentials import password, tls_context
from node.settings import MqttSettings, TlsSettings
from node.system.certificate import days_left

KINDS = ("pipe", "huge", "folder", "gone")


def replaced(path: Path, kind: str) -> None:
    """Put something else in the place of a file."""
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as huge:
            huge.truncate(1 << 40)


@pytest.mark.parametrize("kind", KINDS)
def test_a_password_file_that_never_ends_is_an_error_of_one_attempt(tmp_path: Path, kind: str) -> None:
    """The settings were accepted while it was a file; a pipe without a writer would hold the publisher for ever."""
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    settings = MqttSettings(username="pi", password_file=path)
    assert password(settings) == "s3cret"
    replaced(path, kind)
    with pytest.raises(BrokerError, match=r"password: cannot be read: .*: write the password to it"):
        password(settings)


@pytest.mark.parametrize(
    "content",
    [
        b"s3cr\xc3\xa9t",
        b"s3cr\xc3\xa9t\n",
        b"s3cr\xc3\xa9t\r\n\r\n",
        "\ufeffs3cr\xe9t\r\n".encode(),
        "\ufeffs3cr\xe9t\r\n".encode("utf-16-le"),
        "\ufeffs3cr\xe9t\n".encode("utf-16-be"),
    ],
)
def test_a_password_is_what_an_editor_shows(tmp_path: Path, content: bytes) -> None:
    """Neither a byte order mark nor the end of the line belongs to it."""
    path = tmp_path / "password"
    path.write_bytes(content)
    assert password(MqttSettings(username="pi", password_file=path)) == "s3cr\xe9t"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty: write the password to it"),
        (b"\xef\xbb\xbf\r\n", "the file is empty: write the password to it"),
        (b" \t\n", "the file is empty: write the password to it"),
        (b"s3cret\nother\n", "more than one line: the file must hold the password alone"),
        (b"\ns3cret\n", "more than one line: the file must hold the password alone"),
        (b"s3cr\xe9t\n", "line 1 is not valid UTF-8: save the file as UTF-8, with the password alone in it"),
        ("s3cret".encode("utf-16-le"), "it contains zero bytes: save the file as UTF-8, with the password alone in it"),
        (b"x" * 70_000, "longer than MQTT allows: the file must hold the password alone"),
    ],
)
def test_a_file_without_a_password_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    """Sent as it is, it would be a login that the broker refuses, and nobody would look at the file."""
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(BrokerError) as caught:
        password(MqttSettings(username="pi", password_file=path))
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
def test_a_certificate_file_that_never_ends_is_an_error_of_one_attempt(tmp_path: Path, name: str, kind: str) -> None:
    """The sentence names the file at fault: the authority's, the node's, or its key."""
    files = {each: tmp_path / each for each in ("ca_file", "cert_file", "key_file")}
    for path in files.values():
        path.write_text("")
    settings = TlsSettings(enabled=True, **files)
    replaced(files[name], kind)
    with pytest.raises(BrokerError, match=rf"{files[name]}: .*: use a readable PEM certificate"):
        tls_context(settings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_never_ends_has_no_end_in_health_either(tmp_path: Path, kind: str) -> None:
    """Health says that it is not known how long it is valid."""
    path = tmp_path / "cert.pem"
    path.write_text("")
    replaced(path, kind)
    assert days_left(path, START) is None
