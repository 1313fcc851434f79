"""Outbox and board -> the broker, by a thread that connects, delivers, backs off and takes leave."""

import logging
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from node.contract.payloads import ONLINE, Fields
from node.contract.topics import Topics
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Backoff, Pace
from node.mqtt.link import Acknowledged, Link, Lost, Received, Report, Subscribed
from node.mqtt.retained import Board
from node.mqtt.session import Experience, Letter, Session
from node.outbox.outbox import Outbox

_VOICES = 64
_TURN_S = 1.0
_PACE = Pace()
_CUTS = 3
_TWIN = ": is there another node with this node.id?"

_log = logging.getLogger(__name__)

Connect = Callable[[Callable[[Report], None]], Link]
"""Makes one connection attempt; raises BrokerError."""


class Publisher:
    """Deliver what the outbox and the board hold. Broker trouble never leaves it; it is logged once a change.

    Args:
        topics: the node's.
        outbox: what must not be lost.
        board: what is retained.
        connect: makes one connection attempt.
        receive: is given each message to `requests`, on the publisher's thread.
        pace: how patient it is.
        chance: random numbers 0..1.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all it depends on
        self,
        topics: Topics,
        outbox: Outbox,
        board: Board,
        connect: Connect,
        *,
        receive: Callable[[Received], None] | None = None,
        pace: Pace = _PACE,
        chance: Callable[[], float] = random.random,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics, self._outbox, self._board, self._connect = topics, outbox, board, connect
        self._receive, self._pace, self._chance, self._mono_s = receive, pace, chance, mono_s
        self._backoff = Backoff(pace, chance)
        self._inbox: queue.SimpleQueue[tuple[int, Report] | None] = queue.SimpleQueue()
        self._voice: deque[Letter] = deque(maxlen=_VOICES)
        self._experience = Experience()
        self._farewell: tuple[Fields, float] | None = None
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._number = 0
        self._rung = False
        self._announce_s: float | None = None
        self._again_s: float | None = None
        self._failure = ""
        self._warned = False
        self._greeted = self._cut = 0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        outbox.when_put(self._ring)
        board.when_changed(self._ring)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection that there is."""
        return self._connected.is_set()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; once started it ends only when stopped, or by a mistake in the program."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def say(self, topic: str, payload: bytes) -> None:
        """Send a message once if the broker is there, such as an answer; at most the latest 64 wait."""
        self._voice.append(Letter(topic, payload))
        self._ring()

    def flash(self, topic: str, payload: bytes) -> bool:
        """Send a message over the connection that there is or never; return whether there is one."""
        if not self.connected:
            return False
        self._voice.append(Letter(topic, payload, fleeting=True))
        self._ring()
        return True

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for a connection; return whether there is one."""
        return self._connected.wait(timeout_s)

    def drain(self, timeout_s: float) -> bool:
        """Wait until the broker has everything; return whether it has within `timeout_s`."""
        return self._outbox.wait_empty(timeout_s)

    def stop(self, state: Fields, timeout_s: float = 5.0) -> None:
        """Take leave of the broker and end the thread, within about `timeout_s`.

        Args:
            state: the emptied state that is left behind.
            timeout_s: how long the broker may take to answer.
        """
        self._farewell = state, self._mono_s() + timeout_s
        self._stopping.set()
        self._ring()
        self._thread.join(timeout_s + 2.0)

    def _ring(self) -> None:
        # Nobody reads the inbox while there is no connection: one ring is as good as thousands.
        if not self._rung:
            self._rung = True
            self._inbox.put(None)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s, number = self._mono_s(), self._greeted
            lost = self._attempt()
            if lost is None:
                return
            lasted_s = self._mono_s() - began_s
            self._cut = 0 if self._pace.steady(lasted_s) or self._greeted == number else self._cut + 1
            again = f", again and again{_TWIN}" if self._cut >= _CUTS and lost.code != reason_codes.TAKEN_OVER else ""
            self._tell(lost.sentence + again)
            self._stopping.wait(self._backoff.pause_s(lasted_s, lost.code))

    def _attempt(self) -> Lost | None:
        """Make one connection and use it to its end; return why it ended, None if it was asked to."""
        self._number += 1
        number = self._number
        try:
            link = self._connect(lambda report: self._inbox.put((number, report)))
        except BrokerError as error:
            return Lost(str(error))
        self._drop_fleeting()
        session = Session(link, self._topics, self._outbox, self._board, voice=self._voice, experience=self._experience)
        self._greet(link)
        try:
            lost = self._converse(session, link)
            session.lose(lost.code if lost else 0)
            return lost
        finally:
            self._connected.clear()
            link.close()
            self._outbox.release()

    def _drop_fleeting(self) -> None:
        for _ in range(len(self._voice)):
            letter = self._voice.popleft()
            if not letter.fleeting:
                self._voice.append(letter)

    def _converse(self, session: Session, link: Link) -> Lost | None:
        # Subscribed before `online` is told: whoever waits for that may ask at once.
        hears = self._hear_birth(link, hears=False)
        if self._receive is not None:
            link.subscribe(self._topics.requests)
        session.pump(self._mono_s())
        while (farewell := self._farewell) is None:
            for report in self._reports(_TURN_S):
                if isinstance(report, Lost):
                    return report
                self._take(session, report)
            hears = self._hear_birth(link, hears=hears)
            now_s = self._mono_s()
            self._introduce(session, now_s)
            session.pump(now_s)
            if session.overdue(now_s, self._pace.ack_s):
                return Lost("the broker does not answer any more")
        self._leave(session, *farewell)
        return None

    def _hear_birth(self, link: Link, *, hears: bool) -> bool:
        """Subscribe to Home Assistant's birth once there is something to answer it with; return whether it is."""
        if not hears and self._board.announced:
            link.subscribe(self._topics.birth)
            return True
        return hears

    def _introduce(self, session: Session, now_s: float) -> None:
        """Answer Home Assistant's birth; then say again what it could not hear before it knew the node."""
        if self._announce_s is not None and now_s >= self._announce_s:
            self._announce_s, self._again_s = None, now_s + self._pace.again_s
            self._board.greet()
        if self._again_s is not None and now_s >= self._again_s:
            self._again_s = None
            session.repeat()

    def _leave(self, session: Session, state: Fields, leave_by_s: float) -> None:
        session.take_leave(state, self._mono_s())
        while not session.idle and self._mono_s() < leave_by_s:
            for report in self._reports(0.1):
                if isinstance(report, Lost):
                    return
                self._take(session, report)
            session.flush(self._mono_s())

    def _take(self, session: Session, report: Acknowledged | Subscribed | Received) -> None:
        if isinstance(report, Acknowledged):
            session.acknowledge(report, self._mono_s())
        elif isinstance(report, Subscribed):
            if report.code >= reason_codes.SUCCESS_BELOW:
                _log.error("broker: a subscription is refused: %s", reason_codes.coded(report.code))
        elif report.topic == self._topics.birth:
            if report.payload == ONLINE:
                self._announce_s = self._mono_s() + self._chance() * self._pace.birth_s
        elif self._receive is not None:
            self._receive(report)

    def _reports(self, wait_s: float) -> Sequence[Report]:
        """Return what this connection reported, waiting for the first a while."""
        found: list[Report] = []
        try:
            note = self._inbox.get(timeout=wait_s)
            while True:
                if note is None:
                    # Before the pump that follows: what is shown from here on rings again.
                    self._rung = False
                elif note[0] == self._number:
                    found.append(note[1])
                note = self._inbox.get_nowait()
        except queue.Empty:
            return found

    def _greet(self, link: Link) -> None:
        self._greeted += 1
        self._connected.set()
        if self._cut < _CUTS:
            self._failure = ""
            _log.info("broker: connected, MQTT %s", link.protocol)
        if link.protocol != "5" and not self._warned:
            self._warned = True
            _log.warning("broker: MQTT %s cannot say when a message is refused: facenode check tries it", link.protocol)

    def _tell(self, sentence: str) -> None:
        if sentence != self._failure:
            self._failure = sentence
            _log.warning("broker: %s; trying again", sentence)
