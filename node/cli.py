"""Command line -> exit code of one command: 0 done, 1 fault, 2 usage, 78 bad settings or model."""

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node import __version__
from node.errors import FacenodeError, OutputError, UsageError
from node.settings.loader import DEFAULT_FILE, SECTIONS, load
from node.system.memory import is_exhausted
from node.system.redaction import printable
from node.system.terminal import ArgumentParser, LogFormatter, finish_output, prepare_output, print_error

COMMANDS = {
    "run": "run the node",
    "demo": "show how it works, without a camera or a broker",
    "recognize": "recognize faces in pictures, folders and clips",
    "watch": "print messages from all nodes",
    "people": "enroll, list, correct and remove people",
    "inbox": "say who was seen in recent visits",
    "page": "serve the web page: who came, who it was, and taking it back",
    "check": "check settings, camera, storage and broker",
    "bench": "measure the speed and memory use on this machine",
    "simulate": "load-test a broker with simulated nodes",
    "fleet": "show the state of all nodes",
    "gate": "check whether nodes are healthy after an update",
    "forget": "remove a node's retained messages from the broker",
}
"""The commands and what each does; each is a module or package of node.commands."""
DEFAULT_VERBS = {"inbox": "list"}
"""The verb of a command where none is given."""
_EPILOG = (
    "Every command accepts every setting: as --set SECTION.KEY=VALUE, as the environment variable "
    "FACENODE_<SECTION>__<KEY>, or in the settings file. The command line wins over the environment, and the "
    "environment over the file."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; print errors as one line, without a traceback."""
    prepare_output()
    try:
        return _finished(_run(arguments))
    except SystemExit as ended:  # argparse printed help, or what is wrong
        ended.code = _finished(int(ended.code or 0))
        raise
    except OutputError as error:
        return _finished(_code_of(error))
    except Exception as error:
        if not is_exhausted(error):
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        print_error(f"not enough memory ({reason}): free some, or allow this process more")
        _leave_threads()
        return FacenodeError.exit_code


def _leave_threads() -> None:
    """End the process at once if other threads run: one that a library left without memory may crash on the way out."""
    if threading.active_count() > 1:
        finish_output()
        os._exit(FacenodeError.exit_code)


def _finished(code: int) -> int:
    """Return the exit code, or another one if the output turns out not to be written."""
    failed = finish_output()
    return _code_of(failed) if failed and not code else code


def _code_of(error: OutputError) -> int:
    """Return 0 if the reader of the output has gone, as `head` goes; else print why it was not written and return 1."""
    if error.reader_gone:
        return 0
    print_error(error)
    return error.exit_code


def _run(arguments: Sequence[str] | None) -> int:
    given = _with_verb(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given[:1])
    if not given:  # the list of commands helps more than an error that one is missing
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    args = parser.parse_args(given)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.INFO, handlers=[handler])
    try:
        settings = load(args.config, _overrides(args.set))
        code: int = args.main(args, settings)
    except OutputError:
        raise
    except FacenodeError as error:
        print_error(error)
        # A network that did not fit into memory is not a bad one: try again later.
        return FacenodeError.exit_code if is_exhausted(error) else error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return code


def _parser(requested: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser, complete for the requested command; no other is imported, so `watch` needs no OpenCV."""
    parser = ArgumentParser(
        prog="facenode", description="Face recognition on a Raspberry Pi that publishes events by MQTT.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"facenode {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings file (TOML); default: {DEFAULT_FILE}, if it exists"
    )
    common.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; can be repeated",
    )
    common.add_argument("--verbose", action="store_true", help="log debug messages, too")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if name in requested:
            importlib.import_module(f"node.commands.{name}").add_parser(subparsers, common)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


def _with_verb(arguments: Sequence[str]) -> Sequence[str]:
    """Return arguments with the default verb of the command, if they name none and do not ask for help."""
    verb = DEFAULT_VERBS.get(next(iter(arguments), ""))
    following = arguments[1] if len(arguments) > 1 else "--"
    if verb is None or not following.startswith("-") or following in ("-h", "--help"):
        return arguments
    return [arguments[0], verb, *arguments[1:]]


def _overrides(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the values of --set, by section and key."""
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
                    f"--set {printable(path)}: another --set gives {key} a value of its own: use one of the two"
                )
        place[keys[-1]] = value
    return given


if __name__ == "__main__":
    raise SystemExit(main())
