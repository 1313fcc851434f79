"""An embedding <-> base64 of little-endian float32, as records keep it."""

import base64
import binascii

import numpy as np

from node.domain import Vector

_UNIT_TOLERANCE = 1e-3


def encode(embedding: Vector) -> str:
    """Return the text of an embedding, shape (n,), float32."""
    return base64.b64encode(embedding.astype("<f4").tobytes()).decode()


def decode(text: str) -> Vector:
    """Return the embedding in a text, shape (n,), float32, unit length.

    Raises:
        ValueError: it is damaged; the message says how.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("an embedding is not base64") from error
    if not raw or len(raw) % 4:
        raise ValueError("an embedding has a wrong length")
    embedding: Vector = np.frombuffer(raw, dtype="<f4").astype(np.float32)
    if not abs(float(np.linalg.norm(embedding)) - 1) < _UNIT_TOLERANCE:
        raise ValueError("an embedding is not of unit length")
    return embedding
