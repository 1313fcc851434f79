"""One connection, the retained messages and the outbox -> what to publish next, and what each answer means.

The rules:

1. The first message of a connection is the birth, `online`. Then come the retained messages that are due, then messages
   to send once, such as answers to requests, then the rows of the outbox.
2. No more publishes are in flight (sent, not yet acknowledged) than the broker's window allows. Rows get a smaller
   limit of their own, because the rows in flight when a connection ends are sent twice. It grows with each acknowledged
   row while the outbox has a backlog.
3. A reason code below 0x80 settles a row: the outbox deletes it. A code in `reason_codes.FINAL` rejects the row. Any
   other code releases it, and after a pause it is sent again. The pause doubles up to a minute; no other row is sent
   meanwhile.
4. A retained message or an answer refused with a code in `reason_codes.TRANSIENT` is sent again after the same pause,
   a retained one as it is by then. Any other refusal drops the message. Each refusal is logged once.
5. A message that is larger than the broker allows is not sent, and a row is rejected. A large retained message that
   several connections in a row ended on without an answer is not sent for an hour. A broker that calls a message of
   less than 512 bytes too large could not take any event: its rows wait for another broker, or for its administrator.
6. To leave, the session sends the messages that still wait, then a state in which nobody is in view, then `offline`.
   It takes no more rows; those in flight are settled if their answer arrives in time.
7. Rows in flight at the end of a connection stay in the outbox, and the next session sends them again.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from node.contract.message import Message
from node.contract.payloads import Fields, birth, dump, last_will
from node.contract.topics import Topics
from node.mqtt import reason_codes
from node.mqtt.link import Acknowledged, Link
from node.mqtt.packet_bounds import MIN_PACKET_BYTES
from node.mqtt.retained import Retained
from node.outbox.rows import DeliveryQueue, Row

_RETRY_S, _MAX_RETRY_S = 1.0, 60.0

_MIN_ROWS, _ROWS_STEP = 2.0, 0.5
"""The limit of rows in flight without a backlog, and how much each acknowledged row adds with one."""

_LARGE_BYTES, _MAX_UNANSWERED, _GIVE_UP_S = 1024, 3, 3600.0
"""Rule 5: the size of a large message, the connections in a row that end on it, and the time without it."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class History:
    """What the sessions of a node find out about its broker.

    Attributes:
        logged: the refusals that were logged, by topic and code.
        unanswered: on how many connections in a row a large retained message had no answer, by topic.
        retry_s: when to try a message again that was given up for that, by topic.
        ended_on: the topic of the largest message without an answer when the latest connection ended; empty if none.
    """

    logged: set[tuple[str, int]] = field(default_factory=set)
    unanswered: Counter[str] = field(default_factory=Counter)
    retry_s: dict[str, float] = field(default_factory=dict)
    ended_on: str = ""


class _InFlight(NamedTuple):
    """A publish that the broker has not acknowledged: the message, its row's id if it has one, and when it was sent."""

    message: Message
    row_id: int | None
    sent_s: float


