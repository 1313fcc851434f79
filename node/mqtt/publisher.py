"""Outbox and retained messages -> the broker, by a thread that connects, delivers, backs off and leaves cleanly."""

import logging
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from node.contract.message import Message
from node.contract.payloads import ONLINE, Fields
from node.contract.topics import Topics
from node.domain import RequestsState
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Backoff, Timing
from node.mqtt.link import Acknowledged, Link, Lost, Received, Report, Subscribed
from node.mqtt.paho_link import UnexplainedError
from node.mqtt.report_queue import ReportQueue
from node.mqtt.retained import Retained
from node.mqtt.session import History, Session
from node.mqtt.subscriptions import Subscriptions
from node.outbox.outbox import Outbox
from node.system.memory import is_exhausted

_MAX_QUEUED, _MAX_REPORTS = 64, 64
_POLL_S, _LEAVE_POLL_S = 1.0, 0.1
_TRIM_PAUSE_S = 0.01
"""Time between two slices of the outbox that are dropped, in which the loop gets its turn."""
_TIMING = Timing()
_UNSTABLE = 3
"""Connections in a row that end at once before the log points to another node with the same id."""
_SAME_ID_HINT = ", repeatedly: is there another node with this node.id?"

_log = logging.getLogger(__name__)

Connect = Callable[[Callable[[Report], None]], Link]
"""Makes one connection attempt; raises BrokerError."""


