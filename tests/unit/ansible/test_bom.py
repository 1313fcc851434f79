"""The bill of materials of an installation, in CycloneDX."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from bom import bill_of_materials
from command import ReleaseError
from wheelfile import read_wheel

KIND = "aarch64-3.13"
BUILT_AT = "2026-11-24T18:00:58Z"


def wheel(name: str, *lines: str, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return a wheel of version 1.0 with these lines in its metadata."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        metadata = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""))
        archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        for path, data in (files or {}).items():
            archive.writestr(path, data)
    return content.getvalue()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return the program's wheel, which needs one wheel on this kind of machine and another one only elsewhere."""
    path = tmp_path / "facenode-1.0-py3-none-any.whl"
    requirements = ("Requires-Dist: Some_Thing[fast]>=1", "Requires-Dist: absent; python_version < '3.12'")
    path.write_bytes(
        wheel("facenode", *requirements, "License-Expression: MIT", files={"node/small.tflite": b"network"})
    )
    return path


def pack(tmp_path: Path, *wheels: bytes) -> Path:
    """Return an archive of wheels, as a wheelhouse builds it."""
    path = tmp_path / "wheels.tar"
    with tarfile.open(path, "w") as archive:
        for number, content in enumerate(wheels):
            member = tarfile.TarInfo(f"{number}.whl")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return the program's dependencies: a wheel with a library in it, and a wheel for its extra `fast`."""
    some = wheel(
        "some-thing", "License: Apache 2.0", "Provides-Extra: fast", "Requires-Dist: quick; extra == 'fast'",
        "Requires-Dist: never; extra == 'slow'", files={"some_thing.libs/libz-1a2b.so.1": b"library"},
    )  # fmt: skip
    return pack(tmp_path, some, wheel("quick", "Classifier: License :: OSI Approved :: BSD License"))


def read(program: Path, archive: Path) -> dict[str, Any]:
    """Return the bill of materials."""
    content: dict[str, Any] = json.loads(bill_of_materials(program, archive, KIND, BUILT_AT))
    return content


def test_every_wheel_is_listed_with_its_checksum(program: Path, archive: Path) -> None:
    """List name and version as a package URL, by which advisories refer to it, and the checksum."""
    content = read(program, archive)
    own, (quick, some) = content["metadata"]["component"], content["components"]
    assert [each["purl"] for each in (own, quick, some)] == [
        "pkg:pypi/facenode@1.0", "pkg:pypi/quick@1.0", "pkg:pypi/some-thing@1.0",
    ]  # fmt: skip
    assert own["hashes"][0]["content"] == read_wheel(program.read_bytes()).sha256
    assert content["metadata"]["timestamp"] == BUILT_AT


def test_a_known_license_name_becomes_an_spdx_expression(program: Path, archive: Path) -> None:
    """Keep an unknown license name as the package states it."""
    content = read(program, archive)
    own, (quick, some) = content["metadata"]["component"], content["components"]
    assert own["licenses"] == [{"expression": "MIT"}]
    assert some["licenses"] == [{"expression": "Apache-2.0"}]
    assert quick["licenses"] == [{"license": {"name": "BSD License"}}]


def test_a_license_text_is_not_used_as_a_name() -> None:
    """Use the classifier if the License field holds the whole text."""
    text = "License: Copyright (c) somebody\n        Redistribution is permitted"
    assert (
        read_wheel(wheel("old", text, "Classifier: License :: OSI Approved :: BSD License")).license_name
        == "BSD License"
    )
    assert read_wheel(wheel("unlicensed")).license_name is None


def test_libraries_and_networks_inside_wheels_are_listed(program: Path, archive: Path) -> None:
    """List bundled shared libraries, which no package manager knows, and networks."""
    content = read(program, archive)
    own, (_, some) = content["metadata"]["component"], content["components"]
    assert [(part["type"], part["name"]) for part in some["components"]] == [("file", "libz-1a2b.so.1")]
    assert [(part["type"], part["name"]) for part in own["components"]] == [("machine-learning-model", "small.tflite")]


def test_dependencies_are_listed(program: Path, archive: Path) -> None:
    """Evaluate markers for the kind of machine and the requested extras."""
    dependencies = {each["ref"]: each["dependsOn"] for each in read(program, archive)["dependencies"]}
    assert dependencies == {
        "pkg:pypi/facenode@1.0": ["pkg:pypi/some-thing@1.0"],
        "pkg:pypi/some-thing@1.0": ["pkg:pypi/quick@1.0"],
        "pkg:pypi/quick@1.0": [],
    }


def test_the_same_files_give_the_same_bytes(program: Path, archive: Path, tmp_path: Path) -> None:
    """Other files give another serial number."""
    first, second = (bill_of_materials(program, archive, KIND, BUILT_AT) for _ in range(2))
    assert first == second
    before = read(program, archive)["serialNumber"]
    other = pack(tmp_path, wheel("some-thing"))
    assert read(program, other)["serialNumber"] != before


def test_an_archive_that_lacks_a_wheel_is_rejected(program: Path, tmp_path: Path) -> None:
    """An installation from such an archive would fail."""
    with pytest.raises(ReleaseError, match="facenode needs some-thing"):
        read(program, pack(tmp_path, wheel("quick")))
