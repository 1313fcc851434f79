"""The decoder's process: open files from a socket -> images or reasons back to it.

It serves one file after the other. It has no descriptor but the socket and the file in hand, takes little memory and
time, and has no network where the system permits that. `decoder_process` starts it.
"""

import os
import signal
import socket
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from node.camera.decoder_messages import ANSWER, MAX_REASON_BYTES, Answer, Request
from node.camera.frame_check import flaw
from node.camera.heif import HEIF_BYTES, heif_decoder, heif_kind
from node.camera.image_file import decode_image
from node.camera.image_header import DECODING_BYTES
from node.camera.opencv import rgb
from node.camera.video_file import VideoFile
from node.domain import Frame, Image
from node.errors import CameraError
from node.system import process_limits

_VIDEO_BYTES = 2 * DECODING_BYTES  # a decoder of video keeps up to sixteen frames
_HEAD_BYTES = 256
_ROWS = 64
_NAME = Path("/proc/self/fd")
_FFMPEG = (
    "protocol_whitelist;file|"
    "format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,h264,hevc,mjpeg,mjpeg_2000,m4v,mpegvideo"
)
"""A playlist could name files and addresses of its own: only plain videos are opened."""


class _Worker:
    """Answers requests until the socket is closed.

    Args:
        connection: to the program.
        seconds: processor time for each answer.
    """

    def __init__(self, connection: socket.socket, seconds: int) -> None:
        self._connection = connection
        self._seconds = seconds
        self._video: VideoFile | None = None
        self._descriptor = -1

    def run(self) -> None:
        """Answer requests."""
        self._send(Answer.READY, 0, 0)
        while True:
            request, descriptors, _, _ = socket.recv_fds(self._connection, 1, 1)
            if not request:
                return
            if descriptors:
                self._forget()
                self._descriptor = descriptors[0]
            self._answer(Request(request[0]))

    def _answer(self, request: Request) -> None:
        answers: dict[Request, Callable[[], None]] = {
            Request.IMAGE: self._send_image,
            Request.VIDEO: self._open_video,
            Request.FRAME: self._send_frame,
        }
        process_limits.limit_time(self._seconds)
        try:
            answers[request]()
        except (ValueError, CameraError) as error:
            self._refuse(str(error).removeprefix(f"video:{_NAME / str(self._descriptor)}: "))
        except (cv2.error, MemoryError):
            self._refuse("needs too much memory to be decoded: use a smaller one")

    def _send_image(self) -> None:
        size = os.fstat(self._descriptor).st_size
        if not size:
            raise ValueError("not a readable image (empty): copy it again")
        if kind := heif_kind(os.pread(self._descriptor, _HEAD_BYTES, 0)):
            decode = heif_decoder(kind)  # its library is loaded before the memory is limited
            process_limits.limit_memory(size + HEIF_BYTES)
            image = decode(os.pread(self._descriptor, size, 0))
        else:
            process_limits.limit_memory(size + DECODING_BYTES)
            image = decode_image(mmap(self._descriptor, size, access=ACCESS_READ))
        self._forget()
        self._send_pixels(cast("Image", image), rgb)

    def _open_video(self) -> None:
        process_limits.limit_memory(_VIDEO_BYTES)
        self._video = VideoFile(_NAME / str(self._descriptor))
        self._send_frame()

    def _send_frame(self) -> None:
        if self._video is None:
            raise ValueError("was left for another file: start again")
        item = self._video.read()
        if item is None:
            self._forget()
            self._send(Answer.END, 0, 0)
        elif wrong := flaw(Frame(item[1])):
            raise ValueError(f"has {wrong}: re-encode it")
        else:
            self._send_pixels(item[1], lambda rows: rows)

    def _send_pixels(self, image: Image, convert: Callable[[Image], Image]) -> None:
        """Send an image a few rows at a time, so that it is not in memory twice."""
        self._send(Answer.IMAGE, *image.shape[:2])
        for first in range(0, image.shape[0], _ROWS):
            self._connection.sendall(np.ascontiguousarray(convert(image[first : first + _ROWS])).data)

    def _refuse(self, reason: str) -> None:
        self._forget()
        text = reason.encode()[:MAX_REASON_BYTES]
        self._send(Answer.REFUSED, len(text), 0)
        self._connection.sendall(text)

    def _send(self, kind: Answer, first: int, second: int) -> None:
        self._connection.sendall(ANSWER.pack(kind, first, second))

    def _forget(self) -> None:
        """Close the file in hand."""
        if self._video:
            self._video.close()
            self._video = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def main(seconds: int) -> None:
    """Serve the socket at descriptor 0 until it is closed; a signal to stop the program is not for this process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _FFMPEG
    cv2.setNumThreads(1)
    process_limits.limit_files()
    with socket.socket(fileno=0) as connection:
        _Worker(connection, seconds).run()
