"""No file of the repository holds a secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_PASSED_OVER = re.compile(r"^(\.git|\.venv.*|\.cache|build|dist|\.\w+_cache|\.hypothesis|__pycache__|.*\.egg-info)$")
_TEXT_BYTES = 2_000_000
_EXAMPLE_PASSWORDS = r"s3cret|secret|p[?#]w|password|a:b@c|\w*\*\*\*|[{$]"
_SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token": re.compile(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,}|sk-\w{30,}|pypi-\w{30,})"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{15,}"),
    "a password in an address": re.compile(
        rf"\b[a-z]{{2,8}}://[^\s:/@\"'`]+:(?!{_EXAMPLE_PASSWORDS})[^\s/@\"'`]{{3,}}@[\w.]"
    ),
}


def _texts() -> Iterator[tuple[Path, str]]:
    """Yield every file of text."""
    waiting = [ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            if _PASSED_OVER.match(path.name) or path.is_symlink():
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.stat().st_size < _TEXT_BYTES:
                content = path.read_bytes()
                if b"\0" not in content:
                    yield path, content.decode(errors="replace")


@pytest.mark.parametrize("kind", _SECRETS)
def test_no_file_holds_a_secret(kind: str) -> None:
    """Passwords of examples are words that say so."""
    found = [f"{path}: {match[0][:40]}" for path, text in _texts() for match in _SECRETS[kind].finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        ("a private key", "-----BEGIN EC PRIVATE KEY-----\n" + "A" * 40),
        ("an AWS key", "AKIA" + "B" * 16),
        ("a token", "ghp_" + "c" * 36),
        ("a JSON web token", ".".join(("eyJ" + "d" * 20, "eyJ" + "e" * 20, "f" * 20))),
        ("a password in an address", "rtsp://admin:" + "hunter2@camera"),
    ],
)
def test_each_kind_is_found(kind: str, example: str) -> None:
    """The patterns do find what they look for."""
    assert _SECRETS[kind].search(example)
