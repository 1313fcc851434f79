"""A long computation over many items -> arrays, cached on disk in parts, so that a stopped run resumes."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from models.command import Progress
from models.errors import DataError

Arrays = dict[str, npt.NDArray[Any]]
"""Arrays by name; the first axis is the items."""

Item = TypeVar("Item")

FOLDER = Path(__file__).resolve().parents[2] / ".cache"


def digest(*parts: object) -> str:
    """Return a short digest of all that a result depends on."""
    text = "\n".join(repr(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compute_cached(
    what: str,
    items: Sequence[Item],
    make: Callable[[Sequence[Item]], Arrays],
    folder: Path,
    key: str,
    *,
    part: int = 256,
    workers: int = 0,
) -> Arrays:
    """Return the arrays that `make` computes for all items, in their order.

    Args:
        what: label of the progress line.
        items: the items.
        make: called with at most `part` items, from several threads.
        folder: the folder of the cached parts.
        key: digest of all that the result depends on, including the items; each key has its own files.
        part: items per file.
        workers: number of threads; 0 is one per core.

    Raises:
        DataError: a cached part is damaged, or the folder is not writable.
    """
    pieces = [items[start : start + part] for start in range(0, len(items), part)]
    files = [folder / f"{key}-{number:04d}.npz" for number in range(len(pieces))]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    if missing:
        with (
            Progress(what, sum(len(pieces[number]) for number in missing)) as progress,
            ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool,
        ):

            def work(number: int) -> int:
                _write(files[number], make(pieces[number]))
                return len(pieces[number])

            try:
                for done in pool.map(work, missing):
                    progress.advance(done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    parts = [_read(file) for file in files]
    return {name: np.concatenate([arrays[name] for arrays in parts]) for name in parts[0]}


def _write(file: Path, arrays: Arrays) -> None:
    partial = file.with_suffix(f".{os.getpid()}.part")  # two trainings may compute the same part
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
        partial.replace(file)
    except OSError as error:
        raise DataError(
            f"{file}: {error.strerror or error}: the cache needs a writable disk with free space"
        ) from error


def _read(file: Path) -> Arrays:
    try:
        with file.open("rb") as stream, np.load(stream) as content:
            return dict(content)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file}: this part of the cache is damaged: delete it and run again") from error
