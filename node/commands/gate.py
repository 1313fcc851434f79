"""`facenode gate`: live health of updated nodes -> whether each took the update, and why not."""

import argparse
import json
import math
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from node.commands.fleet import node_ids
from node.errors import UsageError
from node.fleet.node_table import FILTERS, Fields, NodeTable
from node.fleet.update_gate import Criteria, UpdateGate
from node.mqtt.link import Received
from node.mqtt.subscriber import Subscriber
from node.settings import Settings
from node.system.bounded_files import read_bounded
from node.system.terminal import print_json

_MAX_BEFORE_BYTES = 64 << 20


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `gate` to the command line."""
    parser = subparsers.add_parser("gate", parents=[common])
    default = Criteria()
    parser.add_argument("--nodes", type=node_ids, required=True, metavar="A,B", help="the nodes to check")
    parser.add_argument("--version", help="the version that each node must report")
    parser.add_argument("--model", help="the network that each node must report, eight hex digits")
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help="output of `facenode fleet --json` from before the update"
    )
    parser.add_argument(
        "--worse",
        type=_positive,
        default=default.max_slowdown,
        help=f"share by which a node may be slower than before ({default.max_slowdown:g})",
    )
    parser.add_argument(
        "--messages",
        type=int,
        default=default.messages,
        help=f"healthy live messages in a row that each node must send ({default.messages})",
    )
    parser.add_argument(
        "--wait", type=_positive, default=120.0, metavar="SECONDS", help="longest time to wait for these messages (120)"
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print why each node has not passed, an empty string if it has, as JSON; return 0 if all have, else 1."""
    criteria = Criteria(args.version, args.model, args.worse, args.messages)
    gate = UpdateGate(criteria, _read_before(args.before), args.nodes)
    nodes = NodeTable(args.nodes)

    def handle(message: Received) -> None:
        update = nodes.update(message)
        if update and not message.retained:
            gate.add(*update)

    deadline_s = time.monotonic() + args.wait
    with closing(Subscriber(settings.mqtt)) as subscriber:
        subscriber.listen(FILTERS, handle, lambda: gate.passed or time.monotonic() >= deadline_s)
    results = {
        node: f"{reason}; status is {nodes[node].status}" if reason and nodes[node].status else reason
        for node, reason in gate.reasons().items()
    }
    print_json(results)
    return 0 if gate.passed else 1


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:  # also not a number, which no time is ever greater than
        raise argparse.ArgumentTypeError(f"{text!r}: give a number, 0 or greater")
    return value


def _read_before(path: Path | None) -> Mapping[str, Fields | None]:
    if path is None:
        return {}
    try:
        content = json.loads(read_bounded(path, _MAX_BEFORE_BYTES))
        return {node: record["health"] for node, record in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"--before {path}: not the output of `facenode fleet --json` ({error}): save that command's output again"
        ) from error
