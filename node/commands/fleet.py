"""`facenode fleet`: the retained status and health of all nodes -> a table, and an exit code for monitoring."""

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from node.fleet.diagnosis import Limits, Problem, diagnose
from node.fleet.node_table import FILTERS, Fields, NodeRecord, NodeTable
from node.mqtt.subscriber import Subscriber
from node.settings import Settings
from node.system.terminal import print_json_entries, print_line, shown

_QUIET_S = 1.0
_MAX_CELL = 16
"""Greatest number of characters in a cell: any client may publish any value."""
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
"""Fields of health, and their column headers."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `fleet` to the command line."""
    parser = subparsers.add_parser("fleet", parents=[common])
    parser.add_argument("--json", action="store_true", help="print one JSON object, by node")
    parser.add_argument(
        "--nodes",
        type=node_ids,
        default=(),
        metavar="A,B",
        help="show these nodes only; one that the broker does not know counts as offline",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=[str(each) for each in Problem],
        help="ignore this problem; may be repeated",
    )
    parser.add_argument(
        "--cert-days",
        type=int,
        default=Limits().cert_days,
        help=f"days for which a certificate must still be valid ({Limits().cert_days})",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each node; return 0 if no node has a problem, 1 if one has or there is no node at all."""
    nodes = NodeTable(args.nodes)
    with closing(Subscriber(settings.mqtt)) as subscriber:
        subscriber.collect(FILTERS, nodes.update, _QUIET_S)
    now, limits = datetime.now(UTC), Limits(cert_days=args.cert_days)
    problems = {
        node: [str(problem) for problem in diagnose(record, now, limits) if problem not in args.accept]
        for node, record in nodes.items()
    }
    if args.json:
        print_json_entries(
            (node, {"status": record.status, "wrong": problems[node], "health": record.health})
            for node, record in nodes.items()
        )
    else:
        for line in table(nodes, problems):
            print_line(line)
    return 1 if not nodes or any(problems.values()) else 0


def node_ids(text: str) -> tuple[str, ...]:
    """Return the node ids in a comma-separated list."""
    return tuple(part for part in text.split(",") if part)


def table(nodes: Mapping[str, NodeRecord], problems: Mapping[str, list[str]]) -> list[str]:
    """Return a header, a line for each node, and a line with the totals."""
    header = ("node", "status", *_COLUMNS.values(), "problems")
    rows = [
        (
            shown(node, sys.stdout),
            shown(record.status or "unknown", sys.stdout)[:_MAX_CELL],
            *_cells(record.health or {}),
            ", ".join(problems[node]),
        )
        for node, record in nodes.items()
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    affected = sum(bool(found) for found in problems.values())
    noun = "node" if len(nodes) == 1 else "nodes"
    lines.append(f"{len(nodes)} {noun}, {affected} with problems" if nodes else "no nodes found at the broker")
    return lines


def _cells(health: Fields) -> list[str]:
    values = (health.get(field) for field in _COLUMNS)
    return ["-" if value is None else shown(str(value), sys.stdout)[:_MAX_CELL] for value in values]
