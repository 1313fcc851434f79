"""A gallery goes from version 0.1.0 to this one and back: nothing of it is lost, and nothing needs to be done."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import cv2
import pytest
from facenode_command import facenode
from first_version import FirstVersion
from makers import instant

from node.camera.video import read_video
from node.clock import SystemClock
from node.contract.payloads import encode
from node.contract.topics import Topics
from node.domain import Box, Event, EventType, Match
from node.outbox.outbox import Outbox
from node.people.normalisation import FILE

Settings = Mapping[str, object]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> FirstVersion:
    """Return the program of version 0.1.0; skip without the history of the checkout."""
    try:
        return FirstVersion(tmp_path_factory.mktemp("first"))
    except (LookupError, OSError) as error:
        pytest.skip(f"no history that holds version 0.1.0: {error}")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> dict[str, list[Path]]:
    """Return photos of three people."""
    folder = tmp_path_factory.mktemp("photos")
    frames = list(read_video(media_dir / "carphone.mp4"))
    carl = [folder / f"{number}.png" for number in (0, 30, 50, 70)]
    for path in carl:
        cv2.imwrite(str(path), cv2.cvtColor(frames[int(path.stem)], cv2.COLOR_RGB2BGR))
    return {"carl": carl, "eileen": [media_dir / "astronaut.jpg"], "grace": [media_dir / "grace_hopper.jpg"]}


@pytest.fixture
def settings(tmp_path: Path, first: FirstVersion, photos: dict[str, list[Path]]) -> Settings:
    """Return the settings of a node whose gallery version 0.1.0 has made: carl, from three photos, and eileen."""
    made: Settings = {"storage.dir": tmp_path / "storage"}
    for person, own in (("carl", photos["carl"][:3]), ("eileen", photos["eileen"])):
        result = first.run("people", "add", person, *own, settings=made)
        assert result.code == 0, result.err
    return made


def people(settings: Settings) -> Path:
    """Return the folder of the gallery."""
    return Path(str(settings["storage.dir"])) / "people"


def records(settings: Settings) -> dict[Path, bytes]:
    """Return the records and crops of a gallery."""
    return {path: path.read_bytes() for path in people(settings).rglob("*") if path.is_file() and path.name != FILE}


def names(picture: Path, settings: Settings) -> list[str]:
    """Return whom this version recognizes in a picture."""
    result = facenode("recognize", picture, "--json", settings=settings)
    assert (result.code, result.err) == (0, "")
    return [face["identity"]["id"] for face in json.loads(result.out)["faces"]]


def usual(settings: Settings, person: str) -> list[float]:
    """Return what is kept as usual for the faces of a person."""
    found: list[float] = json.loads((people(settings) / person / FILE).read_text())["usual"]
    return found


def test_a_gallery_of_version_0_1_0_works_at_once_and_stays_as_it_is(
    settings: Settings, photos: dict[str, list[Path]]
) -> None:
    """Everybody is recognized; what is computed is in a file of its own, and the rest stays byte for byte."""
    before = records(settings)
    assert names(photos["eileen"][0], settings) == ["eileen"]
    assert names(photos["carl"][3], settings) == ["carl"]
    assert names(photos["grace"][0], settings) == ["unknown"]
    assert records(settings) == before
    assert (len(usual(settings, "carl")), len(usual(settings, "eileen"))) == (3, 1)


def test_version_0_1_0_works_on_what_this_version_has_used(
    settings: Settings, first: FirstVersion, photos: dict[str, list[Path]]
) -> None:
    """It recognizes everybody, those enrolled since too; nobody is set aside, and whom it removes is gone whole."""
    assert names(photos["eileen"][0], settings) == ["eileen"]
    assert facenode("people", "add", "grace", *photos["grace"], settings=settings).code == 0
    assert facenode("people", "test", settings=settings).code == 1
    assert (people(settings) / "grace" / FILE).exists()
    for person in ("carl", "eileen", "grace"):
        assert first.names(photos[person][-1], settings) == [person]
    listed = first.run("people", "list", settings=settings)
    assert [line.split()[0] for line in listed.out.splitlines()] == ["carl", "eileen", "grace"]
    assert not list(people(settings).glob("*.damaged-*"))
    assert first.run("people", "remove", "eileen", settings=settings).code == 0
    assert not (people(settings) / "eileen").exists()


def test_what_version_0_1_0_changes_meanwhile_is_taken_into_account(
    settings: Settings, first: FirstVersion, photos: dict[str, list[Path]]
) -> None:
    """The file still speaks of the former faces then; it is made again."""
    assert names(photos["carl"][0], settings) == ["carl"]
    former = usual(settings, "carl")
    assert first.run("people", "add", "carl", photos["carl"][3], settings=settings).code == 0
    assert usual(settings, "carl") == former
    assert names(photos["carl"][3], settings) == ["carl"]
    assert usual(settings, "carl")[:3] == former
    assert len(usual(settings, "carl")) == 4


def test_an_outbox_serves_version_0_1_0_and_comes_back_with_what_it_counts(
    settings: Settings, first: FirstVersion
) -> None:
    """The older version erases from it; how often messages were put is no column that it knows, and stays."""
    storage, topics = people(settings).parent, Topics("hall")
    box = Box(0.1, 0.1, 0.2, 0.2)
    seen = [Event(EventType.RECOGNIZED, instant(0), 1, box, person=Match(id_, 0.9)) for id_ in ("carl", "eileen")]
    with closing(Outbox(storage, topics, SystemClock())) as outbox:
        outbox.put(encode(seen, (), topics, "3f9a1c02"))
        outbox.put(encode(seen, (), topics, "3f9a1c02"))
    result = first.run("people", "remove", "eileen", settings=settings)
    assert result.code == 0, result.err
    with closing(Outbox(storage, topics, SystemClock())) as outbox:
        assert outbox.puts == 2
        assert not outbox.names("eileen")
        assert (outbox.counts().waiting, outbox.boot) == (2, 3)


def test_an_exported_file_serves_both(
    settings: Settings, first: FirstVersion, photos: dict[str, list[Path]], tmp_path: Path
) -> None:
    """It holds records and crops alone, so that what was computed is computed again."""
    assert names(photos["eileen"][0], settings) == ["eileen"]
    assert facenode("people", "export", tmp_path / "new", settings=settings).code == 0
    assert first.run("people", "export", tmp_path / "old", settings=settings).code == 0
    assert (tmp_path / "new").read_bytes() == (tmp_path / "old").read_bytes()
    older, newer = ({"storage.dir": tmp_path / name} for name in ("older", "newer"))
    assert first.run("people", "import", tmp_path / "new", settings=older).code == 0
    assert first.names(photos["eileen"][0], older) == ["eileen"]
    assert facenode("people", "import", tmp_path / "old", settings=newer).code == 0
    assert names(photos["carl"][3], newer) == ["carl"]
