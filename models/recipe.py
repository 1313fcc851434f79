"""A TOML file -> a checked recipe: all that a training depends on but the pictures."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import RecipeError
from models.names import Quantisation

Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
DataSet = Annotated[str, Field(pattern=r"^(lfw9|lfw_people|utkface|.*/.*)$")]
"""The name of a data set, or the path of a folder with a folder of pictures for each person."""
Backbone = Literal["mobilefacenet", "mobilenet", "mobilenet_v2", "inception_v3"]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
Pixels = Annotated[int, Field(ge=32, le=512)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Weights(_Section):
    """A file of weights."""

    file: str
    """Relative to the folder of face data."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The digest that the file must have."""


class Input(_Section):
    """The aligned face that the network takes."""

    size: tuple[Pixels, Pixels]
    """Height and width, pixels."""
    template: str
    """Name of the alignment."""
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]
    """Where the five keypoints come to lie, (x, y) in pixels."""


class Views(_Section):
    """How the training pictures are varied; the first view is the picture as it is."""

    count: Annotated[int, Field(ge=1, le=64)]
    """Views of each picture."""
    margin_px: Annotated[int, Field(ge=0, le=64)]
    """What is kept around the aligned crop, pixels."""
    shift_px: Annotated[float, Field(ge=0, le=32)]
    """Greatest shift along either axis, pixels."""
    turn_deg: Annotated[float, Field(ge=0, le=45)]
    """Greatest turn to either side, degrees."""
    zoom: Annotated[float, Field(ge=0, le=0.5)]
    """Greatest change of size, a fraction."""
    brightness: Share
    """Greatest change of brightness, a fraction."""
    contrast: Share
    """Greatest change of contrast, a fraction."""
    blur: Share
    """Share of the views that are shrunk and enlarged again."""


class IdentityHead(_Section):
    """The closed set: scaled cosine to the mean embedding of each person."""

    data: tuple[DataSet, ...]
    """Whose people it knows."""
    sharpness: Annotated[float, Field(gt=0, le=128)]
    """What the cosine is multiplied by before the softmax."""


class GroupHead(_Section):
    """A trained head."""

    labels: Annotated[tuple[Label, ...], Field(min_length=2)]
    """In the order of the scores."""
    data: tuple[DataSet, ...]
    """What it is trained on; the first is what it is validated on."""
    hidden: Annotated[int, Field(ge=1, le=4096)]
    """Width of its hidden layer."""
    weight: Annotated[float, Field(gt=0, le=100)]
    """Weight of its loss in the sum."""
    borders: tuple[Annotated[float, Field(gt=0, le=150)], ...] = ()
    """Ages at which the groups end but the last, years; only of groups of age."""
    spread_years: Annotated[float, Field(gt=0, le=50)] = 1.0
    """How far about an age known in years it counts for the neighbouring group in part."""

    @model_validator(mode="after")
    def _borders_part_the_labels(self) -> Self:
        if self.borders and (len(self.borders) != len(self.labels) - 1 or list(self.borders) != sorted(self.borders)):
            raise ValueError("borders must rise, one fewer than labels")
        return self


class Heads(_Section):
    """What the network answers besides the embedding."""

    identity: IdentityHead
    age: GroupHead
    ethnicity: GroupHead

    @property
    def groups(self) -> dict[str, GroupHead]:
        """The trained heads by name."""
        return {"age": self.age, "ethnicity": self.ethnicity}


class Training(_Section):
    """Schedule and losses: Adam with decoupled weight decay, cross entropy."""

    epochs: Annotated[int, Field(ge=1, le=1000)]
    batch: Annotated[int, Field(ge=1, le=65536)]
    """Views in a step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    """At the first step; falls to nothing along a cosine."""
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of the hidden units left out in a step."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    class_balance: Share
    """Exponent p: a class of n pictures weighs n^-p."""
    cell_balance: Share = 0.0
    """Exponent p: besides, those of one ethnicity, gender and age group, n pictures, weigh n^-p."""
    emphasis: dict[DataSet, Annotated[float, Field(gt=0, le=1000)]] = Field(default_factory=dict)
    """What the weight of a data set's pictures is multiplied by; 1 unless given."""


