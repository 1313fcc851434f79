"""`facenode fleet`: what the broker holds of all nodes -> a table, and whether something is wrong."""

import argparse
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from node.commands.output import escaped
from node.fleet.diagnosis import Limits, Problem, diagnose
from node.fleet.node_table import FILTERS, Census, Fields, Known
from node.mqtt.subscriber import Observer
from node.settings import Settings

_QUIET_S = 1.0
_CELL = 16
"""Characters of a cell at the most: what it says is a machine's that may be anything."""
_COLUMNS = {
    "version": "version",
    "model": "model",
    "fps": "fps",
    "p95_ms": "p95 ms",
    "cpu_c": "°C",
    "outbox": "waiting",
    "dropped": "dropped",
    "cert_days_left": "cert days",
}
"""Fields of health, and what stands above them."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `fleet` to the command line."""
    parser = subparsers.add_parser("fleet", parents=[common])
    parser.add_argument("--json", action="store_true", help="as one JSON object, by node")
    parser.add_argument(
        "--nodes", type=names, default=(), metavar="A,B", help="these alone; who is not there is offline"
    )
    parser.add_argument(
        "--accept", action="append", default=[], choices=[str(each) for each in Problem], help="what counts as well"
    )
    parser.add_argument("--cert-days", type=int, default=Limits().cert_days, help="days that a certificate must last")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print a line a node; 0 if all is well, 1 if something is wrong, or there is no node at all."""
    census = Census()
    with closing(Observer(settings.mqtt)) as observer:
        observer.collect(FILTERS, census.take, _QUIET_S)
    nodes = {node: census.nodes.get(node, Known()) for node in sorted(args.nodes or census.nodes)}
    now, limits = datetime.now(UTC), Limits(cert_days=args.cert_days)
    wrong = {
        node: [str(problem) for problem in diagnose(known, now, limits) if problem not in args.accept]
        for node, known in nodes.items()
    }
    if args.json:
        fields = {
            node: {"status": known.status, "wrong": wrong[node], "health": known.health}
            for node, known in nodes.items()
        }
        print(json.dumps(fields))
    else:
        print(table(nodes, wrong))
    return 1 if not nodes or any(wrong.values()) else 0


def names(text: str) -> tuple[str, ...]:
    """Return the nodes that a list with commas names."""
    return tuple(part for part in text.split(",") if part)


def table(nodes: Mapping[str, Known], wrong: Mapping[str, list[str]]) -> str:
    """Return a line for each node under a head, and a line that counts."""
    head = ("node", "status", *_COLUMNS.values(), "wrong")
    rows = [
        (escaped(node), escaped(known.status or "unknown")[:_CELL], *_cells(known.health or {}), ", ".join(wrong[node]))
        for node, known in nodes.items()
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    bad = sum(bool(problems) for problems in wrong.values())
    noun = "node" if len(nodes) == 1 else "nodes"
    lines.append(f"{len(nodes)} {noun}, {bad} not well" if nodes else "the broker knows of no node")
    return "\n".join(lines)


def _cells(health: Fields) -> list[str]:
    return ["-" if (value := health.get(field)) is None else escaped(str(value))[:_CELL] for field in _COLUMNS]
