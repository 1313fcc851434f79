"""The section `node`: which node this is, and where."""

import re
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from node.settings.section import ID_PATTERN, Section

_SERIALS = (Path("/sys/firmware/devicetree/base/serial-number"), Path("/etc/machine-id"))


def default_node_id(sources: tuple[Path, ...] = _SERIALS) -> str:
    """Return `pi-` and the last six characters of the board's serial number, else of the machine id."""
    for source in sources:
        try:
            serial = re.sub(r"[^a-z0-9]", "", source.read_text(encoding="ascii", errors="ignore").lower())
        except OSError:
            continue
        if serial:
            return f"pi-{serial[-6:]}"
    return "pi-000000"


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name; UTC is known even where the system has no table of time zones.

    Raises:
        ValueError: there is no zone of this name, or the system has no table of zones.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        if not available_timezones():
            raise ValueError("this system has no table of time zones: apt install tzdata") from error
        raise ValueError("not the name of a time zone, such as Europe/Berlin") from error


def _checked_zone(name: str) -> str:
    zone_of(name)
    return name


class NodeSettings(Section):
    """Identity of this node."""

    id: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")] = Field(default_factory=default_node_id)
    """Name of the node in every topic; by default `pi-` and the last six characters of the board's serial number."""
    name: Annotated[str, Field(max_length=64)] = ""
    """Display name in Home Assistant; by default the id."""
    area: Annotated[str, Field(max_length=64)] = ""
    """Area that Home Assistant suggests for the device, such as a room."""
    timezone: Annotated[str, AfterValidator(_checked_zone)] = "UTC"
    """Time zone of the hours in alert rules, such as Europe/Berlin."""
