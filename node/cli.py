"""The command line -> one command's exit code: 0 done, 1 a fault, 2 usage, 78 bad settings or model."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node import __version__
from node.configuration import DEFAULT_FILE, SECTIONS, load
from node.console import bench, check, demo, people, recognize, run, watch
from node.errors import FacenodeError, UsageError

_COMMANDS = (run, demo, recognize, watch, people, check, bench)
_EPILOGUE = (
    "Any setting can be given to any command as SECTION.KEY=VALUE by --set, "
    "by a variable FACENODE_<SECTION>__<KEY>, or in the settings file; the first of these wins."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches a user."""
    parser = _parser()
    args = parser.parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
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
    for command in _COMMANDS:
        command.add_parser(subparsers, common)
    return parser


def _overrides(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the values of --set by section and key."""
    given: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        section, *keys = path.split(".")
        if not equals or not keys or section not in SECTIONS:
            raise UsageError(f"--set {assignment}: write SECTION.KEY=VALUE; the sections are {', '.join(SECTIONS)}")
        place: dict[str, Any] = given.setdefault(section, {})
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return given


if __name__ == "__main__":
    raise SystemExit(main())
