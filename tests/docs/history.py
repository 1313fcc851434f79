"""Every commit of a repository -> what in its files and messages looks like a secret.

`python -m tests.docs.history` says how many it looked through, and ends with 1 where it has found one.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.secretkinds import SECRETS, TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Object:
    """Something that git keeps.

    Attributes:
        name: its hash.
        kind: `commit`, `blob` or `tag`.
        path: of a blob, one of those that it ever had; else empty.
        text: its content.
    """

    name: str
    kind: str
    path: str
    text: str


def main() -> int:
    """Look through this repository."""
    looked_at = found = 0
    for each in texts(ROOT):
        looked_at += 1
        for kind in secrets(each):
            found += 1
            print(f"{each.kind} {each.name[:12]} {each.path}: {kind}")
    print(f"{looked_at} files and messages of all commits: {found or 'no'} secrets")
    return 1 if found else 0


def secrets(each: Object) -> list[str]:
    """Return the kinds of secrets that an object seems to hold."""
    return [kind for kind, pattern in SECRETS.items() if pattern.search(each.text)]


def texts(repository: Path) -> Iterator[Object]:
    """Yield every file of text and every message that a branch, a tag or a stash leads to."""
    listed = _git(repository, "rev-list", "--all", "--objects").decode(errors="replace")
    paths = {name: path for name, _, path in (line.partition(" ") for line in listed.splitlines())}
    described = _git(repository, "cat-file", "--batch-check", given="\n".join(paths)).decode()
    wanted = [
        name
        for name, kind, size in (line.split() for line in described.splitlines())
        if kind != "tree" and int(size) < TEXT_BYTES
    ]
    content = _git(repository, "cat-file", "--batch", given="\n".join(wanted))
    at = 0
    for _ in wanted:
        end = content.index(b"\n", at)
        name, kind, size = content[at:end].decode().split()
        data = content[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1
        if b"\0" not in data:
            yield Object(name, kind, paths[name], data.decode(errors="replace"))


def _git(repository: Path, *arguments: str, given: str = "") -> bytes:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, input=given.encode(), stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
