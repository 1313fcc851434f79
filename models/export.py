"""A recipe and its checkpoint -> the network's files in the zoo, each with its sidecar.

`python -m models.export models/configs/mobilefacenet.toml`

The same recipe, checkpoint and TensorFlow give the same bytes again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.catalogue import ZOO
from models.command import run
from models.data.manifests import data_folder
from models.errors import TrainingError
from models.exporting.sidecar import sidecar, write
from models.networks.checkpoint import checkpoint_path, load_checkpoint
from models.recipe.recipe import Recipe, load_recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description="Export a trained network.")
    parser.add_argument("recipe", type=Path, help="a file such as models/configs/mobilefacenet.toml")
    parser.add_argument("--zoo", type=Path, default=ZOO, help="where the files go")
    parser.add_argument("--people", type=Path, metavar="DIR", help="as it was trained with")
    parser.add_argument("--name", help="as it was trained with")
    given = parser.parse_args(arguments)
    return run(lambda: _export(load_recipe(given.recipe, given.people, given.name), given.zoo))


def _export(recipe: Recipe, zoo: Path) -> None:
    data = data_folder()
    try:  # late, so that a missing TensorFlow is one line and no traceback
        from models.exporting.exporter import build, equalised_checkpoint, measure_thresholds, representative_crops  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    heads = tuple(recipe.heads.groups)
    trained = load_checkpoint(checkpoint_path(recipe.name), heads)
    crops = representative_crops(recipe, data)
    for form in recipe.forms:
        if form == "int8" and recipe.tuning:
            checkpoint = load_checkpoint(checkpoint_path(recipe.name, tuned=True), heads)
        else:
            checkpoint = trained if form == "float32" else equalised_checkpoint(recipe, trained, form, crops)
        content = build(recipe, checkpoint, form, crops)
        calibration = measure_thresholds(recipe, content, data)
        written = write(zoo, sidecar(recipe, checkpoint, calibration, content, form), content)
        print(f"{written}: {len(content) / 1e6:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
