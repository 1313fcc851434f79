"""libcamera's virtual camera -> a camera that the real picamera2 accepts; as a program it is `facenode`.

picamera2 asks a sensor for its raw modes and uses contiguous memory; the virtual camera has no raw modes and needs
memory that libcamera allocates. This module changes both and nothing else. `pykms` draws on a screen: no node does.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

_FORMATS = (
    "RGB888",
    "BGR888",
    "XRGB8888",
    "XBGR8888",
    "YUV420",
    "YVU420",
    "YUYV",
    "YVYU",
    "UYVY",
    "VYUY",
    "NV12",
    "NV21",
)


def install() -> None:
    """Replace `picamera2.Picamera2` by a class for the virtual camera."""
    screen = ModuleType("pykms")
    vars(screen)["PixelFormat"] = SimpleNamespace(**dict.fromkeys(_FORMATS))
    sys.modules["pykms"] = screen
    import picamera2  # noqa: PLC0415 - only after pykms
    from picamera2.allocators import LibcameraAllocator  # noqa: PLC0415 - as above

    class VirtualPicamera2(picamera2.Picamera2):
        """picamera2, except for what a sensor has and a virtual camera lacks.

        Attributes:
            latest: the camera that was opened last.
        """

        latest: ClassVar[Any] = None

        def __init__(self, number: int) -> None:
            memory = LibcameraAllocator(None)
            super().__init__(number, allocator=memory)
            memory.camera = self.camera
            type(self).latest = self

        def _get_raw_modes(self) -> list[dict[str, Any]]:
            return []

        def _select_native_mode(self, modes: list[dict[str, Any]]) -> dict[str, Any]:
            del modes
            return {"size": (1280, 720), "format": "NV12"}

    picamera2.Picamera2 = VirtualPicamera2


if __name__ == "__main__":
    install()
    from node.cli import main

    sys.exit(main())
