"""The sections `page` and `review`: the owner's web page, and the faces that wait for a decision."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from node.settings.section import Section, split_at_commas

Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$")]


class PageSettings(Section):
    """The owner's web page."""

    door: Literal["off", "loopback", "lan", "ingress"] = "off"
    """Who reaches the page: nobody, this machine, the network by HTTPS, or the administrators of Home Assistant."""
    port: Annotated[int, Field(ge=1024, le=65535)] = 8470
    """Port of the page, where systemd does not hand over a socket."""
    hosts: Annotated[tuple[Host, ...], NoDecode, BeforeValidator(split_at_commas)] = ()
    """More names or addresses under which browsers may ask for the page, such as `front-door.example`."""


class ReviewSettings(Section):
    """The inbox: faces of recent visits, for the owner to say who they are."""

    keep_days: Annotated[int, Field(ge=0, le=30)] = 0
    """Days for which the inbox is kept on disk (mode 0600), with the faces of strangers; 0 keeps the latest 100 visits
    in memory only."""
