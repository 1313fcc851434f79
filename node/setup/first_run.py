"""The order of the first run: camera, broker, name, person; then everything is written, started and waited for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from node.errors import PeopleError, SetupError
from node.setup import enrolment
from node.setup.broker import broker_step, check_broker
from node.setup.camera import camera_step, check_camera
from node.setup.dialogue import Dialogue, Say
from node.setup.naming import check_free, completed, naming_step
from node.setup.schema import Answers, BrokerAnswer, CameraAnswer, NodeAnswer
from node.setup.world import Brokers, Cameras, Files, Machine, Service

ONLINE_S = 90.0
"""Seconds in which a node that was started must be online: a Pi loads its network in about ten."""
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Current:
    """What is set before the first run begins again.

    Attributes:
        camera: of the settings.
        broker: of the settings, with its password.
        node: of the settings.
        anybody: whether somebody is enrolled.
    """

    camera: CameraAnswer | None = None
    broker: BrokerAnswer | None = None
    node: NodeAnswer | None = None
    anybody: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """All that the first run needs of the machine and the network."""

    cameras: Cameras
    brokers: Brokers
    machine: Machine
    service: Service
    files: Files


def ask_all(world: World, current: Current) -> Dialogue[Answers]:
    """Ask everything; nothing is changed."""
    camera = yield from camera_step(world.cameras, current.camera)
    former_id = current.node.id if current.node else None
    broker, _ = yield from broker_step(world.brokers, former_id or world.machine.default_id(), current.broker)
    node = yield from naming_step(world.machine, world.brokers, broker, current.node)
    person = yield from enrolment.person_step(anybody=current.anybody)
    return Answers(camera=camera, broker=broker, node=node, person=person and enrolment.completed(person))


def check_all(world: World, answers: Answers, former_id: str | None) -> tuple[Answers, tuple[str, ...]]:
    """Try given answers as the dialogues would; return them complete, and a line for each result. Nothing is changed.

    Args:
        world: where they are tried.
        answers: all of them.
        former_id: the id of the node that is set; None on the first run.

    Raises:
        SetupError: they cannot be used.
    """
    node = completed(answers.node, world.machine)
    camera = check_camera(world.cameras, answers.camera)
    status = check_broker(world.brokers, answers.broker, node.id or "")
    check_free(node, status, world.machine, former_id)
    person = answers.person and enrolment.completed(answers.person)
    lines = (f"camera {answers.camera.source}: {camera}", f"broker {answers.broker.host}: accepts the node {node.id}")
    return answers.model_copy(update={"node": node, "person": person}), lines


def apply(world: World, answers: Answers) -> Iterator[Say]:
    """Write the settings, start the service and wait until the node is online; say what was done.

    Raises:
        SetupError: they cannot be written, or the node does not come online.
    """
    replaced = world.files.write(answers)
    yield Say(f"Wrote the settings{'; the former ones are kept beside them' if replaced else ''}.")
    if not world.service.present:
        return
    yield Say("Starting the node.")
    world.service.restart()
    wait_online(world.service)
    yield Say("The node is online.")


def wait_online(service: Service, limit_s: float = ONLINE_S) -> None:
    """Wait until the node that was started is connected to its broker.

    Raises:
        SetupError: it is not within the time; the settings stay.
    """
    began_s = service.wait(0)
    while True:
        report = service.report()
        if report is not None and report.get("connected") is True:
            return
        if service.wait(_POLL_S) - began_s > limit_s:
            raise SetupError(
                f"the node is not online after {limit_s:.0f} s ({_state(report)}): the settings are written; "
                "`journalctl -u facenode` says why, and `sudo facenode setup` changes them"
            )


def enroll_once(service: Service, answers: Answers) -> Say:
    """Enroll the person of given answers, and return what came of it; a failure ends nothing."""
    person = answers.person
    if person is None:
        return Say("Nobody was enrolled.")
    try:
        service.enroll(person.id or "", person.name)
    except PeopleError as error:
        return Say(f"{person.name} was not enrolled: {error}.", problem=True)
    return Say(f"The node knows {person.name}.")


def _state(report: Mapping[str, object] | None) -> str:
    return "it does not answer" if report is None else "it has no connection to the broker"
