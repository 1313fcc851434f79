"""The nodes of one process -> one loop that serves all their sockets and timers, and obeys orders."""

import heapq
import itertools
import selectors
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection

from node.simulation.simulated_node import Actor
from node.simulation.worker_context import Gear
from node.simulation.worker_messages import Account, Answer, Command, Order, Progress

_TELL_EVERY_S, _LAG_EVERY_S = 0.25, 1.0
_ORPHAN_LEAVES_S = 10.0


class Crew:
    """Serve the nodes of one process. A parent that goes away is an order to leave.

    Args:
        gear: what the nodes share.
        numbers: which nodes.
        orders: from the process that directs, and back to it.
    """

    def __init__(self, gear: Gear, numbers: Iterable[int], orders: Connection) -> None:
        self._gear, self._orders = gear, orders
        begin_s = self._now_s()
        self._actors = [Actor(number, gear, begin_s + gear.plan.starts_at_s(number)) for number in numbers]
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Actor, tuple[int, int]] = {}
        self._heap: list[tuple[float, int, Actor]] = []
        self._due_s: dict[Actor, float] = {}
        self._counter = itertools.count()
        self._leaving = False
        self._obeyed = 0
        self._tell_s, self._lag_end_s = begin_s, begin_s + _LAG_EVERY_S
        self._lag_s = 0.0
        self._lags_s: list[float] = []

    def run(self) -> None:
        """Serve until all have left."""
        self._selector.register(self._orders, selectors.EVENT_READ)
        with self._selector:
            for actor in self._actors:
                self._look_after(actor)
            while not self._leaving or not all(actor.gone for actor in self._actors):
                self._turn()

    def _turn(self) -> None:
        now_s = self._now_s()
        while self._heap and self._heap[0][0] <= now_s:
            due_s, _, actor = heapq.heappop(self._heap)
            if self._due_s.get(actor) == due_s:
                del self._due_s[actor]
                self._lag_s = max(self._lag_s, now_s - due_s)
                actor.wake()
                self._look_after(actor)
        self._tell()
        until_s = min(self._tell_s, self._heap[0][0] if self._heap else self._tell_s)
        for key, _ in self._selector.select(max(0.0, until_s - self._now_s())):
            served: Actor | None = key.data
            if served is None:
                self._obey()
            elif served in self._watched:
                served.ready()
                self._look_after(served)

    def _look_after(self, actor: Actor) -> None:
        """Watch its socket as it is now, and wake it in time; to be called after everything that it did."""
        due_s = actor.next_s
        if due_s < self._due_s.get(actor, float("inf")):
            self._due_s[actor] = due_s
            heapq.heappush(self._heap, (due_s, next(self._counter), actor))
        wire = actor.wire
        wanted = (wire.fileno, wire.wants) if wire is not None and not wire.over else None
        watched = self._watched.get(actor)
        if wanted == watched:
            return
        if watched is not None and (wanted is None or wanted[0] != watched[0]):
            self._selector.unregister(watched[0])
            del self._watched[actor]
            watched = None
        if wanted is not None:
            self._watched[actor] = wanted
            if watched is None:
                self._selector.register(wanted[0], wanted[1], actor)
            else:
                self._selector.modify(wanted[0], wanted[1], actor)

    def _obey(self) -> None:
        try:
            command: Command = self._orders.recv()
        except EOFError:
            self._selector.unregister(self._orders)
            command = Command(Order.LEAVE, _ORPHAN_LEAVES_S)
        now_s = self._now_s()
        if command.order is Order.TELL:
            self._hand_over()
            return
        if command.order in {Order.STORM, Order.WEATHER}:
            self._gear.cutting = False
        if command.order is Order.STORM:
            self._gear.storm_until_s = now_s + command.seconds
        self._leaving = self._leaving or command.order is Order.LEAVE
        for actor in self._actors:
            _pass_on(command, actor, now_s)
            self._look_after(actor)
        self._obeyed += 1

    def _hand_over(self) -> None:
        for actor in self._actors:
            actor.hand_over()
        self._say(Account(self._gear.diary, tuple(self._lags_s), time.process_time()))

    def _tell(self) -> None:
        now_s = self._now_s()
        if now_s >= self._lag_end_s:
            self._lags_s.append(self._lag_s)
            self._lag_s, self._lag_end_s = 0.0, now_s + _LAG_EVERY_S
        if now_s >= self._tell_s:
            self._tell_s = now_s + _TELL_EVERY_S
            connected = sum(actor.connected for actor in self._actors)
            waiting = sum(actor.waiting for actor in self._actors)
            self._say(Progress(connected, waiting, self._obeyed))

    def _say(self, answer: Answer) -> None:
        try:
            self._orders.send(answer)
        except OSError:
            return  # who directs has gone: the reading end says so

    def _now_s(self) -> float:
        return self._gear.clock.now().mono_s


def _pass_on(command: Command, actor: Actor, now_s: float) -> None:
    """Let one node do what all are told."""
    match command.order:
        case Order.OPEN:
            actor.open(now_s)
        case Order.STORM:
            actor.cut()
        case Order.CALM:
            actor.calm()
        case Order.LEAVE:
            actor.leave(now_s + command.seconds)
        case _:
            pass
