"""`facenode page`: serve the owner's web page, or print how to get in."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from node.errors import ServeError, StorageError, UsageError
from node.page.boot_time import SystemBootTime
from node.page.login_link import LoginLink
from node.page.names import certificate_names, machine_names
from node.page.options import PageOptions
from node.page.own_certificate import ensure
from node.page.page_files import PageFiles
from node.page.page_url import page_url
from node.page.password import PasswordFile, new_password
from node.settings import Settings
from node.system.privileges import become_owner
from node.system.terminal import print_line


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `page` to the command line."""
    parser = subparsers.add_parser("page", parents=[common])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--link", action="store_true", help="print a link that opens the page once, for this machine")
    action.add_argument(
        "--new-password", action="store_true", help="set a new password, print it, and log everybody out"
    )
    action.add_argument("--helper", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Serve the page, print a link or a new password, or answer the page's own questions."""
    if settings.page.door == "off" and not args.helper:
        raise UsageError('the page is off: set page.door to "loopback", "lan" or "ingress"')
    become_owner(settings.storage.dir)
    files = PageFiles(settings.storage.dir)
    try:
        if args.helper:
            _answer_questions(settings)
        elif args.link:
            _print_link(settings, files)
        elif args.new_password:
            _print_password(settings, files)
        else:
            _serve(settings, verbose=args.verbose)
    except OSError as error:
        where, why = error.filename or files.folder, error.strerror or error
        raise StorageError(f"{where}: {why}: storage.dir must be writable, with free space") from error
    return 0


def _print_link(settings: Settings, files: PageFiles) -> None:
    if settings.page.door != "loopback":
        raise UsageError(f'--link is for page.door = "loopback"; with "{settings.page.door}" the page asks for a login')
    key = LoginLink(files).make(SystemBootTime().now())
    print_line(f"http://127.0.0.1:{settings.page.port}/enter/{key}")
    print_line("It works once, and for ten minutes. From another computer, first run there:")
    print_line(f"ssh -L {settings.page.port}:127.0.0.1:{settings.page.port} {machine_names()[-1]}")


def _print_password(settings: Settings, files: PageFiles) -> None:
    if settings.page.door == "loopback":
        raise UsageError('--new-password is not for page.door = "loopback": use --link')
    password = new_password()
    PasswordFile(files).write(password)
    print_line(f"password     {password}")
    if settings.page.door == "lan":
        _print_address(settings, files)


def _print_address(settings: Settings, files: PageFiles) -> None:
    """Print where the page is, and by what a browser's owner knows that it is this one."""
    try:
        certificate = ensure(files, certificate_names(settings.page.hosts), datetime.now(UTC))
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    print_line(f"address      {page_url(settings.page.door, settings.page.port, settings.page.hosts)}")
    print_line(f"fingerprint  {certificate.fingerprint} (SHA-256)")


def _serve(settings: Settings, *, verbose: bool) -> None:
    """Become the process of the page, which keeps the sockets that systemd has handed over."""
    options = PageOptions(
        door=settings.page.door,
        port=settings.page.port,
        hosts=settings.page.hosts,
        storage=settings.storage.dir.absolute(),
        node_name=settings.node.name or settings.node.id,
        helper=helper_command(),
        verbose=verbose,
    )
    os.execv(sys.executable, [sys.executable, "-m", "node.page", options.encode()])  # noqa: S606 - this program itself


def _answer_questions(settings: Settings) -> None:
    from node.commands.page.helper import answer_questions  # noqa: PLC0415 - OpenCV and the network

    with socket.socket(fileno=0) as connection:
        answer_questions(settings, connection)


def helper_command(arguments: Sequence[str] = sys.orig_argv) -> tuple[str, ...]:
    """Return the command of the process that looks at photos: this very command, with the same settings."""
    return (sys.executable, *arguments[1:], "--helper")


def _missing(error: ModuleNotFoundError) -> ServeError:
    return ServeError(f"the page needs {error.name}: install the extra: pip install 'facenode[page]'")
