"""The sidecar file of a network -> validated values: its input, its heads, its thresholds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from node.errors import ModelError

_ID = r"^[a-z0-9][a-z0-9_-]{0,31}$"
Labels = Annotated[tuple[Annotated[str, Field(pattern=_ID)], ...], Field(min_length=2)]


class _Section(BaseModel):
    # JSON has no NaN and no infinity, but pydantic's parser accepts them.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Alignment(_Section):
    """The positions of the five keypoints of a face in the network's input."""

    template: str
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]
    """(x, y) in pixels of the input, in the order of `Face.keypoints`."""


class Input(_Section):
    """The input of the network."""

    name: str
    size: tuple[Annotated[int, Field(ge=32, le=512)], Annotated[int, Field(ge=32, le=512)]]
    """Height and width, pixels."""
    dtype: Literal["uint8", "int8", "float32"]
    scale: Annotated[float | None, Field(gt=0)]
    zero_point: int | None
    colour: Literal["rgb"]
    alignment: Alignment


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

    @property
    def short_hash(self) -> str:
        """The first eight hex digits of the network's sha256: `model` in every event."""
        return self.sha256[:8]


def load_sidecar(path: Path) -> Sidecar:
    """Read a sidecar file.

    Raises:
        ModelError: it is missing, unreadable or does not match the schema; the message says where.
    """
    try:
        return Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}: a network needs its sidecar beside it") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise ModelError(f"{path}: {field}: {problem['msg']}: export the network again") from error
