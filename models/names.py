"""The names that architecture, checkpoint and sidecar share."""

from typing import Literal

INPUT = "image"
EMBEDDING = "embedding"
IDENTITY = "identity"

NAME = r"[a-z0-9][a-z0-9_-]{0,31}"
"""What a network, a label and a person's id look like: the contract's pattern."""

BackboneName = Literal["mobilefacenet", "mobilenet", "mobilenet_v2", "inception_v3"]

Quantisation = Literal["float32", "dynamic", "int8"]
