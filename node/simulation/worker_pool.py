"""A plan -> the processes that play its nodes: started, told what to do, ended."""

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from node.clock import SystemClock
from node.errors import BrokerError, UsageError
from node.settings import MqttSettings
from node.simulation.dialer import targets
from node.simulation.plan import Plan
from node.simulation.worker import Crew
from node.simulation.worker_context import Gear
from node.simulation.worker_messages import Account, Answer, Command, Order, Progress

_SPARE_FILES = 64
_END_S, _TURN_S = 5.0, 0.25


@dataclass(frozen=True, slots=True)
class Part:
    """What a process needs to know.

    Attributes:
        plan: how the simulation goes.
        mqtt: the broker.
        protocol: the MQTT version that it speaks.
        prefix: first levels of Home Assistant's topics.
        process: which of the processes this is.
    """

    plan: Plan
    mqtt: MqttSettings
    protocol: str
    prefix: str
    process: int


def play(part: Part, orders: Connection) -> None:
    """Play the nodes of one process, in that process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all at once; who directs says what is to be done
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gear = Gear(part.plan, targets(part.mqtt), part.protocol, part.prefix, part.mqtt.live_s, SystemClock())
    Crew(gear, part.plan.share(part.process), orders).run()


class Troupe:
    """The processes of a simulation.

    Args:
        plan: how it goes.
        mqtt: the broker.
        protocol: the MQTT version that it speaks.
        prefix: first levels of Home Assistant's topics.

    Raises:
        UsageError: a process may not open so many sockets.
    """

    def __init__(self, plan: Plan, mqtt: MqttSettings, protocol: str, prefix: str) -> None:
        limit, wanted = resource.getrlimit(resource.RLIMIT_NOFILE)[1], len(plan.share(0)) + _SPARE_FILES
        if limit != resource.RLIM_INFINITY and wanted > limit:
            raise UsageError(f"a process would need {wanted} open files and may have {limit}: raise --processes")
        context = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []
        self._pipes: list[Connection] = []
        self._progress: dict[Connection, Progress] = {}
        self._told = 0
        self._accounts: dict[Connection, Account] = {}
        for process in range(plan.processes):
            here, there = context.Pipe()
            child = context.Process(target=play, args=(Part(plan, mqtt, protocol, prefix, process), there), daemon=True)
            child.start()
            there.close()
            self._processes.append(child)
            self._pipes.append(here)

    @property
    def obedient(self) -> bool:
        """Whether what is known of the nodes is of a time after the latest order."""
        known = self._progress.values()
        return len(known) == len(self._pipes) and all(progress.obeyed == self._told for progress in known)

    @property
    def connected(self) -> int:
        """How many nodes the broker has accepted."""
        return sum(progress.connected for progress in self._progress.values())

    @property
    def waiting(self) -> int:
        """How many events the broker does not have yet."""
        return sum(progress.waiting for progress in self._progress.values())

    def tell(self, order: Order, seconds: float = 0.0) -> None:
        """Tell all processes what to do."""
        self._told += 1
        for pipe in self._pipes:
            try:
                pipe.send(Command(order, seconds))
            except OSError as error:
                raise BrokerError("a process of the simulation has ended by itself: see above") from error

    def listen(self, enough: Callable[[], bool], timeout_s: float) -> bool:
        """Take in how the nodes are until it is enough; return whether it was within `timeout_s`.

        Raises:
            BrokerError: a process has ended by itself.
        """
        until_s = time.monotonic() + timeout_s
        while not enough():
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return False
            for pipe in _ready(self._pipes, min(left_s, _TURN_S)):
                self._take(pipe)
        return True

    def accounts(self, timeout_s: float) -> list[Account]:
        """Return what all processes hand over.

        Raises:
            BrokerError: one of them does not.
        """
        self.tell(Order.TELL)
        if not self.listen(lambda: len(self._accounts) == len(self._pipes), timeout_s):
            raise BrokerError("a process of the simulation does not answer")
        return list(self._accounts.values())

    def end(self, leave_s: float) -> None:
        """Let all nodes take leave within some seconds, and end the processes."""
        for pipe in self._pipes:
            try:
                pipe.send(Command(Order.LEAVE, leave_s))
            except OSError:
                continue  # it has ended
        until_s = time.monotonic() + leave_s + _END_S
        alive = list(self._pipes)
        while alive and time.monotonic() < until_s:
            for pipe in _ready(alive, _TURN_S):
                try:
                    pipe.recv()
                except (EOFError, OSError):
                    alive.remove(pipe)
        for process in self._processes:
            process.join(_END_S)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()

    def _take(self, pipe: Connection) -> None:
        try:
            answer: Answer = pipe.recv()
        except (EOFError, OSError) as error:
            raise BrokerError("a process of the simulation has ended by itself: see above") from error
        if isinstance(answer, Account):
            self._accounts[pipe] = answer
        else:
            self._progress[pipe] = answer


def _ready(pipes: Sequence[Connection], timeout_s: float) -> list[Connection]:
    """Return those from which something can be read, waiting for the first."""
    ready = wait(pipes, timeout_s)
    return [pipe for pipe in pipes if pipe in ready]
