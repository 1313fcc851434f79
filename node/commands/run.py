"""`facenode run`: the node itself, until its source ends or a signal comes."""

import argparse
import os
import signal
import sys
from typing import Any

from node.app import Node
from node.assembly import build_node
from node.commands.ready_file import add_option, marker
from node.settings import Settings
from node.system import malloc
from node.system.systemd import Service


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `run` to the command line."""
    parser = subparsers.add_parser("run", parents=[common])
    add_option(parser, "frames come and the broker is connected")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run until the source ends, or SIGINT or SIGTERM asks for a clean stop."""
    mark = marker(args.ready)
    mark(False)
    malloc.keep()
    node = build_node(settings, service=Service.of(mark=mark))
    run_until_signalled(node)
    if node.restarting:
        # The same process begins anew, so that whoever watches over it, such as systemd, sees it go on.
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - its own command line, no shell wanted
    return 0


def run_until_signalled(node: Node) -> None:
    """Run a node until its source ends, or SIGINT or SIGTERM asks for a clean stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: node.stop())
    node.run()
