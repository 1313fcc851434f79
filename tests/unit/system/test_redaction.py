"""Text is printed without what could be a secret: URLs of cameras and brokers, and texts that hold them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.system.redaction import printable, redact, redact_within, scheme_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera.example:554/Streaming/101", "rtsp://camera.example:554/Streaming/101"),
        ("rtsp://admin:pw@camera.example/main", "rtsp://***@camera.example/main"),
        ("rtsp://token@camera.example/main", "rtsp://***@camera.example/main"),
        ("rtsp://admin:p@ss/word@camera.example/main", "rtsp://***@camera.example/main"),
        ("http://camera.example/video?user=admin&pwd=pw", "http://camera.example/video?***"),
        ("rtsp://camera.example/user=admin&password=pw&channel=1.sdp", "rtsp://camera.example/***"),
        ("rtsp://admin:p?w@camera.example/main", "rtsp://***"),
        ("rtsp://admin:p#w@camera.example/main", "rtsp://***"),
        ("RTSP://admin:pw@[2001:db8::1]:554/main", "RTSP://***@[2001:db8::1]:554/main"),
        ("rtsp://admin:pw", "rtsp://***"),
        ("/home/ada/clip.mp4", "/home/ada/clip.mp4"),
    ],
)
def test_only_scheme_host_and_plain_path_are_shown(url: str, shown: str) -> None:
    """Every part of a URL in which cameras accept a secret is hidden as a whole."""
    assert redact(url) == shown


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_no_password_is_ever_shown(password: str) -> None:
    """People do not escape their passwords: any character may occur, before the host or in the query."""
    secret = f"<{password}>"
    for url in (f"rtsp://admin:{secret}@camera.example/main", f"http://camera.example/video?pwd={secret}"):
        shown = redact(url)
        assert secret not in shown
        assert shown in {
            "rtsp://***@camera.example/main",
            "rtsp://***",
            "http://camera.example/video?***",
            "http://***",
        }


def test_a_scheme_is_distinguished_from_a_path() -> None:
    """A path with a colon is not a URL; a scheme is compared in lower case."""
    assert scheme_of("RTSPS://camera.example") == "rtsps"
    assert scheme_of("clips/a:b.mp4") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invalid choice: 'mqtt://ada:pw@host' (choose", "invalid choice: 'mqtt://***@host' (choose"),
        ("unrecognized arguments: mqtt://ada:p w@host x", "unrecognized arguments: mqtt://***@host x"),
        ("rtsp:/ada:pw@cam/x: No such file", "rtsp:/***@cam/x: No such file"),
        ("http:/cam/s.jpg?password=pw: not used", "http:/cam/s.jpg?***: not used"),
        ("MQTTS:///ada:pw@host", "MQTTS:///***@host"),
        ("a://:pw@h and b://ada:1883@h", "a://***@h and b://***@h"),
        ("mqtt://broker:1883: refused, see ada@example.org", "mqtt://broker:1883: refused, see ada@example.org"),
        ("video:rtsp://***@cam:554/x?***: cannot", "video:rtsp://***@cam:554/x?***: cannot"),
        ("images:/photos/a@b=c.jpg: gone", "images:/photos/a@b=c.jpg: gone"),
        ("rtsp://[2001:db8::1]:554/main: gone", "rtsp://[2001:db8::1]:554/main: gone"),
    ],
)
def test_the_urls_in_a_text_lose_their_secrets(text: str, shown: str) -> None:
    """Errors of libraries repeat what they were given; a `Path` drops one slash of a URL."""
    assert redact_within(text) == shown
    assert redact_within(shown) == shown


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200))
def test_no_password_of_a_login_is_in_a_text(password: str) -> None:
    """Whatever characters it has."""
    secret = f"<{password}>"
    for url in (f"mqtt://ada:{secret}@host", f"mqtt:/ada:{secret}@host"):
        assert secret not in redact_within(f"unrecognized arguments: {url} more")
        assert secret not in printable(url)


@pytest.mark.parametrize("text", ["a://u:" * 20_000, "://" * 40_000, "mqtt:/a:b" * 15_000, "://" + ":" * 99_999 + "x"])
def test_a_long_text_takes_no_time(text: str) -> None:
    """A broker chooses the texts that a log line may hold."""
    began_s = time.process_time()
    redact_within(text)
    printable(text)
    assert time.process_time() - began_s < 1.0  # 0.05 s where this was written
