"""The names that architecture, checkpoint and sidecar share."""

from typing import Literal

INPUT = "image"
EMBEDDING = "embedding"
IDENTITY = "identity"

TAPS = ("stage14", "stage7_first", "stage7", "last", EMBEDDING)
"""What the trained heads read: the means over four maps, and the embedding before it is normalised."""

Quantisation = Literal["float32", "dynamic"]
QUANTISATIONS: tuple[Quantisation, ...] = ("float32", "dynamic")
