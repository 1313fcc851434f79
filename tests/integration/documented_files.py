"""A folder -> the files that the documents' examples use: photos, a clip and a password."""

import shutil
from pathlib import Path

import cv2

from node.camera.video import read_video

_VIEWS = (0, 60, 85)
"""Frames in which Ada turns her head so far that they are three views of her, not one."""


def create_documented_files(folder: Path, media: Path) -> None:
    """Create photo1.jpg to photo3.jpg (Ada), photo.jpg (the postman), photos/, clip.mp4 and mqtt-password."""
    (folder / "photos").mkdir()
    frames = list(read_video(media / "carphone.mp4"))
    for number, view in enumerate(_VIEWS, 1):
        enlarged = cv2.resize(frames[view], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"photo{number}.jpg"), cv2.cvtColor(enlarged, cv2.COLOR_RGB2BGR))
    shutil.copy(media / "astronaut.jpg", folder / "photo.jpg")
    shutil.copy(media / "grace_hopper.jpg", folder / "photos" / "one.jpg")
    shutil.copy(media / "carphone.mp4", folder / "clip.mp4")
    (folder / "mqtt-password").write_text("secret\n")
