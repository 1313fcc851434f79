"""`facenode forget NODE`: a node that is gone -> nothing of it is left at the broker, nor in Home Assistant."""

import argparse
import re
from contextlib import closing
from typing import Any

from node.contract.message import Message
from node.contract.topics import Topics
from node.errors import BrokerError, UsageError
from node.mqtt.link import Received
from node.mqtt.subscriber import Observer
from node.settings import Settings
from node.settings.schema import ID_PATTERN

_QUIET_S = 1.0


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `forget` to the command line."""
    parser = subparsers.add_parser("forget", parents=[common])
    parser.add_argument("node", metavar="NODE", help="the id of a node that is off for good")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Take a node's retained messages away and print how many; 0 once the broker holds none.

    Raises:
        BrokerError: some are still there: the node is still on, or the access list does not allow it.
    """
    if not re.fullmatch(ID_PATTERN, args.node):
        raise UsageError(f"{args.node}: is not the id of a node")
    topics = Topics(args.node, settings.homeassistant.prefix)
    found = _retained(settings, topics)
    discovery = found.pop(topics.discovery, b"")
    # Home Assistant removes a device only by an empty discovery that follows one it knows: the whole comes once more,
    # for it may have started since. Discovery goes first: an entity whose topics vanish turns unknown.
    messages = []
    if discovery:
        messages = [Message(topics.discovery, discovery), Message(topics.discovery, b"", retain=True)]
    messages += [Message(topic, b"", retain=True) for topic in found]
    with closing(Observer(settings.mqtt)) as observer:
        observer.deliver(messages)
    left = _retained(settings, topics)
    if left:
        raise BrokerError(
            f"{', '.join(sorted(left))}: still retained: end the node first, and check the broker's access list"
        )
    print(f"{args.node}: {len(found) + bool(discovery)} retained messages taken away")
    return 0


def _retained(settings: Settings, topics: Topics) -> dict[str, bytes]:
    """Return what the broker retains of a node, by topic."""
    found: dict[str, bytes] = {}

    def take(message: Received) -> None:
        if message.retained and message.payload:
            found[message.topic] = message.payload

    with closing(Observer(settings.mqtt)) as observer:
        observer.collect((topics.discovery, f"{topics.base}/#"), take, _QUIET_S)
    return found
