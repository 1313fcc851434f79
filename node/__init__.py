"""Facenode: a camera's frames in, compact recognition events out by MQTT."""

import os

__version__ = "0.1.0"

# OpenCV reads it when it is imported: a file that claims more pixels is refused before memory is taken for them.
# So many are 200 MB; OpenCV's own bound would be 3 GB.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 26))