class Distillation(_Section):
    """How the backbone learns a teacher's embedding: Adam with decoupled weight decay.

    The rate rises over the warm-up, stays, and falls along a line to nothing at the end. So a training that was given
    more views later goes on from where its rate began to fall.
    """

    teacher: Weights
    """A MobileFaceNet."""
    data: Annotated[dict[DataSet, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    """The share of the lessons that is taken from each data set."""
    views: Views
    """How the pictures are varied; drawn anew each time, so `count` has no meaning here."""
    steps: Annotated[int, Field(ge=10, le=100_000_000)]
    warmup_steps: Annotated[int, Field(ge=0, le=100_000)]
    fall_share: Annotated[float, Field(gt=0, le=1)]
    """The last share of the steps, over which the rate falls."""
    batch: Annotated[int, Field(ge=2, le=4096)]
    """Pictures in a step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    cosine_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of 1 - cos to the teacher's embedding of the same picture."""
    neighbours_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of the cross entropy between whom the student and whom the teacher takes for alike."""
    temperature: Annotated[float, Field(gt=0, le=10)]
    """What cosines are divided by before that softmax over all training pictures."""
    heads_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of the cross entropy of each trained head."""
    save_steps: Annotated[int, Field(ge=1, le=100_000)]
    """Steps between two checkpoints."""


class Equalisation(_Section):
    """Which pictures show the ranges of the channels, before a network is quantised."""

    data: DataSet
    """Of whose training part."""
    pictures: Annotated[int, Field(ge=1, le=100000)]
    """How many, evenly chosen."""


class Expected(_Section):
    """The shares of right answers that validation is expected to reach."""

    age: Share
    ethnicity: Share
    identity: Share


class Source(_Section):
    """A data set or a teacher, and its terms."""

    name: str
    terms: str


class Recipe(_Section):
    """All that a training depends on but the pictures."""

    name: Label
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    backbone: Backbone
    space: str
    """Name of the embedding's space: embeddings of one space can be compared."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    every: Annotated[int, Field(ge=1, le=1000)] = 1
    """Takes only every so manieth training picture: for a trial."""
    weights: Weights
    input: Input
    views: Views
    heads: Heads
    training: Training
    distillation: Distillation | None = None
    """None keeps the backbone's weights as they are."""
    equalisation: Equalisation
    forms: Annotated[tuple[Quantisation, ...], Field(min_length=1)]
    """How the exported files are quantised."""
    expected: Expected
    data: tuple[Source, ...]
    teacher: Source

    @model_validator(mode="after")
    def _a_backbone_without_faces_is_distilled(self) -> Self:
        if (self.backbone == "mobilefacenet") != (self.distillation is None):
            raise ValueError(
                "mobilefacenet keeps its weights and has no [distillation]; every other backbone has one, since its "
                "starting weights never saw a face"
            )
        return self

    @model_validator(mode="after")
    def _points_lie_inside(self) -> Self:
        height, width = self.input.size
        if not all(0 <= x < width and 0 <= y < height for x, y in self.input.points):
            raise ValueError("input.points must lie inside input.size")
        return self


def for_people(recipe: Recipe, folder: Path) -> Recipe:
    """Return a recipe whose closed set are the people of a folder, with a folder of pictures for each."""
    identity = recipe.heads.identity.model_copy(update={"data": (str(folder.resolve()),)})
    heads = recipe.heads.model_copy(update={"identity": identity})
    own = Source(name="pictures of own people", terms="those of who made them")
    return recipe.model_copy(update={"heads": heads, "data": (*recipe.data, own)})


def named(recipe: Recipe, name: str) -> Recipe:
    """Return a recipe under another name.

    Raises:
        RecipeError: the name is none.
    """
    if not _NAME.fullmatch(name):
        raise RecipeError(f"--name {name}: up to 32 of a-z, 0-9, - and _, a letter or digit first")
    return recipe.model_copy(update={"name": name})


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: it is missing, no TOML, or something in it is unknown or out of bounds; the message says where.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}: name a file such as models/configs/NAME.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a TOML file: {error}") from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise RecipeError(f"{path}: {place}: {problem['msg'].removeprefix('Value error, ')}") from error
