"""Photos and clips as people have them, through the commands: folders of anything, HEIC, small faces, turned clips."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode_command import facenode

from node.camera.image_file import read_image
from node.domain import Image
from tests.fuzz.heif_pictures import heif


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    """Return settings with a storage folder of their own."""
    return {"storage.dir": tmp_path / "storage"}


@pytest.fixture
def portrait(media_dir: Path) -> Image:
    """Return a portrait of 512 by 512 pixels."""
    return read_image(media_dir / "astronaut.jpg")


@pytest.fixture
def phone_folder(tmp_path: Path, media_dir: Path, portrait: Image) -> Path:
    """Return a folder as it comes from a phone: five photos of one person, and what else lies there."""
    folder = tmp_path / "photos"
    (folder / "old").mkdir(parents=True)
    for name in ("1.JPG", "2.jfif", "3"):
        shutil.copy(media_dir / "astronaut.jpg", folder / name)
    (folder / "4.HEIC").write_bytes(heif(np.ascontiguousarray(np.rot90(portrait)), orientation=6))
    (folder / "5.avif").write_bytes(heif(portrait, "AVIF"))
    (folder / "a.txt").write_text("bring milk")
    (folder / "._1.JPG").write_bytes(b"\0\5\26\7")
    shutil.copy(media_dir / "astronaut.jpg", folder / "old" / "6.jpeg")
    return folder


def test_people_add_uses_every_picture_of_a_folder_and_names_the_rest(
    settings: dict[str, object], phone_folder: Path
) -> None:
    """Told by content, and counted."""
    result = facenode("people", "add", "ada", phone_folder, settings=settings)
    assert result.code == 0, result.err
    assert "ada: 5 of 5 photos used, 3 faces known" in result.out  # the same photo three times is one face
    assert result.err == (
        f"facenode: {phone_folder}: 3 entries not used: a.txt: not a picture; "
        "old: a folder inside it, which is not searched; 1 hidden\n"
    )


def test_recognize_reads_every_picture_of_a_folder(settings: dict[str, object], phone_folder: Path) -> None:
    """Also in the folders inside it; what is no picture is no failure."""
    result = facenode("recognize", "--json", phone_folder, settings=settings)
    assert result.code == 0, result.err
    rows = [json.loads(line) for line in result.out.splitlines()]
    names = [str(Path(row["path"]).relative_to(phone_folder)) for row in rows]
    assert names == ["1.JPG", "2.jfif", "3", "4.HEIC", "5.avif", "old/6.jpeg"]
    assert all(len(row["faces"]) == 1 and row["faces"][0]["usable"] for row in rows)
    assert f"{phone_folder}: 2 entries not used: a.txt: not a picture or a clip; 1 hidden" in result.err


def test_people_test_reads_every_picture_of_a_folder(
    settings: dict[str, object], phone_folder: Path, media_dir: Path
) -> None:
    """And says what it did not use."""
    facenode("people", "add", "grace", media_dir / "grace_hopper.jpg", settings=settings)
    result = facenode("people", "test", "--json", "--strangers", phone_folder, settings=settings)
    assert json.loads(result.out)["strangers"]["faces"] == 6
    assert "not used: a.txt: not a picture; 1 hidden" in result.err


def test_a_folder_without_a_picture_is_an_error_that_says_what_is_there(
    settings: dict[str, object], tmp_path: Path
) -> None:
    """A wrong folder does not look like one without faces."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "notes.txt").write_text("x")
    for command in (("recognize",), ("people", "add", "ada")):
        result = facenode(*command, tmp_path / "wrong", settings=settings)
        assert result.code == 1
        assert "1 entry not used: notes.txt: not a picture" in result.err
        assert ("no picture found" in result.err) or ("no photo found" in result.err)


@pytest.mark.parametrize("face_px", [60, 100])
def test_a_small_face_in_a_photo_of_12_megapixels_is_enrolled_and_recognized(
    settings: dict[str, object], tmp_path: Path, portrait: Image, face_px: int
) -> None:
    """`detector.width` is made for live frames, and does not limit photos."""
    side = round(512 * face_px / 100)
    photo = np.full((3000, 4000, 3), 130, np.uint8)
    photo[1200 : 1200 + side, 1700 : 1700 + side] = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    path = tmp_path / "far.jpg"
    cv2.imwrite(str(path), photo[..., ::-1])
    result = facenode("people", "add", "ada", path, settings=settings)
    assert result.code == 0, result.err
    shown = facenode("recognize", "--json", path, settings=settings)
    (face,) = json.loads(shown.out)["faces"]
    assert face["identity"]["id"] == "ada"


def test_a_clip_that_a_phone_stored_sideways_shows_its_faces(
    settings: dict[str, object], tmp_path: Path, media_dir: Path
) -> None:
    """With the turn in its header a clip gives as many faces as upright; a name without an ending does not matter."""
    upright = media_dir / "carphone.mp4"
    side, phone = tmp_path / "side.mp4", tmp_path / "phone"
    ffmpeg = ("ffmpeg", "-v", "error", "-y")
    turn = ("-vf", "transpose=1", "-c:v", "libx264", "-crf", "18", "-frames:v", "20")
    subprocess.run((*ffmpeg, "-i", upright, *turn, side), check=True)
    subprocess.run((*ffmpeg, "-i", side, "-c", "copy", "-metadata:s:v:0", "rotate=90", "-f", "mp4", phone), check=True)
    result = facenode("recognize", "--json", phone, settings=settings)
    assert result.code == 0, result.err
    assert sum(bool(json.loads(line)["faces"]) for line in result.out.splitlines()) == 20
