"""A bare Debian root and Debian packages -> a booted host on which its owner installs and removes them."""

import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from debian_root import CACHE
from fleethosts import Host, Hosts

_INSTALL_S = 1800.0
_PRUNED = (
    "/dev /proc /root /run /srv /sys /tmp /var/cache /var/lib/apt /var/lib/dpkg/triggers /var/lib/systemd/timers "
    "/var/log /var/tmp"
)
"""Folders that change by themselves; dpkg keeps a lock in that of its triggers."""
_COUNT = """
import pathlib, shutil, sqlite3, tempfile
with tempfile.TemporaryDirectory() as folder:
    for path in pathlib.Path("/var/lib/facenode").glob("outbox.db*"):
        shutil.copy(path, folder)
    print(sqlite3.connect(f"{folder}/outbox.db").execute("SELECT count(*) FROM rows").fetchone()[0])
"""
"""Reads a copy of the outbox, since a running node locks its own."""


@dataclass(frozen=True, slots=True)
class PackageHost:
    """One booted Debian without Facenode, with packages in /srv.

    Attributes:
        hosts: the group of this one host.
    """

    hosts: Hosts

    @property
    def host(self) -> Host:
        """The host."""
        return self.hosts.all[0]

    def type(self, line: str) -> str:
        """Type a line as root and return its output; fail the test if it fails."""
        return self.hosts.ssh(self.host, line, _INSTALL_S)

    def refusal(self, package: Path) -> str:
        """Try to install a package and return what apt prints; fail the test if it is installed."""
        done = self.hosts.try_ssh(self.host, _install(package), _INSTALL_S)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def install(self, package: Path) -> str:
        """Install, upgrade or downgrade to a package without any network, and return what apt prints."""
        return self.type(_install(package))

    def apt(self, verb: str) -> str:
        """Remove or purge the package."""
        return self.type(f"DEBIAN_FRONTEND=noninteractive apt-get {verb} -y facenode 2>&1")

    def write(self, path: str, text: str, mode: str = "640") -> None:
        """Write a file of group `facenode`."""
        self.type(f"printf %s {shlex.quote(text)} | install -g facenode -m {mode} /dev/stdin {path}")

    def active(self, unit: str = "facenode.service") -> str:
        """Return what systemd says about a unit: `active`, `inactive`, ..."""
        return self.hosts.try_ssh(self.host, f"systemctl is-active {unit}").stdout.strip()

    def process_id(self) -> int:
        """Return the number of the service's process; 0 if there is none."""
        return int(self.type("systemctl show --property=MainPID --value facenode"))

    def processes(self) -> str:
        """Return the folders in /proc of the user's processes."""
        return self.hosts.try_ssh(self.host, "find /proc -maxdepth 1 -user facenode 2>/dev/null").stdout

    def people(self) -> list[str]:
        """Return the ids of all people."""
        return sorted(json.loads(line)["id"] for line in self.type("facenode people list --json").splitlines())

    def unsent(self) -> int:
        """Return how many events wait for the broker."""
        return int(self.type(f"python3 -c {shlex.quote(_COUNT)}"))

    def files(self) -> set[str]:
        """Return every file with its mode, owner and target, and every user and group."""
        pruned = " -o ".join(f"-path {path}" for path in _PRUNED.split())
        listed = self.type(rf"find / -xdev \( {pruned} \) -prune -o -printf '%p %M %U %G %l\n'")
        return {*listed.splitlines(), *self.type("cat /etc/passwd /etc/group").splitlines()}


@contextmanager
def package_host(debian: int, *files: Path) -> Iterator[PackageHost]:
    """Boot a host until the context ends.

    Args:
        debian: its release, 12 or 13.
        files: packages and other files to put into /srv.
    """
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of another.
    folder = Path(tempfile.mkdtemp(prefix="package-", dir=CACHE))
    try:
        found = Hosts((debian,), folder / "hosts")
        (found.all[0].disk / "srv").mkdir()
        for file in files:
            shutil.copy(file, found.all[0].disk / "srv")
        with found:
            yield PackageHost(found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(package: Path) -> str:
    """Return the line that installs a package from /srv in a network namespace of its own, which has no network."""
    options = "-y --allow-downgrades --no-install-recommends"
    return f"DEBIAN_FRONTEND=noninteractive unshare --net apt-get install {options} /srv/{package.name} 2>&1"
