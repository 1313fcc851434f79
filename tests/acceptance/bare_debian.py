"""This machine's apt mirror -> a bare Debian 12 or 13 in which a user with `sudo` types commands.

Nothing is preinstalled that a user would have to install: neither Python nor git nor make.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from checkout_copy import copy_checkout
from debian_root import apt_mirror, cached_folder
from fleetroot import SUITES
from process import run

USER = "pat"
REPOSITORY = "/srv/facenode.git"
_HOME = f"home/{USER}"
# The layer is mounted in a namespace that ends with the command, as do processes that the command leaves running.
_CHROOT_SCRIPT = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
for each in dev sys; do mount --rbind "/$each" "$2/root/$each"; done
mount -t proc proc "$2/root/proc"
[ "$5" = online ] || ip link set lo up
exec chroot "$2/root" su - "$3" -c "$4"
"""


class NewUser:
    """A user with `sudo` on a bare Debian; changes last as long as the folder.

    Args:
        debian: 12 or 13.
        folder: the folder of the layer over the bare root, on a file system that is not an overlay itself.

    Attributes:
        name: the Debian's name.
        home: the user's home folder.
    """

    def __init__(self, debian: int, folder: Path) -> None:
        self.name = f"Debian {debian}"
        self._root, self._folder = _bare_root(debian), folder
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(parents=True)
        self.home = folder / "upper" / _HOME
        _publish(folder / "upper" / REPOSITORY.lstrip("/"))

    def type(self, text: str, *, online: bool = False, timeout_s: float = 900) -> str:
        """Run lines in a new login shell and return their output; fail if one fails.

        Args:
            text: the lines, for bash.
            online: with this machine's network; otherwise with nothing but a loopback of their own.
            timeout_s: the time limit in seconds.
        """
        program = f"set -euo pipefail\n{text}"
        apart = ("--mount", "--pid", "--fork", "--kill-child", *(() if online else ("--net",)))
        inside = ("bash", "-euc", _CHROOT_SCRIPT, "bash", self._root, self._folder, USER, program)
        return run("unshare", *apart, *inside, "online" if online else "alone", timeout_s=timeout_s)


def _bare_root(debian: int) -> Path:
    """Return the root folder, with this machine's network settings; skip if it cannot be made."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("mmdebstrap", "git", "ip"))):
        pytest.skip("a bare Debian needs root, git, ip and mmdebstrap (apt install git iproute2 mmdebstrap)")
    return cached_folder(f"new_user-{SUITES[debian]}", lambda root: _make(root, SUITES[debian]))


def _make(root: Path, suite: str) -> None:
    run(
        "mmdebstrap", "--mode=root", "--variant=minbase", "--include=ca-certificates,netbase,sudo",
        "--aptopt=Acquire::Languages none", suite, root, apt_mirror(),
    )  # fmt: skip
    run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    # Nobody can confirm or type a password.
    (root / f"etc/sudoers.d/{USER}").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/apt/apt.conf.d/99-yes").write_text('APT::Get::Assume-Yes "true";\n')
    # As in Debian's own image, installing a package starts no service.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    certificates = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    shutil.copy(certificates, root / "etc/ssl/certs/ca-certificates.crt")
    for file in (Path("/etc/resolv.conf"), Path("/etc/pip.conf")):
        if file.exists():
            shutil.copy(file, root / file.relative_to("/"))


def _publish(target: Path) -> None:
    """Create a git repository of the checkout's current files that everybody can clone."""
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        run("git", "-C", folder, "init", "--quiet")
        run("git", "-C", folder, "add", "--all")
        run("git", "-C", folder, *identity, "commit", "--quiet", "--message", "all")
        run("git", "clone", "--quiet", "--bare", folder, target)
    run("chown", "--recursive", "1000:1000", target)
