"""The program's wheel and the archive of its dependencies -> a bill of materials in CycloneDX 1.6 JSON.

It lists each wheel with its version, license, checksum and dependencies, the shared libraries inside the wheels, and
the networks in the program. The same files give the same bytes.
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
"""SPDX expressions for the license names of packages that state no expression; other names are kept as they are."""

Json = dict[str, Any]


def bill_of_materials(program: Path, archive: Path, kind: str, built_at: str, extras: Sequence[str] = ()) -> str:
    """Return the bill of materials of an installation as JSON.

    Args:
        program: the program's wheel.
        archive: the archive of the wheels that it depends on.
        kind: the kind of machine of the archive, such as `aarch64-3.13`.
        built_at: the time of the program's commit, such as `2026-11-24T18:00:58Z`.
        extras: the program's extras whose dependencies the archive holds, too.

    Raises:
        ReleaseError: the archive lacks a required wheel.
    """
    own = read_wheel(program.read_bytes())
    others = {wheel.name: wheel for wheel in _read_wheels(archive)}
    dependencies = _dependencies(own, frozenset({"", *extras}), others, _marker_environment(kind))
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": f"urn:uuid:{_serial_number((own, *others.values()))}",
        "metadata": {
            "timestamp": built_at,
            "lifecycles": [{"phase": "build"}],
            "component": _component(own, "application"),
            "properties": [{"name": "facenode:kind", "value": kind}],
        },
        "components": [_component(wheel, "library") for _, wheel in sorted(others.items())],
        "dependencies": [{"ref": ref, "dependsOn": purls} for ref, purls in sorted(dependencies.items())],
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _read_wheels(archive: Path) -> list[WheelFile]:
    with tarfile.open(archive) as content:
        names = sorted(name for name in content.getnames() if name.endswith(".whl"))
        files = (content.extractfile(name) for name in names)
        return [read_wheel(file.read()) for file in files if file is not None]


def _component(wheel: WheelFile, kind: str) -> Json:
    contents = [_file(path, checksum, "file") for path, checksum in wheel.libraries.items()]
    contents += [_file(path, checksum, "machine-learning-model") for path, checksum in wheel.networks.items()]
    return {
        "type": kind,
        "bom-ref": wheel.purl,
        "name": wheel.name,
        "version": wheel.version,
        "purl": wheel.purl,
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
        "licenses": _licenses(wheel),
        "components": contents,
    }


def _file(path: str, checksum: str, kind: str) -> Json:
    return {"type": kind, "name": PurePosixPath(path).name, "hashes": [{"alg": "SHA-256", "content": checksum}]}


def _licenses(wheel: WheelFile) -> list[Json]:
    expression = wheel.license_expression or _SPDX.get(wheel.license_name or "")
    if expression:
        return [{"expression": expression}]
    return [{"license": {"name": wheel.license_name}}] if wheel.license_name else []


def _dependencies(
    own: WheelFile, extras: frozenset[str], others: Mapping[str, WheelFile], environment: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the dependencies of every installed wheel, as package URLs.

    Raises:
        ReleaseError: a required wheel is missing.
    """
    known = {own.name: own, **others}
    extras_by_name: dict[str, frozenset[str]] = {own.name: extras}
    found: dict[str, list[str]] = {}
    pending = [own]
    while pending:
        wheel = pending.pop()
        required = wheel.dependencies(extras_by_name[wheel.name], environment)
        if missing := sorted(required.keys() - known.keys()):
            raise ReleaseError(f"{wheel.name} needs {', '.join(missing)}, which the archive of its wheels lacks")
        found[wheel.purl] = sorted(known[name].purl for name in required)
        for name, requested in required.items():
            before = extras_by_name.get(name)
            extras_by_name[name] = (before or frozenset({""})) | requested
            if extras_by_name[name] != before:
                pending.append(known[name])
    return found


def _marker_environment(kind: str) -> dict[str, str]:
    """Return the values of the marker variables on a kind of machine."""
    machine, python = kind.split("-")
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _serial_number(wheels: Sequence[WheelFile]) -> uuid.UUID:
    """Return a serial number that is derived from the checksums of all wheels."""
    return uuid.uuid5(uuid.NAMESPACE_OID, " ".join(sorted(wheel.sha256 for wheel in wheels)))
