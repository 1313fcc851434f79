"""The command line -> one command's exit code: 0 done, 1 a fault, 2 usage, 78 bad settings or model."""

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node import __version__
from node.errors import FacenodeError, UsageError
from node.settings.loader import DEFAULT_FILE, SECTIONS, load, printable

COMMANDS = {
    "run": "run the node",
    "demo": "see it work: needs no camera and no broker",
    "recognize": "say who is in pictures, folders and clips",
    "watch": "show what the nodes tell",
    "people": "enrol, list and remove people",
    "check": "say what is well and what is not",
    "bench": "measure this machine",
    "simulate": "measure a broker with many nodes that are not there",
    "fleet": "show how all nodes are",
    "gate": "say whether nodes took an update well",
    "forget": "leave nothing of a node at the broker",
}
"""Each is a module of node.commands."""
_EPILOGUE = (
    "Any setting can be given to any command as SECTION.KEY=VALUE by --set, "
    "by a variable FACENODE_<SECTION>__<KEY>, or in the settings file; the first of these wins."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches a user."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = _parser(given[:1])
    if not given:  # the commands say more than that one is missing
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    args = parser.parse_args(given)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if args.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        settings = load(args.config, _overrides(args.set))
        code: int = args.main(args, settings)
    except FacenodeError as error:
        sys.stderr.write(f"facenode: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser(asked: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser, complete for the command asked for: no other is imported, so `watch` needs no OpenCV."""
    parser = argparse.ArgumentParser(
        prog="facenode", description="Face recognition on a Raspberry Pi, told by MQTT.", epilog=_EPILOGUE
    )
    parser.add_argument("--version", action="version", version=f"facenode {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings file (TOML); {DEFAULT_FILE} where it exists"
    )
    common.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a setting, before the environment and the file; may be repeated",
    )
    common.add_argument("--verbose", action="store_true", help="log more")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name in asked:
            importlib.import_module(f"node.commands.{name}").add_parser(subparsers, common)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


def _overrides(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the values of --set by section and key."""
    given: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        section, *keys = path.split(".")
        if not equals or not keys or section not in SECTIONS:
            raise UsageError(
                f"--set {printable(path)}: write SECTION.KEY=VALUE; the sections are {', '.join(SECTIONS)}"
            )
        place: dict[str, Any] = given.setdefault(section, {})
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise UsageError(
                    f"--set {printable(path)}: {key} is given a value by another --set: give one of the two"
                )
        place[keys[-1]] = value
    return given


if __name__ == "__main__":
    raise SystemExit(main())
