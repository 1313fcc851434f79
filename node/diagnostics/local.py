"""Settings -> what `facenode check` finds on this machine: network, camera, storage, people, clock."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from node.assembly import build_gallery, build_vision
from node.camera import open_camera
from node.clock import Clock, SystemClock
from node.diagnostics.finding import Finding
from node.errors import FacenodeError
from node.people.person import counted
from node.settings import Settings

_FIRST_FRAME_S = 10.0


def local_findings(
    settings: Settings, clock: Clock | None = None, access: Callable[[Path, int], bool] = os.access
) -> Iterator[Finding]:
    """Look at all that needs no broker; each thing that is not well says what to do.

    Args:
        settings: what is looked at.
        clock: tells how long the camera is waited for, and whether it is synchronised.
        access: tells whether this user may do something with a path, as `os.access` does.
    """
    clock = clock or SystemClock()
    yield Finding("settings", ok=True, text=f"node {settings.node.id}; publishes {', '.join(settings.publish.tasks)}")
    yield _network(settings)
    yield _camera(settings, clock)
    yield _storage(settings.storage.dir, access)
    yield _people(settings)
    if clock.now().synced:
        yield Finding("clock", ok=True, text="synchronised")
    else:
        yield Finding("clock", ok=True, text="not synchronised: every event says so until it is")


def _network(settings: Settings) -> Finding:
    try:
        network = build_vision(settings, ()).network
    except FacenodeError as error:
        return Finding("network", ok=False, text=str(error))
    sidecar = network.sidecar
    return Finding(
        "network", ok=True, text=f"{sidecar.name} {sidecar.version} ({sidecar.short_hash}) on {network.runtime}"
    )


def _camera(settings: Settings, clock: Clock) -> Finding:
    """Wait for the first frame."""
    started_s = clock.now().mono_s
    try:
        with open_camera(settings.camera, clock, settings.detector.width) as camera:
            for tick in camera:
                if tick.frame is not None:
                    rows, columns = tick.frame.image.shape[:2]
                    return Finding("camera", ok=True, text=f"{camera.name} gives {columns}x{rows}")
                if tick.at.mono_s - started_s > _FIRST_FRAME_S:
                    break
            problem = camera.problem or f"no frame within {_FIRST_FRAME_S:.0f} s"
            return Finding("camera", ok=False, text=f"{camera.name}: {problem}")
    except FacenodeError as error:
        return Finding("camera", ok=False, text=str(error))


def _storage(folder: Path, access: Callable[[Path, int], bool]) -> Finding:
    """Say whether the folder may be written, or made; nothing is."""
    # os.path, which takes a folder that may not be looked into for one that is not there.
    there = next((path for path in (folder, *folder.absolute().parents) if os.path.exists(path)), folder)  # noqa: PTH110
    if not there.is_dir():
        return Finding("storage", ok=False, text=f"{there} is no folder: correct storage.dir")
    if not access(there, os.W_OK | os.X_OK):
        text = f"{there} may not be written: name another folder by storage.dir, or run this as the user of the service"
        return Finding("storage", ok=False, text=text)
    return Finding("storage", ok=True, text=f"{folder} may be {'written' if there == folder else 'made'}")


def _people(settings: Settings) -> Finding:
    if settings.people.source == "head":
        return Finding("people", ok=True, text="the network's own closed set decides who is who")
    try:
        people = build_gallery(settings).load()
    except FacenodeError as error:
        return Finding("people", ok=False, text=str(error))
    if not people:
        return Finding(
            "people", ok=True, text="nobody is enrolled: every face is unknown: facenode people add ID PHOTO..."
        )
    faces = counted(sum(len(person.anchors) for person in people), "face")
    return Finding("people", ok=True, text=f"{len(people)} enrolled, {faces}")
