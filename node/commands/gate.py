"""`facenode gate`: live health of nodes that were updated -> whether each took it well, and why not."""

import argparse
import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from node.commands.fleet import names
from node.errors import UsageError
from node.fleet.node_table import FILTERS, Census, Fields
from node.fleet.update_gate import Demand, Jury
from node.mqtt.link import Received
from node.mqtt.subscriber import Observer
from node.settings import Settings


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `gate` to the command line."""
    parser = subparsers.add_parser("gate", parents=[common])
    default = Demand()
    parser.add_argument("--nodes", type=names, required=True, metavar="A,B", help="who is judged")
    parser.add_argument("--version", help="the version that each must have")
    parser.add_argument("--model", help="the network that each must have, eight hex digits")
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help="what `facenode fleet --json` said before the update"
    )
    parser.add_argument("--worse", type=float, default=default.worse, help="share by which it may be slower (0.5)")
    parser.add_argument("--messages", type=int, default=default.messages, help="live messages that must be well (2)")
    parser.add_argument("--wait", type=float, default=120.0, metavar="SECONDS", help="how long to wait for them (120)")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print why each node is not well (an empty string if it is) as JSON; 0 if all are, else 1."""
    jury = Jury(Demand(args.version, args.model, args.worse, args.messages), _before(args.before), args.nodes)
    census = Census()

    def take(message: Received) -> None:
        told = census.take(message)
        if told and not message.retained:
            jury.hear(*told)

    until_s = time.monotonic() + args.wait
    with closing(Observer(settings.mqtt)) as observer:
        observer.listen(FILTERS, take, lambda: jury.done or time.monotonic() >= until_s)
    verdicts = {
        node: f"{why}; it is {census.nodes[node].status}" if why and node in census.nodes else why
        for node, why in jury.verdicts().items()
    }
    print(json.dumps(verdicts))
    return 0 if jury.done else 1


def _before(path: Path | None) -> Mapping[str, Fields | None]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {node: known["health"] for node, known in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"--before {path}: is not what `facenode fleet --json` prints: {error}") from error
