"""One accepted connection, a board and an outbox -> what is sent next, and what became of it."""

import logging
from collections import deque
from dataclasses import dataclass

from node.mqtt import failures
from node.mqtt.board import Board
from node.mqtt.link import Acknowledged, Link
from node.mqtt.messages import OFFLINE, ONLINE, Fields, dump
from node.mqtt.outbox import Outbox, Parcel
from node.mqtt.topics import Topics

_HEADER_BYTES = 16
"""Room of a PUBLISH beside topic and payload: fixed header, lengths, packet number, properties."""

_RETRY_S, _MOST_RETRY_S = 1.0, 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way; `row` is the outbox's id, None for what the outbox does not hold."""

    topic: str
    payload: bytes
    retain: bool = False
    row: int | None = None


class Session:
    """Say `online` first, then discovery, state and health, then answers and what the outbox holds.

    Not thread-safe. Nothing is sent beyond the broker's window; a row leaves the outbox only on a good reason code.

    Args:
        link: the connection.
        topics: the node's.
        outbox: what must not be lost.
        board: what is retained.
        voice: what is sent once or not at all, such as answers.
        told: the refusals that were logged already, by topic and code; shared by the sessions of a node.
    """

    def __init__(  # noqa: PLR0913 - what a session is made of
        self,
        link: Link,
        topics: Topics,
        outbox: Outbox,
        board: Board,
        *,
        voice: deque[Letter],
        told: set[tuple[str, int]],
    ) -> None:
        self._link, self._topics, self._outbox, self._board = link, topics, outbox, board
        self._voice, self._told = voice, told
        self._flying: dict[int, tuple[Letter, float]] = {}
        self._settled: list[int] = []
        self._held_s = float("-inf")
        self._retry_s = _RETRY_S
        board.rewind()
        self._next: deque[Letter] = deque([Letter(topics.status, ONLINE, retain=True)])

    @property
    def idle(self) -> bool:
        """Whether everything that was sent has been answered."""
        return not self._flying and not self._next

    def pump(self, now_s: float) -> None:
        """Delete what was acknowledged and send what there is room for."""
        self.settle()
        self._next.extend(Letter(topic, payload, retain=True) for topic, payload in self._board.take())
        while self._voice:
            self._next.append(self._voice.popleft())
        room = self._link.window - len(self._flying) - len(self._next)
        if room > 0 and now_s >= self._held_s:
            self._next.extend(self._addressed(parcel) for parcel in self._outbox.take(room))
        self._send(now_s)

    def acknowledge(self, answer: Acknowledged, now_s: float) -> None:
        """Take the broker's answer to a publish."""
        flight = self._flying.pop(answer.mid, None)
        if flight is None:
            return
        letter = flight[0]
        if answer.code < failures.SUCCESS_BELOW:
            self._retry_s = _RETRY_S
            if letter.row is not None:
                self._settled.append(letter.row)
        elif letter.row is not None and answer.code in failures.FINAL:
            self._reject(letter, answer.code)
        else:
            self._complain(letter, answer.code)
            if letter.row is not None:
                self._hold(letter.row, now_s)

    def overdue(self, now_s: float, ack_s: float) -> bool:
        """Return whether the broker has left a publish without an answer for too long."""
        return any(now_s - sent_s > ack_s for _, sent_s in self._flying.values())

    def take_leave(self, state: Fields, now_s: float) -> None:
        """Send an emptied state and `offline`, and nothing after them."""
        self._outbox.release([letter.row for letter in self._next if letter.row is not None])
        self._next = deque(
            [
                Letter(self._topics.state, dump(state), retain=True),
                Letter(self._topics.status, OFFLINE, retain=True),
            ]
        )
        self._send(now_s)

    def flush(self, now_s: float) -> None:
        """Delete what was acknowledged and send what is due, but take nothing new."""
        self.settle()
        self._send(now_s)

    def settle(self) -> None:
        """Delete what was acknowledged."""
        self._outbox.settle(self._settled)
        self._settled = []

    def _send(self, now_s: float) -> None:
        while self._next and len(self._flying) < self._link.window:
            letter = self._next.popleft()
            size = len(letter.topic.encode()) + len(letter.payload) + _HEADER_BYTES
            if self._link.max_bytes is not None and size > self._link.max_bytes:
                self._reject(letter, failures.TOO_LARGE)
                continue
            mid = self._link.publish(letter.topic, letter.payload, retain=letter.retain)
            self._flying[mid] = (letter, now_s)

    def _addressed(self, parcel: Parcel) -> Letter:
        row = parcel.row
        return Letter(self._topics.message(row.kind, row.name, late=parcel.late), row.payload, row=row.id)

    def _reject(self, letter: Letter, code: int) -> None:
        if letter.row is None:
            self._complain(letter, code)
        else:
            self._outbox.reject(letter.row, code, f"{letter.topic}: {failures.coded(code)}")

    def _hold(self, row: int, now_s: float) -> None:
        """Let a row wait that the broker does not take now, and all others behind it."""
        self._outbox.release([row])
        if now_s >= self._held_s:
            self._held_s = now_s + self._retry_s
            self._retry_s = min(2 * self._retry_s, _MOST_RETRY_S)

    def _complain(self, letter: Letter, code: int) -> None:
        if (letter.topic, code) not in self._told:
            self._told.add((letter.topic, code))
            _log.error("broker: %s: %s (reason 0x%02X)", letter.topic, failures.coded(code), code)
