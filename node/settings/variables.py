"""The environment -> the variables that may be settings; one that looks like a setting but is none is refused.

Kubernetes and Docker describe each service in the environment of every container beside it. A service that is called
`facenode-mqtt` there makes variables such as FACENODE_MQTT_PORT, which are no settings and nobody's mistake.
"""

import difflib
import re
from collections.abc import Iterator, Mapping

from node.errors import SettingsError
from node.settings.schema import ENV_PREFIX, Settings

SECTIONS = tuple(Settings.model_fields)

# The name of a service ends in a letter or a digit, so that none of these is a setting, which follows two underscores.
_PROTOCOL = "(?:TCP|UDP|SCTP)"
_OF_SERVICE = re.compile(
    rf"{ENV_PREFIX}(?:[A-Z0-9_]*[A-Z0-9]_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    rf"|PORT_\d{{1,5}}_{_PROTOCOL}(?:_(?:PROTO|ADDR|(?:PORT_)?(?:START|END)|PORT))?)"
)
_PORT = re.compile(rf"{ENV_PREFIX}(?:[A-Z0-9_]*[A-Z0-9]_)?PORT")
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://\S+:\d{1,5}", re.IGNORECASE)
_NAME = re.compile(r"(?P<alias>[A-Z0-9_]*[A-Z0-9])_NAME")


def setting_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that describe services.

    Raises:
        SettingsError: a variable looks like a setting but is none, which pydantic-settings would ignore.
    """
    aliases = set(_aliases(environ))
    variables = {
        name: value
        for name, value in environ.items()
        if not _describes_service(name, value)
        and not any(name == f"{alias}_NAME" or name.startswith(f"{alias}_ENV_") for alias in aliases)
    }
    for variable in variables:
        _refuse_mistyped(variable)
    return variables


def _describes_service(name: str, value: str) -> bool:
    """Return whether a variable has the shape of those that Kubernetes and Docker make of a service's address."""
    return bool(_OF_SERVICE.fullmatch(name) or (_PORT.fullmatch(name) and _ADDRESS.fullmatch(value)))


def _aliases(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the beginning of the variables of each of Docker's links, whose NAME is such as `/web/facenode-mqtt`.

    Docker adds the other container's own variables, with ENV_ in front of them.
    """
    for name, value in environ.items():
        found = _NAME.fullmatch(name)
        if found and value.startswith("/") and value.rpartition("/")[2].upper().replace("-", "_") == found["alias"]:
            yield found["alias"]


def _refuse_mistyped(variable: str) -> None:
    name = variable.upper()
    if not name.startswith(ENV_PREFIX):
        return
    head, double, key = name.removeprefix(ENV_PREFIX).partition("__")
    if double:
        if head.lower() not in SECTIONS:
            raise SettingsError(f"{variable}: there is no section {head.lower()!r}{_proposal(head, key)}")
        return
    for section in SECTIONS:
        if name.startswith(f"{ENV_PREFIX}{section.upper()}_"):
            rest = name.removeprefix(f"{ENV_PREFIX}{section.upper()}_")
            raise SettingsError(
                f"{variable}: two underscores join a section and its key: write {ENV_PREFIX}{section.upper()}__{rest}"
            )


def _proposal(head: str, key: str) -> str:
    near = difflib.get_close_matches(head.lower(), SECTIONS, n=1)
    if near:
        return f": did you mean {ENV_PREFIX}{near[0].upper()}__{key}?"
    return f": the sections are {', '.join(SECTIONS)}"
