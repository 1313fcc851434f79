"""Settings -> one line for each thing that a node needs, and whether it is in order."""

import argparse
import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from node.assembly import Vision, build_gallery, build_masks, build_vision, describe_device, read_scoring
from node.camera.turned import turn
from node.clock import Clock, SystemClock
from node.contract.topics import Topics
from node.diagnostics.broker import broker_findings
from node.diagnostics.camera import camera_finding
from node.diagnostics.clock import clock_finding
from node.diagnostics.finding import Finding
from node.diagnostics.first_messages import Announced, FirstMessages, first_messages
from node.diagnostics.network import network_finding
from node.diagnostics.page import UNIT, page_finding
from node.diagnostics.people import people_finding
from node.diagnostics.settings import settings_finding
from node.diagnostics.still import still_finding
from node.diagnostics.storage import storage_finding
from node.domain import Frame, Look
from node.errors import CameraError, FacenodeError, PeopleError, StorageError, UsageError
from node.events.mounting import QUARTERS
from node.homeassistant.entity_keys import EntityKeys
from node.page.page_files import PageFiles
from node.page.password import PasswordFile
from node.requests.local_client import call, running
from node.requests.switches import load_switches
from node.requests.verb import Verb
from node.settings import Settings
from node.system.privileges import as_owner, become_owner
from node.system.socket_unit import unit_addresses
from node.system.terminal import print_line
from node.vision.jpeg import still_jpeg
from node.vision.masks import Masks


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `check` to the command line."""
    parser = subparsers.add_parser("check", parents=[common])
    parser.add_argument(
        "--settings", action="store_true", help="check the settings only; do not touch network, camera or broker"
    )
    parser.add_argument(
        "--still",
        type=Path,
        metavar="FILE",
        help="write a picture of the view to FILE, a JPEG: turned and cropped as the node looks at it, with the masks "
        "drawn on it",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print a line for each finding; return 0 if everything is in order, else 1.

    Raises:
        UsageError: a picture is wanted, but no camera may be touched.
    """
    if args.settings and args.still:
        raise UsageError("--still needs the camera, and --settings checks the settings only: leave one of them out")
    if args.settings:  # the settings are loaded, so they were accepted
        print_line(f"ok   settings          node {settings.node.id}")
        return 0
    all_ok = True
    for finding in _findings(settings, args.still):
        print_line(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name:17} {finding.text}")
        all_ok = all_ok and finding.ok
    return 0 if all_ok else 1


def _findings(settings: Settings, still: Path | None) -> Iterator[Finding]:
    """Yield every finding, in the order in which they are printed; with `still` the view is written to that file."""
    clock = SystemClock()
    yield settings_finding(settings)
    vision = cache(lambda: build_vision(settings, ()))
    compared = partial(read_scoring, settings) if settings.people.source == "gallery" else None
    network = network_finding(lambda: vision().network, compared)
    yield network
    private = _is_private(settings, clock)
    frames: list[Frame] = []
    look = partial(_looks, vision(), build_masks(settings)) if network.ok and not private else None
    yield camera_finding(settings, clock, look, frames.append)
    if still is not None:
        yield still_finding(still, lambda: _still(settings, () if private else frames))
    try:
        become_owner(settings.storage.dir)
    except StorageError as error:
        yield Finding("storage", ok=False, text=str(error))
        messages, running = first_messages(_topics(settings), clock.now()), None
    else:
        yield storage_finding(settings.storage.dir)
        messages, running = _first_messages(settings, clock), _running(settings.storage.dir)
        yield people_finding(settings.people, lambda: build_gallery(settings).load())
    yield from _page(settings)
    yield clock_finding(clock)
    yield from broker_findings(settings, messages, running)


def _page(settings: Settings) -> Iterator[Finding]:
    """Yield the finding about the page, if it is open."""
    if settings.page.door == "off":
        return
    try:
        has_password = PasswordFile(PageFiles(settings.storage.dir)).read() is not None
    except OSError:
        has_password = False
    yield page_finding(settings.page, unit_addresses(UNIT), has_password=has_password)


def _is_private(settings: Settings, clock: Clock) -> bool:
    """Return whether no frame may be looked at."""
    try:
        with as_owner(settings.storage.dir):
            return load_switches(settings.storage.dir, clock.now()).privacy
    except StorageError:  # the finding about the storage says so
        return True


def _still(settings: Settings, frames: Sequence[Frame]) -> bytes:
    """Return a picture of the view: that of the node that runs here and has the camera, else the first frame.

    Raises:
        FacenodeError: there is none.
    """
    with as_owner(settings.storage.dir):
        if running(settings.storage.dir):
            return base64.b64decode(call(settings.storage.dir, Verb.STILL)["jpeg"])
    if not frames:
        raise CameraError("there is no frame to show: see the line about the camera, and whether privacy mode is on")
    return still_jpeg(frames[0].image, build_masks(settings))


def _looks(vision: Vision, masks: Masks, frame: Frame) -> list[Look]:
    """Return a look at each face of a frame; where none is found, at those in the turned frame that are usable.

    The detector finds fewer faces upside down than upright, and fewer still on their side.
    """
    looks = [vision.recognizer.look(frame.image, face) for face in masks.visible(vision.detector.detect(frame))]
    for degrees in () if looks else QUARTERS:
        image = turn(masks.covered(frame.image), degrees)
        found = (vision.recognizer.look(image, face) for face in vision.detector.detect(Frame(image)))
        looks += [replace(look, turn=degrees) for look in found if look.usable]
    return looks


def _first_messages(settings: Settings, clock: Clock) -> FirstMessages:
    """Return what the node would publish when it connects; change nothing."""
    topics = _topics(settings)
    if not settings.homeassistant.enabled:
        return first_messages(topics, clock.now())
    try:
        people = () if settings.people.source == "head" else build_gallery(settings).load()
    except FacenodeError:
        people = ()  # its own finding says so
    keys = EntityKeys(settings.storage.dir, read_only=True)
    return first_messages(topics, clock.now(), Announced(describe_device(settings), keys, people))


def _running(folder: Path) -> Mapping[str, object] | None:
    """Return what the node that uses a storage folder says about itself; None if none runs there."""
    if not running(folder):
        return None
    try:
        return dict(call(folder, Verb.CHECK))
    except (PeopleError, TypeError, ValueError) as error:
        return {"error": str(error)}


def _topics(settings: Settings) -> Topics:
    return Topics(settings.node.id, settings.homeassistant.prefix)
