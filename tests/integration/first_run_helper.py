"""The process of the page's first run that tries cameras and brokers, on a machine whose webcams show pictures.

Arguments: the folder of the settings file, and for each webcam a folder of pictures. Everything else is the program's.
"""

import socket
import sys
from pathlib import Path

from fake_setup_world import FakeMachine, FakeService

from node.commands.page.helper import answer_all
from node.commands.setup.helper import SetupAnswers
from node.commands.setup.surroundings import Surroundings, surroundings
from node.domain import Image
from node.setup.broker_login import NetworkBrokers
from node.setup.camera_look import LocalCameras
from node.setup.first_run import World
from node.setup.schema import CameraAnswer
from node.setup.world import FoundBroker, FoundCamera, Sight


class PlayedCameras(LocalCameras):
    """Webcams that show pictures.

    Args:
        around: what the command works with.
        folders: of pictures, one for each webcam.
    """

    def __init__(self, around: Surroundings, folders: list[str]) -> None:
        found = around.world.cameras
        assert isinstance(found, LocalCameras)
        self._real, self._folders = found, folders

    def find(self) -> list[FoundCamera]:
        """Return a webcam for each folder."""
        return [FoundCamera(f"webcam:{n}", f"Webcam {n + 1}") for n in range(len(self._folders))]

    def is_held(self, camera: CameraAnswer) -> bool:
        """No node runs."""
        return camera is None

    def look_and_keep(self, camera: CameraAnswer) -> tuple[Sight, Image]:
        """Look at the pictures of a webcam."""
        number = camera.source.partition(":")[2]
        folder = self._folders[int(number)] if int(number) < len(self._folders) else "/nonexistent"
        shown = CameraAnswer(source=f"images:{folder}", rotate=camera.rotate)
        return self._real.look_and_keep(shown)


def main(folder: str, port: str, *pictures: str) -> None:
    """Answer the page."""
    around = surroundings(Path(folder) / "facenode.toml", writes=False)
    brokers = around.world.brokers
    assert isinstance(brokers, NetworkBrokers)
    found = [FoundBroker("127.0.0.1", int(port), "Home", home_assistant=True)] if port != "0" else []
    brokers._search = lambda: found  # noqa: SLF001 - the network of the test has no mDNS
    cameras = PlayedCameras(around, list(pictures))
    world = World(cameras, brokers, FakeMachine(None), FakeService(), around.files)
    with socket.socket(fileno=0) as connection:
        answer_all(SetupAnswers(Surroundings(world, around.files, around.current), cameras), connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
