"""The nodes of one process -> one loop that serves their sockets and timers, and executes commands."""

import heapq
import itertools
import selectors
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection

from node.simulation.simulated_node import SimulatedNode
from node.simulation.worker_context import WorkerContext
from node.simulation.worker_messages import Action, Command, Progress, WorkerMessage, WorkerReport

_PROGRESS_EVERY_S, _LAG_EVERY_S = 0.25, 1.0


class Worker:
    """Serve the nodes of one process. The end of the main process counts as the command to stop.

    Args:
        context: what the nodes share.
        numbers: the numbers of the nodes.
        pipe: to the main process: commands come in, progress and the report go out.
    """

    def __init__(self, context: WorkerContext, numbers: Iterable[int], pipe: Connection) -> None:
        self._context, self._pipe = context, pipe
        start_s = self._now_s()
        self._nodes = [
            SimulatedNode(number, context, start_s + context.plan.first_attempt_s(number)) for number in numbers
        ]
        self._selector = selectors.DefaultSelector()
        self._registered: dict[SimulatedNode, tuple[int, int]] = {}
        self._timers: list[tuple[float, int, SimulatedNode]] = []
        self._due_s: dict[SimulatedNode, float] = {}
        self._counter = itertools.count()
        self._stopping = False
        self._commands_done = 0
        self._progress_s, self._lag_end_s = start_s, start_s + _LAG_EVERY_S
        self._lag_s = 0.0
        self._lags_s: list[float] = []

    def run(self) -> None:
        """Serve the nodes until all have stopped."""
        self._selector.register(self._pipe, selectors.EVENT_READ)
        with self._selector:
            for node in self._nodes:
                self._reschedule(node)
            while not self._stopping or not all(node.stopped for node in self._nodes):
                self._run_once()

    def _run_once(self) -> None:
        now_s = self._now_s()
        while self._timers and self._timers[0][0] <= now_s:
            due_s, _, node = heapq.heappop(self._timers)
            if self._due_s.get(node) == due_s:
                del self._due_s[node]
                self._lag_s = max(self._lag_s, now_s - due_s)
                node.process_timers()
                self._reschedule(node)
        self._report_progress()
        until_s = min(self._progress_s, self._timers[0][0] if self._timers else self._progress_s)
        for key, _ in self._selector.select(max(0.0, until_s - self._now_s())):
            ready: SimulatedNode | None = key.data
            if ready is None:
                self._execute_command()
            elif ready in self._registered:
                ready.process_socket()
                self._reschedule(ready)

    def _reschedule(self, node: SimulatedNode) -> None:
        """Set the timer of a node and register its current socket; call this after everything that the node did."""
        due_s = node.next_s
        if due_s < self._due_s.get(node, float("inf")):
            self._due_s[node] = due_s
            heapq.heappush(self._timers, (due_s, next(self._counter), node))
        link = node.link
        wanted = (link.fileno, link.selector_events) if link is not None and not link.ended else None
        registered = self._registered.get(node)
        if wanted == registered:
            return
        if registered is not None and (wanted is None or wanted[0] != registered[0]):
            self._selector.unregister(registered[0])
            del self._registered[node]
            registered = None
        if wanted is not None:
            self._registered[node] = wanted
            if registered is None:
                self._selector.register(wanted[0], wanted[1], node)
            else:
                self._selector.modify(wanted[0], wanted[1], node)

    def _execute_command(self) -> None:
        try:
            command: Command = self._pipe.recv()
        except EOFError:
            self._selector.unregister(self._pipe)
            command = Command(Action.STOP)
        now_s = self._now_s()
        if command.action is Action.REPORT:
            self._send_report()
            return
        if command.action in {Action.STORM, Action.STOP_CUTS}:
            self._context.cuts_enabled = False
        if command.action is Action.STORM:
            self._context.storm_until_s = now_s + command.seconds
        self._stopping = self._stopping or command.action is Action.STOP
        for node in self._nodes:
            _apply(command, node, now_s)
            self._reschedule(node)
        self._commands_done += 1

    def _send_report(self) -> None:
        for node in self._nodes:
            node.discard_waiting()
        self._send(WorkerReport(self._context.recorder, tuple(self._lags_s), time.process_time()))

    def _report_progress(self) -> None:
        now_s = self._now_s()
        if now_s >= self._lag_end_s:
            self._lags_s.append(self._lag_s)
            self._lag_s, self._lag_end_s = 0.0, now_s + _LAG_EVERY_S
        if now_s >= self._progress_s:
            self._progress_s = now_s + _PROGRESS_EVERY_S
            connected = sum(node.connected for node in self._nodes)
            waiting = sum(node.waiting for node in self._nodes)
            self._send(Progress(connected, waiting, self._commands_done))

    def _send(self, message: WorkerMessage) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            return  # The main process has ended: the reading side of the pipe notices.

    def _now_s(self) -> float:
        return self._context.clock.now().mono_s


def _apply(command: Command, node: SimulatedNode, now_s: float) -> None:
    """Apply a command to one node."""
    match command.action:
        case Action.START_VISITS:
            node.start_visits(now_s)
        case Action.STORM:
            node.cut_connection()
        case Action.STOP_VISITS:
            node.stop_visits()
        case Action.STOP:
            node.stop(now_s)
        case _:
            pass
