"""A node's topics -> the client as which the node connects, and the one as which `facenode check` does.

Both have the same last will, so a broker that refuses the node's refuses that of the check.
"""

from dataclasses import replace

from node.contract.payloads import last_will
from node.contract.topics import Topics
from node.mqtt.link import Client

_READ_BACK_BYTES = 1 << 20
"""A check reads back what the node writes: with 60 people the discovery alone has about 64 kB."""


def node_client(topics: Topics) -> Client:
    """Return the client as which a node connects."""
    return Client(topics.client_id, last_will(topics))


def check_client(topics: Topics, status: bytes | None = None) -> Client:
    """Return the client as which a check connects beside a running node: with a client id of its own.

    Args:
        topics: the node's topics.
        status: the payload of the last will: what the node's status is now. A check that is killed then does not make a
            running node look offline. Without it there is no last will.
    """
    client = node_client(topics)
    will = None if client.will is None or status is None else replace(client.will, payload=status)
    return replace(client, id=f"{client.id}-check", will=will, max_packet_bytes=_READ_BACK_BYTES)
