"""A recipe and the face data -> a checkpoint, and its accuracy beside the expected one.

`python -m models.train models/configs/mobilefacenet.toml`
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.command import run
from models.data.manifests import data_folder
from models.errors import TrainingError
from models.networks.checkpoint import checkpoint_path, save_checkpoint
from models.recipe.recipe import Recipe, load_recipe
from node.domain import counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train a network.")
    parser.add_argument("recipe", type=Path, help="a file such as models/configs/mobilefacenet.toml")
    parser.add_argument(
        "--people",
        type=Path,
        metavar="DIR",
        help="train the identity head on your own people: a folder with one folder of pictures per person",
    )
    parser.add_argument(
        "--backbone",
        type=Path,
        metavar="FILE",
        help="keep the backbone of a float32 .tflite file instead of distilling one",
    )
    parser.add_argument("--name", help="name of the network (default: that of the recipe)")
    given = parser.parse_args(arguments)
    return run(lambda: _train(load_recipe(given.recipe, given.people, given.name), given.backbone))


def _train(recipe: Recipe, kept: Path | None) -> None:
    data = data_folder()
    try:  # imported late, so that a missing TensorFlow is an error in one line
        from models.training.quantisation_aware import train_quantisation_aware  # noqa: PLC0415
        from models.training.trainer import Trainer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    trainer = Trainer(recipe, data, kept)
    checkpoint = trainer.train()
    checkpoint_path(recipe.name, tuned=True).unlink(missing_ok=True)  # from an older training
    save_checkpoint(checkpoint, checkpoint_path(recipe.name))
    print(
        f"{checkpoint_path(recipe.name)}: heads of {', '.join(checkpoint.groups)} and "
        f"{counted(len(checkpoint.people), 'person', 'people')}"
    )
    print("| head | expected | reached | n |\n| --- | --- | --- | --- |")
    expected = recipe.expected.model_dump()
    for name, (share, number) in trainer.validate(checkpoint).items():
        print(f"| {name} | {expected[name]:.3f} | {share:.3f} | {number} |")
    tuned = train_quantisation_aware(recipe, checkpoint, data)
    if tuned:
        save_checkpoint(tuned, checkpoint_path(recipe.name, tuned=True))
        print(f"{checkpoint_path(recipe.name, tuned=True)}: fine-tuned to 8 bits")


if __name__ == "__main__":
    sys.exit(main())
