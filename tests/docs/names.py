"""The sources of a checkout -> the names in them that are private metaphors where the field has a word.

A name is what a source gives one to: a module, class, function, parameter, variable or attribute, a test, a document,
an Ansible task file or a registered variable. A word is a part of a name between underscores or capitals.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPLACED = {
    # modules and classes of version 0.1.0, and what they are called now
    "clerk": "people requests",
    "desk": "local socket",
    "board": "retained messages",
    "shelf": "storage",
    "stock": "outbox protocol",
    "parcel": "row",
    "letter": "message",
    "notice": "message",
    "draft": "message",
    "glimpse": "recent face",
    "glimpses": "recent faces",
    "sitting": "enrollment",
    "ghost": "removal payload",
    "ghosts": "removal payload",
    "laid": "removal confirmed",
    "born": "restarted",
    "resident": "entity key",
    "residents": "entity keys",
    "cabinet": "store",
    "roster": "live gallery",
    "introduction": "announcer",
    "withdrawal": "device remover",
    "troupe": "worker pool",
    "crew": "worker",
    "actor": "simulated node",
    "gear": "worker context",
    "wire": "link",
    "diary": "recorder",
    "dial": "dialer",
    "director": "simulation",
    "census": "node table",
    "verdict": "gate result",
    "verdicts": "gate results",
    "jury": "update gate",
    "demand": "criteria",
    "eyes": "vision",
    "pulse": "health monitor",
    "heat": "throttle",
    "ear": "socket",
    "voice": "queue of answers",
    "voices": "queue of answers",
    "letters": "messages",
    "notices": "messages",
    "parcels": "rows",
    "drafts": "messages",
    "farewell": "disconnect",
    "homes": "own people",
    "lessons": "batches",
    "apprenticeship": "distillation",
    "tempering": "temperature",
    "rundir": "run folder",
    "tuner": "quantisation aware",
    "oust": "disconnect",
    "admit": "validate release",
    "album": "pictures",
    "booth": "fixture",
    "whom": "person",
    "trial": "test",
    "trials": "tests",
    "told": "published or logged",
    "tells": "publishes or logs",
    "saying": "output",
    "heard": "received",
    "hears": "receives",
    "reel": "looped clip",
    "twin": "client with the same id",
    "trail": "track state",
    "knock": "connect",
    "vanish": "finish",
    "weather": "cuts",
    "experience": "history",
    "choked": "unanswered",
    "flying": "in flight",
    "greet": "birth",
    "sightings": "last seen",
}
"""Old word -> what the field says."""

MODULES = frozenset(
    [
        "address",
        "answers",
        "apprenticeship",
        "architecture",
        "artefacts",
        "board",
        "cabinet",
        "calibrate",
        "capture",
        "census",
        "clerk",
        "configuration",
        "control",
        "convert",
        "crew",
        "damage",
        "dataset",
        "desk",
        "dial",
        "diary",
        "director",
        "durable",
        "embedded",
        "endpoint",
        "equalise",
        "failures",
        "feed",
        "figures",
        "fleetfile",
        "folds",
        "gear",
        "grades",
        "guidance",
        "handshake",
        "heat",
        "homegone",
        "homepeople",
        "homes",
        "introduction",
        "lessons",
        "life",
        "lines",
        "listener",
        "load",
        "local",
        "messages",
        "observer",
        "orders",
        "pace",
        "paholink",
        "parts",
        "pidevice",
        "protocols",
        "readiness",
        "recent",
        "reliability",
        "renewal",
        "residents",
        "roster",
        "rounding",
        "rundir",
        "shelf",
        "sightings",
        "starts",
        "stock",
        "student",
        "teacher",
        "tempering",
        "traces",
        "troupe",
        "tuner",
        "vectors",
        "verdict",
        "views",
        "wire",
    ]
)
"""Modules of version 0.1.0 that have another name now; no module may have the old one again."""

KEPT = {
    "node/vision/detector.py": "its bytes are part of the keys of caches",
    "node/vision/aligner.py": "its bytes are part of the keys of caches",
    "node/vision/tflite.py": "its bytes are part of the keys of caches",
    "models/detector/NOTICE.md": "a legal notice",
}
"""Files whose old names stay, and why."""

_TASKS = re.compile(r"^ansible/roles/\w+/tasks/(?P<name>\w+)\.yml$")
_REGISTERED = re.compile(r"^\s*register: (?P<name>\w+)", re.MULTILINE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> set[str]:
    """Return the words of a name, in lower case."""
    return {word.lower() for word in _WORD.findall(name)}


def tracked(root: Path) -> list[Path]:
    """Return the files of a checkout that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return [Path(line) for line in output.splitlines() if (root / line).is_file()]


def metaphors(path: Path, text: str) -> list[str]:
    """Return a line for each name of a file that holds an old word.

    Args:
        path: of the file, relative to the checkout.
        text: of the file.
    """
    if path.as_posix() in KEPT:
        return []
    found = [(1, path.stem)] if path.suffix in {".py", ".md", ".yml"} else []
    if path.suffix == ".py":
        found += _bound(ast.parse(text))
    elif _TASKS.match(path.as_posix()):
        found += [(text.count("\n", 0, match.start()) + 1, match["name"]) for match in _REGISTERED.finditer(text)]
    lines = [
        f"{path}:{line}: {name}: {old} is an old name: say {REPLACED[old]}"
        for line, name in found
        for old in sorted(words(name) & set(REPLACED))
    ]
    if path.suffix == ".py" and path.parts[0] in {"node", "models"} and path.stem in MODULES:
        lines.append(f"{path}:1: {path.stem} is an old name of a module")
    return lines


def _bound(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
