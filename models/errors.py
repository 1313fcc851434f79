"""The errors of training, export and evaluation, each with the exit code of the command."""

from typing import ClassVar

from node.errors import FacenodeError


class DataError(FacenodeError):
    """The face data, a manifest, a picture or the pretrained weights are missing or invalid."""


class RecipeError(FacenodeError):
    """A recipe is missing, or a value in it is unknown or out of bounds."""

    exit_code: ClassVar[int] = 2


class TrainingError(FacenodeError):
    """A training, an export or an evaluation cannot continue."""
