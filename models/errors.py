"""The errors that training, export and evaluation raise, each with the exit code that it ends the command with."""

from typing import ClassVar

from node.errors import FacenodeError


class DataError(FacenodeError):
    """The face data, a manifest, a picture or the starting weights are missing or not as they should be."""


class RecipeError(FacenodeError):
    """A training configuration is missing, unknown or out of bounds."""

    exit_code: ClassVar[int] = 2


class TrainingError(FacenodeError):
    """A training, an export or an evaluation cannot go on."""
