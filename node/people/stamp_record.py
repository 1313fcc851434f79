"""A moment that is kept on disk <-> its fields in a record."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from node.clock import Stamp
from node.system.moments import UtcDatetime


class StampRecord(BaseModel):
    """The fields of a moment; `StampRecord.model_validate(stamp)` makes them."""

    model_config = ConfigDict(from_attributes=True)

    wall: UtcDatetime
    boot_s: Annotated[float, Field(ge=-1e12, le=1e12)]
    boot: str
    synced: bool

    @property
    def stamp(self) -> Stamp:
        """The moment."""
        return Stamp(self.wall, self.boot_s, self.boot, self.synced)
