"""The step `broker`: found in the network, agreed to by the owner, and its login tested at once."""

from collections.abc import Sequence
from pathlib import Path

from node.errors import SetupError
from node.setup.cures import cure
from node.setup.dialogue import Ask, Dialogue, Say, ask_until, ask_yes, choose
from node.setup.schema import MAX_CA_BYTES, USUAL_PORT, USUAL_TLS_PORT, BrokerAnswer, parse_broker
from node.setup.world import Brokers, FoundBroker, LoginResult
from node.system.bounded_files import read_bounded
from node.system.text import decoded

NOT_FOUND = (
    "No broker was found in this network. With Home Assistant: Settings, Apps, Mosquitto broker, install and start it. "
    "Then type the address of Home Assistant, as your browser shows it."
)
_MOST_OFFERED = 8


def broker_step(
    brokers: Brokers, node_id: str, current: BrokerAnswer | None
) -> Dialogue[tuple[BrokerAnswer, str | None]]:
    """Choose a broker, log in, and return it with what it keeps as the status of the node's id.

    No password is sent before the owner has agreed to the host.

    Args:
        brokers: of this network.
        node_id: as which the login is tested.
        current: what is set; None on the first run.
    """
    yield Say("Broker", heading=True)
    answer: BrokerAnswer | None = None
    if current is not None:
        login = f" as {current.username}" if current.username else ""
        yield Say(f"The settings name {current.host}, port {current.port}{login}.")
        if (yield from ask_yes("Keep this broker?", default=True)):
            answer = current
    if answer is None:
        answer = yield from _host(brokers, current)
        answer = yield from _login(answer, current)
    while True:
        yield Say(f"Testing the broker {answer.host}.")
        result = brokers.try_login(answer, node_id)
        if not result.problem:
            who = f" as {answer.username}" if answer.username else ""
            yield Say(f"The broker accepts this node{who}.")
            return answer, result.status
        yield Say(sentence(result), problem=True)
        answer = yield from _mended(brokers, answer, result)


def sentence(result: LoginResult) -> str:
    """Return why a broker cannot be used, in the owner's words, and the way on."""
    return cure(result)


def _host(brokers: Brokers, current: BrokerAnswer | None) -> Dialogue[BrokerAnswer]:
    """Return the host that the owner agrees to."""
    yield Say("Looking for Home Assistant and other brokers in this network.")
    found = tuple(brokers.find())[:_MOST_OFFERED]
    if not found:
        yield Say(NOT_FOUND, problem=True)
        return (yield from _typed_host(current))
    picked = yield from choose("Which one", [*map(_described, found), "another, by its address"])
    if picked < len(found):
        return BrokerAnswer(host=found[picked].host, port=found[picked].port)
    return (yield from _typed_host(current))


def _described(found: FoundBroker) -> str:
    what = "Home Assistant" if found.home_assistant else "broker"
    return f"{what} {found.name} at {found.host}{f' ({found.address})' if found.address else ''}, port {found.port}"


def _typed_host(current: BrokerAnswer | None) -> Dialogue[BrokerAnswer]:
    default = current.host if current else "homeassistant.local"
    answer = yield from ask_until(
        Ask("Name or address of the broker", default), lambda host: parse_broker({"host": host})
    )
    port = yield from ask_until(Ask(f"Port ({USUAL_PORT} is usual, {USUAL_TLS_PORT} with TLS)", str(USUAL_PORT)), _port)
    return answer.model_copy(update={"port": port})


def _port(answer: str) -> int:
    if not (answer.isascii() and answer.isdecimal()):
        raise SetupError("Type a number, such as 1883.")
    return parse_broker({"host": "localhost", "port": int(answer[:6])}).port


def _login(broker: BrokerAnswer, current: BrokerAnswer | None) -> Dialogue[BrokerAnswer]:
    """Ask how to log in at a host that the owner has agreed to."""
    answer = broker
    if broker.port == USUAL_TLS_PORT:
        answer = yield from _tls(broker)
    yield Say(
        "The node needs a login of its own. In Home Assistant: Settings, People, Users, Add user, for example facenode."
    )
    username = yield from ask_until(
        Ask("Username, or - for none", (current.username if current else "") or "facenode"),
        lambda name: parse_broker({"host": "localhost", "username": "" if name == "-" else name}).username,
    )
    password = ""
    if username:
        password = yield from ask_until(
            Ask("Password", secret=True),
            lambda text: parse_broker({"host": "localhost", "username": username, "password": text}).password,
        )
    if password and not answer.tls and answer.host not in ("localhost", "127.0.0.1", "::1"):
        yield Say("Without TLS the password travels unencrypted in your network.")
    return answer.model_copy(update={"username": username, "password": password})


def _tls(broker: BrokerAnswer) -> Dialogue[BrokerAnswer]:
    question = Ask("File with the certificate of the broker's authority, or Enter if it is a public one", "")
    content = yield from ask_until(question, read_certificate)
    return broker.model_copy(update={"tls": True, "ca": content})


def read_certificate(name: str) -> str:
    """Return the certificates in a file; empty for no name.

    Raises:
        SetupError: it cannot be read, or is none.
    """
    if not name:
        return ""
    try:
        text = decoded(read_bounded(Path(name).expanduser(), MAX_CA_BYTES))
    except OSError as error:
        raise SetupError(f"{name}: {error.strerror or error}: name a file that can be read") from error
    except (ValueError, RuntimeError) as error:
        raise SetupError(f"{name}: {error}") from error
    return parse_broker({"host": "localhost", "tls": True, "ca": text}).ca


def _mended(brokers: Brokers, answer: BrokerAnswer, result: LoginResult) -> Dialogue[BrokerAnswer]:
    """Ask again for what failed."""
    choices: Sequence[str] = ("try again", "another login", "another broker", "TLS and its certificate")
    default = {"login": 1, "name": 2, "tcp": 2, "tls": 3}.get(result.step or "", 0)
    picked = yield from choose("What now", choices, default)
    if picked == 1:
        return (yield from _login(answer.model_copy(update={"port": answer.port}), answer))
    if picked == 2:  # noqa: PLR2004 - a place in the choices above
        chosen = yield from _host(brokers, answer)
        return (yield from _login(chosen, answer))
    if picked == 3:  # noqa: PLR2004 - as above
        if (yield from ask_yes("Use TLS?", default=True)):
            port = yield from ask_until(Ask("Port", str(USUAL_TLS_PORT)), _port)
            return (yield from _tls(answer.model_copy(update={"port": port})))
        port = yield from ask_until(Ask("Port", str(USUAL_PORT)), _port)
        return answer.model_copy(update={"tls": False, "ca": "", "port": port})
    return answer


def check_broker(brokers: Brokers, broker: BrokerAnswer, node_id: str) -> str | None:
    """Test the broker of given answers; return what it keeps as the status of the node's id.

    Raises:
        SetupError: it cannot be used.
    """
    result = brokers.try_login(broker, node_id)
    if result.problem:
        raise SetupError(f"broker: {sentence(result)}")
    return result.status
