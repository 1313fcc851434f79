"""A bare Debian root and this checkout -> a booted host on which the README's service runs."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkout_copy import copy_checkout
from debian_root import CACHE
from fleethosts import Host, Hosts

from tests.docs.pages import ROOT, blocks

_USER = "pat"
_INSTALL_S = 900.0


@dataclass(frozen=True)
class ServiceHost:
    """One booted Debian, with a checkout and a photo of Ada in the home of a user with sudo.

    Attributes:
        hosts: the group of this one host.
    """

    hosts: Hosts

    @property
    def host(self) -> Host:
        """The host."""
        return self.hosts.all[0]

    def type(self, lines: str) -> str:
        """Type lines in the checkout and return their output; fail the test if one fails."""
        program = shlex.quote(f"set -euo pipefail\ncd facenode\n{lines}")
        return self.hosts.ssh(self.host, f"su - {_USER} -c {program}", _INSTALL_S)

    def install(self, camera: str, port: int, more: str = "") -> None:
        """Run the service as the README says.

        Args:
            camera: the URL of its camera.
            port: the port of its broker on loopback.
            more: further tables of the settings file.
        """
        lines = block("cat >facenode.toml").partition("facenode check")[0]
        lines = lines.replace("webcam:0", f"video:{camera}").replace('"localhost"', f'"localhost:{port}"')
        rest = shlex.quote(f'\n[node]\nid = "front-door"\n{more}')
        self.type(f"{lines}printf '%s' {rest} >>facenode.toml\necho secret >~/mqtt-password")
        self.type(block("systemctl enable --now facenode"))


@contextmanager
def service_host(debian: int, photo: Path) -> Iterator[ServiceHost]:
    """Boot a host until the context ends.

    Args:
        debian: its release, 12 or 13.
        photo: the photo of Ada.
    """
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of another.
    folder = Path(tempfile.mkdtemp(prefix="service-", dir=CACHE))
    try:
        found = Hosts((debian,), folder / "hosts")
        disk = found.all[0].disk
        copy_checkout(disk / "srv/facenode")
        shutil.copy(photo, disk / "srv/facenode/photo1.jpg")
        if Path("/etc/pip.conf").exists():
            shutil.copy("/etc/pip.conf", disk / "etc/pip.conf")
        with found:
            found.ssh(
                found.all[0],
                f"useradd --create-home --shell /bin/bash {_USER} && mv /srv/facenode /home/{_USER} && "
                f"chown -R {_USER}: /home/{_USER} && echo '{_USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{_USER}",
            )
            yield ServiceHost(found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def block(words: str, page: str = "README.md") -> str:
    """Return the block of a page that contains these words."""
    return next(each.text for each in blocks(ROOT / page) if words in each.text)
