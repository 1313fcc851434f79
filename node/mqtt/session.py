"""One accepted connection, a board and an outbox -> what is sent next, and what became of it."""

import logging
from collections import Counter, deque
from dataclasses import dataclass, field

from node.contract.payloads import OFFLINE, ONLINE, Fields, dump
from node.contract.topics import Topics
from node.mqtt import reason_codes
from node.mqtt.link import Acknowledged, Link
from node.mqtt.retained import Board
from node.outbox.rows import Parcel, Stock

_HEADER_BYTES = 16
"""Room of a PUBLISH beside topic and payload: fixed header, lengths, packet number, properties."""

_RETRY_S, _MOST_RETRY_S = 1.0, 60.0

_NARROW, _WIDENING = 2.0, 0.5
"""Rows in flight while the outbox is all but empty, and how many more each answer allows while it is not."""

_LARGE_BYTES, _CHOKES, _GIVEN_UP_S = 1024, 3, 3600.0
"""A retained message of this size that so many connections in a row ended on, unanswered, is not sent for so long."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way.

    Attributes:
        topic: where it goes.
        payload: what is sent.
        retain: whether the broker keeps it.
        row: the outbox's id; None for what the outbox does not hold.
        fleeting: whether it is worth nothing on a later connection than the one it was meant for.
    """

    topic: str
    payload: bytes
    retain: bool = False
    row: int | None = None
    fleeting: bool = False


@dataclass(slots=True)
class Experience:
    """What the sessions of a node learn of its broker.

    Attributes:
        told: the refusals that were logged, by topic and code.
        choked: on how many connections in a row a large retained message had no answer, by topic.
        again_s: when a message that was given up for that is tried once more, by topic.
    """

    told: set[tuple[str, int]] = field(default_factory=set)
    choked: Counter[str] = field(default_factory=Counter)
    again_s: dict[str, float] = field(default_factory=dict)


