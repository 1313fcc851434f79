"""What was committed once and removed later is still there for whoever has the repository."""

from pathlib import Path

import pytest
from git_repository import GitRepository

from tests.docs.history import secrets, texts


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """Return a repository with two commits, the second of which removes a file with a secret."""
    repository = GitRepository(tmp_path / "repository")
    (repository.folder / "broker.conf").write_text("mqtt://admin:" + "hunter2@broker\n")
    (repository.folder / "picture").write_bytes(b"\0" + b"AKIA" + b"B" * 16)
    repository.commit("first")
    (repository.folder / "broker.conf").unlink()
    repository.commit("Take away " + "AKIA" + "B" * 16)
    return repository


def test_a_secret_that_was_removed_is_found(repository: GitRepository) -> None:
    """In a file of any commit, with the name that it had, and in a commit's message; never in a picture."""
    found = {(each.kind, each.path): secrets(each) for each in texts(repository.folder) if secrets(each)}
    assert found == {("blob", "broker.conf"): ["a password in an address"], ("commit", ""): ["an AWS key"]}
