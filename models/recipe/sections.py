"""The sections of a recipe: the settings of each part of a training, with their bounds."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.names import NAME

Label = Annotated[str, Field(pattern=rf"^{NAME}$")]
DataSet = Annotated[str, Field(pattern=r"^(lfw9|lfw_people|utkface|.*/.*)$")]
"""The name of a data set, or the path of a folder with one folder of pictures per person."""
Pixels = Annotated[int, Field(ge=32, le=512)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Immutable, validated settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Weights(Section):
    """A file of weights."""

    file: str
    """Relative to the folder of face data."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Expected digest of the file."""


class Input(Section):
    """The aligned face that the network takes."""

    size: tuple[Pixels, Pixels]
    """Height and width, pixels."""
    template: str
    """Name of the alignment."""
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]
    """Positions of the five keypoints, (x, y) in pixels."""


class Views(Section):
    """Augmentation of the training pictures; the first view is never augmented."""

    count: Annotated[int, Field(ge=1, le=64)]
    """Views of each picture."""
    margin_px: Annotated[int, Field(ge=0, le=64)]
    """Margin around the aligned crop, pixels."""
    shift_px: Annotated[float, Field(ge=0, le=32)]
    """Greatest shift along either axis, pixels."""
    turn_deg: Annotated[float, Field(ge=0, le=45)]
    """Greatest rotation to either side, degrees."""
    zoom: Annotated[float, Field(ge=0, le=0.5)]
    """Greatest change of size, a fraction."""
    brightness: Share
    """Greatest change of brightness, a fraction."""
    contrast: Share
    """Greatest change of contrast, a fraction."""
    blur: Share
    """Share of the views that are blurred, by shrinking and enlarging."""


class IdentityHead(Section):
    """The closed set: scaled cosine to the mean embedding of each person."""

    data: tuple[DataSet, ...]
    """Data sets whose people it knows."""
    sharpness: Annotated[float, Field(gt=0, le=128)]
    """Factor on the cosine before the softmax."""


class GroupHead(Section):
    """A trained head."""

    labels: Annotated[tuple[Label, ...], Field(min_length=2)]
    """In the order of the scores."""
    data: tuple[DataSet, ...]
    """Data sets that it is trained on; it is validated on the first."""
    hidden: Annotated[int, Field(ge=1, le=4096)]
    """Width of its hidden layer."""
    weight: Annotated[float, Field(gt=0, le=100)]
    """Weight of its loss in the sum."""
    borders: tuple[Annotated[float, Field(gt=0, le=150)], ...] = ()
    """Ages at which all groups but the last end, years; only for age groups."""
    spread_years: Annotated[float, Field(gt=0, le=50)] = 1.0
    """Standard deviation, in years, over which a known age is spread into neighbouring groups."""

    @model_validator(mode="after")
    def _borders_separate_the_labels(self) -> Self:
        if self.borders and (len(self.borders) != len(self.labels) - 1 or list(self.borders) != sorted(self.borders)):
            raise ValueError("borders must be in rising order, one fewer than labels")
        return self


class Heads(Section):
    """The heads besides the embedding."""

    identity: IdentityHead
    age: GroupHead
    ethnicity: GroupHead

    @property
    def groups(self) -> dict[str, GroupHead]:
        """The trained heads by name."""
        return {"age": self.age, "ethnicity": self.ethnicity}


class Training(Section):
    """Schedule and loss of the heads: AdamW, cross entropy."""

    epochs: Annotated[int, Field(ge=1, le=1000)]
    batch: Annotated[int, Field(ge=1, le=65536)]
    """Views per step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    """Initial rate; decays to zero along a cosine."""
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of hidden units dropped in a step."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    class_balance: Share
    """Exponent p: a class of n pictures weighs n^-p."""
    cell_balance: Share = 0.0
    """Exponent p: in addition, n pictures of one ethnicity, gender and age group weigh n^-p."""
    emphasis: dict[DataSet, Annotated[float, Field(gt=0, le=1000)]] = Field(default_factory=dict)
    """Factor on the weight of a data set's pictures; default 1."""


class Guidance(Section):
    """Soft labels for the heads, from a teacher's heads.

    The teacher's heads are on the backbone that this network's was distilled from, or on its own if it was not
    distilled. They have the same schedule, and are cross-fitted: no picture gets soft labels from heads trained on it.
    """

    data: tuple[DataSet, ...]
    """Data sets that get soft labels; the labels of others stay unchanged."""
    folds: Annotated[int, Field(ge=2, le=10)]
    """Number of folds of the cross-fitting."""
    hidden: Annotated[int, Field(ge=1, le=4096)]
    """Width of the hidden layers of the teacher's heads."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """Label smoothing of the teacher's heads."""
    share: Share
    """Share of the teacher's scores in the target; the rest is the label."""


class Distillation(Section):
    """How the backbone learns a teacher's embedding: AdamW.

    The learning rate rises over the warm-up, stays constant, and decays linearly to zero. When the decay begins, the
    statistics of batch norm are frozen: a step takes less time, and the network is trained as it will be used. A
    training that is extended with more steps resumes from there.
    """

    teacher: Weights
    """A MobileFaceNet."""
    data: Annotated[dict[DataSet, Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    """Share of the pictures drawn from each data set."""
    views: Views
    """Augmentation; each draw makes a new view, so `count` has no effect here."""
    steps: Annotated[int, Field(ge=10, le=100_000_000)]
    warmup_steps: Annotated[int, Field(ge=0, le=100_000)]
    fall_share: Annotated[float, Field(gt=0, le=1)]
    """Last share of the steps, over which the rate decays."""
    settled_rate: Annotated[float, Field(gt=0, le=1)]
    """Factor on the rate when the decay begins: with frozen batch norm, a network tolerates less."""
    batch: Annotated[int, Field(ge=2, le=4096)]
    """Pictures per step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    cosine_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of 1 - cos to the teacher's embedding of the same picture."""
    neighbours_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of the divergence between the student's and the teacher's similarities to all training pictures."""
    temperature: Annotated[float, Field(gt=0, le=10)]
    """Divisor of the cosines before the softmax of these similarities."""
    heads_weight: Annotated[float, Field(ge=0, le=100)]
    """Weight of the cross entropy of each trained head."""
    save_steps: Annotated[int, Field(ge=1, le=100_000)]
    """Steps between two checkpoints."""


class Equalisation(Section):
    """The pictures that give the ranges of the channels, before a network is quantised."""

    data: DataSet
    """Data set; its training split is used."""
    pictures: Annotated[int, Field(ge=1, le=100000)]
    """Number of pictures, evenly chosen."""


class Tuning(Section):
    """Fine-tuning of a distilled backbone to 8 bits: Adam, linear decay of the rate to zero."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)]
    batch: Annotated[int, Field(ge=2, le=4096)]
    """Pictures per step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    cosine_weight: Annotated[float, Field(gt=0, le=1000)]
    """Weight of 1 - cos between the int8 and the float32 embedding, relative to the taps' squared difference."""


class Expected(Section):
    """The accuracy that validation is expected to reach."""

    age: Share
    ethnicity: Share
    identity: Share


class Source(Section):
    """A data set or a teacher, and its terms."""

    name: str
    terms: str
