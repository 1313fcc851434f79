"""Print the URL of a camera without its secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.system.redaction import redact, scheme_of


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