class Publisher:
    """Deliver the messages of the outbox and the retained ones. Log broker trouble once per change; never raise it.

    Args:
        topics: the node's topics.
        outbox: the messages that must not be lost.
        retained: the retained messages.
        connect: makes one connection attempt.
        receive: called with each request, on the publisher's thread.
        timing: pauses and timeouts.
        chance: random numbers 0..1.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all dependencies
        self,
        topics: Topics,
        outbox: Outbox,
        retained: Retained,
        connect: Connect,
        *,
        receive: Callable[[Received], None] | None = None,
        timing: Timing = _TIMING,
        chance: Callable[[], float] = random.random,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics, self._outbox, self._retained, self._connect = topics, outbox, retained, connect
        self._receive, self._timing, self._chance, self._mono_s = receive, timing, chance, mono_s
        self._backoff = Backoff(timing, chance)
        self._inbox = ReportQueue[tuple[int, Report]](lambda entry: isinstance(entry[1], Received))
        # Messages to send once, each with the only connection it is for, or None for any.
        self._queue: deque[tuple[Message, int | None]] = deque(maxlen=_MAX_QUEUED)
        self._history = History()
        self._subscriptions = Subscriptions(topics, requests=receive is not None)
        self._final_state: tuple[Fields, float] | None = None
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._attempt = 0
        self._wake_queued = False
        self._discovery_due_s: float | None = None
        self._resend_due_s: float | None = None
        self._failure = ""
        self._protocol_logged = False
        self._ended_by = "because of a bug: see the log above"
        self._connections = self._unstable = 0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        outbox.on_put(self._wake)
        retained.on_change(self._wake)

    @property
    def connected(self) -> bool:
        """Whether there is a connection that the broker has accepted."""
        return self._connected.is_set()

    @property
    def requests(self) -> RequestsState:
        """Whether requests arrive."""
        return self._subscriptions.requests

    @property
    def alive(self) -> bool:
        """Whether the thread runs. Once started it ends only when stopped, or because of a bug."""
        return self._thread.is_alive()

    @property
    def ended_by(self) -> str:
        """Why the thread ended without being stopped."""
        return self._ended_by

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, message: Message) -> None:
        """Send a message once, on this connection or the next; keep at most the latest 64 that wait."""
        self._queue.append((message, None))
        self._wake()

    def send_now(self, message: Message) -> bool:
        """Send a message on the present connection or never; return whether there is one."""
        attempt = self._attempt
        if not self.connected:
            return False
        self._queue.append((message, attempt))
        self._wake()
        return True

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for a connection; return whether there is one."""
        return self._connected.wait(timeout_s)

    def drain(self, timeout_s: float) -> bool:
        """Wait until the broker has everything in the outbox; return whether it has within `timeout_s`."""
        return self._outbox.wait_empty(timeout_s)

    def stop(self, state: Fields, timeout_s: float = 5.0) -> None:
        """Leave the broker cleanly and end the thread, within about `timeout_s`.

        Args:
            state: the retained state to leave behind, in which nobody is in view.
            timeout_s: how long the broker may take to acknowledge.
        """
        self._final_state = state, self._mono_s() + timeout_s
        self._stopping.set()
        self._wake()
        self._thread.join(timeout_s + 2.0)

    def _wake(self) -> None:
        # Nobody reads the inbox while there is no connection: one entry has to do, not thousands.
        if not self._wake_queued:
            self._wake_queued = True
            self._inbox.put(None)

    def _run(self) -> None:
        try:
            self._deliver()
        except Exception as error:
            if not is_exhausted(error):
                raise
            self._ended_by = f"because there is not enough memory ({str(error) or type(error).__name__})"

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            while self._outbox.trim() and not self._stopping.wait(_TRIM_PAUSE_S):
                pass
            began_s, connections = self._mono_s(), self._connections
            lost = self._connect_and_serve()
            if lost is None:
                return
            lasted_s = self._mono_s() - began_s
            unstable = self._connections != connections and not self._timing.is_stable(lasted_s)
            self._unstable = self._unstable + 1 if unstable else 0
            explained = lost.code == reason_codes.TAKEN_OVER or lost.by_packet
            hint = self._unstable >= _UNSTABLE and not explained
            self._log_failure(lost.sentence + (self._hint() if hint else ""))
            self._stopping.wait(self._backoff.pause_s(lasted_s, lost.code))

    def _connect_and_serve(self) -> Lost | None:
        """Make one connection and use it until it ends; return why it ended, None if `stop` ended it."""
        self._attempt += 1
        attempt = self._attempt
        try:
            link = self._connect(lambda report: self._inbox.put((attempt, report)))
        except UnexplainedError as error:
            return Lost(f"{error}; facenode check finds out whether it is the login or the last will")
        except BrokerError as error:
            return Lost(str(error))
        session = Session(link, self._topics, self._outbox, self._retained, self._history)
        self._note_connected(link)
        try:
            lost = self._serve(session, link)
            session.connection_lost(lost.code if lost else 0)
            if lost is not None:
                self._subscriptions.lost(lost, self._mono_s())
            return lost
        finally:
            self._connected.clear()
            link.close()
            self._outbox.release()

    def _serve(self, session: Session, link: Link) -> Lost | None:
        # Subscribe before `online`: a subscriber that waits for `online` may send a request at once.
        self._subscriptions.connected()
        self._subscribe(link)
        session.pump(self._mono_s(), self._take_queue())
        while (final := self._final_state) is None:
            for report in self._reports(_POLL_S):
                if isinstance(report, Lost):
                    return report
                self._handle(session, link, report)
            self._subscribe(link)
            now_s = self._mono_s()
            self._answer_birth(session, now_s)
            session.pump(now_s, self._take_queue())
            if session.overdue(now_s, self._timing.ack_s):
                return Lost("the broker no longer answers")
        self._leave(session, link, *final)
        return None

    def _take_queue(self) -> list[Message]:
        """Return the messages to send once, without those for a connection that has ended."""
        taken = [self._queue.popleft() for _ in range(len(self._queue))]
        return [message for message, attempt in taken if attempt in (None, self._attempt)]

    def _subscribe(self, link: Link) -> None:
        self._subscriptions.update(link, self._mono_s(), births=self._retained.has_discovery)

    def _answer_birth(self, session: Session, now_s: float) -> None:
        """Send discovery after Home Assistant's birth message, and later what it did not subscribe to before that."""
        if self._discovery_due_s is not None and now_s >= self._discovery_due_s:
            self._discovery_due_s, self._resend_due_s = None, now_s + self._timing.repeat_s
            self._retained.home_assistant_started()
        if self._resend_due_s is not None and now_s >= self._resend_due_s:
            self._resend_due_s = None
            session.resend_retained()

    def _leave(self, session: Session, link: Link, state: Fields, leave_by_s: float) -> None:
        session.leave(state, self._mono_s(), self._take_queue())
        while not session.idle and self._mono_s() < leave_by_s:
            for report in self._reports(_LEAVE_POLL_S):
                if isinstance(report, Lost):
                    return
                self._handle(session, link, report)
            session.flush(self._mono_s())

    def _handle(self, session: Session, link: Link, report: Acknowledged | Subscribed | Received) -> None:
        now_s = self._mono_s()
        if isinstance(report, Acknowledged):
            session.acknowledge(report, now_s)
        elif isinstance(report, Subscribed):
            self._subscriptions.answer(report, now_s)
        elif not self._subscriptions.take(report, link, now_s):
            pass  # one of too many
        elif report.topic in self._topics.births:
            if report.payload == ONLINE and self._discovery_due_s is None:
                self._discovery_due_s = now_s + self._chance() * self._timing.birth_s
        elif self._receive is not None:
            self._receive(report)

    def _reports(self, wait_s: float) -> Sequence[Report]:
        """Return some of what this connection has reported; wait up to `wait_s` for the first report."""
        found: list[Report] = []
        try:
            entry = self._inbox.get(timeout=wait_s)
            while True:
                if entry is None:
                    # Before the pump that follows: what changes from here on wakes the thread again.
                    self._wake_queued = False
                elif entry[0] == self._attempt:
                    found.append(entry[1])
                if len(found) == _MAX_REPORTS:  # a broker may send faster than this thread reads
                    return found
                entry = self._inbox.get_nowait()
        except queue.Empty:
            return found

    def _note_connected(self, link: Link) -> None:
        self._connections += 1
        self._connected.set()
        if self._unstable < _UNSTABLE:
            self._failure = ""
            _log.info("broker: connected, MQTT %s", link.protocol)
        if link.protocol != "5" and not self._protocol_logged:
            self._protocol_logged = True
            _log.warning(
                "broker: MQTT %s does not report refused messages: run facenode check to test them", link.protocol
            )

    def _hint(self) -> str:
        """Return why connections may end again and again."""
        topic = self._history.ended_on
        return f", repeatedly, before it has acknowledged {topic}: run facenode check" if topic else _SAME_ID_HINT

    def _log_failure(self, sentence: str) -> None:
        if sentence != self._failure:
            self._failure = sentence
            _log.warning("broker: %s; trying again", sentence)
