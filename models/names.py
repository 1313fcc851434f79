"""The names that architecture, checkpoint and sidecar share."""

from typing import Literal

INPUT = "image"
EMBEDDING = "embedding"
IDENTITY = "identity"

Quantisation = Literal["float32", "dynamic", "int8"]
