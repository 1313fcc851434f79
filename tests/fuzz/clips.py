"""Damaged and forged clips, in this process and in the decoder's -> frames, or one error that names the file.

python -m tests.fuzz.clips --seconds 60
"""

from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from node.camera.decoder_process import DecoderProcess
from node.camera.frame_check import flaw
from node.camera.opencv import silence
from node.camera.video_file import VideoFile
from node.domain import Frame
from node.errors import CameraError
from node.system import bundled
from tests.fuzz.driver import Target, main
from tests.fuzz.mutation import Bytes

_MOST_FRAMES = 32
_CODECS = {".avi": "MJPG", ".mp4": "mp4v"}
_WORDS = (
    b"ftyp",
    b"moov",
    b"mdat",
    b"trak",
    b"stts",
    b"stsz",
    b"stco",
    b"avcC",
    b"RIFF",
    b"idx1",
    b"movi",
    b"\0\0\0\1",
)


def build(folder: Path) -> Sequence[Target]:
    """Return a target for a camera's clip, whose times must increase, and one for a clip that an owner names."""
    decoder = DecoderProcess()
    path = folder / "clip.mp4"

    def check(content: bytes) -> str:
        path.write_bytes(content)
        last_s = float("-inf")
        try:
            with closing(VideoFile(path)) as film:
                for _ in range(_MOST_FRAMES):
                    item = film.read()
                    if item is None:
                        return "played to the end"
                    assert item[0] > last_s
                    assert item[1].dtype == np.uint8
                    last_s = item[0]
        except CameraError as error:
            assert str(path) in str(error)
            return "refused"
        return f"played for {_MOST_FRAMES} frames"

    def check_named(content: bytes) -> str:
        path.write_bytes(content)
        try:
            for image in islice(decoder.frames(path), _MOST_FRAMES):
                assert flaw(Frame(image)) is None
        except CameraError as error:
            assert str(error).startswith(f"{path}: ")
            return "refused, its decoder ended" if decoder.pid is None else "refused"
        return "played"

    make = Bytes(_seeds(folder), _WORDS)
    return (Target("clips", make, check), Target("named_clips", make, check_named))


def _seeds(folder: Path) -> list[bytes]:
    """Return the clip of the demo, and two clips of a few small frames."""
    silence()
    found = [bundled.path("media/carphone.mp4").read_bytes()]
    for ending, codec in _CODECS.items():
        path = folder / f"seed{ending}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (64, 48))
        for number in range(8):
            writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
        writer.release()
        found.append(path.read_bytes())
    return found


if __name__ == "__main__":
    raise SystemExit(main(build))
