"""The repository of apps that `make release` lays out."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from app_repository import EXTRAS, App, lay_out
from command import ReleaseError
from wheelhouse import Archive, Wheelhouse

ROOT = Path(__file__).resolve().parents[3]


def wheel(folder: Path, name: str, *lines: str) -> Path:
    """Write a wheel of version 1.2.3."""
    path = folder / f"{name}-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", "Version: 1.2.3", *lines, ""))
        archive.writestr(f"{name}-1.2.3.dist-info/METADATA", metadata)
    return path


class OneWheel(Wheelhouse):
    """A wheelhouse with one wheel for every kind of machine.

    Attributes:
        asked: for which kinds and extras.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        folder.mkdir()
        self._archive = folder / "wheels.tar"
        content = wheel(folder, "pages").read_bytes()
        with tarfile.open(self._archive, "w") as archive:
            for name, each in (("pages-1.2.3-py3-none-any.whl", content), ("lock.txt", b"pages==1.2.3\n")):
                member = tarfile.TarInfo(name)
                member.size = len(each)
                archive.addfile(member, io.BytesIO(each))

    def archive(self, wheel: Path, kind: str, extras: tuple[str, ...] = ()) -> Archive:  # type: ignore[override] # of this test alone
        """Return the archive."""
        del wheel
        self.asked.append((kind, tuple(extras)))
        return Archive("0", self._archive, "0")


def test_the_app_is_complete_and_has_the_version_of_the_program(tmp_path: Path) -> None:
    """Files, changelog, version, the program, and for each architecture its wheels with their bill of materials."""
    program = wheel(tmp_path, "facenode", "Requires-Dist: pages; extra == 'page'")
    house = OneWheel(tmp_path / "house")
    lay_out(tmp_path, App(ROOT, program, "2026-11-24T18:00:58Z"), house)
    repository = tmp_path / "homeassistant"
    assert house.asked == [("aarch64-3.13", EXTRAS), ("x86_64-3.13", EXTRAS)]
    assert yaml.safe_load((repository / "facenode/config.yaml").read_text(encoding="utf-8"))["version"] == "1.2.3"
    names = {str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file()}
    assert {
        "repository.yaml", "facenode/CHANGELOG.md", "facenode/DOCS.md", "facenode/README.md", "facenode/Dockerfile",
        "facenode/apparmor.txt", "facenode/icon.png", "facenode/logo.png", "facenode/translations/de.yaml",
        "facenode/start/__main__.py", f"facenode/wheels/{program.name}", "facenode/wheels/aarch64/lock.txt",
        "facenode/wheels/amd64/pages-1.2.3-py3-none-any.whl", "facenode/wheels/amd64.cdx.json",
    } <= names  # fmt: skip
    assert not any("__pycache__" in name or name.endswith("pictures.py") for name in names)


def test_a_configuration_without_a_version_is_refused(tmp_path: Path) -> None:
    """A release that Home Assistant would never offer as an update."""
    source = tmp_path / "source"
    (source / "packaging/homeassistant/facenode").mkdir(parents=True)
    (source / "packaging/homeassistant/facenode/config.yaml").write_text("name: Facenode\n")
    (source / "CHANGELOG.md").write_text("")
    app = App(source, wheel(tmp_path, "facenode"), "2026-11-24T18:00:58Z")
    with pytest.raises(ReleaseError, match=r"config.yaml must have one line with the version, and has 0"):
        lay_out(tmp_path, app, OneWheel(tmp_path / "house"))
