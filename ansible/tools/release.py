"""A checkout or a wheel, and a network -> a release: a folder of its own that is never changed again.

releases/<name>/release.json              what it is made of: version, network, checksums, dependencies by machine
releases/<name>/facenode-*.whl            the program
releases/<name>/model/*.tflite, *.json    the network, where it is not the one in the wheel
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

from checkout import build_wheel, version
from command import ReleaseError
from wheelhouse import Wheelhouse, checksum

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BUNDLED = "node/artefacts/mobilefacenet.float32.json"


def main() -> int:
    """Build a release, or add what another kind of machine needs; print `changed` where there was something to do."""
    parser = argparse.ArgumentParser(description="Build a release for a fleet.")
    parser.add_argument("--name", required=True, help="what it is called on the nodes")
    parser.add_argument("--folder", type=Path, required=True, help="where releases/ and wheelhouse/ are")
    parser.add_argument("--source", type=Path, help="a checkout of the program")
    parser.add_argument("--wheel", type=Path, help="instead of a checkout: the built program")
    parser.add_argument("--model", type=Path, help="a network (.tflite) with its sidecar; else the one in the program")
    parser.add_argument("--kind", action="append", default=[], help="kinds of machines, such as aarch64-3.13")
    args = parser.parse_args()
    try:
        changed = _release(args)
    except ReleaseError as error:
        sys.stderr.write(f"release {args.name}: {error}\n")
        return 1
    print("changed" if changed else "as it was")
    return 0


def _release(args: argparse.Namespace) -> bool:
    if not _NAME.fullmatch(args.name):
        raise ReleaseError("a name is of letters, digits, dot, dash and underscore, 64 at the most")
    folder = args.folder / "releases" / args.name
    described = folder / "release.json"
    new = not described.exists()
    if new:
        _build(args, folder)
    content: dict[str, Any] = json.loads(described.read_text(encoding="utf-8"))
    wheel = folder / content["wheel"]["file"]
    if checksum(wheel) != content["wheel"]["sha256"]:
        raise ReleaseError(f"{wheel}: is not what was built: remove {folder} and build it again")
    missing = sorted(set(args.kind) - set(content["kinds"]))
    for kind in missing:
        archive = Wheelhouse(args.folder / "wheelhouse").archive(wheel, kind)
        content["kinds"][kind] = {
            "lock": archive.lock,
            "archive": str(archive.path.relative_to(args.folder)),
            "sha256": archive.sha256,
        }
    if missing:
        _write(described, content)
    return new or bool(missing)


def _build(args: argparse.Namespace, folder: Path) -> None:
    """Build program and network beside their place, and move them there when all is well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        new = Path(work, "release")
        new.mkdir()
        new.chmod(0o755)
        wheel = Path(shutil.copy(args.wheel, new)) if args.wheel else _wheel(args.source, new)
        content: dict[str, Any] = {
            "release": args.name,
            "version": version(wheel),
            "wheel": {"file": wheel.name, "sha256": checksum(wheel)},
            "model_files": {},
            "kinds": {},
        }
        if args.model:
            sidecar = args.model.with_suffix(".json")
            (new / "model").mkdir()
            for file in (args.model, sidecar):
                copied = shutil.copy(file, new / "model")
                content["model_files"][file.name] = checksum(Path(copied))
            content["network"] = args.model.name
            content |= _network(sidecar.read_bytes(), sidecar)
        else:
            with zipfile.ZipFile(wheel) as archive:
                content |= _network(archive.read(_BUNDLED), wheel)
        _write(new / "release.json", content)
        new.rename(folder)


def _wheel(source: Path | None, folder: Path) -> Path:
    if source is None:
        raise ReleaseError("it is not there yet: name a checkout by --source, or a wheel by --wheel")
    return build_wheel(source, folder)


def _network(sidecar: bytes, where: Path) -> dict[str, str]:
    """Return how a network shows in `health`, and the space of its embeddings."""
    try:
        content = json.loads(sidecar)
        return {"model": content["sha256"][:8], "space": content["heads"]["embedding"]["space"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{where}: no sidecar of a network: {error}") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
