"""What a node publishes when it connects -> findings: whether the broker takes it, delivers it and keeps it.

The rules, which keep a check from harming a running node and from leaving anything at the broker:

1. What the broker has on a topic of the node is published again, byte for byte. Only where it has nothing does the
   check publish a message of its own: what a node leaves behind when it stops.
2. While the node is online, its state and health are not published: that they are at the broker is the proof. While it
   runs on this machine, no status is published that this login could not read before.
3. What was not there before is removed afterwards. Whether it was there is known only if the broker delivers what this
   login publishes; where it does not, the message stays.
4. Only receiving is proof over MQTT 3.1.1, where a broker cannot report a refusal. Over MQTT 5 an acknowledgement is
   enough for a login that may not read what it writes.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress

from node.contract.message import Message
from node.contract.payloads import ONLINE, dump
from node.contract.topics import Topics
from node.diagnostics.conversation import Conversation
from node.diagnostics.finding import Finding
from node.diagnostics.first_messages import FirstMessages
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.identity import check_client
from node.mqtt.link import QOS
from node.mqtt.paho_link import UnexplainedError
from node.settings import MqttSettings

_DELIVERY_S = 3.0
_MAX_PROBE_BYTES = 32 << 10
"""The largest message that is sent for its size alone."""
_UNPROVEN = (
    "sent, but it did not come back, and MQTT 3.1.1 does not report refused messages:"
    " let this login read the topic, too, or use MQTT 5"
)
_UNDELIVERED = "acknowledged, but not delivered: check the broker's access list"
_NOT_KEPT = "delivered, but not kept for later subscribers: the broker must support retained messages"


class Rehearsal:
    """Connect with the node's last will and publish what the node publishes.

    Args:
        mqtt: the broker.
        topics: the node's topics.
        messages: what the node publishes when it connects.
        existing: what the broker has on the node's topics.
        runs_here: whether the node runs on this machine.
    """

    def __init__(
        self,
        mqtt: MqttSettings,
        topics: Topics,
        messages: FirstMessages,
        existing: Mapping[str, bytes],
        *,
        runs_here: bool,
    ) -> None:
        self._mqtt, self._topics, self._messages, self._existing = mqtt, topics, messages, existing
        self._online = existing.get(topics.status) == ONLINE
        self._runs_unseen = runs_here and topics.status not in existing
        self._status = existing.get(topics.status, ONLINE if runs_here else messages.own[0].payload)
        self._watched = (*watched(topics), topics.response("check"))
        self._sent: dict[str, bytes] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for the last will, the retained messages and the discovery."""
        try:
            conversation = Conversation(self._mqtt, check_client(self._topics, self._status), self._watched)
        except UnexplainedError:
            text = f"the broker accepts this login, but not with the node's last will: {self._allow_will}"
            yield Finding("will", ok=False, text=text)
            return
        except BrokerError as error:
            yield Finding("will", ok=False, text=f"{error}: {self._allow_will}")
            return
        step = "retained"
        try:
            yield Finding("will", ok=True, text=f"a last will on {self._topics.status} is accepted")
            yield self._finding(step, list(self._own_faults(conversation)), conversation, "status, state and health")
            if self._messages.discovery is not None:
                step = "discovery"
                faults = list(self._discovery_faults(conversation, self._messages.discovery))
                yield self._finding(step, faults, conversation, f"{self._messages.discovery_bytes} bytes")
        except BrokerError as error:
            yield Finding(step, ok=False, text=str(error))
        finally:
            self._clear(conversation)
            conversation.close()

    @property
    def _allow_will(self) -> str:
        return f"allow a retained last will with QoS {QOS} on {self._topics.status}"

    def _finding(self, name: str, faults: list[str], conversation: Conversation, what: str) -> Finding:
        if faults:
            return Finding(name, ok=False, text="; ".join(faults))
        if not self._sent:
            return Finding(name, ok=True, text=f"not tested beside the running node: this login may not read {what}")
        proof = "accepted" if conversation.live else "accepted, but this login may not read what it writes"
        return Finding(name, ok=True, text=f"{what} {proof}")

    def _own_faults(self, conversation: Conversation) -> Iterator[str]:
        own = self._topics
        for topic in watched(own):
            conversation.subscribe(topic)  # refused to a login that may only write: the publish tells
        if self._runs_unseen and not self._may_read(conversation):
            return
        for message in self._messages.own:
            topic = message.topic
            if topic == own.status:
                yield from self._publish_faults(conversation, topic, self._status)
            elif self._online and topic not in self._existing:
                yield f"{topic}: the node is online, but the broker has nothing of it: check its access list"
            elif not self._online and not self._runs_unseen:
                yield from self._publish_faults(conversation, topic, self._existing.get(topic, message.payload))
        yield from self._delivery_faults(conversation, {own.status, own.state, own.health})

    def _may_read(self, conversation: Conversation) -> bool:
        """Return whether this login may read what the node writes, by an answer that nobody waits for."""
        topic = self._topics.response("check")
        answer = dump({"transaction": secrets.token_hex(4), "status": "ok"})
        conversation.subscribe(topic)
        conversation.publish(Message(topic, answer))
        return conversation.wait(lambda: conversation.live.get(topic) == answer, _DELIVERY_S)

    def _discovery_faults(self, conversation: Conversation, message: Message) -> Iterator[str]:
        topic, size = message.topic, self._messages.discovery_bytes
        if conversation.max_bytes is not None and size > conversation.max_bytes:
            yield f"{topic}: {reason_codes.describe_size(size, conversation.max_bytes)}"
            return
        births = [tuple(subscription_faults(conversation, birth)) for birth in self._topics.births]
        if all(births):  # one of them is enough
            yield from births[0]
        payload = self._existing.get(topic, message.payload)
        try:
            if len(payload) + len(topic) < size <= _MAX_PROBE_BYTES and conversation.max_bytes is None:
                conversation.publish(Message(probe_topic(self._topics), bytes(size)))
            yield from self._publish_faults(conversation, topic, payload)
        except BrokerError as error:
            yield f"{topic}: {error}: {reason_codes.describe_size(size, None)}"
            return
        yield from self._delivery_faults(conversation, {topic})

    def _publish_faults(self, conversation: Conversation, topic: str, payload: bytes) -> Iterator[str]:
        self._sent[topic] = payload
        code = conversation.publish(Message(topic, payload, retain=True))
        if code >= reason_codes.SUCCESS_BELOW:
            del self._sent[topic]
            yield f"{topic}: {reason_codes.describe(code)}"

    def _delivery_faults(self, conversation: Conversation, topics: set[str]) -> Iterator[str]:
        """Yield what is wrong with the delivery of the messages that the broker acknowledged."""
        sent = {topic: payload for topic, payload in self._sent.items() if topic in topics}
        conversation.wait(lambda: all(conversation.live.get(topic) == sent[topic] for topic in sent), _DELIVERY_S)
        readable = any(topic in conversation.live or topic in self._existing for topic in topics)
        came = {topic: payload for topic, payload in sent.items() if conversation.live.get(topic) == payload}
        for topic in (topic for topic in sent if topic not in came):
            if readable:
                yield f"{topic}: {_UNDELIVERED}"
            elif conversation.protocol != "5":
                yield f"{topic}: {_UNPROVEN}"
        for topic in came:
            conversation.retained.pop(topic, None)
            conversation.subscribe(topic)  # a new subscription is given the retained message
        conversation.wait(lambda: all(conversation.retained.get(topic) == came[topic] for topic in came), _DELIVERY_S)
        yield from (f"{topic}: {_NOT_KEPT}" for topic in came if conversation.retained.get(topic) != came[topic])

    def _clear(self, conversation: Conversation) -> None:
        """Remove what was not at the broker before."""
        added = [topic for topic in self._sent if topic in conversation.live and topic not in self._existing]
        if self._online or not added:
            return
        with suppress(BrokerError):
            try:
                _remove(conversation, added)
            except BrokerError:  # the connection has ended
                again = Conversation(self._mqtt, check_client(self._topics), ())
                _remove(again, added)
                again.close()


def watched(topics: Topics) -> tuple[str, ...]:
    """Return the topics of a node's retained messages."""
    return (topics.status, topics.state, topics.health, topics.discovery)


def probe_topic(topics: Topics) -> str:
    """Return a topic that the node may write and read, and whose messages a running node ignores."""
    return f"{topics.request('check')}/{secrets.token_hex(4)}"


def subscription_faults(conversation: Conversation, topic: str) -> Iterator[str]:
    """Subscribe, and yield what the broker refuses."""
    code = conversation.subscribe(topic)
    if code >= reason_codes.SUCCESS_BELOW:
        yield f"the subscription to {topic}: {reason_codes.describe(code)}"
    elif code < QOS:
        yield f"{topic}: {reason_codes.GRANTED_LESS}"


def _remove(conversation: Conversation, topics: list[str]) -> None:
    while topics:
        conversation.publish(Message(topics[-1], b"", retain=True))
        topics.pop()
