"""A clip -> a camera service on a host that streams the clip in a loop, like a network camera."""

from pathlib import Path

import cv2
import numpy as np

from node.camera.video import read_video

FPS = 5
_EVERY, _EMPTY_FRAMES = 6, 15

# Runs on the host with Debian's Python and its standard library only.
_SERVER = """
import http.server, pathlib, sys, threading, time

frames = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
every_s = 1 / float(sys.argv[3])

class Show(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        begun, number = time.monotonic(), 0
        try:
            while True:
                frame = frames[number % len(frames)]
                head = b"--frame\\r\\nContent-Type: image/jpeg\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(frame)
                self.wfile.write(head + frame + b"\\r\\n")
                number += 1
                threading.Event().wait(max(0, begun + number * every_s - time.monotonic()))
        except OSError:
            pass

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Show).serve_forever()
"""
_UNIT = """
[Service]
ExecStart=/usr/bin/python3 /srv/clip/serve.py /srv/clip {port} {fps}
Restart=always
[Install]
WantedBy=multi-user.target
"""


def install_camera(disk: Path, clip: Path, port: int) -> str:
    """Install the clip and its service on a host's disk before it boots; return the setting `camera.source`.

    After the clip the view is empty for some seconds, so that the person leaves and comes back.
    """
    folder = disk / "srv/clip"
    folder.mkdir(parents=True)
    frames = list(read_video(clip))[::_EVERY]
    frames += [np.full_like(frames[0], 128)] * _EMPTY_FRAMES
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:04}.jpg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    (folder / "serve.py").write_text(_SERVER)
    units = disk / "etc/systemd/system"
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    (units / "clip.service").write_text(_UNIT.format(port=port, fps=FPS))
    (wanted / "clip.service").symlink_to("/etc/systemd/system/clip.service")
    return f"video:http://127.0.0.1:{port}/clip.mjpeg"
