"""Computations that are cached in parts."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from models.data.cache import Arrays, compute_cached, digest
from models.errors import DataError


def _squares(part: Sequence[int]) -> Arrays:
    return {"square": np.array(part) ** 2}


def test_parts_are_returned_in_order(tmp_path: Path) -> None:
    """Threads may finish in any order; the result is in the order of the items."""
    found = compute_cached("squares", range(100), _squares, tmp_path, "key", part=7, workers=4)
    assert found["square"].tolist() == [number**2 for number in range(100)]


def test_a_stopped_run_resumes(tmp_path: Path) -> None:
    """Parts that were done before a failure are not computed again."""
    done: list[int] = []

    def fragile(part: Sequence[int]) -> Arrays:
        if 5 in part and 5 not in done:
            done.append(5)
            raise DataError("stopped")
        done.extend(part)
        return _squares(part)

    with pytest.raises(DataError):
        compute_cached("squares", range(8), fragile, tmp_path, "key", part=1, workers=1)
    before = len(done)
    compute_cached("squares", range(8), fragile, tmp_path, "key", part=1, workers=1)
    assert sorted(set(done)) == list(range(8))
    assert len(done) - before < 8


def test_two_processes_can_compute_the_same_at_once(tmp_path: Path) -> None:
    """Each writes complete files and moves them into place, so neither reads a partial file."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = [each.result() for each in [pool.submit(_compute, tmp_path) for _ in range(2)]]
    assert found == [[number**2 for number in range(2000)]] * 2
    assert not list(tmp_path.glob("*.part"))


def _compute(folder: Path) -> list[int]:
    squares: list[int] = compute_cached("squares", range(2000), _squares, folder, "key", part=1)["square"].tolist()
    return squares


def test_another_key_is_computed_again(tmp_path: Path) -> None:
    """Each key has its own files."""
    compute_cached("squares", range(3), _squares, tmp_path, digest("a"))
    found = compute_cached("cubes", range(3), lambda part: {"square": np.array(part) ** 3}, tmp_path, digest("b"))
    assert found["square"].tolist() == [0, 1, 8]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    """The message says which file to delete."""
    compute_cached("squares", range(3), _squares, tmp_path, "key")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    with pytest.raises(DataError, match=kept.name):
        compute_cached("squares", range(3), _squares, tmp_path, "key")