class Session:
    """Say `online` first, then discovery, state and health, then answers and what the outbox holds.

    Not thread-safe. Nothing is sent beyond the broker's window; a row leaves the outbox only on a good reason code.
    What is in flight when a connection ends is sent again, so few rows are in flight but while a backlog drains.

    Args:
        link: the connection.
        topics: the node's.
        outbox: what must not be lost.
        board: what is retained.
        voice: what is sent once or not at all, such as answers.
        experience: what earlier sessions learnt.
    """

    def __init__(  # noqa: PLR0913 - what a session is made of
        self,
        link: Link,
        topics: Topics,
        outbox: Stock,
        board: Board,
        *,
        voice: deque[Letter],
        experience: Experience,
    ) -> None:
        self._link, self._topics, self._outbox, self._board = link, topics, outbox, board
        self._voice, self._experience = voice, experience
        self._flying: dict[int, tuple[Letter, float]] = {}
        self._settled: list[int] = []
        self._held_s = float("-inf")
        self._retry_s = _RETRY_S
        self._later: list[Letter] = []
        self._width = _NARROW
        self._draining = False
        board.rewind()
        self._next: deque[Letter] = deque([Letter(topics.status, ONLINE, retain=True)])

    @property
    def idle(self) -> bool:
        """Whether everything that was sent has been answered."""
        return not self._flying and not self._next

    def pump(self, now_s: float) -> None:
        """Delete what was acknowledged and send what there is room for."""
        self.settle()
        self._try_again(now_s)
        self._next.extend(Letter(each.topic, each.payload, retain=each.retain) for each in self._board.take())
        while self._voice:
            self._next.append(self._voice.popleft())
        rows = sum(letter.row is not None for letter, _ in self._flying.values())
        room = min(self._link.window - len(self._flying) - len(self._next), int(self._width) - rows)
        if room > 0 and now_s >= self._held_s:
            parcels = self._outbox.take(room)
            self._draining = len(parcels) == room
            self._next.extend(self._addressed(parcel) for parcel in parcels)
        self._send(now_s)

    def acknowledge(self, answer: Acknowledged, now_s: float) -> None:
        """Take the broker's answer to a publish."""
        flight = self._flying.pop(answer.mid, None)
        if flight is None:
            return
        letter = flight[0]
        if answer.code < reason_codes.SUCCESS_BELOW:
            self._retry_s = _RETRY_S
            self._experience.choked.pop(letter.topic, None)
            self._experience.again_s.pop(letter.topic, None)
            if letter.row is not None:
                self._settled.append(letter.row)
                self._width = min(self._link.window, self._width + _WIDENING) if self._draining else _NARROW
            elif letter.retain:
                self._board.confirm(letter.topic, letter.payload)
        elif letter.row is not None and answer.code in reason_codes.FINAL:
            self._reject(letter, answer.code)
        else:
            self._complain(letter, answer.code)
            if letter.row is not None or answer.code in reason_codes.TRANSIENT:
                self._hold(letter, now_s)

    def repeat(self) -> None:
        """Say `online`, state and health once more.

        Home Assistant subscribes to them only when it has read the discovery. In a cluster whose brokers retain for
        themselves, such as RabbitMQ's, another broker than the node's has nothing for it.
        """
        self._board.rewind(self._topics.state, self._topics.health)
        self._next.append(Letter(self._topics.status, ONLINE, retain=True))

    def overdue(self, now_s: float, ack_s: float) -> bool:
        """Return whether the broker has left a publish without an answer for too long."""
        return any(now_s - sent_s > ack_s for _, sent_s in self._flying.values())

    def take_leave(self, state: Fields, now_s: float) -> None:
        """Send the answers that wait, an emptied state and `offline`, and nothing after them."""
        self._outbox.release([letter.row for letter in self._next if letter.row is not None])
        replaced = (self._topics.state, self._topics.status)
        self._next = deque(
            [
                *(letter for letter in self._next if letter.row is None and letter.topic not in replaced),
                *self._voice,
                Letter(self._topics.state, dump(state), retain=True),
                Letter(self._topics.status, OFFLINE, retain=True),
            ]
        )
        self._send(now_s)

    def flush(self, now_s: float) -> None:
        """Delete what was acknowledged and send what is due, but take nothing new."""
        self.settle()
        self._send(now_s)

    def lose(self, code: int) -> None:
        """Learn from the end of the connection, and delete what was acknowledged before it.

        A broker that finds a message too large closes the connection, with that code or over MQTT 3.1.1 with none. It
        would do so for ever, and what waits behind the message would never be sent.
        """
        self.settle()
        letters = [letter for letter, _ in self._flying.values()]
        if code == reason_codes.TOO_LARGE and letters:
            self._reject(max(letters, key=lambda letter: len(letter.payload)), code)
        for letter in letters:
            if letter.retain and len(letter.payload) >= _LARGE_BYTES:
                self._experience.choked[letter.topic] += _CHOKES if code == reason_codes.TOO_LARGE else 1

    def settle(self) -> None:
        """Delete what was acknowledged."""
        self._outbox.settle(self._settled)
        self._settled = []

    def _send(self, now_s: float) -> None:
        while self._next and len(self._flying) < self._link.window:
            letter = self._next.popleft()
            if self._too_large(letter):
                self._reject(letter, reason_codes.TOO_LARGE)
                continue
            mid = self._link.publish(letter.topic, letter.payload, retain=letter.retain)
            self._flying[mid] = (letter, now_s)

    def _try_again(self, now_s: float) -> None:
        """Make due what was refused for a while, and what was given up an hour ago."""
        if self._later and now_s >= self._held_s:
            for letter in self._later:
                if letter.retain and letter.topic != self._topics.status:
                    # The board's latest: the broker may have a newer one by now than what it refused.
                    self._board.rewind(letter.topic)
                else:
                    self._next.append(letter)
            self._later = []
        experience = self._experience
        for topic in [topic for topic, times in experience.choked.items() if times >= _CHOKES]:
            if now_s >= experience.again_s.setdefault(topic, now_s + _GIVEN_UP_S):
                del experience.again_s[topic]
                # One more connection that ends on it gives it up again.
                experience.choked[topic] = _CHOKES - 1
                self._board.rewind(topic)

    def _too_large(self, letter: Letter) -> bool:
        size = len(letter.topic.encode()) + len(letter.payload) + _HEADER_BYTES
        beyond = self._link.max_bytes is not None and size > self._link.max_bytes
        return beyond or self._experience.choked[letter.topic] >= _CHOKES

    def _addressed(self, parcel: Parcel) -> Letter:
        row = parcel.row
        return Letter(self._topics.message(row.kind, row.name, late=parcel.late), row.payload, row=row.id)

    def _reject(self, letter: Letter, code: int) -> None:
        if letter.row is None:
            self._complain(letter, code)
        else:
            self._outbox.reject(letter.row, code, f"{letter.topic}: {reason_codes.coded(code)}")

    def _hold(self, letter: Letter, now_s: float) -> None:
        """Let a message wait that the broker does not take now, and all rows behind it."""
        if letter.row is None:
            self._later.append(letter)
        else:
            self._outbox.release([letter.row])
        if now_s >= self._held_s:
            self._held_s = now_s + self._retry_s
            self._retry_s = min(2 * self._retry_s, _MOST_RETRY_S)

    def _complain(self, letter: Letter, code: int) -> None:
        if (letter.topic, code) not in self._experience.told:
            self._experience.told.add((letter.topic, code))
            _log.error("broker: %s: %s (reason 0x%02X)", letter.topic, reason_codes.coded(code), code)
