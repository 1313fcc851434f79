"""This machine's Debian mirror -> a root with NATS, made once and kept in `.cache`; and the package itself."""

from pathlib import Path

from debian_root import bare_root

_SUITE = "forky"
_PACKAGES = ("nats-server", "ca-certificates")


def nats_root() -> Path:
    """Return the root with the NATS server of Debian 14; skip if it cannot be made."""
    # A frozen mirror has an expired Release file; its signature is still verified.
    options = ("--aptopt=Acquire::Check-Valid-Until false", "--aptopt=Acquire::Languages none")
    # As in Debian's own image, installing a package starts no service.
    quiet = "--essential-hook=printf '#!/bin/sh\\nexit 101\\n' >\"$1/usr/sbin/policy-rc.d\""
    executable = '--essential-hook=chmod 755 "$1/usr/sbin/policy-rc.d"'
    package = '--customize-hook=chroot "$1" sh -c "cd /srv && apt-get download nats-server"'
    return bare_root("nats", _SUITE, *_PACKAGES, options=(*options, quiet, executable, package))


def nats_package() -> Path:
    """Return the file of the package, which older releases of Debian can install, too."""
    (package,) = nats_root().glob("srv/nats-server_*.deb")
    return package
