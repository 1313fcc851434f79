"""What the owner answers in the first run: the schema, and the sentences about answers that do not keep to it."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, field_validator, model_validator

from node.domain import UNKNOWN
from node.errors import SetupError
from node.settings.endpoints import endpoints
from node.settings.node import zone_of
from node.settings.section import ID_PATTERN, Section
from node.system.text import escaped

USUAL_PORT, USUAL_TLS_PORT = 1883, 8883
MAX_CA_BYTES = 64 << 10
_MAX_PROBLEMS = 3
_MAX_SHOWN = 60


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("use printable characters, on one line")
    return text


def _zone(name: str) -> str:
    zone_of(name)
    return name


def _pem(text: str) -> str:
    if text and not (text.isascii() and text.lstrip().startswith("-----BEGIN CERTIFICATE-----")):
        raise ValueError("not a certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----")
    return text


Text = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True), AfterValidator(_printable)]
Id = Annotated[str, StringConstraints(pattern=rf"^{ID_PATTERN}$")]


class CameraAnswer(Section):
    """Which camera."""

    source: Annotated[
        str, Field(max_length=1024, pattern=r"^(picamera(:\d)?|webcam:(\d+|/dev/.+)|video:.+|images:.+)$")
    ]
    """As `camera.source` of the settings."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise by which the picture is turned."""

    @field_validator("source")
    @classmethod
    def _is_one_line(cls, source: str) -> str:
        return _printable(source)


class BrokerAnswer(Section):
    """Which broker, and how to log in."""

    host: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_printable)]
    """Name or address; several are tried in order, as `mqtt.host` has them."""
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] = USUAL_PORT
    """1883 is usual, 8883 with TLS."""
    username: Annotated[str, Field(max_length=256), AfterValidator(_printable)] = ""
    """Name to log in with; empty where the broker wants none."""
    password: Annotated[str, Field(max_length=1024), AfterValidator(_printable)] = ""
    """The password, on one line."""
    tls: Annotated[bool, Field(strict=True)] = False
    """Encrypt the connection."""
    ca: Annotated[str, Field(max_length=MAX_CA_BYTES), AfterValidator(_pem)] = ""
    """Certificates of the authorities that may sign the broker's, PEM; empty for the system's."""

    @field_validator("host")
    @classmethod
    def _hosts_can_be_read(cls, host: str) -> str:
        endpoints(host, USUAL_PORT)
        return host

    @model_validator(mode="after")
    def _login_has_its_name(self) -> Self:
        if self.password and not self.username:
            raise ValueError("a password needs a username")
        if self.ca and not self.tls:
            raise ValueError("a certificate is given, but tls is off")
        return self


class NodeAnswer(Section):
    """What the node is called, and where it is."""

    id: Id | None = None
    """Name in every topic; by default one made from `name`, else from the board's serial number."""
    name: Text = ""
    """Display name in Home Assistant."""
    area: Text = ""
    """The room, which Home Assistant suggests as the device's area."""
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] | None = None
    """Time zone of alert rules, such as Europe/Berlin; by default the machine's."""
    take_over: Annotated[bool, Field(strict=True)] = False
    """Take the place of a node of the same id that is offline."""


class PersonAnswer(Section):
    """Who is enrolled first: whoever looks into the camera."""

    name: Annotated[Text, Field(min_length=1)]
    """Display name."""
    id: Id | None = None
    """Name in topics and payloads; by default made from the name."""

    @field_validator("id")
    @classmethod
    def _is_no_stranger(cls, person: str | None) -> str | None:
        if person == UNKNOWN:
            raise ValueError("this id means a stranger: choose another")
        return person


class PageAnswer(Section):
    """What becomes of the page."""

    keep: Annotated[bool, Field(strict=True)] = False
    """Keep a page for every day, for this network and with a password."""


class Answers(Section):
    """Everything that the first run asks."""

    camera: CameraAnswer
    broker: BrokerAnswer
    node: NodeAnswer = NodeAnswer()
    person: PersonAnswer | None = None
    page: PageAnswer = PageAnswer()


_SECTIONS: Mapping[str, type[Section]] = {
    "camera": CameraAnswer,
    "broker": BrokerAnswer,
    "node": NodeAnswer,
    "person": PersonAnswer,
    "page": PageAnswer,
}
_Answer = TypeVar("_Answer", bound=Section)


def parse(fields: Mapping[str, Any]) -> Answers:
    """Return answers that keep to the schema.

    Args:
        fields: by section.

    Raises:
        SetupError: they do not; one sentence that tells no password.
    """
    return _parsed(Answers, fields)


def parse_camera(fields: Mapping[str, Any]) -> CameraAnswer:
    """Return a camera that keeps to the schema; else as `parse`."""
    return _parsed(CameraAnswer, fields)


def parse_broker(fields: Mapping[str, Any]) -> BrokerAnswer:
    """Return a broker that keeps to the schema; else as `parse`."""
    return _parsed(BrokerAnswer, fields)


def parse_node(fields: Mapping[str, Any]) -> NodeAnswer:
    """Return a node that keeps to the schema; else as `parse`."""
    return _parsed(NodeAnswer, fields)


def parse_person(fields: Mapping[str, Any]) -> PersonAnswer:
    """Return a person that keeps to the schema; else as `parse`."""
    return _parsed(PersonAnswer, fields)


def _parsed(model: type[_Answer], fields: Mapping[str, Any]) -> _Answer:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        lines = [_sentence(model, problem) for problem in problems[:_MAX_PROBLEMS]]
        if len(problems) > _MAX_PROBLEMS:
            lines.append(f"and {len(problems) - _MAX_PROBLEMS} more")
    raise SetupError("; ".join(lines))  # without a cause, which holds the password


def _sentence(model: type[Section], problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    keys = [str(part) for part in problem["loc"]]
    name = escaped(".".join(keys), "utf-8")[:_MAX_SHOWN]
    if problem["type"] == "missing":
        return f"{name} is missing: add it to the answers"
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such answer{_near(model, keys)}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    text = f"{message[0].lower()}{message[1:]}"
    return f"{name}: {text}" if name else text


def _near(model: type[Section], keys: list[str]) -> str:
    for key in keys[:-1]:
        model = _SECTIONS[key]
    names = list(model.model_fields)
    near = difflib.get_close_matches(keys[-1][:_MAX_SHOWN], names, n=1)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}"
