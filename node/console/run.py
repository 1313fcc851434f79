"""`facenode run`: the node itself, until its source ends or a signal comes."""

import argparse
import signal
from typing import Any

from node.app import Node
from node.settings import Settings


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `run` to the command line."""
    parser = subparsers.add_parser("run", parents=[common], help="run the node")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run until the source ends, or SIGINT or SIGTERM asks for a clean stop."""
    del args
    node = Node(settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: node.stop())
    node.run()
    return 0
