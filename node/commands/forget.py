"""`facenode forget NODE`: a retired node -> no retained message at the broker, and no device in Home Assistant."""

import argparse
import re
from contextlib import closing
from typing import Any

from node.contract.message import Message
from node.contract.topics import Topics
from node.errors import BrokerError, UsageError
from node.mqtt.link import Received
from node.mqtt.subscriber import Subscriber
from node.settings import Settings
from node.settings.section import ID_PATTERN
from node.system.terminal import print_line

_QUIET_S = 1.0
_MAX_PACKET_BYTES = 1 << 20
"""A discovery of hundreds of people is larger than what other commands receive."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `forget` to the command line."""
    parser = subparsers.add_parser("forget", parents=[common])
    parser.add_argument("node", metavar="NODE", help="the id of a node that is switched off for good")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Remove a node's retained messages and print how many; return 0 once the broker has none.

    Raises:
        UsageError: the argument is not the id of a node.
        BrokerError: some remain: the node still runs, or the access list does not allow to remove them.
    """
    if not re.fullmatch(ID_PATTERN, args.node):
        raise UsageError(f"{args.node}: not the id of a node: use lower-case letters, digits, - and _, at most 32")
    topics = Topics(args.node, settings.homeassistant.prefix)
    found = _find_retained(settings, topics)
    discovery = found.pop(topics.discovery, b"")
    # Home Assistant removes a device only by an empty discovery that follows one it knows: send the full discovery once
    # more, since it may have started in between. Discovery goes first: an entity whose topics vanish becomes unknown.
    messages = []
    if discovery:
        messages = [Message(topics.discovery, discovery), Message(topics.discovery, b"", retain=True)]
    messages += [Message(topic, b"", retain=True) for topic in found]
    with closing(Subscriber(settings.mqtt)) as subscriber:
        subscriber.publish(messages)
    remaining = _find_retained(settings, topics)
    if remaining:
        raise BrokerError(
            f"{', '.join(sorted(remaining))}: still retained: stop the node first, and check the broker's access list"
        )
    count = len(found) + bool(discovery)
    print_line(f"{args.node}: removed {count} retained {'message' if count == 1 else 'messages'}")
    return 0


def _find_retained(settings: Settings, topics: Topics) -> dict[str, bytes]:
    """Return the topics of a node's retained messages, with the payload of its discovery."""
    found: dict[str, bytes] = {}

    def handle(message: Received) -> None:
        if message.retained and message.payload:
            found[message.topic] = message.payload if message.topic == topics.discovery else b""

    with closing(Subscriber(settings.mqtt, max_packet_bytes=_MAX_PACKET_BYTES)) as subscriber:
        subscriber.collect((topics.discovery, f"{topics.base}/#"), handle, _QUIET_S)
    return found
