"""The step `name`: what the node is called, its room and its time zone; and whether its id is free."""

from node.errors import SetupError
from node.people.person import id_for
from node.setup.dialogue import Ask, Dialogue, Say, ask_until, ask_yes
from node.setup.schema import BrokerAnswer, NodeAnswer, parse_node
from node.setup.world import Brokers, Machine

_ONLINE = "online"


def naming_step(
    machine: Machine, brokers: Brokers, broker: BrokerAnswer, current: NodeAnswer | None
) -> Dialogue[NodeAnswer]:
    """Ask for name, room and time zone; settle on an id that no other node has.

    Args:
        machine: its time zone, and the id of a node that is given none.
        brokers: tell whether an id is taken.
        broker: that was accepted.
        current: what is set; None on the first run.
    """
    yield Say("Name", heading=True)
    former = current or NodeAnswer()
    name = yield from ask_until(
        Ask("Name of this camera in Home Assistant", former.name or "Front door"),
        lambda text: parse_node({"name": text}).name,
    )
    area = yield from ask_until(
        Ask("Room, or - for none", former.area or "-"),
        lambda text: parse_node({"area": "" if text == "-" else text}).area,
    )
    zone = yield from _zone(former.timezone or machine.timezone())
    node_id = yield from _id(machine, brokers, broker, former, name)
    return NodeAnswer(id=node_id, name=name, area=area, timezone=zone)


def _zone(default: str | None) -> Dialogue[str]:
    if default is None:
        yield Say("This machine has no time zone, so alert rules would count their hours in UTC.", problem=True)
    question = Ask("Time zone, such as Europe/Berlin", default)
    return (yield from ask_until(question, _checked_zone))


def _checked_zone(name: str) -> str:
    if not name:
        raise SetupError("Type a time zone, such as Europe/Berlin, or UTC.")
    return parse_node({"timezone": name}).timezone or name


def _id(machine: Machine, brokers: Brokers, broker: BrokerAnswer, former: NodeAnswer, name: str) -> Dialogue[str]:
    proposed = former.id or (id_for(name, ()) if name else machine.default_id())
    while True:
        node_id = yield from ask_until(Ask("Id in topics: small letters, digits, _ and -", proposed), _checked_id)
        if node_id == former.id:
            return node_id
        status = brokers.try_login(broker, node_id).status
        if status is None or node_id == machine.default_id():
            return node_id
        yield Say(taken(node_id, status), problem=True)
        if status != _ONLINE and (yield from ask_yes("Does this machine take its place?", default=False)):
            return node_id
        proposed = id_for(node_id, (node_id,))


def _checked_id(text: str) -> str:
    return parse_node({"id": text}).id or text


def taken(node_id: str, status: str) -> str:
    """Return the sentence about an id that another node has."""
    if status == _ONLINE:
        return f"Another node is online with the id {node_id}: choose another id, or stop that node first"
    return f"Another node has used the id {node_id} and is offline now"


def completed(node: NodeAnswer, machine: Machine) -> NodeAnswer:
    """Return given answers with an id and a time zone.

    Raises:
        SetupError: there is no time zone, and the machine has none.
    """
    zone = node.timezone or machine.timezone()
    if zone is None:
        raise SetupError(
            "node.timezone is missing, and this machine has no time zone: add one to the answers, such as Europe/Berlin"
        )
    node_id = node.id or (id_for(node.name, ()) if node.name else machine.default_id())
    return node.model_copy(update={"id": node_id, "timezone": zone})


def check_free(node: NodeAnswer, status: str | None, machine: Machine, former_id: str | None) -> None:
    """Refuse an id that another node has.

    Args:
        node: the answers, complete.
        status: what the broker keeps as the status of its id.
        machine: whose default id is its own.
        former_id: the id that is set; None on the first run.

    Raises:
        SetupError: it is taken.
    """
    if status is None or node.id is None or node.id in (former_id, machine.default_id()):
        return
    if status == _ONLINE:
        raise SetupError(f"node.id: {taken(node.id, status)}")
    if not node.take_over:
        raise SetupError(
            f"node.id: {taken(node.id, status)}: choose another id, or add take_over = true if this machine replaces it"
        )
