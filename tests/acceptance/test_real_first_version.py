"""Version 0.1.0, as its wheel, on a folder that this version has corrected, undone and filled with an inbox."""

import io
import json
import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from process import run

from node.people.gallery import Gallery

ROOT = Path(__file__).resolve().parents[2]
FIRST = "745f0171e8a2b3b67aa2b938d3806cbfdeeed293"
"""The last commit of version 0.1.0."""

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def first_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of version 0.1.0, installed from its wheel."""
    folder = tmp_path_factory.mktemp("first")
    archived = subprocess.run(["git", "-C", ROOT, "archive", FIRST], check=False, capture_output=True)
    if archived.returncode:
        pytest.skip("the commit of version 0.1.0 is missing: fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder / "source", filter="data")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, folder / "source")
    (wheel,) = folder.glob("facenode-0.1.0-*.whl")
    venv.create(folder / "venv", with_pip=True)
    run(folder / "venv/bin/pip", "install", "--quiet", wheel)
    return folder / "venv/bin/facenode"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Return the storage folder."""
    return tmp_path / "storage"


def files(storage: Path) -> dict[str, bytes]:
    """Return every file of the gallery."""
    people = storage / "people"
    return {str(path.relative_to(people)): path.read_bytes() for path in people.rglob("*") if path.is_file()}


def test_the_first_version_serves_a_folder_after_all_corrections_and_gives_it_back(
    first_version: Path, storage: Path, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """It lists, recognizes, runs, changes, exports and removes people, and looks at nothing that it does not know."""
    settings = {
        "FACENODE_STORAGE__DIR": str(storage),
        "FACENODE_CAMERA__SOURCE": f"images:{media_dir / 'grace_hopper.jpg'}",
        "FACENODE_MQTT__PORT": "9",
        "FACENODE_HOMEASSISTANT__ENABLED": "false",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACENODE_")}

    def now(*arguments: str | Path, code: int = 0) -> str:
        environ = kept | settings | {"PYTHONPATH": str(ROOT), "FACENODE_REVIEW__KEEP_DAYS": "1"}
        return run(sys.executable, "-m", "node.cli", *arguments, environ=environ, code=code)

    def then(*arguments: str | Path, code: int = 0) -> str:
        return run(first_version, *arguments, environ=kept | settings, cwd=tmp_path, code=code)

    then("people", "add", "ada", media_dir / "astronaut.jpg")
    before = files(storage)
    now("people", "add", "grace", media_dir / "grace_hopper.jpg")
    now("people", "add", "grace2", "--force", media_dir / "grace_hopper.jpg")
    now("people", "rename", "ada", "Ada L.")
    now("people", "merge", "grace2", "grace")
    now("people", "ignore", "ada")
    now("people", "undo", "last")
    (storage / "review").mkdir(exist_ok=True)
    (storage / "review" / "0123abcd.json").write_text(json.dumps({"v": 1}))
    left = {path.name for path in storage.iterdir()}
    assert left >= {"people", "undo.jsonl", "review"}

    listed = {person["id"]: person for person in map(json.loads, then("people", "list", "--json").splitlines())}
    assert {id_: person["name"] for id_, person in listed.items()} == {"ada": "Ada L.", "grace": "grace"}
    shown = json.loads(then("recognize", "--json", media_dir / "astronaut.jpg").splitlines()[-1])
    assert shown["faces"][0]["identity"]["id"] == "ada"
    served = subprocess.Popen(
        [first_version, "run"], env=kept | settings, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        assert served.stderr is not None
        line = served.stderr.readline()
        assert "2 people" in line, line
    finally:
        served.terminate()
        log = served.communicate(timeout=60)[1]
    assert "damaged" not in log
    then("people", "export", tmp_path / "family.zip")
    then("people", "ignore", "grace")
    assert not list((storage / "people").glob("*.damaged-*"))

    photos = [json.loads(line) for line in now("people", "photos", "ada", "--json").splitlines()]
    assert [photo["rejected"] for photo in photos] == [False]
    assert "grace has changed since" in now("people", "undo")
    now("people", "import", "--replace", tmp_path / "family.zip")
    assert {person.id for person in Gallery(storage / "people").load()} == {"ada", "grace"}
    then("people", "remove", "grace")
    then("people", "remove", "ada")
    assert files(storage) == {}
    now("people", "list")
    print_line(f"0.1.0 served {sorted(left)}; {len(before)} files of its own were taken over")