class Session:
    """Deliver messages over one connection, by the rules above. Not thread-safe; does no I/O but through the link.

    Args:
        link: the connection.
        topics: the node's topics.
        outbox: the messages that must not be lost.
        retained: the retained messages.
        history: what earlier sessions found out.
    """

    def __init__(self, link: Link, topics: Topics, outbox: DeliveryQueue, retained: Retained, history: History) -> None:
        self._link, self._topics, self._outbox, self._retained = link, topics, outbox, retained
        self._history = history
        self._in_flight: dict[int, _InFlight] = {}
        self._settled: list[int] = []
        self._refused: list[Message] = []
        self._paused_until_s = float("-inf")
        self._retry_s = _RETRY_S
        self._row_limit = _MIN_ROWS
        self._backlog = False
        retained.resend()
        self._waiting: deque[Message] = deque([birth(topics)])

    @property
    def idle(self) -> bool:
        """Whether everything was sent and acknowledged."""
        return not self._in_flight and not self._waiting

    def pump(self, now_s: float, once: Iterable[Message] = ()) -> None:
        """Delete the rows that were acknowledged, and send what there is room for.

        Args:
            now_s: seconds of the monotonic clock.
            once: new messages to send once, such as answers to requests.
        """
        self._retry_refused(now_s)
        self._waiting.extend(self._retained.take_due())
        self._waiting.extend(once)
        self.flush(now_s)
        rows = sum(publish.row_id is not None for publish in self._in_flight.values())
        room = min(self._link.window - len(self._in_flight), int(self._row_limit) - rows)
        if room > 0 and now_s >= self._paused_until_s:
            taken = self._outbox.take(room)
            self._backlog = len(taken) == room
            for row in taken:
                self._publish_row(row, now_s)

    def acknowledge(self, answer: Acknowledged, now_s: float) -> None:
        """Handle the broker's answer to a publish."""
        publish = self._in_flight.pop(answer.mid, None)
        if publish is None:
            return
        message, row_id, _ = publish
        if answer.code < reason_codes.SUCCESS_BELOW:
            self._retry_s = _RETRY_S
            self._history.unanswered.pop(message.topic, None)
            self._history.retry_s.pop(message.topic, None)
            if row_id is not None:
                self._settled.append(row_id)
                self._row_limit = min(self._link.window, self._row_limit + _ROWS_STEP) if self._backlog else _MIN_ROWS
            elif message.retain:
                self._retained.confirm(message)
                self._log_recovery(message.topic)
        elif row_id is not None and answer.code in reason_codes.FINAL:
            self._reject(message, row_id, answer.code)
        else:
            self._refuse(message, answer.code)
            if row_id is not None:
                self._outbox.release([row_id])
                self._pause(now_s)
            elif answer.code in reason_codes.TRANSIENT:
                self._refused.append(message)
                self._pause(now_s)

    def resend_retained(self) -> None:
        """Send `online`, state and health again.

        Home Assistant subscribes to them only after it has read the discovery. In a cluster whose brokers keep retained
        messages each for itself, such as RabbitMQ's, Home Assistant's broker may have none of this node.
        """
        self._retained.resend(self._topics.state, self._topics.health)
        self._waiting.append(birth(self._topics))

    def overdue(self, now_s: float, ack_s: float) -> bool:
        """Return whether a publish has waited longer than `ack_s` for its answer."""
        return any(now_s - publish.sent_s > ack_s for publish in self._in_flight.values())

    def leave(self, state: Fields, now_s: float, once: Iterable[Message] = ()) -> None:
        """Send the messages that wait, then `state`, then `offline`. Call `flush` until the session is idle.

        Args:
            state: a state in which nobody is in view.
            now_s: seconds of the monotonic clock.
            once: new messages to send once.
        """
        final = (Message(self._topics.state, dump(state), retain=True), last_will(self._topics))
        replaced = {message.topic for message in final}
        self._waiting = deque([message for message in self._waiting if message.topic not in replaced])
        self._waiting.extend((*once, *final))
        self._send_waiting(now_s)

    def flush(self, now_s: float) -> None:
        """Delete the rows that were acknowledged and send what waits, but take nothing new."""
        self._settle()
        self._send_waiting(now_s)

    def connection_lost(self, code: int) -> None:
        """Learn from the end of the connection, and delete the rows that were acknowledged before it.

        A broker that finds a message too large closes the connection, with that code or, over MQTT 3.1.1, with none. It
        would do so every time, and nothing behind the message would ever be sent.
        """
        self._settle()
        lost = list(self._in_flight.values())
        self._history.ended_on = max(lost, key=lambda each: len(each.message.payload)).message.topic if lost else ""
        if code == reason_codes.TOO_LARGE and lost:
            largest = max(lost, key=lambda publish: len(publish.message.payload))
            if largest.message.packet_bytes > MIN_PACKET_BYTES:
                self._reject(largest.message, largest.row_id, code)
        for message, _, _ in lost:
            if message.retain and len(message.payload) >= _LARGE_BYTES:
                certain = code == reason_codes.TOO_LARGE
                self._history.unanswered[message.topic] += _MAX_UNANSWERED if certain else 1

    def _settle(self) -> None:
        self._outbox.settle(self._settled)
        self._settled = []

    def _send_waiting(self, now_s: float) -> None:
        while self._waiting and len(self._in_flight) < self._link.window:
            message = self._waiting.popleft()
            if self._too_large(message):
                self._refuse(message, reason_codes.TOO_LARGE)
            else:
                self._in_flight[self._link.publish(message)] = _InFlight(message, None, now_s)

    def _publish_row(self, row: Row, now_s: float) -> None:
        if self._too_large(row.message):
            self._reject(row.message, row.id, reason_codes.TOO_LARGE)
        else:
            self._in_flight[self._link.publish(row.message)] = _InFlight(row.message, row.id, now_s)

    def _retry_refused(self, now_s: float) -> None:
        """Send again what the broker refused for now, and what was given up an hour ago."""
        if self._refused and now_s >= self._paused_until_s:
            for message in self._refused:
                if message.retain and message.topic != self._topics.status:
                    # The latest: the broker may have a newer one by now than the one it refused.
                    self._retained.resend(message.topic)
                else:
                    self._waiting.append(message)
            self._refused = []
        history = self._history
        for topic in [topic for topic, times in history.unanswered.items() if times >= _MAX_UNANSWERED]:
            if now_s >= history.retry_s.setdefault(topic, now_s + _GIVE_UP_S):
                del history.retry_s[topic]
                history.unanswered[topic] = _MAX_UNANSWERED - 1  # one more connection that ends on it is enough
                self._retained.resend(topic)

    def _too_large(self, message: Message) -> bool:
        beyond = self._link.max_bytes is not None and message.packet_bytes > self._link.max_bytes
        return beyond or self._history.unanswered[message.topic] >= _MAX_UNANSWERED

    def _reject(self, message: Message, row_id: int | None, code: int) -> None:
        if row_id is None:
            self._refuse(message, code)
        else:
            self._outbox.reject(row_id, code, f"{message.topic}: {reason_codes.describe(code)}")

    def _pause(self, now_s: float) -> None:
        """Take no rows for a while."""
        if now_s >= self._paused_until_s:
            self._paused_until_s = now_s + self._retry_s
            self._retry_s = min(2 * self._retry_s, _MAX_RETRY_S)

    def _refuse(self, message: Message, code: int) -> None:
        """Log once that the broker does not take a message, and note it where that is the discovery."""
        too_large = code == reason_codes.TOO_LARGE
        self._retained.refuse(message.topic, too_large=too_large)
        if (message.topic, code) in self._history.logged:
            return
        self._history.logged.add((message.topic, code))
        size = reason_codes.describe_size(message.packet_bytes, self._link.max_bytes)
        reason = size if too_large else reason_codes.describe(code)
        hidden = "; Home Assistant does not find this node" if message.topic == self._topics.discovery else ""
        _log.error("broker: %s: %s (reason 0x%02X)%s", message.topic, reason, code, hidden)

    def _log_recovery(self, topic: str) -> None:
        """Log that the broker takes the messages of a topic again."""
        refused = {entry for entry in self._history.logged if entry[0] == topic}
        if refused:
            self._history.logged -= refused
            _log.info("broker: %s: accepted again", topic)
