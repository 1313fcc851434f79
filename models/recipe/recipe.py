"""A TOML file -> a validated recipe: all that a training depends on, except the pictures."""

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
    """All that a training depends on, except the pictures."""

    name: Label
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    backbone: BackboneName
    space: str
    """Name of the embedding space; embeddings of one space can be compared."""
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    every: Annotated[int, Field(ge=1, le=1000)] = 1
    """Use only every n-th training picture, for a trial."""
    weights: Weights
    input: Input
    views: Views
    heads: Heads
    training: Training
    guidance: Guidance | None = None
    """None trains the heads on the labels alone."""
    distillation: Distillation | None = None
    """None keeps the backbone's weights unchanged."""
    equalisation: Equalisation
    tuning: Tuning | None = None
    """For the `int8` form; None quantises the network as it was trained."""
    forms: Annotated[tuple[Quantisation, ...], Field(min_length=1)]
    """The quantisations that are exported."""
    expected: Expected
    data: tuple[Source, ...]
    teacher: Source

    @model_validator(mode="after")
    def _only_mobilefacenet_keeps_its_weights(self) -> Self:
        if (self.backbone == "mobilefacenet") != (self.distillation is None):
            raise ValueError(
                "mobilefacenet keeps its weights and must have no [distillation]; any other backbone needs one, since "
                "its pretrained weights have never seen a face"
            )
        return self

    @model_validator(mode="after")
    def _tuning_needs_distillation(self) -> Self:
        if self.tuning and not self.distillation:
            raise ValueError("[tuning] needs the pictures of [distillation]: add that section, or remove [tuning]")
        return self

    @model_validator(mode="after")
    def _guidance_data_is_used_by_a_head(self) -> Self:
        used = {name for head in self.heads.groups.values() for name in head.data}
        unknown = sorted(set(self.guidance.data) - used) if self.guidance else []
        if unknown:
            raise ValueError(
                f"guidance.data: {unknown[0]} is not in the data of any head: remove it, or add it to a head"
            )
        return self

    @model_validator(mode="after")
    def _points_are_inside_the_crop(self) -> Self:
        height, width = self.input.size
        if not all(0 <= x < width and 0 <= y < height for x, y in self.input.points):
            raise ValueError("input.points must lie inside input.size")
        return self


def with_people(recipe: Recipe, folder: Path) -> Recipe:
    """Return a recipe whose closed set is the people of a folder, with one folder of pictures per person."""
    identity = recipe.heads.identity.model_copy(update={"data": (str(folder.resolve()),)})
    heads = recipe.heads.model_copy(update={"identity": identity})
    own = Source(name="pictures of own people", terms="those of who made them")
    return recipe.model_copy(update={"heads": heads, "data": (*recipe.data, own)})


def with_name(recipe: Recipe, name: str) -> Recipe:
    """Return a recipe with another name.

    Raises:
        RecipeError: the name is not valid.
    """
    if not re.fullmatch(NAME, name):
        raise RecipeError(f"--name {name}: use up to 32 of a-z, 0-9, - and _, beginning with a letter or digit")
    return recipe.model_copy(update={"name": name})


def load_recipe(path: Path, people: Path | None = None, name: str | None = None) -> Recipe:
    """Read a recipe, with what a command line changes of it.

    Args:
        path: the TOML file.
        people: a folder with one folder of pictures per person, the new closed set; None keeps the recipe's.
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
