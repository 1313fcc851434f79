"""`facenode people` as its owner runs it: enrol, test, carry to a fleet, ignore, erase; and what is refused."""

import json
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode import Outcome, facenode

from node.camera.video import read_video
from node.people.gallery import Gallery
from node.system import bundled
from node.vision.sidecar import load_sidecar

Settings = Mapping[str, object]
SPACE = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding.space


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    """Return settings of a node of its own."""
    return {"storage.dir": tmp_path / "storage"}


@pytest.fixture(scope="module")
def carl(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> Path:
    """Return a folder of four frames of the man in the clip."""
    folder = tmp_path_factory.mktemp("carl")
    for number, image in enumerate(read_video(media_dir / "carphone.mp4")):
        if number in (0, 10, 20, 40):
            cv2.imwrite(str(folder / f"{number:03}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, carl: Path) -> Path:
    """Return a file with carl and four faces of his."""
    folder = tmp_path_factory.mktemp("fleet")
    people("add", "carl", carl, settings={"storage.dir": folder})
    people("export", folder / "fleet.people", settings={"storage.dir": folder})
    return folder / "fleet.people"


def people(*arguments: str | Path, settings: Settings, code: int = 0) -> Outcome:
    """Run `facenode people` and assert its exit code; no traceback reaches a user."""
    outcome = facenode("people", *arguments, settings=settings)
    assert outcome.code == code, outcome.err
    assert "Traceback" not in outcome.err
    return outcome


def listed(settings: Settings) -> list[dict[str, object]]:
    """Return what `list --json` prints."""
    return [json.loads(line) for line in people("list", "--json", settings=settings).out.splitlines()]


def says(outcome: Outcome, pattern: str) -> None:
    """Assert that the command ended with one line of error, and which."""
    (line,) = outcome.err.splitlines()
    assert re.fullmatch(f"facenode: {pattern}", line), line


def test_people_are_enrolled_tested_and_told_apart(settings: Settings, carl: Path, media_dir: Path) -> None:
    """The whole afternoon of an owner: options between the photos, a table, and advice until nothing is left to do."""
    out = people("add", "carl", "--name", "Carl Phönix", carl, settings=settings).out
    assert out == "carl: 4 of 4 photos used, 4 faces known\n"
    assert people("test", settings=settings).out.splitlines()[-1] == "Everything is in order."
    out = people("add", "eileen", media_dir / "astronaut.jpg", settings=settings).out
    assert "1 face known" in out
    assert "more photos" in out
    told = people("test", settings=settings, code=1).out
    assert re.search(r"^carl +4 +4 of 4 +0\.\d\d +eileen -?0\.\d\d$", told, re.MULTILINE)
    assert re.search(r"^eileen +1 +- +- +carl -?0\.\d\d$", told, re.MULTILINE)
    assert told.splitlines()[-1].startswith("- eileen: 1 face known: add 2 or more")
    fields = json.loads(people("test", "--json", settings=settings, code=1).out)
    assert [(row["id"], row["recognised"]) for row in fields["people"]] == [("carl", 4), ("eileen", 0)]
    assert (fields["ok"], len(fields["advice"])) == (False, 1)
    assert [(person["name"], person["faces"]) for person in listed(settings)] == [("Carl Phönix", 4), ("eileen", 1)]


def test_strangers_are_scored_against_the_gallery(
    settings: Settings, carl: Path, media_dir: Path, tmp_path: Path
) -> None:
    """Nobody's face is called carl; his own, put among the strangers, is, and that needs attention."""
    people("add", "carl", carl, settings=settings)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    for name in ("grace_hopper.jpg", "astronaut.jpg"):
        shutil.copy(media_dir / name, strangers)
    (strangers / "broken.jpg").write_bytes(b"\xff\xd8")
    outcome = people("test", "--strangers", strangers, settings=settings)
    assert "Of 2 faces of strangers, none would be given a name" in outcome.out
    says(outcome, r".*broken\.jpg: not a readable image.*")
    shutil.copy(carl / "010.png", strangers)
    outcome = people("test", "--strangers", strangers, "--json", settings=settings, code=1)
    fields = json.loads(outcome.out)
    assert (fields["strangers"]["faces"], fields["strangers"]["named"]) == (3, 1)
    assert fields["strangers"]["nearest"][0] == {"photo": "010.png", "id": "carl", "score": 1.0, "named": True}
    says(people("test", "--strangers", carl / "none", settings=settings, code=1), r".*none: not a folder with photos.*")


def test_nobody_can_be_tested(settings: Settings) -> None:
    """The line says how to enrol somebody."""
    says(people("test", settings=settings, code=1), "nobody is enrolled: run facenode people add ID PHOTO...")


def test_a_photo_of_somebody_else_is_refused_unless_forced(settings: Settings, carl: Path) -> None:
    """A mix-up of folders is seen at once; what is forced is seen by the self-test."""
    people("add", "carl", carl / "000.png", settings=settings)
    outcome = people("add", "dora", carl / "010.png", settings=settings, code=1)
    assert re.search(r"010\.png: not used: the face is carl's \(0\.\d\d\): use --force to accept it", outcome.err)
    assert [person["id"] for person in listed(settings)] == ["carl"]
    people("add", "dora", "--force", carl / "010.png", settings=settings)
    assert "carl and dora look alike" in people("test", settings=settings, code=1).out


def test_ignoring_enrols_marks_and_is_undone(settings: Settings, carl: Path) -> None:
    """With photos and without; a mark alone needs somebody known."""
    says(people("ignore", "carl", settings=settings, code=1), "carl: nobody is enrolled under this id.*")
    people("ignore", "carl", "--name", "Carl", carl, settings=settings)
    assert [(person["name"], person["faces"], person["ignored"]) for person in listed(settings)] == [("Carl", 4, True)]
    assert "carl  Carl, 4 faces, ignored" in people("list", settings=settings).out
    people("ignore", "carl", "--off", settings=settings)
    people("ignore", "carl", settings=settings)
    people("ignore", "carl", "--off", settings=settings)
    assert [person["ignored"] for person in listed(settings)] == [False]


def test_a_dry_run_says_what_would_go_and_erases_nothing(settings: Settings, carl: Path, tmp_path: Path) -> None:
    """Then it goes, and no file of it is left."""
    people("add", "carl", carl, settings=settings)
    folder = tmp_path / "storage" / "people"
    out = people("remove", "carl", "--dry-run", settings=settings).out
    assert out == f"would erase {folder / 'carl'}: 4 faces, 4 crops\n"
    assert len(list(folder.rglob("*"))) == 6
    people("remove", "carl", settings=settings)
    assert list(folder.rglob("*")) == []
    says(people("remove", "carl", "--dry-run", settings=settings, code=1), "carl: nobody is enrolled.*")


def test_one_file_carries_the_people_to_a_fleet(
    settings: Settings, carl: Path, media_dir: Path, tmp_path: Path
) -> None:
    """What is new is said, a second time nothing is; the file is for its owner's eyes only."""
    people("add", "carl", "--name", "Carl", carl, settings=settings)
    people("ignore", "eileen", media_dir / "astronaut.jpg", settings=settings)
    file, other = tmp_path / "fleet.people", {"storage.dir": tmp_path / "other"}
    assert "2 people, 5 faces" in people("export", file, settings=settings).out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    people("add", "carl", carl / "000.png", settings=other)
    assert people("import", file, settings=other).out.splitlines() == [
        "carl: 3 faces more, now called Carl",
        "eileen: new, 1 face, ignored",
        f"{file}: 2 people, 1 new, 1 changed",
    ]
    assert listed(other) == listed(settings)
    assert people("import", file, settings=other).out == f"{file}: 2 people, 0 new, 0 changed\n"
    line = json.loads(facenode("recognize", media_dir / "astronaut.jpg", "--json", settings=other).out)
    assert line["faces"][0]["identity"] == {"id": "eileen", "score": 1.0}


def test_a_node_that_keeps_no_crops_takes_none_from_a_fleet(settings: Settings, fleet: Path, tmp_path: Path) -> None:
    """Its owner's setting holds, whatever the file brings."""
    people("import", fleet, settings={**settings, "people.keep_crops": "false"})
    assert [person["faces"] for person in listed(settings)] == [4]
    assert list((tmp_path / "storage").rglob("*.png")) == []


@pytest.mark.parametrize("spoil", ["cut", "changed", "foreign", "missing"])
def test_a_spoilt_file_changes_nothing(settings: Settings, fleet: Path, tmp_path: Path, spoil: str) -> None:
    """One line that names the file; nobody is imported."""
    file = tmp_path / "fleet.people"
    if spoil != "missing":
        content = fleet.read_bytes()
        middle = len(content) // 2
        changes = {
            "cut": content[:-100],
            "changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "foreign": b"[mqtt]\nport = 1883\n",
        }
        file.write_bytes(changes[spoil])
    messages = {
        "cut": r".*fleet\.people: damaged or truncated: copy it again",
        "changed": r".*fleet\.people: damaged or truncated: copy it again",
        "foreign": r".*fleet\.people: not a file made by `facenode people export`",
        "missing": r".*fleet\.people: no such file",
    }
    says(people("import", file, settings=settings, code=1), messages[spoil])
    assert not (tmp_path / "storage").exists()


def test_nobody_can_be_exported(settings: Settings, tmp_path: Path) -> None:
    """And no empty file is left."""
    says(people("export", tmp_path / "f", settings=settings, code=1), "nobody is enrolled: there is nothing to export")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def successor(tmp_path: Path) -> Path:
    """Return a network whose embeddings are of another space: the default one under another name."""
    source = bundled.path(bundled.NETWORK)
    shutil.copy(source, tmp_path / "next.tflite")
    sidecar = json.loads(source.with_suffix(".json").read_text())
    sidecar["heads"]["embedding"]["space"] = "next-1"
    (tmp_path / "next.json").write_text(json.dumps(sidecar))
    return tmp_path / "next.tflite"


def test_a_new_network_learns_the_fleets_people_from_their_crops(
    settings: Settings, carl: Path, tmp_path: Path, successor: Path
) -> None:
    """Imported under another network they are embedded again; what has no crop is kept, dormant and said."""
    people("add", "carl", carl, settings=settings)
    people("add", "dora", carl / "000.png", "--force", settings={**settings, "people.keep_crops": "false"})
    people("export", tmp_path / "f", settings=settings)
    other: Settings = {"storage.dir": tmp_path / "other", "model.path": successor}
    outcome = people("import", tmp_path / "f", settings=other)
    assert "4 faces embedded again" in outcome.err
    assert re.search(
        r"1 face enrolled with another network.*not compared .not published.: dora: facenode people add", outcome.err
    )
    loaded = Gallery(tmp_path / "other" / "people").load()
    assert [{anchor.space for anchor in person.anchors} for person in loaded] == [{"next-1"}, {SPACE}]
    told = people("test", settings=other, code=1).out
    assert re.search(r"^carl +4 +4 of 4 ", told, re.MULTILINE)
    assert "dora: 1 face enrolled with another network" in told


def test_adding_with_a_new_network_renews_who_was_known(
    settings: Settings, carl: Path, tmp_path: Path, successor: Path
) -> None:
    """Else the photos of one person would lie in two spaces."""
    people("add", "carl", carl / "000.png", settings=settings)
    people("add", "carl", carl / "010.png", settings={**settings, "model.path": successor})
    (person,) = Gallery(tmp_path / "storage" / "people").load()
    assert [anchor.space for anchor in person.anchors] == ["next-1", "next-1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "ada"),
        ("add", "ada", "a.jpg", "--event", "0193"),
        ("add", "ada", "--event", "0193", "--force"),
        ("ignore", "ada", "--off", "a.jpg"),
        ("ignore", "ada", "--off", "--name", "Ada"),
        ("ignore", "ada", "--name", "Ada"),
        ("reject", "ada"),
        ("import",),
        ("test", "extra"),
    ],
)
def test_a_wrong_command_line_ends_with_2(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Usage is said, nothing is done."""
    assert people(*arguments, settings=settings, code=2).err


@pytest.mark.parametrize("verb", [("add", "ada"), ("ignore", "ada"), ("reject", "ada")])
def test_the_face_of_an_event_needs_a_running_node(settings: Settings, verb: tuple[str, str]) -> None:
    """Only it remembers faces; the line says where it was looked for."""
    event = "0193f0a0-0000-7000-8000-000000000000"
    says(people(*verb, "--event", event, settings=settings, code=1), r"no node answers at .*node\.sock.*")


@pytest.mark.data
def test_in_a_group_photo_the_person_known_is_taken(settings: Settings, data_dir: Path, tmp_path: Path) -> None:
    """Two people of one size are refused for a newcomer; once she is known, her face is found beside another's."""
    folder = data_dir / "lfw9" / "images"
    hers = sorted((folder / "Serena_Williams").glob("*.jpg"))
    other = cv2.imread(str(next(iter(sorted((folder / "Tony_Blair").glob("*.jpg"))))))
    cv2.imwrite(str(tmp_path / "group.png"), np.hstack([other, cv2.imread(str(hers[5]))]))
    outcome = people("add", "serena", tmp_path / "group.png", settings=settings, code=1)
    assert "two faces of about the same size" in outcome.err
    people("add", "serena", *hers[:4], settings=settings)
    people("add", "serena", tmp_path / "group.png", settings=settings)
    people("add", "tony", *sorted((folder / "Tony_Blair").glob("*.jpg"))[1:4], settings=settings)
    fields = json.loads(people("test", "--json", settings=settings).out)
    assert [(row["id"], row["recognised"]) for row in fields["people"]] == [("serena", 5), ("tony", 3)]


def test_a_photo_with_a_name_that_no_disk_takes_is_said(settings: Settings, tmp_path: Path) -> None:
    """One line each; the other photos would still count."""
    outcome = people("add", "ada", tmp_path / ("x" * 300), settings=settings, code=1)
    assert "File name too long" in outcome.err
