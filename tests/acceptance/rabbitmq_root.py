"""This machine's mirror of Debian -> a root with RabbitMQ in it, made once and kept in `.cache`."""

from pathlib import Path

from debian_root import bare_root

_SUITE = "trixie"
_PACKAGES = ("rabbitmq-server", "ca-certificates")


def rabbitmq_root() -> Path:
    """Return the root with RabbitMQ 4; skip where it cannot be made."""
    # A mirror that stands still has a Release file past its date; its signature is looked at all the same.
    options = ("--aptopt=Acquire::Check-Valid-Until false", "--aptopt=Acquire::Languages none")
    # As in Debian's own image: a package that is installed starts no service.
    quiet = "--essential-hook=printf '#!/bin/sh\\nexit 101\\n' >\"$1/usr/sbin/policy-rc.d\""
    executable = '--essential-hook=chmod 755 "$1/usr/sbin/policy-rc.d"'
    return bare_root("rabbitmq", _SUITE, *_PACKAGES, options=(*options, quiet, executable))
