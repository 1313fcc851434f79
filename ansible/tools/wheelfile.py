"""A wheel's bytes -> what it says of itself: name, version, licence, what it needs, and which libraries lie in it."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LONGEST_LICENCE = 64
"""Some put the whole text where a name belongs."""
_NETWORKS = {".tflite", ".onnx"}


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A wheel.

    Attributes:
        name: in the form in which names are compared.
        version: as it says.
        licence: its licence as it says, by a name; None where it says none.
        expression: its licence as an SPDX expression; None where it gives none.
        requirements: what it needs, with the conditions.
        sha256: its checksum, 64 hex digits.
        libraries: checksum by path of each shared library that was put into it from elsewhere.
        networks: checksum by path of each network in it.
    """

    name: str
    version: str
    licence: str | None
    expression: str | None
    requirements: tuple[Requirement, ...]
    sha256: str
    libraries: Mapping[str, str]
    networks: Mapping[str, str]

    @property
    def purl(self) -> str:
        """Its address in the form that advisories use."""
        return f"pkg:pypi/{self.name}@{self.version}"

    def needs(self, extras: frozenset[str], environment: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """Return what it needs under some conditions: extras by name.

        Args:
            extras: those of its own that are asked for.
            environment: the values of markers, such as `python_version`.
        """
        needed: dict[str, frozenset[str]] = {}
        for each in self.requirements:
            asked = (each.marker is None or each.marker.evaluate({**environment, "extra": extra}) for extra in extras)
            if any(asked):
                name = canonicalize_name(each.name)
                needed[name] = needed.get(name, frozenset()) | each.extras
        return needed


def read_wheel(content: bytes) -> WheelFile:
    """Read a wheel."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
        (head,) = (path for path in paths if path.name == "METADATA" and path.parent.suffix == ".dist-info")
        said = HeaderParser().parsestr(archive.read(str(head)).decode())

        def checksums(chosen: list[PurePosixPath]) -> dict[str, str]:
            return {str(path): hashlib.sha256(archive.read(str(path))).hexdigest() for path in sorted(chosen)}

        return WheelFile(
            canonicalize_name(said["Name"]),
            said["Version"],
            _licence(said),
            said["License-Expression"],
            tuple(Requirement(line) for line in said.get_all("Requires-Dist", ())),
            hashlib.sha256(content).hexdigest(),
            # The place where auditwheel, which all of them use, puts libraries of the machine that built the wheel.
            checksums([path for path in paths if path.parent.suffix == ".libs" and ".so" in path.name]),
            checksums([path for path in paths if path.suffix in _NETWORKS]),
        )


def _licence(said: Message) -> str | None:
    """Return the licence of the field for it, else of the classifiers: the first that has the form of a name."""
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier", ()) if line.startswith("License :: ")]
    for line in (said["License"], *classifiers):
        if line and line.strip() and "\n" not in line.strip() and len(line) <= _LONGEST_LICENCE:
            return str(line).strip()
    return None
