"""`facenode run`: the node itself, until its source ends or a signal stops it."""

import argparse
import os
import sys
from typing import Any

from node.app import Node
from node.assembly import build_node
from node.commands.ready_file import add_option, ready_setter
from node.settings import Settings
from node.system import malloc
from node.system.privileges import become_owner
from node.system.stop_signals import on_stop
from node.system.systemd import Service


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `run` to the command line."""
    parser = subparsers.add_parser("run", parents=[common])
    add_option(parser, "frames come and the broker is connected")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run until the source ends, or SIGINT, SIGTERM or SIGHUP asks for a clean stop."""
    become_owner(settings.storage.dir)
    set_ready = ready_setter(args.ready)
    set_ready(False)
    malloc.keep_freed_memory()
    node = build_node(settings, service=Service.from_environment(on_working=set_ready))
    run_until_signalled(node)
    if node.restarting:
        # The process replaces itself, so that systemd, or whatever else watches it, does not see it end.
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - its own command line, no shell wanted
    return 0


def run_until_signalled(node: Node) -> None:
    """Run a node until its source ends, or SIGINT, SIGTERM or SIGHUP asks for a clean stop."""
    with on_stop(node.stop):
        node.run()
