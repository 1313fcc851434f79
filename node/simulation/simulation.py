"""A plan and a broker -> a simulation from the first connection to the last removed message, and its figures."""

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from node.errors import BrokerError
from node.settings import Settings
from node.simulation import cleanup, results
from node.simulation.broker_load import BrokerLoad
from node.simulation.plan import Plan
from node.simulation.recorder import Recorder
from node.simulation.results import EventCounts, Percentiles, Recovery
from node.simulation.subscriber import Arrivals, Subscriber
from node.simulation.worker_messages import Action, WorkerReport
from node.simulation.worker_pool import WorkerPool

_CONNECT_S, _RECONNECT_S, _DRAIN_S, _REPORT_S, _COMMAND_S = 60.0, 180.0, 120.0, 60.0, 120.0
_QUIET_S, _SETTLE_S = 5.0, 1.0
_MAX_ERRORS = 3


@dataclass(frozen=True, slots=True)
class BrokerUsage:
    """What the broker used while the nodes had visitors; None where it is unknown.

    Attributes:
        process: the name of its process.
        cpu_percent: processor time, percent of one core.
        memory_mb: greatest memory of the process, megabytes, else what the broker reports of itself.
    """

    process: str | None
    cpu_percent: float | None
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class SimulatorUsage:
    """What the simulation itself used: where its lag is large, its figures are worse than the broker is.

    Attributes:
        cpu_percent: processor time of all workers together, percent of one core.
        lag: how late timers ran, the worst of each second.
    """

    cpu_percent: float
    lag: Percentiles | None


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a simulation.

    Attributes:
        nodes: the number of nodes.
        protocol: the MQTT version.
        duration_s: how long the nodes had visitors, seconds.
        connect: from the first packet to the broker's acceptance, at the start.
        publish: from the first attempt to send an event to its receipt.
        event: from the moment of an event to its receipt.
        events: the outcomes of the events.
        cuts: connections that the simulation cut one by one.
        wills: how often the broker reported a node offline.
        storm: how the nodes reconnected; None if there was no storm.
        broker: what the broker used.
        own: what the simulation used.
        troubles: how often an attempt or a connection ended with each message, the most frequent first.
        cleaned: whether the broker retains no message of the nodes any more.
    """

    nodes: int
    protocol: str
    duration_s: float
    connect: Percentiles | None
    publish: Percentiles | None
    event: Percentiles | None
    events: EventCounts
    cuts: int
    wills: int
    storm: Recovery | None
    broker: BrokerUsage
    own: SimulatorUsage
    troubles: tuple[tuple[str, int], ...]
    cleaned: bool = False


class Simulation:
    """Run one simulation.

    Args:
        plan: how it runs.
        settings: the broker, and the prefix of discovery topics.
        pid: the broker's process id if known.
        show_progress: receives a line at each step.
    """

    def __init__(self, plan: Plan, settings: Settings, pid: int | None, show_progress: Callable[[str], None]) -> None:
        self._plan, self._mqtt, self._show_progress = plan, settings.mqtt, show_progress
        self._prefix = settings.homeassistant.prefix
        self._cleanup_prefix = self._prefix if plan.discovery else None
        first = settings.mqtt.each[0]
        self._broker_load = BrokerLoad(first.host, first.port, pid)
        self._start_s = self._end_s = 0.0
        self._storm_s: float | None = None

    def run(self) -> Result:
        """Run it, and remove all retained messages at the end, also after Ctrl-C.

        Raises:
            BrokerError: the broker cannot be reached, or not all nodes could connect.
        """
        cleanup.require_no_leftovers(self._mqtt, self._cleanup_prefix)
        with closing(Subscriber(self._mqtt)) as subscriber:
            pool = WorkerPool(self._plan, self._mqtt, subscriber.protocol, self._prefix)
            try:
                reports = self._run_nodes(pool)
                recorder = _merge(reports)
                subscriber.wait_for(results.lost_events(recorder, subscriber.arrivals), _QUIET_S)
                result = self._result(recorder, reports, subscriber)
                self._show_progress("disconnecting")
            finally:
                pool.stop(self._plan.leave_s)
                cleaned = cleanup.leave_nothing(self._mqtt, self._cleanup_prefix, self._show_progress)
        return replace(result, cleaned=cleaned)

    def _run_nodes(self, pool: WorkerPool) -> list[WorkerReport]:
        plan = self._plan
        self._show_progress(f"connecting {_count(plan.nodes, 'node')}")
        self._connect_all(pool, plan.nodes / plan.connects_per_s + _CONNECT_S)
        self._show_progress(f"all nodes are connected; publishing events for {plan.duration_s:g} s")
        self._broker_load.sample(time.monotonic())
        self._start_s = time.monotonic()
        pool.send(Action.START_VISITS)
        self._run_for(pool, plan.duration_s / (2 if plan.has_storm else 1))
        if plan.has_storm:
            self._run_storm(pool)
            self._run_for(pool, plan.duration_s / 2)
        self._broker_load.sample(time.monotonic())
        self._end_s = time.monotonic()
        pool.send(Action.STOP_VISITS)
        if not pool.wait_until(lambda: pool.up_to_date and pool.waiting == 0, _DRAIN_S):
            self._show_progress(f"the broker has not accepted {_count(pool.waiting, 'event')}")
        return pool.collect_reports(_REPORT_S)

    def _connect_all(self, pool: WorkerPool, timeout_s: float) -> None:
        nodes = self._plan.nodes
        if not pool.wait_until(lambda: pool.connected == nodes, timeout_s):
            connected = pool.connected
            errors = _frequent_errors(_merge(pool.collect_reports(_REPORT_S)))
            reason = errors[0][0] if errors else "the broker is slow: lower --connect-rate"
            raise BrokerError(f"only {connected} of {_count(nodes, 'node')} could connect: {reason}")

    def _run_for(self, pool: WorkerPool, seconds: float) -> None:
        """Let the nodes run, and measure the broker meanwhile."""
        deadline_s = time.monotonic() + seconds

        def over() -> bool:
            self._broker_load.sample(time.monotonic())
            return time.monotonic() >= deadline_s

        pool.wait_until(over, seconds + 1)

    def _run_storm(self, pool: WorkerPool) -> None:
        plan = self._plan
        if plan.storm_command:
            self._show_progress(f"storm: running {' '.join(plan.storm_command)}")
            pool.send(Action.STOP_CUTS)
            self._storm_s = time.monotonic()
            _run_command(plan.storm_command)
            # The progress that the workers sent meanwhile is from before the restart, or from the middle of it.
            pool.wait_until(lambda: False, _SETTLE_S)
        else:
            self._show_progress(f"storm: cutting every connection and letting none through for {plan.storm_s:g} s")
            self._storm_s = time.monotonic()
            pool.send(Action.STORM, plan.storm_s)

        def all_reconnected() -> bool:
            self._broker_load.sample(time.monotonic())
            return pool.up_to_date and pool.connected == plan.nodes

        if pool.wait_until(all_reconnected, _RECONNECT_S):
            self._show_progress("all nodes have reconnected")
        else:
            self._show_progress(f"only {pool.connected} of {_count(plan.nodes, 'node')} have reconnected")

    def _result(self, recorder: Recorder, reports: list[WorkerReport], subscriber: Subscriber) -> Result:
        arrivals = subscriber.arrivals
        publish, event = results.latencies(recorder, arrivals)
        duration_s = self._end_s - self._start_s
        connections = recorder.connections()
        return Result(
            nodes=self._plan.nodes,
            protocol=subscriber.protocol,
            duration_s=duration_s,
            connect=results.percentiles(end_s - start_s for _, start_s, end_s in connections if end_s < self._start_s),
            publish=publish,
            event=event,
            events=results.count_events(recorder, arrivals),
            cuts=recorder.cuts,
            wills=arrivals.wills,
            storm=None if self._storm_s is None else results.recovery(recorder, self._storm_s),
            broker=self._broker_usage(arrivals),
            own=SimulatorUsage(
                # Of the whole run: the workers also connect and deliver before and after.
                cpu_percent=100 * sum(report.cpu_s for report in reports) / duration_s,
                lag=results.percentiles(lag_s for report in reports for lag_s in report.lags_s),
            ),
            troubles=_frequent_errors(recorder),
        )

    def _broker_usage(self, arrivals: Arrivals) -> BrokerUsage:
        load = self._broker_load
        if not load.measured:
            return BrokerUsage(None, None, arrivals.heap_mb)
        return BrokerUsage(load.name, load.cpu_percent, load.peak_mb)


def _run_command(command: tuple[str, ...]) -> None:
    """Run the command that restarts the broker.

    Raises:
        BrokerError: it fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - it is the user's own command, and no shell reads it
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_COMMAND_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"--storm-command {command[0]}: {error}") from error
    if done.returncode:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise BrokerError(f"--storm-command {command[0]}: exited with code {done.returncode}: {''.join(output[-1:])}")


def _merge(reports: list[WorkerReport]) -> Recorder:
    recorder = Recorder()
    for report in reports:
        recorder.merge(report.recorder)
    return recorder


def _frequent_errors(recorder: Recorder) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(recorder.errors.items(), key=lambda each: -each[1])[:_MAX_ERRORS])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"
