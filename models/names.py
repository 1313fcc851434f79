"""The names that networks, checkpoints and sidecars share."""

from typing import Literal

INPUT = "image"
EMBEDDING = "embedding"
IDENTITY = "identity"

NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
"""Pattern of the names of networks and labels, and of people's ids, as in the contract."""

BackboneName = Literal["mobilefacenet", "mobilenet", "mobilenet_v2", "inception_v3"]

Quantisation = Literal["float32", "dynamic", "int8"]
