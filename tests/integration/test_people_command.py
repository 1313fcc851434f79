"""`facenode people` as an owner uses it: enroll, test, export, ignore, erase; and what it refuses."""

import json
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode_command import CommandResult, facenode
from network_copies import copy_network

from node.camera.video import read_video
from node.people.gallery import Gallery
from node.system import bundled
from node.vision.sidecar import load_sidecar

Settings = Mapping[str, object]
SPACE = load_sidecar(bundled.path(bundled.NETWORK).with_suffix(".json")).heads.embedding.space


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    """Return the settings of a node with its own storage."""
    return {"storage.dir": tmp_path / "storage"}


@pytest.fixture(scope="module")
def carl(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> Path:
    """Return a folder with four frames of the man in the clip, which differ enough to be four views of him."""
    folder = tmp_path_factory.mktemp("carl")
    for number, image in enumerate(read_video(media_dir / "carphone.mp4")):
        if number in (0, 30, 50, 70):
            cv2.imwrite(str(folder / f"{number:03}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, carl: Path) -> Path:
    """Return an exported file with carl and four faces of his."""
    folder = tmp_path_factory.mktemp("fleet")
    people("add", "carl", carl, settings={"storage.dir": folder})
    people("export", folder / "fleet.people", settings={"storage.dir": folder})
    return folder / "fleet.people"


def people(*arguments: str | Path, settings: Settings, code: int = 0) -> CommandResult:
    """Run `facenode people` and assert its exit code; no traceback is printed."""
    result = facenode("people", *arguments, settings=settings)
    assert result.code == code, result.err
    assert "Traceback" not in result.err
    return result


def listed(settings: Settings) -> list[dict[str, object]]:
    """Return what `people list --json` prints."""
    return [json.loads(line) for line in people("list", "--json", settings=settings).out.splitlines()]


def assert_error(result: CommandResult, pattern: str) -> None:
    """Assert that the command printed exactly this one error line."""
    (line,) = result.err.splitlines()
    assert re.fullmatch(f"facenode: {pattern}", line), line


def test_the_self_test_distinguishes_enrolled_people(settings: Settings, carl: Path, media_dir: Path) -> None:
    """Options may stand between photos; `test` prints a table, and advice until nothing is left to do."""
    out = people("add", "carl", "--name", "Carl Phönix", carl, settings=settings).out
    assert out == "carl: 4 of 4 photos used, 4 faces known\n"
    assert people("test", settings=settings).out.splitlines()[-1] == "Everything is in order."
    out = people("add", "eileen", media_dir / "astronaut.jpg", settings=settings).out
    assert out.splitlines()[-1] == "eileen: 1 face known: add 2 or more in another light and pose"
    shown = people("test", settings=settings, code=1).out
    assert re.search(r"^carl +4 +4 of 4 +[+]0\.\d\d +eileen -0\.\d\d$", shown, re.MULTILINE)
    assert re.search(r"^eileen +1 +- +- +carl -0\.\d\d$", shown, re.MULTILINE)
    assert shown.splitlines()[-1].startswith("- eileen: 1 face known: add 2 or more")
    fields = json.loads(people("test", "--json", settings=settings, code=1).out)
    assert [(row["id"], row["recognised"]) for row in fields["people"]] == [("carl", 4), ("eileen", 0)]
    assert [(row["views"], row["more"]) for row in fields["people"]] == [(4, 0), (1, 2)]
    assert (fields["ok"], len(fields["advice"])) == (False, 1)
    assert [(person["name"], person["faces"]) for person in listed(settings)] == [("Carl Phönix", 4), ("eileen", 1)]


def test_strangers_are_scored_against_the_gallery(
    settings: Settings, carl: Path, media_dir: Path, tmp_path: Path
) -> None:
    """Strangers are not named; a photo of carl among them is, and that makes `test` exit with 1."""
    people("add", "carl", carl, settings=settings)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    for name in ("grace_hopper.jpg", "astronaut.jpg"):
        shutil.copy(media_dir / name, strangers)
    (strangers / "broken.jpg").write_bytes(b"\xff\xd8")
    result = people("test", "--strangers", strangers, settings=settings)
    assert "Of 2 faces of strangers, none would be given a name" in result.out
    assert_error(result, r".*broken\.jpg: not a readable image.*")
    shutil.copy(carl / "030.png", strangers)
    result = people("test", "--strangers", strangers, "--json", settings=settings, code=1)
    fields = json.loads(result.out)
    assert (fields["strangers"]["faces"], fields["strangers"]["named"]) == (3, 1)
    nearest = fields["strangers"]["nearest"][0]
    assert nearest.pop("margin") > 0
    assert nearest == {"photo": "030.png", "id": "carl", "score": 1.0, "named": True}
    assert_error(
        people("test", "--strangers", carl / "none", settings=settings, code=1), r".*none: not a folder with photos.*"
    )


def test_the_self_test_needs_an_enrolled_person(settings: Settings) -> None:
    """The error says how to enroll somebody."""
    assert_error(people("test", settings=settings, code=1), "nobody is enrolled: run facenode people add ID PHOTO...")


def test_a_photo_of_somebody_else_is_refused_unless_forced(settings: Settings, carl: Path) -> None:
    """A photo of a known person is refused under another id; with `--force` the self-test reports it."""
    people("add", "carl", carl / "000.png", settings=settings)
    result = people("add", "dora", carl / "030.png", settings=settings, code=1)
    assert re.search(
        r"030\.png: not used: the face is carl's \(margin [+]0\.\d\d\): use --force to accept it", result.err
    )
    assert [person["id"] for person in listed(settings)] == ["carl"]
    people("add", "dora", "--force", carl / "030.png", settings=settings)
    assert "carl and dora look alike" in people("test", settings=settings, code=1).out


def test_ignore_enrolls_or_marks_and_can_be_undone(settings: Settings, carl: Path) -> None:
    """`ignore` takes photos or marks a known person; without photos an unknown id is an error."""
    assert_error(people("ignore", "carl", settings=settings, code=1), "carl: nobody is enrolled under this id.*")
    people("ignore", "carl", "--name", "Carl", carl, settings=settings)
    assert [(person["name"], person["faces"], person["ignored"]) for person in listed(settings)] == [("Carl", 4, True)]
    assert "carl  Carl, 4 faces, ignored" in people("list", settings=settings).out
    people("ignore", "carl", "--off", settings=settings)
    people("ignore", "carl", settings=settings)
    people("ignore", "carl", "--off", settings=settings)
    assert [person["ignored"] for person in listed(settings)] == [False]


def test_a_dry_run_lists_what_remove_would_erase(settings: Settings, carl: Path, tmp_path: Path) -> None:
    """The dry run erases nothing; `remove` leaves no file."""
    people("add", "carl", carl, settings=settings)
    folder = tmp_path / "storage" / "people"
    out = people("remove", "carl", "--dry-run", settings=settings).out
    assert out.splitlines() == [
        f"would erase {folder / 'carl'}: 4 faces, 4 crops",
        f"would erase {tmp_path / 'storage' / 'undo.jsonl'}: actions that can be undone",
    ]
    assert len(list(folder.rglob("*"))) == 7
    people("remove", "carl", settings=settings)
    assert list(folder.rglob("*")) == []
    assert_error(people("remove", "carl", "--dry-run", settings=settings, code=1), "carl: nobody is enrolled.*")


def test_an_exported_file_is_imported_into_another_node(
    settings: Settings, carl: Path, media_dir: Path, tmp_path: Path
) -> None:
    """A first import prints what is new, a second one changes nothing; the file has mode 0600."""
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


def test_a_node_that_keeps_no_crops_imports_none(settings: Settings, fleet: Path, tmp_path: Path) -> None:
    """`people.keep_crops` holds, whatever the file contains."""
    people("import", fleet, settings={**settings, "people.keep_crops": "false"})
    assert [person["faces"] for person in listed(settings)] == [4]
    assert list((tmp_path / "storage").rglob("*.png")) == []


@pytest.mark.parametrize("spoil", ["cut", "changed", "foreign", "missing"])
def test_a_damaged_file_imports_nobody(settings: Settings, fleet: Path, tmp_path: Path, spoil: str) -> None:
    """One error line names the file, and nobody is imported."""
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
    assert_error(people("import", file, settings=settings, code=1), messages[spoil])
    assert not (tmp_path / "storage").exists()


def test_an_empty_gallery_is_not_exported(settings: Settings, tmp_path: Path) -> None:
    """No empty file is left."""
    assert_error(
        people("export", tmp_path / "f", settings=settings, code=1), "nobody is enrolled: there is nothing to export"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def successor(tmp_path: Path) -> Path:
    """Return the default network under another embedding space."""
    network = copy_network(tmp_path, "next")
    sidecar = json.loads(network.with_suffix(".json").read_text())
    sidecar["heads"]["embedding"]["space"] = "next-1"
    network.with_suffix(".json").write_text(json.dumps(sidecar))
    return network


def test_a_new_network_reembeds_imported_crops(settings: Settings, carl: Path, tmp_path: Path, successor: Path) -> None:
    """Faces with crops are embedded again; faces without are kept but reported as not comparable."""
    people("add", "carl", carl, settings=settings)
    people("add", "dora", carl / "000.png", "--force", settings={**settings, "people.keep_crops": "false"})
    people("export", tmp_path / "f", settings=settings)
    other: Settings = {"storage.dir": tmp_path / "other", "model.path": successor}
    result = people("import", tmp_path / "f", settings=other)
    assert "4 faces embedded again" in result.err
    assert re.search(
        r"1 face enrolled with another network.*not compared .not published.: dora: facenode people add", result.err
    )
    loaded = Gallery(tmp_path / "other" / "people").load()
    assert [{anchor.space for anchor in person.anchors} for person in loaded] == [{"next-1"}, {SPACE}]
    shown = people("test", settings=other, code=1).out
    assert re.search(r"^carl +4 +4 of 4 ", shown, re.MULTILINE)
    assert "dora: 1 face enrolled with another network" in shown


def test_adding_with_a_new_network_reembeds_the_known_faces(
    settings: Settings, carl: Path, tmp_path: Path, successor: Path
) -> None:
    """All faces of a person are in one embedding space."""
    people("add", "carl", carl / "000.png", settings=settings)
    people("add", "carl", carl / "030.png", settings={**settings, "model.path": successor})
    (person,) = Gallery(tmp_path / "storage" / "people").load()
    assert [anchor.space for anchor in person.anchors] == ["next-1", "next-1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "ada"),
        ("add", "ada", "a.jpg", "--event", "0193"),
        ("add", "ada", "--force"),
        ("photos",),
        ("photos", "ada", "--remove", "0000", "--move", "0000", "bob"),
        ("photos", "ada", "--move", "0000"),
        ("rename", "ada"),
        ("merge", "ada"),
        ("ignore", "ada", "--off", "a.jpg"),
        ("ignore", "ada", "--off", "--name", "Ada"),
        ("ignore", "ada", "--name", "Ada"),
        ("reject", "ada"),
        ("import",),
        ("test", "extra"),
    ],
)
def test_a_wrong_command_line_exits_with_2(settings: Settings, arguments: tuple[str, ...]) -> None:
    """The usage is printed and nothing is done."""
    assert people(*arguments, settings=settings, code=2).err


@pytest.mark.parametrize("verb", [("add", "ada"), ("ignore", "ada"), ("reject", "ada")])
def test_the_face_of_an_event_needs_a_running_node(settings: Settings, verb: tuple[str, str]) -> None:
    """Only a running node holds recent faces; the error names the socket."""
    event = "0193f0a0-0000-7000-8000-000000000000"
    assert_error(people(*verb, "--event", event, settings=settings, code=1), r"no node answers at .*node\.sock.*")


@pytest.mark.data
def test_a_known_person_is_found_in_a_group_photo(settings: Settings, data_dir: Path, tmp_path: Path) -> None:
    """Two faces of one size are refused for a new person; a known one is found among others."""
    folder = data_dir / "lfw9" / "images"
    hers = sorted((folder / "Serena_Williams").glob("*.jpg"))
    other = cv2.imread(str(next(iter(sorted((folder / "Tony_Blair").glob("*.jpg"))))))
    cv2.imwrite(str(tmp_path / "group.png"), np.hstack([other, cv2.imread(str(hers[5]))]))
    result = people("add", "serena", tmp_path / "group.png", settings=settings, code=1)
    assert "two faces of about the same size" in result.err
    people("add", "serena", *hers[:4], settings=settings)
    people("add", "serena", tmp_path / "group.png", settings=settings)
    people("add", "tony", *sorted((folder / "Tony_Blair").glob("*.jpg"))[1:4], settings=settings)
    fields = json.loads(people("test", "--json", settings=settings).out)
    assert [(row["id"], row["recognised"]) for row in fields["people"]] == [("serena", 5), ("tony", 3)]


def test_a_photo_with_a_name_that_is_too_long_is_reported(settings: Settings, tmp_path: Path) -> None:
    """Each unusable photo has one line; the other photos still count."""
    result = people("add", "ada", tmp_path / ("x" * 300), settings=settings, code=1)
    assert "File name too long" in result.err
