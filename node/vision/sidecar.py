"""The sidecar file of a network -> validated values: its input, its heads, its thresholds."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from node.errors import ModelError
from node.system.bounded_files import read_bounded

_MAX_BYTES = 8 << 20
"""A sidecar takes about 26 kB, most of it metrics."""
_ID = r"^[a-z0-9][a-z0-9_-]{0,31}$"
Labels = Annotated[tuple[Annotated[str, Field(pattern=_ID)], ...], Field(min_length=2)]


class _Section(BaseModel):
    # JSON has no NaN and no infinity, but pydantic's parser accepts them.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


Coordinate = Annotated[float, Field(ge=-512, le=1024)]
"""Of a keypoint, pixels: at most one size of the largest input beyond its edges."""

_LEAST_PX = 1.0
"""Least distance of the eyes, and least spread of the five keypoints about the best line through them, pixels."""


class Alignment(_Section):
    """The positions of the five keypoints of a face in the network's input."""

    template: str
    points: Annotated[tuple[tuple[Coordinate, Coordinate], ...], Field(min_length=5, max_length=5)]
    """(x, y) in pixels of the input, in the order of `Face.keypoints`."""

    @model_validator(mode="after")
    def _points_are_a_face(self) -> "Alignment":
        if math.dist(self.points[0], self.points[1]) < _LEAST_PX:
            raise ValueError("points: both eyes are at one place")
        if _spread(self.points) < _LEAST_PX:
            raise ValueError("points: all of them are on one line")
        return self


class Input(_Section):
    """The input of the network."""

    name: str
    size: tuple[Annotated[int, Field(ge=32, le=512)], Annotated[int, Field(ge=32, le=512)]]
    """Height and width, pixels."""
    dtype: Literal["uint8", "int8", "float32"]
    scale: Annotated[float | None, Field(gt=0)]
    zero_point: Annotated[int | None, Field(ge=-128, le=255)]
    colour: Literal["rgb"]
    alignment: Alignment

    @model_validator(mode="after")
    def _scale_goes_with_the_dtype(self) -> "Input":
        if self.scale is None:
            if self.dtype == "int8" or self.zero_point:
                raise ValueError("scale is missing")
        elif self.dtype == "float32":
            raise ValueError("scale: a float32 input has none")
        return self

    @model_validator(mode="after")
    def _points_are_near_the_crop(self) -> "Input":
        for x, y in self.alignment.points:
            if not (-self.size[1] <= x <= 2 * self.size[1] and -self.size[0] <= y <= 2 * self.size[0]):
                raise ValueError("alignment.points: a point is far outside the input")
        return self


class ClassificationHead(_Section):
    """A head that gives a score for each of its labels."""

    labels: Labels
    reject: Annotated[float | None, Field(ge=0, le=1)] = None
    """Softmax score below which the closed set of identities gives unknown."""

    @model_validator(mode="after")
    def _labels_differ(self) -> "ClassificationHead":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("two labels are the same")
        return self


class EmbeddingHead(_Section):
    """The head that gives the embedding."""

    length: Annotated[int, Field(ge=16, le=2048)]
    space: str
    """Embeddings of one space can be compared; all quantised variants of one training share it."""


