"""A recipe and the face data -> trained heads in a checkpoint, and what they reach beside what is expected.

`python -m models.train models/configs/mobilefacenet.toml`
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.checkpoint import place, save_checkpoint
from models.command import run
from models.errors import TrainingError
from models.manifests import data_folder
from models.recipe import load_recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train the heads of a network.")
    parser.add_argument("recipe", type=Path, help="a file such as models/configs/mobilefacenet.toml")
    given = parser.parse_args(arguments)
    return run(lambda: _train(given.recipe))


def _train(path: Path) -> None:
    recipe, data = load_recipe(path), data_folder()
    try:  # late, so that a missing TensorFlow is one line and no traceback
        from models.trainer import Trainer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    trainer = Trainer(recipe, data)
    checkpoint = trainer.train()
    save_checkpoint(checkpoint, place(recipe.name))
    print(f"{place(recipe.name)}: heads of {', '.join(checkpoint.groups)} and {len(checkpoint.people)} people")
    print("| head | expected | reached | n |\n| --- | --- | --- | --- |")
    expected = recipe.expected.model_dump()
    for name, (share, number) in trainer.reached(checkpoint).items():
        print(f"| {name} | {expected[name]:.3f} | {share:.3f} | {number} |")


if __name__ == "__main__":
    sys.exit(main())
