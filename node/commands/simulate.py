"""`facenode simulate --nodes N`: a broker under the load of simulated nodes -> delays, losses and usage as a table."""

import argparse
import logging
import math
import shlex
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

from node.errors import UsageError
from node.settings import Settings
from node.simulation import cleanup
from node.simulation.plan import MAX_NODES, Plan
from node.simulation.results import Percentiles, Recovery
from node.simulation.simulation import Result, Simulation
from node.system.stop_signals import on_stop
from node.system.terminal import print_json, print_line, print_note

_DEFAULT = Plan(1)
_DESCRIPTION = (
    "The nodes are named sim-00000 and up, connect as real nodes do, and remove their retained messages at the end. "
    "The account must be allowed to write and read facenode/#. A subscriber inside the simulation measures: let the "
    "broker queue enough messages for it (mosquitto: max_queued_messages 0)."
)
_CUT_HELP = "mean seconds after which a node's connection is cut (600); 0: never"
_STORM_COMMAND_HELP = (
    "command that restarts the broker, to run in the middle of the run, such as 'systemctl restart mosquitto'"
)


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `simulate` to the command line."""
    parser = subparsers.add_parser("simulate", parents=[common], description=_DESCRIPTION)
    add = parser.add_argument
    add("--nodes", type=_whole(1, MAX_NODES), metavar="N", help="number of nodes")
    add("--duration", type=_number(1, 86_400), default=_DEFAULT.duration_s, metavar="S", help="seconds to run (60)")
    add("--rate", type=_number(0, 36_000), default=_DEFAULT.events_per_hour, help="events per node per hour (60)")
    add("--processes", type=_whole(1, 64), default=_DEFAULT.processes, help="number of worker processes (2)")
    add(
        "--connect-rate",
        type=_number(1, 10_000),
        default=_DEFAULT.connects_per_s,
        help="nodes that connect per second at the start, and disconnect per second at the end (200)",
    )
    add("--cut-every", type=_number(0, 86_400), default=_DEFAULT.cut_every_s, metavar="S", help=_CUT_HELP)
    add("--discovery", action="store_true", help="announce the nodes to Home Assistant, which then has N more devices")
    add("--storm", action="store_true", help="in the middle of the run, cut off all nodes for --storm-for seconds")
    add("--storm-for", type=_number(0, 600), default=5.0, metavar="S", help="seconds that all nodes stay cut off (5)")
    add("--storm-command", type=_command, default=(), metavar="COMMAND", help=_STORM_COMMAND_HELP)
    add(
        "--broker-pid",
        type=_whole(1, 2**22),
        metavar="PID",
        help="process id of the broker, if it is not found automatically",
    )
    add("--clean", action="store_true", help="run nothing; remove what a killed simulation has left at the broker")
    add("--json", action="store_true", help="print the figures as one JSON object")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run the simulation and print its figures.

    Return 0 if no event was lost, all nodes reconnected and nothing of them is left at the broker, else 1.
    """
    if not args.verbose:
        logging.getLogger().setLevel(logging.ERROR)
    if args.clean:
        count = cleanup.remove_leftovers(settings.mqtt, settings.homeassistant.prefix)
        print_line(f"removed {count} retained {'message' if count == 1 else 'messages'}")
        return 0
    plan = _plan(args, settings)
    with on_stop(_interrupt):
        result = Simulation(plan, settings, args.broker_pid, print_note).run()
    if args.json:
        print_json(asdict(result))
    else:
        for line in table(result):
            print_line(line)
    events, storm = result.events, result.storm
    undelivered = events.lost or events.waiting or events.rejected
    failed = undelivered or (storm is not None and storm.missing) or not result.cleaned
    return 1 if failed else 0


def table(result: Result) -> list[str]:
    """Return the figures as lines for people."""
    events, broker, own = result.events, result.broker, result.own
    rows = [
        ("nodes", f"{result.nodes}, MQTT {result.protocol}, for {result.duration_s:.0f} s"),
        ("connect", _percentiles(result.connect)),
        ("publish to receive", _percentiles(result.publish)),
        ("event to receive", _percentiles(result.event)),
        ("events", f"{events.made} sent, {events.received} received, {events.made / result.duration_s:.1f} per second"),
        ("lost", f"{events.lost}"),
        ("never acknowledged", f"{events.waiting}, and {events.rejected} rejected"),
        ("duplicated", f"{events.repeated}"),
        ("late", f"{events.late}"),
        ("connections cut", f"{result.cuts}; last wills received: {result.wills}"),
        *_storm(result.storm),
        ("broker", _usage(broker.process, broker.cpu_percent, broker.memory_mb)),
        ("simulation", f"{own.cpu_percent:.0f} % of a core; its own lag {_percentiles(own.lag)}"),
        *(("error", f"{times} x {message}") for message, times in result.troubles),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {text}" for name, text in rows]


def _storm(storm: Recovery | None) -> list[tuple[str, str]]:
    if storm is None:
        return []
    nodes = "node" if storm.lost == 1 else "nodes"
    first = "-" if storm.first_s is None else f"{storm.first_s:.1f} s"
    last = f"{storm.missing} did not reconnect" if storm.all_s is None else f"all after {storm.all_s:.1f} s"
    return [
        ("storm", f"{storm.lost} {nodes} cut off; first reconnected after {first}, {last}"),
        ("storm: peak per second", f"{storm.attempts_per_s} attempts, {storm.accepts_per_s} accepted"),
        ("storm: connect", _percentiles(storm.connect)),
    ]


def _usage(process: str | None, cpu_percent: float | None, memory_mb: float | None) -> str:
    memory = "memory unknown" if memory_mb is None else f"at most {memory_mb:.1f} MB"
    cpu = "" if cpu_percent is None else f"{cpu_percent:.0f} % of a core, "
    return f"{process or 'not on this machine, or not found'}: {cpu}{memory}"


def _percentiles(values: Percentiles | None) -> str:
    if values is None:
        return "-"
    return (
        f"p50 {values.p50_ms:.1f} ms, p95 {values.p95_ms:.1f} ms, p99 {values.p99_ms:.1f} ms, "
        f"max {values.most_ms:.1f} ms"
    )


def _plan(args: argparse.Namespace, settings: Settings) -> Plan:
    if args.nodes is None:
        raise UsageError("--nodes N: say how many nodes to simulate")
    if args.storm and args.storm_command:
        raise UsageError("--storm and --storm-command: give only one of the two")
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


def _interrupt() -> NoReturn:
    """Do what Ctrl-C does, so that the nodes disconnect properly."""
    raise KeyboardInterrupt


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: give a whole number from {least} to {most}")
        return int(text)

    return parse


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: give a number from {least:g} to {most:g}")
        return value

    return parse


def _command(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error
    if not words:
        raise argparse.ArgumentTypeError("give a command")
    return words
