"""A folder -> the files that the documents' examples use: photos, a clip and a password."""

import shutil
from pathlib import Path

import cv2

from node.camera.video import read_video


def create_documented_files(folder: Path, media: Path) -> None:
    """Create photo1.jpg to photo3.jpg (Ada), photo.jpg (the postman), photos/, clip.mp4 and mqtt-password."""
    (folder / "photos").mkdir()
    ada = cv2.imread(str(media / "astronaut.jpg"))
    assert ada is not None
    for number, photo in enumerate((ada, cv2.flip(ada, 1), cv2.convertScaleAbs(ada, alpha=0.8)), 1):
        cv2.imwrite(str(folder / f"photo{number}.jpg"), photo)
    postman = next(read_video(media / "carphone.mp4"))
    enlarged = cv2.resize(postman, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "photo.jpg"), cv2.cvtColor(enlarged, cv2.COLOR_RGB2BGR))
    shutil.copy(media / "grace_hopper.jpg", folder / "photos" / "one.jpg")
    shutil.copy(media / "carphone.mp4", folder / "clip.mp4")
    (folder / "mqtt-password").write_text("secret\n")
