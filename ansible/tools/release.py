"""A checkout or a wheel, and optionally a network -> a release of the fleet: a folder that never changes.

releases/<name>/release.json              the manifest: version, network, checksums, dependencies by kind of machine
releases/<name>/facenode-*.whl            the program
releases/<name>/model/*.tflite, *.json    the network, if it is not the one in the wheel; and *.npy, its cohort
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from checkout import build_wheel, wheel_version
from command import ReleaseError
from wheelhouse import Wheelhouse, checksum

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BUNDLED_SIDECAR = "node/artefacts/mobilefacenet.float32.json"


def main() -> int:
    """Build a release, or add the dependencies of another kind of machine; print `changed` or `up to date`."""
    parser = argparse.ArgumentParser(description="Build a release for a fleet.")
    parser.add_argument("--name", required=True, help="name of the release on the nodes")
    parser.add_argument("--folder", type=Path, required=True, help="folder that holds releases/ and wheelhouse/")
    parser.add_argument("--source", type=Path, help="checkout to build the program from")
    parser.add_argument("--wheel", type=Path, help="wheel of the program, instead of a checkout")
    parser.add_argument(
        "--model",
        type=Path,
        help="network (.tflite) with its sidecar and its cohort beside it (default: the bundled one)",
    )
    parser.add_argument(
        "--kind", action="append", default=[], help="kind of machine, such as aarch64-3.13 (repeatable)"
    )
    args = parser.parse_args()
    try:
        changed = _build_release(args)
    except ReleaseError as error:
        sys.stderr.write(f"release {args.name}: {error}\n")
        return 1
    print("changed" if changed else "up to date")
    return 0


def _build_release(args: argparse.Namespace) -> bool:
    """Build what is missing of a release and return whether something was."""
    if not _NAME.fullmatch(args.name):
        raise ReleaseError(
            "invalid name: use 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        )
    folder = args.folder / "releases" / args.name
    manifest_file = folder / "release.json"
    new = not manifest_file.exists()
    if new:
        _create(args, folder)
    manifest: dict[str, Any] = json.loads(manifest_file.read_text(encoding="utf-8"))
    wheel = folder / manifest["wheel"]["file"]
    if checksum(wheel) != manifest["wheel"]["sha256"]:
        raise ReleaseError(f"{wheel} does not match its checksum in release.json: remove {folder} and build it again")
    missing = sorted(set(args.kind) - set(manifest["kinds"]))
    for kind in missing:
        archive = Wheelhouse(args.folder / "wheelhouse").archive(wheel, kind)
        manifest["kinds"][kind] = {
            "lock": archive.lock,
            "archive": str(archive.path.relative_to(args.folder)),
            "sha256": archive.sha256,
        }
    if missing:
        _write(manifest_file, manifest)
    return new or bool(missing)


def _create(args: argparse.Namespace, folder: Path) -> None:
    """Build program and network in a temporary folder and move it to its place once it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        new = Path(work, "release")
        new.mkdir()
        new.chmod(0o755)
        wheel = Path(shutil.copy(args.wheel, new)) if args.wheel else _build_wheel(args.source, new)
        manifest: dict[str, Any] = {
            "release": args.name,
            "version": wheel_version(wheel),
            "wheel": {"file": wheel.name, "sha256": checksum(wheel)},
            "model_files": {},
            "kinds": {},
        }
        if args.model:
            sidecar = args.model.with_suffix(".json")
            (new / "model").mkdir()
            for file in (args.model, sidecar, *_cohort(sidecar)):
                copied = shutil.copy(file, new / "model")
                manifest["model_files"][file.name] = checksum(Path(copied))
            manifest["network"] = args.model.name
            manifest |= _describe_network(sidecar.read_bytes(), sidecar)
        else:
            with zipfile.ZipFile(wheel) as archive:
                manifest |= _describe_network(archive.read(_BUNDLED_SIDECAR), wheel)
        _write(new / "release.json", manifest)
        new.rename(folder)


def _build_wheel(source: Path | None, folder: Path) -> Path:
    if source is None:
        raise ReleaseError("this release does not exist yet: name a checkout with --source or a wheel with --wheel")
    return build_wheel(source, folder)


def _describe_network(sidecar: bytes, path: Path) -> dict[str, str]:
    """Return a network's id as `health` reports it, and its embedding space."""
    try:
        content = json.loads(sidecar)
        return {"model": content["sha256"][:8], "space": content["heads"]["embedding"]["space"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path} has no valid sidecar of a network: {error}") from error


def _cohort(sidecar: Path) -> list[Path]:
    """Return the file of the cohort that a sidecar names; none if it names none."""
    try:
        described = json.loads(sidecar.read_bytes()).get("cohort")
        file = None if described is None else sidecar.with_name(described["file"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(f"{sidecar} is no valid sidecar of a network: {error}") from error
    if file is not None and not file.is_file():
        raise ReleaseError(f"{file}: no such file: the network needs its cohort beside it: copy it again")
    return [] if file is None else [file]


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
