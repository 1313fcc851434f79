"""One simulated node: generated traffic, the real session and the real back-off -> packets on a link."""

import random

from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Instant
from node.mqtt.backoff import Backoff
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report
from node.mqtt.session import History, Session
from node.simulation.async_link import AsyncLink
from node.simulation.dialer import Target
from node.simulation.memory_outbox import MemoryOutbox
from node.simulation.plan import node_id
from node.simulation.traffic import Traffic
from node.simulation.worker_context import WorkerContext

_CHECK_S = 2.0
_NEVER = float("inf")


class SimulatedNode:
    """A node without a camera. Not thread-safe.

    Args:
        number: the node's number.
        context: what it shares with the other nodes of its process.
        first_attempt_s: when it connects for the first time.
    """

    def __init__(self, number: int, context: WorkerContext, first_attempt_s: float) -> None:
        self._number, self._context = number, context
        self._rng = random.Random(number)
        self._topics = Topics(node_id(number), context.prefix)
        self._client = Client(self._topics.client_id, payloads.last_will(self._topics))
        self._outbox = MemoryOutbox(number, context.recorder, context.mqtt, lambda: self._now().mono_s)
        self._traffic = Traffic(self._topics, context.plan, self._outbox, self._rng, self._now())
        self._history = History()
        self._backoff = Backoff(context.timing, self._rng.random)
        self._next_attempt_s, self._attempt_start_s = first_attempt_s, first_attempt_s
        self._announce_s = self._next_cut_s = self._leave_at_s = self._stop_by_s = _NEVER
        self._untried_targets: list[Target] = []
        self._link: AsyncLink | None = None
        self._session: Session | None = None
        self._reports: list[Report] = []
        self._unconfirmed_removals: set[int] | None = None
        self._stopped = False

    @property
    def link(self) -> AsyncLink | None:
        """The current attempt or connection."""
        return self._link

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the current connection."""
        return self._session is not None

    @property
    def waiting(self) -> int:
        """The number of events that the broker does not have yet."""
        return self._outbox.waiting

    @property
    def stopped(self) -> bool:
        """Whether it has stopped for good."""
        return self._stopped

    @property
    def next_s(self) -> float:
        """When `process_timers` must be called at the latest."""
        if self._stopped:
            return _NEVER
        link_s = self._next_attempt_s if self._link is None else self._now().mono_s + _CHECK_S
        if self._stop_by_s < _NEVER:
            return min(link_s, self._stop_by_s)
        return min(link_s, self._traffic.next_s, self._next_cut_s, self._announce_s, self._leave_at_s)

    def start_visits(self, now_s: float) -> None:
        """Let visitors come."""
        self._traffic.start_visits(now_s)
        self._next_cut_s = now_s + self._cut_gap_s()

    def stop_visits(self) -> None:
        """Create no more events, but go on delivering those that wait."""
        self._traffic.stop_visits(self._now())
        self._next_cut_s = _NEVER

    def discard_waiting(self) -> None:
        """Record the events that still wait as never acknowledged."""
        self._outbox.discard_all()

    def stop(self, now_s: float) -> None:
        """Disconnect as a real node does when it is this node's turn, then remove all retained messages.

        Events that still wait then are discarded.
        """
        self.stop_visits()
        self._leave_at_s = now_s + self._context.plan.leave_after_s(self._number)

    def process_timers(self) -> None:
        """Do what is due."""
        at = self._now()
        if at.mono_s >= self._leave_at_s:
            self._leave(at)
        if self._stopped:
            return
        if at.mono_s >= self._stop_by_s:
            self._finish()
            return
        if self._link is None and at.mono_s >= self._next_attempt_s:
            self._attempt(at.mono_s)
        if self._link is not None:
            self._link.check_timeouts(at.mono_s)
        if self._stop_by_s == _NEVER:
            self._advance_traffic(at)
        self._process_link(at.mono_s)

    def process_socket(self) -> None:
        """Read and write the socket, which is ready."""
        now_s = self._now().mono_s
        if self._link is not None:
            self._link.process_socket(now_s)
        self._process_link(now_s)

    def cut_connection(self) -> None:
        """Lose the connection without an MQTT disconnect."""
        if self._link is not None:
            self._link.abort()
            self._end_connection("the connection was cut", 0, self._now().mono_s)

    def _leave(self, at: Instant) -> None:
        self._leave_at_s = _NEVER
        if self._session is None:
            self._finish()
            return
        self._stop_by_s = at.mono_s + self._context.plan.disconnect_s
        self._session.leave(payloads.state(at), at.mono_s)

    def _advance_traffic(self, at: Instant) -> None:
        self._traffic.advance(at)
        if at.mono_s >= self._announce_s:
            self._announce_s = _NEVER
            self._traffic.retained.home_assistant_started()
        if at.mono_s >= self._next_cut_s:
            self._next_cut_s = at.mono_s + self._cut_gap_s()
            if self._context.cuts_enabled and self.connected:
                self._context.recorder.cuts += 1
                self.cut_connection()

    def _process_link(self, now_s: float) -> None:
        """Process what the link has reported, and send what is due."""
        link = self._link
        if link is None:
            return
        if link.failure is not None:
            self._end_attempt(str(link.failure), now_s)
            return
        if link.accepted and self._session is None:
            self._session = self._start_session(link, now_s)
        if self._session is not None:
            self._process_session(self._session, link, now_s)

    def _process_session(self, session: Session, link: AsyncLink, now_s: float) -> None:
        reports = list(self._reports)
        self._reports.clear()
        for report in reports:
            if isinstance(report, Lost):
                link.close()
                self._end_connection(report.sentence, report.code, now_s)
                return
            self._process_report(session, report, now_s)
        if self._stop_by_s < _NEVER:
            self._continue_stop(session, link, now_s)
            return
        session.pump(now_s)
        if session.overdue(now_s, self._context.timing.ack_s):
            link.abort()
            self._end_connection("the broker no longer answers", 0, now_s)

    def _process_report(self, session: Session, report: Report, now_s: float) -> None:
        if isinstance(report, Acknowledged):
            session.acknowledge(report, now_s)
            if self._unconfirmed_removals is not None:
                self._unconfirmed_removals.discard(report.mid)
        elif isinstance(report, Received) and report.topic in self._topics.births and report.payload == payloads.ONLINE:
            self._announce_s = now_s + self._rng.random() * self._context.timing.birth_s

    def _attempt(self, now_s: float) -> None:
        """Try the next address of the broker."""
        if not self._untried_targets:
            self._untried_targets = list(self._context.targets)
            self._attempt_start_s = now_s
        self._context.recorder.attempts.append(now_s)
        if now_s < self._context.storm_until_s:
            self._untried_targets = []
            self._schedule_attempt("the storm lets no connection through", 0, now_s)
            return
        self._reports = []
        target = self._untried_targets.pop(0)
        self._link = AsyncLink(target, self._client, self._context.protocol, self._reports.append, now_s=now_s)

    def _start_session(self, link: AsyncLink, now_s: float) -> Session:
        self._context.recorder.accepted.extend((self._number, self._attempt_start_s, now_s))
        self._untried_targets = []
        session = Session(link, self._topics, self._outbox, self._traffic.retained, self._history)
        link.subscribe(self._topics.requests)
        if self._context.plan.discovery:
            for topic in self._topics.births:
                link.subscribe(topic)
        return session

    def _end_connection(self, sentence: str, code: int, now_s: float) -> None:
        """Handle the end of a connection, or the cut of an attempt."""
        if self._session is not None:
            self._session.connection_lost(code)
            self._context.recorder.lost.extend((self._number, now_s))
        self._session, self._link = None, None
        self._outbox.release()
        if self._stop_by_s < _NEVER:
            self._finish()
            return
        self._untried_targets = []
        self._schedule_attempt(sentence, code, now_s)

    def _end_attempt(self, sentence: str, now_s: float) -> None:
        """Handle a failed attempt: try the next address at once, if there is one."""
        if self._link is not None:
            self._link.close()
        self._link = None
        if self._untried_targets:
            self._context.recorder.count_error(sentence)
            self._next_attempt_s = now_s
        else:
            self._schedule_attempt(sentence, 0, now_s)

    def _schedule_attempt(self, sentence: str, code: int, now_s: float) -> None:
        self._context.recorder.count_error(sentence)
        self._next_attempt_s = now_s + self._backoff.pause_s(now_s - self._attempt_start_s, code)

    def _continue_stop(self, session: Session, link: AsyncLink, now_s: float) -> None:
        """Send the last messages, then remove the retained ones, then disconnect."""
        session.flush(now_s)
        if self._unconfirmed_removals is None and session.idle:
            topics = [self._topics.state, self._topics.health, self._topics.status]
            if self._context.plan.discovery:
                topics.insert(0, self._topics.discovery)
            self._unconfirmed_removals = {link.publish(Message(topic, b"", retain=True)) for topic in topics}
        elif self._unconfirmed_removals is not None and not self._unconfirmed_removals:
            self._finish()

    def _finish(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = self._session = None
        self._stopped = True
        self._outbox.discard_all()

    def _cut_gap_s(self) -> float:
        mean_s = self._context.plan.cut_every_s
        return self._rng.expovariate(1 / mean_s) if mean_s else _NEVER

    def _now(self) -> Instant:
        return self._context.clock.now()
