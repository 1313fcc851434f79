"""Settings -> a line for each thing that must be well for a node to work."""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from node.diagnostics.broker import broker_findings
from node.diagnostics.finding import Finding
from node.diagnostics.local import local_findings
from node.settings import Settings

CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (local_findings, broker_findings)
"""What is looked at, in this order."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `check` to the command line."""
    parser = subparsers.add_parser("check", parents=[common])
    parser.add_argument(
        "--settings", action="store_true", help="the settings alone: neither network nor camera nor broker is touched"
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each finding; 0 if all is well, else 1."""
    if args.settings:  # whoever comes here has some that were accepted
        print(f"ok   settings         node {settings.node.id}")
        return 0
    well = True
    for check in CHECKS:
        for finding in check(settings):
            print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name:16} {finding.text}", flush=True)
            well = well and finding.ok
    return 0 if well else 1
