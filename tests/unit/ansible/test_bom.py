"""The bill of materials: what an installation consists of, as CycloneDX."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from bom import bill
from command import ReleaseError
from wheelfile import read_wheel

KIND = "aarch64-3.13"
MADE = "2026-11-24T18:00:58Z"


def wheel(name: str, *lines: str, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return a wheel of version 1.0 whose metadata holds these lines."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        said = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""))
        archive.writestr(f"{name}-1.0.dist-info/METADATA", said)
        for path, data in (files or {}).items():
            archive.writestr(path, data)
    return content.getvalue()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return the program's wheel: it needs another on this kind of machine, and one on none."""
    path = tmp_path / "facenode-1.0-py3-none-any.whl"
    needs = ("Requires-Dist: Some_Thing[fast]>=1", "Requires-Dist: absent; python_version < '3.12'")
    path.write_bytes(wheel("facenode", *needs, "License-Expression: MIT", files={"node/small.tflite": b"network"}))
    return path


def packed(tmp_path: Path, *wheels: bytes) -> Path:
    """Return an archive of wheels, as a wheelhouse has it."""
    path = tmp_path / "wheels.tar"
    with tarfile.open(path, "w") as archive:
        for number, content in enumerate(wheels):
            member = tarfile.TarInfo(f"{number}.whl")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return what the program needs: a wheel with a library in it, and what its extra `fast` needs."""
    some = wheel(
        "some-thing", "License: Apache 2.0", "Provides-Extra: fast", "Requires-Dist: quick; extra == 'fast'",
        "Requires-Dist: never; extra == 'slow'", files={"some_thing.libs/libz-1a2b.so.1": b"library"},
    )  # fmt: skip
    return packed(tmp_path, some, wheel("quick", "Classifier: License :: OSI Approved :: BSD License"))


def read(program: Path, archive: Path) -> dict[str, Any]:
    """Return the bill of materials."""
    content: dict[str, Any] = json.loads(bill(program, archive, KIND, MADE))
    return content


def test_every_wheel_is_named_with_its_checksum(program: Path, archive: Path) -> None:
    """Name, version, checksum, and the address by which advisories know it."""
    content = read(program, archive)
    own, (quick, some) = content["metadata"]["component"], content["components"]
    assert [each["purl"] for each in (own, quick, some)] == [
        "pkg:pypi/facenode@1.0", "pkg:pypi/quick@1.0", "pkg:pypi/some-thing@1.0",
    ]  # fmt: skip
    assert own["hashes"][0]["content"] == read_wheel(program.read_bytes()).sha256
    assert content["metadata"]["timestamp"] == MADE


def test_a_licence_is_an_expression_where_it_can_be(program: Path, archive: Path) -> None:
    """What a package says otherwise is passed on in its words."""
    content = read(program, archive)
    own, (quick, some) = content["metadata"]["component"], content["components"]
    assert own["licenses"] == [{"expression": "MIT"}]
    assert some["licenses"] == [{"expression": "Apache-2.0"}]
    assert quick["licenses"] == [{"license": {"name": "BSD License"}}]


def test_a_text_is_no_name_of_a_licence() -> None:
    """A package that puts the whole text there is asked for its classifier."""
    text = "License: Copyright (c) somebody\n        Redistribution is permitted"
    assert read_wheel(wheel("old", text, "Classifier: License :: OSI Approved :: BSD License")).licence == "BSD License"
    assert read_wheel(wheel("mute")).licence is None


def test_what_lies_inside_a_wheel_is_named_too(program: Path, archive: Path) -> None:
    """Libraries that a wheel carries along, of which no package manager knows, and networks."""
    content = read(program, archive)
    own, (_, some) = content["metadata"]["component"], content["components"]
    assert [(part["type"], part["name"]) for part in some["components"]] == [("file", "libz-1a2b.so.1")]
    assert [(part["type"], part["name"]) for part in own["components"]] == [("machine-learning-model", "small.tflite")]


def test_what_needs_what_is_said(program: Path, archive: Path) -> None:
    """By the conditions of that kind of machine, and the extras that are asked for."""
    edges = {each["ref"]: each["dependsOn"] for each in read(program, archive)["dependencies"]}
    assert edges == {
        "pkg:pypi/facenode@1.0": ["pkg:pypi/some-thing@1.0"],
        "pkg:pypi/some-thing@1.0": ["pkg:pypi/quick@1.0"],
        "pkg:pypi/quick@1.0": [],
    }


def test_the_same_files_give_the_same_bytes(program: Path, archive: Path, tmp_path: Path) -> None:
    """And other files another serial number."""
    assert bill(program, archive, KIND, MADE) == bill(program, archive, KIND, MADE)
    before = read(program, archive)["serialNumber"]
    other = packed(tmp_path, wheel("some-thing"))
    assert read(program, other)["serialNumber"] != before


def test_an_archive_that_lacks_a_wheel_is_refused(program: Path, tmp_path: Path) -> None:
    """An installation from it would fail."""
    with pytest.raises(ReleaseError, match="facenode needs some-thing"):
        read(program, packed(tmp_path, wheel("quick")))
