"""`facenode forget NODE`: a retired node -> no retained message at the broker, and no device in Home Assistant."""

import argparse
import re
from collections.abc import Iterator, Mapping
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
_ROUND_BYTES = 1 << 20
"""The topics that are removed at once: whoever has a node's login can leave any number of them, up to 64 kB each."""
_ENTRY_BYTES, _MAX_NAMED = 500, 5


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
    count, removed = 0, frozenset[str]()
    while found := _find_retained(settings, topics):
        remaining = sorted(removed & found.keys())
        if remaining:
            more = f" and {len(remaining) - _MAX_NAMED} more" if len(remaining) > _MAX_NAMED else ""
            raise BrokerError(
                f"{', '.join(remaining[:_MAX_NAMED])}{more}: still retained: stop the node first, and check the "
                "broker's access list"
            )
        removed = frozenset(found)
        with closing(Subscriber(settings.mqtt)) as subscriber:
            subscriber.publish(_removal(found, topics))
        count += len(found)
    print_line(f"{args.node}: removed {count} retained {'message' if count == 1 else 'messages'}")
    return 0


def _removal(found: Mapping[str, bytes], topics: Topics) -> Iterator[Message]:
    """Yield the messages that remove retained topics, the discovery first.

    Home Assistant removes a device only by an empty discovery that follows one it knows: send the full discovery once
    more, since it may have started in between. Discovery goes first: an entity whose topics vanish becomes unknown.
    """
    if topics.discovery in found:
        yield Message(topics.discovery, found[topics.discovery])
        yield Message(topics.discovery, b"", retain=True)
    yield from (Message(topic, b"", retain=True) for topic in found if topic != topics.discovery)


def _find_retained(settings: Settings, topics: Topics) -> dict[str, bytes]:
    """Return the topics of as many retained messages as are removed at once, with the payload of the discovery."""
    found: dict[str, bytes] = {}
    room = _ROUND_BYTES

    def handle(message: Received) -> None:
        nonlocal room
        if message.retained and message.payload and room > 0:
            room -= len(message.topic) + _ENTRY_BYTES
            found[message.topic] = message.payload if message.topic == topics.discovery else b""

    with closing(Subscriber(settings.mqtt, max_packet_bytes=_MAX_PACKET_BYTES)) as subscriber:
        subscriber.collect((topics.discovery, f"{topics.base}/#"), handle, _QUIET_S)
    return found
