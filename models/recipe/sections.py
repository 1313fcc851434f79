"""The sections of a recipe: what each part of a training may be told, and within which bounds."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.names import NAME

Label = Annotated[str, Field(pattern=rf"^{NAME}$")]
DataSet = Annotated[str, Field(pattern=r"^(lfw9|lfw_people|utkface|.*/.*)$")]
"""The name of a data set, or the path of a folder with a folder of pictures for each person."""
Pixels = Annotated[int, Field(ge=32, le=512)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Values that are checked once and never change; nothing unknown is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Weights(Section):
    """A file of weights."""

    file: str
    """Relative to the folder of face data."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The digest that the file must have."""


class Input(Section):
    """The aligned face that the network takes."""

    size: tuple[Pixels, Pixels]
    """Height and width, pixels."""
    template: str
    """Name of the alignment."""
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]
    """Where the five keypoints come to lie, (x, y) in pixels."""


class Views(Section):
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


class IdentityHead(Section):
    """The closed set: scaled cosine to the mean embedding of each person."""

    data: tuple[DataSet, ...]
    """Whose people it knows."""
    sharpness: Annotated[float, Field(gt=0, le=128)]
    """What the cosine is multiplied by before the softmax."""


class GroupHead(Section):
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


class Heads(Section):
    """What the network answers besides the embedding."""

    identity: IdentityHead
    age: GroupHead
    ethnicity: GroupHead

    @property
    def groups(self) -> dict[str, GroupHead]:
        """The trained heads by name."""
        return {"age": self.age, "ethnicity": self.ethnicity}


class Training(Section):
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


class Guidance(Section):
    """What heads learn, beside the labels, from other heads: how near they take a face to be to each group.

    Those are heads on the backbone that the network's own was distilled from, or on its own if it was not. They are
    trained by the same schedule, and say of each picture what they say without having learnt from it.
    """

    data: tuple[DataSet, ...]
    """About whose pictures they are asked; the labels of others stay as they are."""
    folds: Annotated[int, Field(ge=2, le=10)]
    """Parts of the pictures; each is asked about after a training on the others."""
    hidden: Annotated[int, Field(ge=1, le=4096)]
    """Width of their hidden layers."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """Of what they learn."""
    share: Share
    """Of what they say in the right answer; the rest is the label's."""


class Distillation(Section):
    """How the backbone learns a teacher's embedding: Adam with decoupled weight decay.

    The rate rises over the warm-up, stays, and falls along a line to nothing at the end. Where the fall begins, batch
    norm keeps its statistics from then on: a step takes less time, and the network is trained as it will be used. A
    training that was given more views later goes on from there.
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
    settled_rate: Annotated[float, Field(gt=0, le=1)]
    """What the rate is multiplied by as the fall begins: with settled batch norms a network bears less."""
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


class Equalisation(Section):
    """Which pictures show the ranges of the channels, before a network is quantised."""

    data: DataSet
    """Of whose training part."""
    pictures: Annotated[int, Field(ge=1, le=100000)]
    """How many, evenly chosen."""


class Tuning(Section):
    """How a distilled backbone is made used to 8 bits: Adam, a rate that falls along a line to nothing."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)]
    batch: Annotated[int, Field(ge=2, le=4096)]
    """Pictures in a step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    cosine_weight: Annotated[float, Field(gt=0, le=1000)]
    """Weight of 1 - cos between the rounded and the unrounded embedding, beside the taps' squared difference."""


class Expected(Section):
    """The shares of right answers that validation is expected to reach."""

    age: Share
    ethnicity: Share
    identity: Share


class Source(Section):
    """A data set or a teacher, and its terms."""

    name: str
    terms: str
