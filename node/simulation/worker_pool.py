"""A plan -> the worker processes of its nodes: started, commanded, stopped."""

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
from node.simulation.dialer import resolve_targets
from node.simulation.plan import Plan
from node.simulation.worker import Worker
from node.simulation.worker_context import WorkerContext
from node.simulation.worker_messages import Action, Command, Progress, WorkerMessage, WorkerReport

_SPARE_FILES = 64
_END_S, _POLL_S = 5.0, 0.25
_ENDED = "a worker process of the simulation has ended unexpectedly: see the messages above"


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker process needs to know.

    Attributes:
        plan: how the simulation runs.
        mqtt: the broker.
        protocol: the MQTT version that the broker speaks.
        prefix: first levels of Home Assistant's discovery topics.
        process: the number of this process.
    """

    plan: Plan
    mqtt: MqttSettings
    protocol: str
    prefix: str
    process: int


def run_worker(spec: WorkerSpec, pipe: Connection) -> None:
    """Run the nodes of one process, in that process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the main process says what to do.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    context = WorkerContext(spec.plan, resolve_targets(spec.mqtt), spec.protocol, spec.prefix, spec.mqtt, SystemClock())
    Worker(context, spec.plan.node_numbers(spec.process), pipe).run()


class WorkerPool:
    """The worker processes of a simulation.

    Args:
        plan: how the simulation runs.
        mqtt: the broker.
        protocol: the MQTT version that the broker speaks.
        prefix: first levels of Home Assistant's discovery topics.

    Raises:
        UsageError: a process may not open enough sockets.
    """

    def __init__(self, plan: Plan, mqtt: MqttSettings, protocol: str, prefix: str) -> None:
        limit, needed = resource.getrlimit(resource.RLIMIT_NOFILE)[1], len(plan.node_numbers(0)) + _SPARE_FILES
        if limit != resource.RLIM_INFINITY and needed > limit:
            raise UsageError(
                f"each process needs {needed} open files but may have {limit}: raise --processes, or the limit (ulimit)"
            )
        context = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []
        self._pipes: list[Connection] = []
        self._progress: dict[Connection, Progress] = {}
        self._commands_sent = 0
        self._reports: dict[Connection, WorkerReport] = {}
        for process in range(plan.processes):
            own_end, worker_end = context.Pipe()
            spec = WorkerSpec(plan, mqtt, protocol, prefix, process)
            child = context.Process(target=run_worker, args=(spec, worker_end), daemon=True)
            child.start()
            worker_end.close()
            self._processes.append(child)
            self._pipes.append(own_end)

    @property
    def up_to_date(self) -> bool:
        """Whether the known progress of every worker is from after the latest command."""
        known = self._progress.values()
        return len(known) == len(self._pipes) and all(
            progress.commands_done == self._commands_sent for progress in known
        )

    @property
    def connected(self) -> int:
        """The number of nodes that the broker has accepted."""
        return sum(progress.connected for progress in self._progress.values())

    @property
    def waiting(self) -> int:
        """The number of events that the broker does not have yet."""
        return sum(progress.waiting for progress in self._progress.values())

    def send(self, action: Action, seconds: float = 0.0) -> None:
        """Send a command to all workers.

        Raises:
            BrokerError: a worker has ended unexpectedly.
        """
        self._commands_sent += 1
        for pipe in self._pipes:
            try:
                pipe.send(Command(action, seconds))
            except OSError as error:
                raise BrokerError(_ENDED) from error

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Read the workers' messages until a condition is met; return whether it was within `timeout_s`.

        Raises:
            BrokerError: a worker has ended unexpectedly.
        """
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            for pipe in _readable(self._pipes, min(left_s, _POLL_S)):
                self._receive(pipe)
        return True

    def collect_reports(self, timeout_s: float) -> list[WorkerReport]:
        """Return the reports of all workers.

        Raises:
            BrokerError: a worker does not send its report in time, or has ended unexpectedly.
        """
        self.send(Action.REPORT)
        if not self.wait_until(lambda: len(self._reports) == len(self._pipes), timeout_s):
            raise BrokerError(
                f"a worker process of the simulation did not report within {timeout_s:g} s: simulate fewer nodes, or "
                "raise --processes"
            )
        return list(self._reports.values())

    def stop(self, stop_s: float) -> None:
        """Let all nodes disconnect within some seconds, and end the processes."""
        for pipe in self._pipes:
            try:
                pipe.send(Command(Action.STOP))
            except OSError:
                continue  # This worker has ended.
        deadline_s = time.monotonic() + stop_s + _END_S
        running = list(self._pipes)
        while running and time.monotonic() < deadline_s:
            for pipe in _readable(running, _POLL_S):
                try:
                    pipe.recv()
                except (EOFError, OSError):
                    running.remove(pipe)
        for process in self._processes:
            process.join(_END_S)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()

    def _receive(self, pipe: Connection) -> None:
        try:
            message: WorkerMessage = pipe.recv()
        except (EOFError, OSError) as error:
            raise BrokerError(_ENDED) from error
        if isinstance(message, WorkerReport):
            self._reports[pipe] = message
        else:
            self._progress[pipe] = message


def _readable(pipes: Sequence[Connection], timeout_s: float) -> list[Connection]:
    """Return the pipes with something to read; wait for the first."""
    ready = wait(pipes, timeout_s)
    return [pipe for pipe in pipes if pipe in ready]
