"""A recipe and the face data -> trained heads in a checkpoint, and what they reach beside what is expected.

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train the heads of a network.")
    parser.add_argument("recipe", type=Path, help="a file such as models/configs/mobilefacenet.toml")
    parser.add_argument("--people", type=Path, metavar="DIR", help="own people, a folder of pictures for each")
    parser.add_argument(
        "--backbone", type=Path, metavar="FILE", help="a network in float32: its backbone is kept, none is distilled"
    )
    parser.add_argument("--name", help="what the network is called, if not as its recipe")
    given = parser.parse_args(arguments)
    return run(lambda: _train(load_recipe(given.recipe, given.people, given.name), given.backbone))


def _train(recipe: Recipe, kept: Path | None) -> None:
    data = data_folder()
    try:  # late, so that a missing TensorFlow is one line and no traceback
        from models.training.quantisation_aware import tuned  # noqa: PLC0415
        from models.training.trainer import Trainer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    trainer = Trainer(recipe, data, kept)
    checkpoint = trainer.train()
    checkpoint_path(recipe.name, tuned=True).unlink(missing_ok=True)  # of an older training
    save_checkpoint(checkpoint, checkpoint_path(recipe.name))
    print(
        f"{checkpoint_path(recipe.name)}: heads of {', '.join(checkpoint.groups)} and {len(checkpoint.people)} people"
    )
    print("| head | expected | reached | n |\n| --- | --- | --- | --- |")
    expected = recipe.expected.model_dump()
    for name, (share, number) in trainer.reached(checkpoint).items():
        print(f"| {name} | {expected[name]:.3f} | {share:.3f} | {number} |")
    accustomed = tuned(recipe, checkpoint, data)
    if accustomed:
        save_checkpoint(accustomed, checkpoint_path(recipe.name, tuned=True))
        print(f"{checkpoint_path(recipe.name, tuned=True)}: the same, tuned to 8 bits")


if __name__ == "__main__":
    sys.exit(main())
