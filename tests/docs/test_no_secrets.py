"""No file of the repository holds a secret."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.secretkinds import SECRETS, TEXT_BYTES

_PASSED_OVER = re.compile(r"^(\.git|\.venv.*|\.cache|build|dist|\.\w+_cache|\.hypothesis|__pycache__|.*\.egg-info)$")


def _texts() -> Iterator[tuple[Path, str]]:
    """Yield every file of text."""
    waiting = [ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            if _PASSED_OVER.match(path.name) or path.is_symlink():
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.stat().st_size < TEXT_BYTES:
                content = path.read_bytes()
                if b"\0" not in content:
                    yield path, content.decode(errors="replace")


@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_holds_a_secret(kind: str) -> None:
    """Passwords of examples are words that say so."""
    found = [f"{path}: {match[0][:40]}" for path, text in _texts() for match in SECRETS[kind].finditer(text)]
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
    assert SECRETS[kind].search(example)
