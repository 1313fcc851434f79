"""The program's wheel and the archive of a kind of machine -> a bill of materials: CycloneDX 1.6, as JSON.

It names each wheel with version, licence, checksum and what it needs, the shared libraries that wheels carry along,
and the networks in the program. The same files give the same bytes.
"""

import json
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from command import ReleaseError
from wheelfile import WheelFile, read_wheel

_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0 AND MIT": "MPL-2.0 AND MIT",
}
"""What packages write that give no expression, and the expression for it; what is not here is passed on as it is."""

Json = dict[str, Any]


def bill(program: Path, archive: Path, kind: str, made: str) -> str:
    """Return the bill of materials of an installation.

    Args:
        program: the program's wheel.
        archive: the archive of wheels that it needs.
        kind: the kind of machine that the archive is for, such as `aarch64-3.13`.
        made: when the program was made, such as `2026-11-24T18:00:58Z`.

    Raises:
        ReleaseError: the archive lacks a wheel.
    """
    own = read_wheel(program.read_bytes())
    others = {wheel.name: wheel for wheel in _wheels(archive)}
    edges = _edges(own, others, _environment(kind))
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": f"urn:uuid:{_serial((own, *others.values()))}",
        "metadata": {
            "timestamp": made,
            "lifecycles": [{"phase": "build"}],
            "component": _component(own, "application"),
            "properties": [{"name": "facenode:kind", "value": kind}],
        },
        "components": [_component(wheel, "library") for _, wheel in sorted(others.items())],
        "dependencies": [{"ref": ref, "dependsOn": needed} for ref, needed in sorted(edges.items())],
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _wheels(archive: Path) -> list[WheelFile]:
    with tarfile.open(archive) as content:
        names = sorted(name for name in content.getnames() if name.endswith(".whl"))
        files = (content.extractfile(name) for name in names)
        return [read_wheel(file.read()) for file in files if file is not None]


def _component(wheel: WheelFile, kind: str) -> Json:
    parts = [_file(path, checksum, "file") for path, checksum in wheel.libraries.items()]
    parts += [_file(path, checksum, "machine-learning-model") for path, checksum in wheel.networks.items()]
    return {
        "type": kind,
        "bom-ref": wheel.purl,
        "name": wheel.name,
        "version": wheel.version,
        "purl": wheel.purl,
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
        "licenses": _licences(wheel),
        "components": parts,
    }


def _file(path: str, checksum: str, kind: str) -> Json:
    return {"type": kind, "name": PurePosixPath(path).name, "hashes": [{"alg": "SHA-256", "content": checksum}]}


def _licences(wheel: WheelFile) -> list[Json]:
    expression = wheel.expression or _SPDX.get(wheel.licence or "")
    if expression:
        return [{"expression": expression}]
    return [{"license": {"name": wheel.licence}}] if wheel.licence else []


def _edges(own: WheelFile, others: Mapping[str, WheelFile], environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Return, for each wheel that is installed, what it needs of the others.

    Raises:
        ReleaseError: one of them is not there.
    """
    known = {own.name: own, **others}
    asked: dict[str, frozenset[str]] = {own.name: frozenset({""})}
    edges: dict[str, list[str]] = {}
    waiting = [own]
    while waiting:
        wheel = waiting.pop()
        needed = wheel.needs(asked[wheel.name], environment)
        if missing := sorted(needed.keys() - known.keys()):
            raise ReleaseError(f"{wheel.name} needs {', '.join(missing)}, which the archive of its wheels lacks")
        edges[wheel.purl] = sorted(known[name].purl for name in needed)
        for name, extras in needed.items():
            before = asked.get(name)
            asked[name] = (before or frozenset({""})) | extras
            if asked[name] != before:
                waiting.append(known[name])
    return edges


def _environment(kind: str) -> dict[str, str]:
    """Return the values of markers on a kind of machine."""
    architecture, python = kind.split("-")
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": architecture,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _serial(wheels: Sequence[WheelFile]) -> uuid.UUID:
    """Return a number that is another as soon as one file is another."""
    return uuid.uuid5(uuid.NAMESPACE_OID, " ".join(sorted(wheel.sha256 for wheel in wheels)))
