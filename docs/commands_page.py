"""The commands as they declare themselves to argparse, and the errors -> docs/commands.md."""

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from docs.markdown import code, page, table
from node import errors
from node.cli import COMMANDS

_INTRODUCTION = """
`facenode COMMAND --help` says the same on the terminal. Every command takes `--config FILE` (the settings file),
`--set SECTION.KEY=VALUE` (a [setting](settings.md), before the environment and the file; may be repeated) and
`--verbose` (log more).
""".strip()
_CODES = {0: "done", 1: "a fault at run time, or something that is not well", 2: "usage",
          78: "bad settings or a bad network: systemd does not restart on it"}  # fmt: skip


@dataclass
class Declared:
    """Takes down what a command declares, in the place of argparse's parser.

    Attributes:
        arguments: names and options of each argument.
        verbs: parsers within this one, each with what it is for.
    """

    arguments: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    verbs: dict[str, tuple[str, "Declared"]] = field(default_factory=dict)

    def add_argument(self, *names: str, **options: Any) -> None:  # noqa: ANN401 - argparse's
        """Take down an argument."""
        self.arguments.append((names, options))

    def add_subparsers(self, **_options: Any) -> "Declared":  # noqa: ANN401 - argparse's
        """Return what takes down verbs."""
        return self

    def add_parser(self, name: str, *, help: str = "", **_options: Any) -> "Declared":  # noqa: A002, ANN401 - argparse's
        """Take down a command or a verb, and return what takes down its arguments."""
        self.verbs[name] = (help, declared := Declared())
        return declared

    def set_defaults(self, **_options: Any) -> None:  # noqa: ANN401 - argparse's
        """Pass over what a command does."""


def commands_page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for name, summary in COMMANDS.items():
        declared = Declared()
        module = importlib.import_module(f"node.console.{name}")
        module.add_parser(declared, cast("argparse.ArgumentParser", Declared()))
        (_, command) = declared.verbs[name]
        parts += [f"## {name}", f"{summary.capitalize()}.", *_command(f"facenode {name}", command)]
    return page("Commands", *parts, "## Exit codes", table(("code", "what", "errors"), _exit_codes()))


def _command(name: str, declared: Declared) -> Iterator[str]:
    if not declared.verbs:
        yield f"```text\n{' '.join((name, *map(_shown, declared.arguments)))}\n```"
    rows = list(_options(declared))
    if rows:
        yield table(("argument", "what"), rows)
    for verb, (summary, inner) in declared.verbs.items():
        yield f"### {name.partition(' ')[2]} {verb}"
        yield f"{summary.capitalize()}."
        yield from _command(f"{name} {verb}", inner)


def _options(declared: Declared) -> Iterator[tuple[str, str]]:
    for names, options in declared.arguments:
        choices = options.get("choices")
        among = f": {', '.join(code(each) for each in choices)}" if choices else ""
        yield code(_named(names, options)), f"{options.get('help', '')}{among}"


def _named(names: tuple[str, ...], options: dict[str, Any]) -> str:
    if not names[0].startswith("-"):
        return str(options.get("metavar", names[0]))
    if "action" in options and options["action"].startswith("store_"):
        return names[0]
    return f"{names[0]} {options.get('metavar') or names[0].strip('-').upper().replace('-', '_')}"


def _shown(argument: tuple[tuple[str, ...], dict[str, Any]]) -> str:
    names, options = argument
    word = _named(names, options)
    count = options.get("nargs")
    if names[0].startswith("-"):
        return word if options.get("required") else f"[{word}]"
    return {"+": f"{word}...", "*": f"[{word}...]", "?": f"[{word}]"}.get(str(count), word)


def _exit_codes() -> Iterator[tuple[str, str, str]]:
    for exit_code, what in _CODES.items():
        kinds = [
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type)
            and issubclass(kind, errors.FacenodeError)
            and kind is not errors.FacenodeError
            and kind.exit_code == exit_code
        ]
        yield str(exit_code), what, ", ".join(map(code, kinds))
