"""The sections `page` and `review`: the owner's web page, and the faces that wait for a decision."""

from typing import Annotated, Literal

from pydantic import Field

from node.settings.section import Section


class PageSettings(Section):
    """The owner's web page."""

    door: Literal["off", "loopback", "lan", "ingress"] = "off"
    """Who reaches the page: nobody, this machine, the network, or Home Assistant. There is no page in this version yet:
    unless it is `off`, the inbox keeps a small picture of each visit."""


class ReviewSettings(Section):
    """The inbox: faces of recent visits, for the owner to say who they are."""

    keep_days: Annotated[int, Field(ge=0, le=30)] = 0
    """Days for which the inbox is kept on disk (mode 0600), with the faces of strangers; 0 keeps the latest 100 visits
    in memory only."""
