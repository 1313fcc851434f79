"""The cohort beside a network -> how alike an embedding usually is to faces of its kind.

To a network, two faces of one kind are more alike than two of different kinds: two children, say. So a cosine alone
means more for some people than for others. What is usual for a face is the mean of its highest cosines to a cohort:
embeddings that are nobody's own, of many kinds of people. It is subtracted from both sides of a comparison, as speaker
recognition does (adaptive symmetric normalization: Matejka et al., Interspeech 2017), without dividing by the spread.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from node.domain import Vector
from node.errors import ModelError
from node.system.bounded_files import read_bounded
from node.vision.sidecar import CohortDescription, Sidecar

MAX_ROWS = 4096
"""Most embeddings of a cohort."""

_MAX_BYTES = 2 << 20
_DTYPE = np.dtype("<f2")
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)(\{'descr': '<f2', 'fortran_order': False, 'shape': \((\d{1,6}), (\d{1,6})\), \} *\n)",
    re.DOTALL,
)
"""What `numpy.save` writes before such an array: a magic number, the version, the length of what follows, and that."""
_UNIT_TOLERANCE = 2e-3
"""Half precision leaves the length of a vector of 2,048 numbers within 5e-4 of 1."""

_BATCH = 256
"""Embeddings that are compared with the cohort at once, so that memory does not grow with a gallery."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Embeddings of one space that are nobody's own.

    Attributes:
        vectors: shape (n, length), float32, unit length.
        nearest: how many of the highest cosines count.
        weight: share of what is usual that is subtracted.
        sha256: of the file, in hexadecimal.
    """

    vectors: npt.NDArray[np.float32]
    nearest: int
    weight: float
    sha256: str

    def usual(self, embeddings: npt.NDArray[np.float32]) -> Vector:
        """Return the mean of the highest cosines of each embedding to the cohort.

        Args:
            embeddings: shape (m, length), float32, unit length.

        Returns:
            Shape (m,), float32.
        """
        return np.concatenate(
            [np.zeros(0, np.float32)]
            + [self._usual(embeddings[start : start + _BATCH]) for start in range(0, len(embeddings), _BATCH)]
        )

    def _usual(self, embeddings: npt.NDArray[np.float32]) -> Vector:
        # Not a product of BLAS: its threads wait for each other where other programs use the cores, for milliseconds.
        cosines = np.einsum("ij,kj->ik", embeddings, self.vectors)
        cosines.partition(len(self.vectors) - self.nearest, axis=1)
        means: Vector = cosines[:, -self.nearest :].mean(axis=1, dtype=np.float32)
        return means


def load_cohort(network: Path, sidecar: Sidecar) -> Cohort | None:
    """Return the cohort of a network; None if its sidecar names none.

    Args:
        network: path of the network; the cohort lies beside it.
        sidecar: of the network.

    Raises:
        ModelError: the file is missing, damaged, or does not fit the sidecar; the message says how.
    """
    described = sidecar.cohort
    if described is None:
        return None
    path = network.with_name(described.file)
    try:
        content = read_bounded(path, _MAX_BYTES)
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror or error}: the network needs its cohort beside it: copy it again"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != described.sha256:
        raise ModelError(
            f"{path}: sha256 is {found[:8]}…, the sidecar of the network says {described.sha256[:8]}…: "
            "the file is damaged or of another version: copy all files of the network again"
        )
    try:
        vectors = _vectors(content, described, sidecar.heads.embedding.length)
    except ValueError as error:
        raise ModelError(f"{path}: {error}: export the network again") from error
    return Cohort(vectors, described.nearest, described.weight, described.sha256)


def _vectors(content: bytes, described: CohortDescription, length: int) -> npt.NDArray[np.float32]:
    """Return the embeddings in a file in NumPy's format, shape (n, length), float32.

    The one header that fits is matched, so that nothing that a file states is evaluated or allocated.

    Raises:
        ValueError: it is something else; the message says what.
    """
    header = _HEADER.match(content)
    if header is None or int.from_bytes(header[1], "little") != len(header[2]):
        raise ValueError("not an array of float16 numbers in NumPy's format 1.0, with two dimensions, row by row")
    rows, columns = int(header[3]), int(header[4])
    if columns != length:
        raise ValueError(f"its embeddings have {columns} numbers, those of the network {length}")
    if not described.nearest <= rows <= MAX_ROWS:
        raise ValueError(f"it has {rows} embeddings, not {described.nearest} to {MAX_ROWS}")
    numbers = content[header.end() :]
    if len(numbers) != rows * columns * _DTYPE.itemsize:
        raise ValueError("its array is cut off, or something is behind it")
    vectors = np.frombuffer(numbers, _DTYPE).reshape(rows, columns).astype(np.float32)
    with np.errstate(all="ignore"):  # of what is no number
        lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(lengths - 1) < _UNIT_TOLERANCE):
        raise ValueError("an embedding is not of unit length")
    return vectors
