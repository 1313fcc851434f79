"""A recipe and its checkpoint -> the network's files in the zoo, each with its sidecar.

`python -m models.export models/configs/mobilefacenet.toml`

Equal recipes, checkpoints and versions of TensorFlow give equal bytes.
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
    parser.add_argument("--zoo", type=Path, default=ZOO, help="output folder (default: models/zoo)")
    parser.add_argument("--people", type=Path, metavar="DIR", help="the folder given to models.train, if any")
    parser.add_argument("--name", help="the name given to models.train, if any")
    given = parser.parse_args(arguments)
    return run(lambda: _export(load_recipe(given.recipe, given.people, given.name), given.zoo))


def _export(recipe: Recipe, zoo: Path) -> None:
    data = data_folder()
    try:  # imported late, so that a missing TensorFlow is an error in one line
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
        thresholds = measure_thresholds(recipe, content, data)
        written = write(zoo, sidecar(recipe, checkpoint, thresholds, content, form), content)
        print(f"{written}: {len(content) / 1e6:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