class Heads(_Section):
    """The outputs of the network."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    embedding: EmbeddingHead
    identity: ClassificationHead | None = None
    age: ClassificationHead | None = None
    ethnicity: ClassificationHead | None = None

    @property
    def lengths(self) -> dict[str, int]:
        """Length of the output of each head, by name."""
        classes = {"identity": self.identity, "age": self.age, "ethnicity": self.ethnicity}
        return {"embedding": self.embedding.length} | {
            name: len(head.labels) for name, head in classes.items() if head is not None
        }

    def labels(self, head: str) -> tuple[str, ...]:
        """Return the labels of a head, in the order of its scores; empty if the network has no such head."""
        classes = {"identity": self.identity, "age": self.age, "ethnicity": self.ethnicity}[head]
        return () if classes is None else classes.labels


class Threshold(_Section):
    """A cosine at which the measured share of strangers called by a name is `fpir`."""

    fpir: Annotated[float, Field(gt=0, le=1)]
    gallery: Annotated[int, Field(ge=1)]
    """People enrolled."""
    cosine: Annotated[float, Field(ge=-1, le=1)]


class Thresholds(_Section):
    """The table of thresholds."""

    anchors_per_person: Annotated[int, Field(ge=1)]
    rows: Annotated[tuple[Threshold, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _lower_rates_need_more(self) -> "Thresholds":
        rows = sorted(self.rows, key=lambda row: (row.gallery, row.fpir))
        for stricter, row in pairwise(rows):
            if stricter.gallery != row.gallery:
                continue
            if stricter.fpir == row.fpir:
                raise ValueError(f"rows: two of them are for {row.fpir} and a gallery of {row.gallery}")
            if stricter.cosine < row.cosine:
                raise ValueError(f"rows: with a gallery of {row.gallery}, a lower rate has a lower cosine")
        return self

    def cosine(self, max_fpir: float, people: int) -> float:
        """Return the least cosine that names somebody.

        Of the rows within `max_fpir`, take those of the smallest gallery that is at least as large as this one (or of
        the largest, if this one is larger than all), and of those the row with the highest rate. So a row never
        promises less than was requested.

        Raises:
            ModelError: the table has no row within `max_fpir`.
        """
        within = [row for row in self.rows if row.fpir <= max_fpir * (1 + 1e-9)]
        if not within:
            best = min(row.fpir for row in self.rows)
            raise ModelError(
                f"people.max_fpir = {max_fpir}: the network's table goes down to {best} only: set it to at least {best}"
            )
        sizes = {row.gallery for row in within}
        size = min((s for s in sizes if s >= people), default=max(sizes))
        return max((row for row in within if row.gallery == size), key=lambda row: (row.fpir, row.cosine)).cosine


class CohortDescription(_Section):
    """The cohort that lies beside a network, and the thresholds of the score that is normalized with it."""

    file: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,95}\.npy$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    form: Literal["mean"]
    """`mean`: the cosine less the weighted mean of what is usual for the two faces."""
    weight: Annotated[float, Field(gt=0, le=2)]
    nearest: Annotated[int, Field(ge=1, le=4096)]
    thresholds: Thresholds


class Sidecar(_Section):
    """Everything known about a network file."""

    name: str
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    backbone: Literal["mobilefacenet", "mobilenet", "mobilenet_v2", "inception_v3"]
    quantisation: Literal["float32", "dynamic", "int8"]
    input: Input
    heads: Heads
    thresholds: Thresholds
    """Of the cosine, for a network without a cohort."""
    cohort: CohortDescription | None = None

    @property
    def short_hash(self) -> str:
        """The first eight hex digits of the network's sha256: `model` in every event."""
        return self.sha256[:8]


def _spread(points: Sequence[tuple[float, float]]) -> float:
    """Return the root mean square distance of points from the best line through them."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    xx = sum((x - mean_x) ** 2 for x, _ in points) / count
    yy = sum((y - mean_y) ** 2 for _, y in points) / count
    xy = sum((x - mean_x) * (y - mean_y) for x, y in points) / count
    least = (xx + yy) / 2 - math.hypot((xx - yy) / 2, xy)  # the smaller eigenvalue of the scatter
    return math.sqrt(max(0.0, least))


def load_sidecar(path: Path) -> Sidecar:
    """Read a sidecar file.

    Raises:
        ModelError: it is missing, unreadable or does not match the schema; the message says where.
    """
    try:
        return Sidecar.model_validate_json(read_bounded(path, _MAX_BYTES))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}: a network needs its sidecar beside it") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "the file"
        message = problem["msg"].removeprefix("Value error, ")
        raise ModelError(f"{path}: {field}: {message}: export the network again") from error
