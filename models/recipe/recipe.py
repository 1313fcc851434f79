"""A TOML file -> a checked recipe: all that a training depends on but the pictures."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from models.errors import RecipeError
from models.names import NAME, BackboneName, Quantisation
from models.recipe.sections import (
    Distillation,
    Equalisation,
    Expected,
    Guidance,
    Heads,
    Input,
    Label,
    Section,
    Source,
    Training,
    Tuning,
    Views,
    Weights,
)


class Recipe(Section):
    """All that a training depends on but the pictures."""

    name: Label
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    backbone: BackboneName
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
    guidance: Guidance | None = None
    """None trains the heads by the labels alone."""
    distillation: Distillation | None = None
    """None keeps the backbone's weights as they are."""
    equalisation: Equalisation
    tuning: Tuning | None = None
    """Of the form of 8 bits; None quantises the network as it was trained."""
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
    def _what_was_distilled_can_be_tuned(self) -> Self:
        if self.tuning and not self.distillation:
            raise ValueError("[tuning] goes on with the pictures of [distillation]: leave it out, or distil")
        return self

    @model_validator(mode="after")
    def _guidance_is_about_what_is_learnt(self) -> Self:
        learnt = {name for head in self.heads.groups.values() for name in head.data}
        unknown = sorted(set(self.guidance.data) - learnt) if self.guidance else []
        if unknown:
            raise ValueError(
                f"guidance.data: {unknown[0]} is in the data of no head, so that nothing is asked about it"
            )
        return self

    @model_validator(mode="after")
    def _points_lie_inside(self) -> Self:
        height, width = self.input.size
        if not all(0 <= x < width and 0 <= y < height for x, y in self.input.points):
            raise ValueError("input.points must lie inside input.size")
        return self


def with_people(recipe: Recipe, folder: Path) -> Recipe:
    """Return a recipe whose closed set are the people of a folder, with a folder of pictures for each."""
    identity = recipe.heads.identity.model_copy(update={"data": (str(folder.resolve()),)})
    heads = recipe.heads.model_copy(update={"identity": identity})
    own = Source(name="pictures of own people", terms="those of who made them")
    return recipe.model_copy(update={"heads": heads, "data": (*recipe.data, own)})


def with_name(recipe: Recipe, name: str) -> Recipe:
    """Return a recipe under another name.

    Raises:
        RecipeError: the name is none.
    """
    if not re.fullmatch(NAME, name):
        raise RecipeError(f"--name {name}: up to 32 of a-z, 0-9, - and _, a letter or digit first")
    return recipe.model_copy(update={"name": name})


def load_recipe(path: Path, people: Path | None = None, name: str | None = None) -> Recipe:
    """Read a recipe, with what a command line changes of it.

    Args:
        path: the TOML file.
        people: a folder with a folder of pictures for each person, who become the closed set; None keeps the recipe's.
        name: the network's name; None keeps the recipe's.

    Raises:
        RecipeError: the file is missing, not TOML, or something in it is unknown or out of bounds; the message says
            where; or the name is not valid.
    """
    recipe = _read(path)
    recipe = recipe if people is None else with_people(recipe, people)
    return recipe if name is None else with_name(recipe, name)


def _read(path: Path) -> Recipe:
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
