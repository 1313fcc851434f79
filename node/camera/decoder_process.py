"""A process of its own that decodes what an owner names: a forged file cannot reach more than that process.

OpenCV and FFmpeg decode in native code. Here a file gets bounded memory and processor time, and no network. One process
serves many files; it is replaced when it ends, and only the file that ended it is refused.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from node.camera.decoder_messages import ANSWER, MAX_REASON_BYTES, Answer, Request
from node.camera.image_file import MAX_BYTES, open_file
from node.camera.image_header import MAX_PIXELS, MAX_STATED_PIXELS
from node.camera.opencv import loud
from node.domain import Image
from node.errors import CameraError
from node.system.caller_files import OpenedFile

SECONDS = 10
"""Processor time for an image, or for a frame of a video."""

_WAIT_S = 60.0
"""Longest wait for an answer: a file may also make its decoder sleep, and a busy machine takes its time."""

_PROGRAM = """
import sys
sys.path[:] = sys.argv[2:]
from node.system.process_limits import leave_network
leave_network()
from node.camera.decoder_worker import main
main(int(sys.argv[1]))
"""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "OPENCV_LOG_LEVEL", "OPENCV_FFMPEG_LOGLEVEL")


def worker_command(seconds: int = SECONDS) -> tuple[str, ...]:
    """Return the command of the process: it imports from where this program does, and not from the working folder."""
    return (sys.executable, "-I", "-B", "-c", _PROGRAM, str(seconds), *(path for path in sys.path if path))


class _EndedError(Exception):
    """The process has ended, or was ended; the message says why."""


class DecoderProcess:
    """An `ImageDecoder` whose work is done in a process of its own, started with the first file or by `with`.

    Args:
        command: starts the process; its socket is its standard input.
        wait_s: seconds after which an answer is no longer awaited.
    """

    def __init__(self, command: Sequence[str] | None = None, wait_s: float = _WAIT_S) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._command = command or worker_command()
        self._wait_s = wait_s
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None if none runs."""
        return self._process.pid if self._process else None

    def decode(self, photo: Path | OpenedFile) -> Image:
        """Return the image in a file, shape (height, width, 3), uint8, RGB, rotated as its EXIF data says.

        Args:
            photo: path of the file; or the opened file, which this closes.

        Raises:
            CameraError: the file cannot be read, is not an image, or ends the process.
        """
        with photo.file if isinstance(photo, OpenedFile) else open_file(photo, "image", MAX_BYTES) as file:
            image = self._ask(photo, Request.IMAGE, file.fileno())
        if image is None:
            raise CameraError(f"{photo}: not a readable image: use JPEG or PNG")
        return image

    def frames(self, path: Path) -> Iterator[Image]:
        """Yield every frame of a video file, shape (height, width, 3), uint8, RGB.

        Raises:
            CameraError: the file cannot be read, is not a video, or ends the process.
        """
        with open_file(path, "video") as file:
            image = self._ask(path, Request.VIDEO, file.fileno())
        while image is not None:
            yield image
            image = self._ask(path, Request.FRAME)

    def close(self) -> None:
        """End the process; closing twice is fine."""
        connection, process = self._connection, self._process
        self._connection = self._process = None
        if connection:
            connection.close()
        if process:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        with contextlib.suppress(_EndedError):  # the first file says so
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _ask(self, path: Path | OpenedFile, request: Request, descriptor: int | None = None) -> Image | None:
        """Send a request, with the file if there is one, and return the image; None at the end of a video."""
        try:
            if not self._ready or self._process is None or self._process.poll() is not None:
                self._await_ready()
            self._send(request, descriptor)
            return self._answer(path, time.monotonic() + self._wait_s)
        except _EndedError as error:
            raise CameraError(f"{path}: {error}") from error
        except BaseException as error:
            if not isinstance(error, CameraError):
                self.close()  # half an answer may be on its way
            raise

    def _start(self) -> None:
        """Start the process, without waiting for it."""
        self.close()
        self._ready = False
        ours, theirs = socket.socketpair()
        with theirs:
            self._connection = ours
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this program itself, and no shell reads it
                    self._command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=None if loud() else subprocess.DEVNULL,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                self.close()
                raise _EndedError(f"its decoder does not start ({error.strerror or error}): free memory") from error

    def _await_ready(self) -> None:
        """Wait until the process answers, started now unless `with` has started it."""
        if self._process is None or self._ready or self._process.poll() is not None:
            self._start()
        try:
            kind, _, _ = ANSWER.unpack(self._receive(bytearray(ANSWER.size), time.monotonic() + self._wait_s))
        except _EndedError as error:
            raise _EndedError(f"its decoder does not start ({error}): install the program again") from error
        if kind != Answer.READY:
            raise self._ended("its decoder does not start: install the program again")
        self._ready = True

    def _send(self, request: Request, descriptor: int | None) -> None:
        assert self._connection is not None  # noqa: S101 - it was started
        try:
            socket.send_fds(self._connection, [bytes([request])], [] if descriptor is None else [descriptor])
        except OSError as error:
            raise self._ended() from error

    def _answer(self, path: Path | OpenedFile, until_s: float) -> Image | None:
        kind, first, second = ANSWER.unpack(self._receive(bytearray(ANSWER.size), until_s))
        if kind == Answer.END:
            return None
        if kind == Answer.REFUSED and first <= MAX_REASON_BYTES:
            text = bytes(self._receive(bytearray(first), until_s)).decode(errors="replace")
            raise CameraError(f"{path}: {''.join(sign if sign.isprintable() else '?' for sign in text)}")
        if kind != Answer.IMAGE or not 0 < first * second <= MAX_PIXELS:
            raise self._ended("its decoder answers nonsense: the file is damaged or forged: use another one")
        image = np.empty((first, second, 3), np.uint8)
        self._receive(image.reshape(-1).data, until_s)
        return image

    def _receive(self, buffer: bytearray | memoryview, until_s: float) -> bytearray | memoryview:
        """Fill a buffer from the process, and return it."""
        assert self._connection is not None  # noqa: S101 - it was started
        with memoryview(buffer) as view:
            filled = 0
            while filled < len(view):
                try:
                    self._connection.settimeout(max(0.001, until_s - time.monotonic()))
                    count = self._connection.recv_into(view[filled:])
                except TimeoutError as error:
                    raise self._ended(f"takes more than {self._wait_s:g} s to be decoded: use another file") from error
                except OSError as error:
                    raise self._ended() from error
                if not count:
                    raise self._ended()
                filled += count
        return buffer

    def _ended(self, reason: str | None = None) -> _EndedError:
        """Release the process, and return why it has ended, or is ended now."""
        process = self._process
        if reason is None and process:
            reason = _exit_reason(process)
        self.close()
        return _EndedError(reason or "its decoder has ended: try again")


def _exit_reason(process: subprocess.Popen[bytes]) -> str:
    """Return why a process whose socket is closed has ended."""
    try:
        code = process.wait(1.0)
    except subprocess.TimeoutExpired:
        code = 0
    if code == -signal.SIGXCPU:
        return "takes too much processor time to be decoded: damaged or forged: use another file"
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"ends its decoder ({how}): damaged or forged: use another file"


def _environment() -> dict[str, str]:
    """Return the variables of the process: one thread, one pool of memory, and nothing that the owner has set."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENCV_FFMPEG_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_STATED_PIXELS),
    }
