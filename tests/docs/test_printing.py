"""Only node/system/terminal.py prints, so that only one place has to escape what others wrote."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PRINTS = Path("node/system/terminal.py")
RICH = {Path("node/commands/output.py"), Path("node/commands/demo/event_table.py")}
"""They give rich, which prints tables and colors, the text of `shown`."""
_STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}


def printing(source: str) -> Iterator[int]:
    """Yield the line of each call that prints: `print`, a stream that is written to, and whatever rich does."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="print" | "pprint")):
                yield node.lineno
            case ast.Call(func=ast.Attribute(attr="write" | "writelines", value=ast.Attribute(attr=stream))) if (
                stream in _STREAMS
            ):
                yield node.lineno
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "rich":
                yield node.lineno
            case _:
                pass


def test_no_other_module_prints() -> None:
    """Whoever needs to, calls `print_line`, `print_note`, `print_error` or `print_json`."""
    modules = {path.relative_to(ROOT): path for path in (ROOT / "node").rglob("*.py")}
    found = [
        f"{name}:{line}"
        for name, path in modules.items()
        if name != PRINTS and name not in RICH
        for line in printing(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["print(1)", "sys.stderr.write('x')", "sys.stdout.writelines([])", "from rich.console import Console"]
)
def test_a_module_that_prints_is_found(line: str) -> None:
    """The rule bites."""
    assert list(printing(f"import sys\n{line}\n")) == [2]
