"""A plan and a broker -> a simulation from the first connection to the last trace, and its figures."""

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from node.errors import BrokerError
from node.settings import Settings
from node.simulation import cleanup, results
from node.simulation.broker_load import Gauge
from node.simulation.plan import Plan
from node.simulation.recorder import Diary
from node.simulation.results import Events, Return, Spread
from node.simulation.subscriber import Heard, Listener
from node.simulation.worker_messages import Account, Order
from node.simulation.worker_pool import Troupe

_CONNECT_S, _RETURN_S, _DRAIN_S, _ACCOUNT_S, _COMMAND_S = 60.0, 180.0, 120.0, 60.0, 120.0
_QUIET_S, _SETTLE_S = 5.0, 1.0
_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Broker:
    """What the broker used while people came by; None where it is not known.

    Attributes:
        process: the name of its process.
        cpu_percent: of one core.
        memory_mb: at most, megabytes: of the process, else what the broker tells of itself.
    """

    process: str | None
    cpu_percent: float | None
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Own:
    """What the simulation itself used: where it was late, its figures are worse than the broker's.

    Attributes:
        cpu_percent: of one core, all processes that play nodes together.
        lag: by how much they were late for what was due, at worst in each second.
    """

    cpu_percent: float
    lag: Spread | None


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a simulation.

    Attributes:
        nodes: how many there were.
        protocol: the MQTT version.
        duration_s: seconds for which people came by.
        connect: from the first packet to the broker's acceptance, at the start.
        publish: from the first attempt to send an event to its receipt.
        event: from what happened to its receipt.
        events: what became of the events.
        cuts: connections that the simulation cut one by one.
        wills: how often the broker said that a node was offline.
        storm: how all came back; None where there was no storm.
        broker: what the broker used.
        own: what the simulation used.
        troubles: how often an attempt or a connection ended with which sentence, the most frequent first.
    """

    nodes: int
    protocol: str
    duration_s: float
    connect: Spread | None
    publish: Spread | None
    event: Spread | None
    events: Events
    cuts: int
    wills: int
    storm: Return | None
    broker: Broker
    own: Own
    troubles: tuple[tuple[str, int], ...]


class Director:
    """Run one simulation.

    Args:
        plan: how it goes.
        settings: the broker, and the prefix of discovery.
        pid: the broker's process where it is known.
        say: is told how far it is.
    """

    def __init__(self, plan: Plan, settings: Settings, pid: int | None, say: Callable[[str], None]) -> None:
        self._plan, self._mqtt, self._say = plan, settings.mqtt, say
        self._prefix = settings.homeassistant.prefix
        self._seen = self._prefix if plan.discovery else None
        first = settings.mqtt.each[0]
        self._gauge = Gauge(first.host, first.port, pid)
        self._began_s = self._ended_s = 0.0
        self._storm_s: float | None = None

    def run(self) -> Result:
        """Run it, and leave nothing behind at the broker, also when it is interrupted.

        Raises:
            BrokerError: the broker cannot be reached, or not all nodes could connect.
        """
        cleanup.refuse(self._mqtt, self._seen)
        with closing(Listener(self._mqtt)) as listener:
            troupe = Troupe(self._plan, self._mqtt, listener.protocol, self._prefix)
            try:
                accounts = self._play(troupe)
                diary = Diary()
                for account in accounts:
                    diary.add(account.diary)
                listener.wait(results.missing(diary, listener.heard), _QUIET_S)
                result = self._conclude(diary, accounts, listener)
                self._say("leaving")
            finally:
                troupe.end(10 + self._plan.nodes / 100)
                left = cleanup.sweep(self._mqtt, self._seen)
                if left:
                    self._say(f"{left} retained messages of nodes that could not take leave were taken away")
        return result

    def _play(self, troupe: Troupe) -> list[Account]:
        plan = self._plan
        self._say(f"{plan.nodes} nodes connect")
        self._all_connect(troupe, plan.nodes / plan.connects_per_s + _CONNECT_S)
        self._say(f"all are connected; people come by for {plan.duration_s:g} s")
        self._gauge.sample(time.monotonic())
        self._began_s = time.monotonic()
        troupe.tell(Order.OPEN)
        self._watch(troupe, plan.duration_s / (2 if plan.stormy else 1))
        if plan.stormy:
            self._storm(troupe)
            self._watch(troupe, plan.duration_s / 2)
        self._gauge.sample(time.monotonic())
        self._ended_s = time.monotonic()
        troupe.tell(Order.CALM)
        if not troupe.listen(lambda: troupe.obedient and troupe.waiting == 0, _DRAIN_S):
            self._say(f"{troupe.waiting} events still wait: the broker does not take them")
        return troupe.accounts(_ACCOUNT_S)

    def _all_connect(self, troupe: Troupe, timeout_s: float) -> None:
        nodes = self._plan.nodes
        if not troupe.listen(lambda: troupe.connected == nodes, timeout_s):
            connected = troupe.connected
            troubles = _troubles(troupe.accounts(_ACCOUNT_S))
            why = troubles[0][0] if troubles else "the broker is slow: lower --connect-rate"
            raise BrokerError(f"only {connected} of {nodes} nodes could connect: {why}")

    def _watch(self, troupe: Troupe, seconds: float) -> None:
        until_s = time.monotonic() + seconds

        def over() -> bool:
            self._gauge.sample(time.monotonic())
            return time.monotonic() >= until_s

        troupe.listen(over, seconds + 1)

    def _storm(self, troupe: Troupe) -> None:
        plan = self._plan
        if plan.storm_command:
            self._say(f"the storm: {' '.join(plan.storm_command)}")
            troupe.tell(Order.WEATHER)
            self._storm_s = time.monotonic()
            _restart(plan.storm_command)
            # What the processes told meanwhile is of the time before, or of the middle of it.
            troupe.listen(lambda: False, _SETTLE_S)
        else:
            self._say(f"the storm: every connection is cut, and for {plan.storm_s:g} s none gets through")
            self._storm_s = time.monotonic()
            troupe.tell(Order.STORM, plan.storm_s)

        def back() -> bool:
            self._gauge.sample(time.monotonic())
            return troupe.obedient and troupe.connected == plan.nodes

        if troupe.listen(back, _RETURN_S):
            self._say("all are back")
        else:
            self._say(f"only {troupe.connected} of {plan.nodes} nodes are back")

    def _conclude(self, diary: Diary, accounts: list[Account], listener: Listener) -> Result:
        publish, event = results.delays(diary, listener.heard)
        elapsed_s = self._ended_s - self._began_s
        return Result(
            nodes=self._plan.nodes,
            protocol=listener.protocol,
            duration_s=elapsed_s,
            connect=results.spread(at_s - tried_s for _, tried_s, at_s in diary.connections() if at_s < self._began_s),
            publish=publish,
            event=event,
            events=results.count(diary, listener.heard),
            cuts=diary.cuts,
            wills=listener.heard.wills,
            storm=None if self._storm_s is None else results.returned(diary, self._storm_s),
            broker=self._burden(listener.heard),
            own=Own(
                # Of the whole run: the processes also connect and deliver before and after.
                cpu_percent=100 * sum(account.cpu_s for account in accounts) / elapsed_s,
                lag=results.spread(lag_s for account in accounts for lag_s in account.lags_s),
            ),
            troubles=_troubles(accounts),
        )

    def _burden(self, heard: Heard) -> Broker:
        gauge = self._gauge
        if not gauge.known:
            return Broker(None, None, heard.heap_mb)
        return Broker(gauge.name, gauge.cpu_percent, gauge.most_mb)


def _restart(command: tuple[str, ...]) -> None:
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
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BrokerError(f"--storm-command {command[0]}: ended with {done.returncode}: {''.join(said[-1:])}")


def _troubles(accounts: list[Account]) -> tuple[tuple[str, int], ...]:
    times = Diary()
    for account in accounts:
        times.add(account.diary)
    return tuple(sorted(times.sentences.items(), key=lambda each: -each[1])[:_SENTENCES])
