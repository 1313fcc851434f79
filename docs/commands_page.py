"""The commands' argparse declarations and the error types -> docs/commands.md."""

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from docs.markdown import code, page, table
from node import errors
from node.cli import COMMANDS

_INTRO = """
`facenode COMMAND --help` prints the same on the terminal. Every command takes these options:

- `--config FILE`: the settings file.
- `--set SECTION.KEY=VALUE`: a [setting](settings.md). It wins over the environment and the file. You can repeat it.
- `--verbose`: log more.
""".strip()
EXIT_CODES = {0: "success", 1: "an error at run time, or a check that failed", 2: "wrong usage of the command",
              78: "bad settings or a bad network; systemd does not restart the node"}  # fmt: skip


@dataclass
class RecordingParser:
    """Records what a command declares, in place of argparse's parser.

    Attributes:
        arguments: names and options of each argument.
        subcommands: by name, the help text and the parser of each subcommand.
    """

    arguments: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    subcommands: dict[str, tuple[str, "RecordingParser"]] = field(default_factory=dict)

    def add_argument(self, *names: str, **options: Any) -> None:  # noqa: ANN401 - argparse's
        """Record an argument, unless its help is hidden."""
        if options.get("help") != argparse.SUPPRESS:
            self.arguments.append((names, options))

    def add_mutually_exclusive_group(self) -> "RecordingParser":
        """Return this parser, which records the arguments of the group."""
        return self

    def add_subparsers(self, **_options: Any) -> "RecordingParser":  # noqa: ANN401 - argparse's
        """Return this parser, which records the subcommands."""
        return self

    def add_parser(
        self,
        name: str,
        *,
        help: str = "",  # noqa: A002 - argparse's
        **_options: Any,  # noqa: ANN401 - argparse's
    ) -> "RecordingParser":
        """Record a command or subcommand, and return its parser."""
        self.subcommands[name] = (help, parser := RecordingParser())
        return parser

    def set_defaults(self, **_options: Any) -> None:  # noqa: ANN401 - argparse's
        """Ignore what the command runs."""


def commands_page() -> str:
    """Return the text of docs/commands.md."""
    parts = [_INTRO]
    for name, summary in COMMANDS.items():
        parts += [f"## {name}", f"{summary.capitalize()}.", *_section(f"facenode {name}", recorded(name))]
    return page("Commands", *parts, "## Exit codes", table(("code", "meaning", "errors"), _exit_codes()))


def recorded(name: str) -> RecordingParser:
    """Return what a command declares."""
    parser = RecordingParser()
    module = importlib.import_module(f"node.commands.{name}")
    module.add_parser(parser, cast("argparse.ArgumentParser", RecordingParser()))
    (_, command) = parser.subcommands[name]
    return command


def _section(name: str, parser: RecordingParser) -> Iterator[str]:
    """Yield usage, arguments and subcommands of a command."""
    if not parser.subcommands:
        yield f"```text\n{' '.join((name, *map(usage, parser.arguments)))}\n```"
    rows = list(_argument_rows(parser))
    if rows:
        yield table(("argument", "description"), rows)
    for subcommand, (summary, inner) in parser.subcommands.items():
        yield f"### {name.partition(' ')[2]} {subcommand}"
        yield f"{summary.capitalize()}."
        yield from _section(f"{name} {subcommand}", inner)


def _argument_rows(parser: RecordingParser) -> Iterator[tuple[str, str]]:
    for names, options in parser.arguments:
        choices = options.get("choices")
        values = f": {', '.join(code(each) for each in choices)}" if choices else ""
        yield code(signature(names, options)), f"{options.get('help', '')}{values}"


def signature(names: tuple[str, ...], options: dict[str, Any]) -> str:
    """Return an argument as its help shows it: its name, and the name of its value if it takes one."""
    if not names[0].startswith("-"):
        return str(options.get("metavar", names[0]))
    if "action" in options and options["action"].startswith("store_"):
        return names[0]
    value = options.get("metavar") or names[0].strip("-").upper().replace("-", "_")
    if isinstance(value, tuple):
        value = " ".join(value)
    return f"{names[0]} [{value}]" if options.get("nargs") == "?" else f"{names[0]} {value}"


def usage(argument: tuple[tuple[str, ...], dict[str, Any]]) -> str:
    """Return an argument as the line of usage shows it, in brackets if it is optional."""
    names, options = argument
    word = signature(names, options)
    count = options.get("nargs")
    if names[0].startswith("-"):
        return word if options.get("required") else f"[{word}]"
    return {"+": f"{word}...", "*": f"[{word}...]", "?": f"[{word}]"}.get(str(count), word)


def _exit_codes() -> Iterator[tuple[str, str, str]]:
    for exit_code, meaning in EXIT_CODES.items():
        error_types = [
            name
            for name, each in vars(errors).items()
            if isinstance(each, type)
            and issubclass(each, errors.FacenodeError)
            and each is not errors.FacenodeError
            and each.exit_code == exit_code
        ]
        yield str(exit_code), meaning, ", ".join(map(code, error_types))
