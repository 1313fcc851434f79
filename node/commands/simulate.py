"""`facenode simulate --nodes N`: many nodes without cameras -> what a broker makes of them, as a table."""

import argparse
import json
import logging
import math
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NoReturn

from node.errors import UsageError
from node.settings import Settings
from node.simulation import cleanup
from node.simulation.plan import MAX_NODES, Plan
from node.simulation.results import Return, Spread
from node.simulation.simulation import Director, Result

_DEFAULT = Plan(1)
_ABOUT = (
    "The nodes are called sim-00000 and up, connect as real ones do, and leave nothing behind. The login must be "
    "allowed to write and read facenode/#. A subscriber inside the simulation measures: the broker needs room for what "
    "waits for it (mosquitto: max_queued_messages 0)."
)


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `simulate` to the command line."""
    parser = subparsers.add_parser("simulate", parents=[common], description=_ABOUT)
    add = parser.add_argument
    add("--nodes", type=_whole(1, MAX_NODES), metavar="N", help="how many")
    add("--duration", type=_number(1, 86_400), default=_DEFAULT.duration_s, metavar="S", help="seconds (60)")
    add("--rate", type=_number(0, 36_000), default=_DEFAULT.events_per_hour, help="events a node an hour (60)")
    add("--processes", type=_whole(1, 64), default=_DEFAULT.processes, help="among which the nodes are divided (2)")
    add("--connect-rate", type=_number(1, 10_000), default=_DEFAULT.connects_per_s, help="nodes a second (200)")
    add("--cut-every", type=_number(0, 86_400), default=_DEFAULT.cut_every_s, metavar="S", help=_CUT)
    add(
        "--discovery", action="store_true", help="announce all of them to Home Assistant, which then has N more devices"
    )
    add("--storm", action="store_true", help="in the middle cut all off for --storm-for seconds")
    add("--storm-for", type=_number(0, 600), default=5.0, metavar="S", help="seconds for which none gets through (5)")
    add("--storm-command", type=_command, default=(), metavar="COMMAND", help=_COMMAND)
    add(
        "--broker-pid",
        type=_whole(1, 2**22),
        metavar="PID",
        help="the broker's process, where it is not found by itself",
    )
    add("--clean", action="store_true", help="run nothing: take away what a killed simulation has left at the broker")
    add("--json", action="store_true", help="the figures as one JSON object")
    parser.set_defaults(main=main)


_CUT = "mean seconds after which a node's connection is cut (600); 0: never"
_COMMAND = "in the middle run this command, which restarts the broker, such as 'systemctl restart mosquitto'"


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run the simulation and print its figures; 0 if nothing was lost and all came back, else 1."""
    if not args.verbose:
        logging.getLogger().setLevel(logging.ERROR)
    if args.clean:
        print(f"{cleanup.sweep(settings.mqtt, settings.homeassistant.prefix)} retained messages taken away")
        return 0
    plan = _plan(args, settings)
    with _terminated():
        result = Director(plan, settings, args.broker_pid, _say).run()
    print(json.dumps(asdict(result)) if args.json else table(result))
    events, storm = result.events, result.storm
    bad = events.lost or events.waiting or events.rejected or (storm is not None and storm.missing)
    return 1 if bad else 0


def table(result: Result) -> str:
    """Return the figures as lines for people."""
    events, broker, own = result.events, result.broker, result.own
    rows = [
        ("nodes", f"{result.nodes}, MQTT {result.protocol}, for {result.duration_s:.0f} s"),
        ("connect", _spread(result.connect)),
        ("publish to receive", _spread(result.publish)),
        ("event to receive", _spread(result.event)),
        ("events", f"{events.made} sent, {events.received} received, {events.made / result.duration_s:.1f} a second"),
        ("lost", f"{events.lost}"),
        ("never acknowledged", f"{events.waiting}, and {events.rejected} refused for good"),
        ("duplicated", f"{events.repeated}"),
        ("late", f"{events.late}"),
        ("cut one by one", f"{result.cuts} connections; last wills seen {result.wills}"),
        *_storm(result.storm),
        ("broker", _burden(broker.process, broker.cpu_percent, broker.memory_mb)),
        ("simulation", f"{own.cpu_percent:.0f} % of a core; its own lag {_spread(own.lag)}"),
        *(("trouble", f"{times} x {sentence}") for sentence, times in result.troubles),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)


def _storm(storm: Return | None) -> list[tuple[str, str]]:
    if storm is None:
        return []
    first = "-" if storm.first_s is None else f"{storm.first_s:.1f} s"
    last = f"{storm.missing} are not back" if storm.all_s is None else f"all after {storm.all_s:.1f} s"
    return [
        ("storm", f"{storm.lost} nodes cut off; the first back after {first}, {last}"),
        ("storm: most a second", f"{storm.attempts_per_s} attempts, {storm.accepts_per_s} accepted"),
        ("storm: connect", _spread(storm.connect)),
    ]


def _burden(process: str | None, cpu_percent: float | None, memory_mb: float | None) -> str:
    memory = "memory unknown" if memory_mb is None else f"at most {memory_mb:.1f} MB"
    cpu = "" if cpu_percent is None else f"{cpu_percent:.0f} % of a core, "
    return f"{process or 'not on this machine, or not found'}: {cpu}{memory}"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    return (
        f"p50 {spread.p50_ms:.1f} ms, p95 {spread.p95_ms:.1f} ms, p99 {spread.p99_ms:.1f} ms, "
        f"most {spread.most_ms:.1f} ms"
    )


def _plan(args: argparse.Namespace, settings: Settings) -> Plan:
    if args.nodes is None:
        raise UsageError("--nodes N: say how many nodes are to be simulated")
    if args.storm and args.storm_command:
        raise UsageError("--storm and --storm-command: give one of the two")
    return Plan(
        nodes=args.nodes,
        duration_s=args.duration,
        events_per_hour=args.rate,
        processes=min(args.processes, args.nodes),
        connects_per_s=args.connect_rate,
        cut_every_s=args.cut_every,
        discovery=args.discovery,
        storm_s=args.storm_for if args.storm else 0.0,
        storm_command=args.storm_command,
        health_s=settings.health.every_s,
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _terminated() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, also in the background of a shell, which ignores that: the nodes take leave."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, stop) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: a whole number from {least} to {most} is wanted")
        return int(text)

    return read


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: a number from {least:g} to {most:g} is wanted")
        return value

    return read


def _command(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error
    if not words:
        raise argparse.ArgumentTypeError("a command is wanted")
    return words
