"""The source files of a checkout -> the imports that break a rule of docs/architecture.md, each with its line.

The rules are those that the document lists, in the same words: `RULES` has each sentence and its check.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("node", "models")


@dataclass(frozen=True, slots=True)
class Import:
    """An import in a source file.

    Attributes:
        source: the module that imports, such as `node.mqtt.session`.
        target: the module that is imported, ours or a library's.
        path: the source file, relative to the checkout.
        line: of the import.
    """

    source: str
    target: str
    path: Path
    line: int

    def __str__(self) -> str:
        """Return the line for whoever has to mend it."""
        return f"{self.path}:{self.line}: {self.source} imports {self.target}"


Imports = Sequence[Import]
Check = Callable[[Imports], Iterator[Import]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about imports.

    Attributes:
        sentence: as docs/architecture.md has it.
        check: returns the imports that break it.
    """

    sentence: str
    check: Check


def read_imports(root: Path) -> Imports:
    """Return every import in the source files of `node` and `models`, also those inside functions."""
    paths = {path: path.relative_to(root) for package in PACKAGES for path in sorted((root / package).rglob("*.py"))}
    modules = {_module(relative) for relative in paths.values()}
    return [
        Import(_module(relative), target, relative, line)
        for path, relative in paths.items()
        for target, line in _targets(ast.parse(path.read_text(encoding="utf-8")), modules)
    ]


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _targets(tree: ast.AST, modules: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in modules else node.module), node.lineno


def _within(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _ours(module: str) -> bool:
    return _within(module, *PACKAGES)


def _only(place: str, *allowed: str) -> Check:
    """Return the check that a place imports nothing of ours but itself and what is allowed."""

    def check(imports: Imports) -> Iterator[Import]:
        for each in imports:
            if _within(each.source, place) and _ours(each.target) and not _within(each.target, place, *allowed):
                yield each

    return check


def _never(place: str, *forbidden: str) -> Check:
    """Return the check that a place imports none of the others."""
    return lambda imports: (
        each for each in imports if _within(each.source, place) and _within(each.target, *forbidden)
    )


def _alone(places: Sequence[str], *targets: str) -> Check:
    """Return the check that only these places import the targets."""
    return lambda imports: (
        each
        for each in imports
        if _within(each.target, *targets)
        and _within(each.source, "node")
        and not _within(each.source, *places, *(target for target in targets if _ours(target)))
    )


def _one_way(package: str) -> Check:
    """Return the check that no two folders of a package import each other."""

    def folder(module: str) -> str | None:
        parts = module.split(".")
        return parts[1] if parts[0] == package and len(parts) > 2 else None

    def check(imports: Imports) -> Iterator[Import]:
        pairs = {(folder(each.source), folder(each.target)) for each in imports}
        for each in imports:
            source, target = folder(each.source), folder(each.target)
            if source and target and source != target and (target, source) in pairs:
                yield each

    return check


def _in_order(*layers: Sequence[str]) -> Check:
    """Return the check that a folder of `models` imports only folders of earlier layers."""
    rank = {f"models.{name}": number for number, layer in enumerate(layers) for name in layer}

    def check(imports: Imports) -> Iterator[Import]:
        for each in imports:
            source = next((place for place in rank if _within(each.source, place)), None)
            target = next((place for place in rank if _within(each.target, place)), None)
            if source and target and source != target and rank[target] >= rank[source]:
                yield each

    return check


RULES = (
    Rule("`domain`, `errors` import nothing of ours", _only("node.domain")),
    Rule("`domain`, `errors` import nothing of ours", _only("node.errors")),
    Rule("`contract` only `domain`", _only("node.contract", "node.domain")),
    Rule(
        "`vision` only `domain`, `errors`, `system.bounded_files`, `settings` types",
        _only("node.vision", "node.domain", "node.errors", "node.system.bounded_files", "node.settings"),
    ),
    Rule("pi_heif and PIL in `camera.heif` alone", _alone(["node.camera.heif"], "pi_heif", "PIL")),
    Rule(
        "`events` only `domain` and `people.matcher`",
        _only("node.events", "node.domain", "node.people.matcher"),
    ),
    Rule(
        "`outbox` only `contract`, `clock`, `errors`",
        _only("node.outbox", "node.contract", "node.clock", "node.errors"),
    ),
    Rule(
        "`mqtt` never imports `people`, `vision`, `events`, `camera`",
        _never("node.mqtt", "node.people", "node.vision", "node.events", "node.camera"),
    ),
    Rule("paho is imported in `mqtt/` and `simulation/` alone", _alone(("node.mqtt", "node.simulation"), "paho")),
    Rule(
        "cv2 in `camera/`, `vision/`, `people/crop`, `commands/bench` alone",
        _alone(("node.camera", "node.vision", "node.people.crop", "node.commands.bench"), "cv2"),
    ),
    Rule("`cli` imports `commands` (by name, late)", _never("node.cli", "node.commands")),
    Rule(
        "`commands` import `assembly`; `assembly` imports `app` and every concrete class, never the reverse",
        _never("node.app", "node.assembly", "node.commands", "node.cli"),
    ),
    Rule(
        "`commands` import `assembly`; `assembly` imports `app` and every concrete class, never the reverse",
        _never("node.assembly", "node.commands", "node.cli"),
    ),
    Rule(
        "nobody else imports `app`, `assembly`, `commands`",
        _alone(("node.cli", "node.assembly", "node.commands"), "node.app", "node.assembly", "node.commands"),
    ),
    Rule(
        "`page` imports none of `camera`, `mqtt`, `app`, `commands`",
        _never("node.page", "node.camera", "node.mqtt", "node.app", "node.commands"),
    ),
    Rule("No folder of `node/` imports another both ways", _one_way("node")),
    Rule("`node` never imports `models`", _never("node", "models")),
    Rule(
        "`models`: recipe < data < networks, evaluation < exporting < training",
        _in_order(("recipe",), ("data",), ("networks", "evaluation"), ("exporting",), ("training",)),
    ),
    Rule("No folder of `models/` imports another both ways", _one_way("models")),
)


def broken(root: Path) -> list[str]:
    """Return a line for each import that breaks a rule: where it stands, what it imports, and the rule."""
    imports = read_imports(root)
    return [f"{each} ({rule.sentence})" for rule in RULES for each in rule.check(imports)]
