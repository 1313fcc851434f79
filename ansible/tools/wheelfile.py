"""A wheel's bytes -> its metadata: name, version, license, dependencies, and the libraries and networks it contains."""

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

_MAX_LICENSE_NAME = 64
"""Characters; some packages put the whole license text into the field for its name."""
_NETWORK_SUFFIXES = {".tflite", ".onnx"}


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A wheel.

    Attributes:
        name: the normalized name.
        version: the version.
        license_name: the name of its license; None if it states none.
        license_expression: its license as an SPDX expression; None if it states none.
        requirements: its dependencies, with their markers.
        sha256: the checksum of the wheel, 64 hex digits.
        libraries: checksums by path of the shared libraries that were added to the wheel from elsewhere.
        networks: checksums by path of the networks in the wheel.
    """

    name: str
    version: str
    license_name: str | None
    license_expression: str | None
    requirements: tuple[Requirement, ...]
    sha256: str
    libraries: Mapping[str, str]
    networks: Mapping[str, str]

    @property
    def purl(self) -> str:
        """The package URL, by which advisories refer to the package."""
        return f"pkg:pypi/{self.name}@{self.version}"

    def dependencies(self, extras: frozenset[str], environment: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """Return the required packages that apply to an environment, each with its requested extras.

        Args:
            extras: the requested extras of this wheel; the empty string stands for the wheel without extras.
            environment: values of the marker variables, such as `python_version`.
        """
        found: dict[str, frozenset[str]] = {}
        for each in self.requirements:
            applies = (each.marker is None or each.marker.evaluate({**environment, "extra": extra}) for extra in extras)
            if any(applies):
                name = canonicalize_name(each.name)
                found[name] = found.get(name, frozenset()) | each.extras
        return found


def read_wheel(content: bytes) -> WheelFile:
    """Return what a wheel's bytes contain."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
        (path,) = (path for path in paths if path.name == "METADATA" and path.parent.suffix == ".dist-info")
        metadata = HeaderParser().parsestr(archive.read(str(path)).decode())

        def checksums(chosen: list[PurePosixPath]) -> dict[str, str]:
            return {str(path): hashlib.sha256(archive.read(str(path))).hexdigest() for path in sorted(chosen)}

        return WheelFile(
            canonicalize_name(metadata["Name"]),
            metadata["Version"],
            _license_name(metadata),
            metadata["License-Expression"],
            tuple(Requirement(line) for line in metadata.get_all("Requires-Dist", ())),
            hashlib.sha256(content).hexdigest(),
            # auditwheel puts the libraries of the machine that built the wheel there.
            checksums([path for path in paths if path.parent.suffix == ".libs" and ".so" in path.name]),
            checksums([path for path in paths if path.suffix in _NETWORK_SUFFIXES]),
        )


def _license_name(metadata: Message) -> str | None:
    """Return the first license that looks like a name, from the License field and then from the classifiers."""
    classifiers = [
        line.split(" :: ")[-1] for line in metadata.get_all("Classifier", ()) if line.startswith("License :: ")
    ]
    for line in (metadata["License"], *classifiers):
        if line and line.strip() and "\n" not in line.strip() and len(line) <= _MAX_LICENSE_NAME:
            return str(line).strip()
    return None
