"""The names that architecture, checkpoint and sidecar share."""

from typing import Literal

INPUT = "image"
EMBEDDING = "embedding"
IDENTITY = "identity"

BANDS = {"last_top": (0, 3), "last_middle": (2, 5), "last_bottom": (4, 7)}
"""Rows of the last map whose mean the heads read, from and up to: forehead and eyes, nose, mouth and chin."""

TAPS = ("stage28", "stage14", "stage7_first", "stage7", *BANDS, EMBEDDING)
"""What the trained heads read: means over maps, and the embedding before it is normalised."""

Quantisation = Literal["float32", "dynamic"]
QUANTISATIONS: tuple[Quantisation, ...] = ("float32", "dynamic")
