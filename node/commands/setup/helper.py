"""Questions of the page's first run -> answers: cameras and brokers, found and tried as the user of the service."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from node.commands.setup.surroundings import Surroundings
from node.errors import SetupError
from node.setup import enrolment
from node.setup.broker import NOT_FOUND, check_broker
from node.setup.camera import HELD, NO_CAMERA
from node.setup.camera_look import LocalCameras
from node.setup.cures import cure
from node.setup.naming import check_free, completed
from node.setup.one_shot import check_host, check_source
from node.setup.schema import parse_broker, parse_camera, parse_node, parse_person
from node.setup.sight import in_words, turn_needed
from node.vision.jpeg import still_jpeg
from node.vision.masks import NO_MASKS

Fields = dict[str, Any]


class SetupAnswers:
    """Find cameras and brokers, and try answers; nothing is changed.

    Args:
        around: what the first run works with.
        cameras: of this machine.
    """

    def __init__(self, around: Surroundings, cameras: LocalCameras) -> None:
        self._around, self._world, self._cameras = around, around.world, cameras
        self._asked: Mapping[str, Callable[[Fields], Fields]] = {
            "setup_camera": self._offer_cameras,
            "setup_broker": self._offer_brokers,
            "setup_name": self._offer_name,
            "setup_try_camera": self._try_camera,
            "setup_try_broker": self._try_broker,
            "setup_try_name": self._try_name,
            "setup_try_you": self._try_person,
        }

    def ask(self, verb: str, fields: Mapping[str, Any], files: Sequence[BinaryIO]) -> object:
        """Return the data of an answer.

        Raises:
            FacenodeError: what was given cannot be used.
        """
        del files
        return self._asked[verb](dict(fields))

    def _offer_cameras(self, fields: Fields) -> Fields:
        del fields
        found = [{"source": each.source, "name": each.name} for each in self._world.cameras.find()]
        return {"cameras": found, "none": NO_CAMERA.partition(" A network")[0]}

    def _offer_brokers(self, fields: Fields) -> Fields:
        del fields
        found = [
            {"host": each.host, "port": each.port, "name": each.name, "home": each.home_assistant}
            for each in self._world.brokers.find()[:8]
        ]
        return {"brokers": found, "none": NOT_FOUND}

    def _offer_name(self, fields: Fields) -> Fields:
        del fields
        return {"timezone": self._world.machine.timezone() or ""}

    def _try_camera(self, fields: Fields) -> Fields:
        given = fields["given"]
        camera = parse_camera({"source": given["source"], "rotate": _number(given["rotate"] or "0")})
        check_source(camera.source)
        answers = {"camera": camera.model_dump()}
        if self._cameras.is_held(camera):
            return {"answers": answers, "words": HELD, "jpeg": "", "turn": 0}
        sight, image = self._cameras.look_and_keep(camera)
        jpeg = base64.b64encode(still_jpeg(image, NO_MASKS)).decode()
        return {"answers": answers, "words": in_words(sight), "jpeg": jpeg, "turn": turn_needed(sight)}

    def _try_broker(self, fields: Fields) -> Fields:
        given = fields["given"]
        tls = bool(given["tls"])
        login = {"username": given["username"], "password": given["password"] if given["username"] else ""}
        secured = {"tls": tls, "ca": given["ca"].replace("\r\n", "\n") if tls else ""}
        broker = parse_broker({"host": given["host"].strip(), "port": _number(given["port"]), **login, **secured})
        check_host(broker.host)
        former = self._around.current.node
        node_id = former.id if former and former.id else self._world.machine.default_id()
        result = self._world.brokers.try_login(broker, node_id)
        if result.problem:
            raise SetupError(cure(result))
        return {"answers": {"broker": broker.model_dump()}, "words": f"{broker.host} accepts this node."}

    def _try_name(self, fields: Fields) -> Fields:
        given = fields["given"]
        texts = {key: given[key] for key in ("id", "timezone") if given[key]}
        node = parse_node(
            {"name": given["name"], "area": given["area"], "take_over": bool(given["take_over"]), **texts}
        )
        node = completed(node, self._world.machine)
        broker = parse_broker(fields["answers"]["broker"])
        former = self._around.current.node
        status = check_broker(self._world.brokers, broker, node.id or "")
        check_free(node, status, self._world.machine, former.id if former else None)
        return {"answers": {"node": node.model_dump()}, "words": f"This node is {node.name or node.id}."}

    def _try_person(self, fields: Fields) -> Fields:
        name = fields["given"]["person"].strip()
        page = {"page": {"keep": bool(fields["given"]["keep"])}}
        if not name:
            return {"answers": page, "words": "Nobody is enrolled now."}
        person = enrolment.completed(parse_person({"name": name}))
        return {"answers": page | {"person": person.model_dump()}, "words": f"{person.name} looks into the camera."}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):  # noqa: PLR2004 - digits of the greatest port
        raise SetupError("type a number, such as 1883")
    return int(text)
