"""A TFLite file and its sidecar -> a verified network with its heads bound by name."""

import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from node.domain import Image, Vector
from node.errors import ModelError
from node.vision.sidecar import Input, Sidecar, load_sidecar

Runtime = Literal["auto", "litert", "tflite"]
_MODULES = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
_PACKAGES = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
_SIGNATURE = "serving_default"
_MISFITS = (ImportError, AttributeError, SystemError)  # what a runtime that was built for another numpy raises


def find_runtime(runtime: Runtime, load: Callable[[str], Any] = importlib.import_module) -> tuple[str, Any]:
    """Return the name of the runtime that is taken, and its `Interpreter` class.

    Args:
        runtime: which; `auto` takes the first that is there.
        load: returns a module by its name.

    Raises:
        ModelError: it is not installed, or not usable with the numpy that is.
    """
    reasons = []
    for name in _MODULES if runtime == "auto" else (runtime,):
        try:
            return name, load(_MODULES[name]).Interpreter
        except ModuleNotFoundError as error:
            reasons.append(f"{_PACKAGES[name]}: {error}")
        except _MISFITS as error:
            reasons.append(f"{_PACKAGES[name]}: {_misfit(name, error)}")
    raise ModelError(f"no TFLite runtime: {'; '.join(reasons)}: pip install ai-edge-litert (or tflite-runtime)")


def started(  # noqa: PLR0913 - what an interpreter is made of
    path: Path,
    name: str,
    interpreter_class: Callable[..., Any],
    content: bytes,
    threads: int,
    *,
    shape: tuple[int, ...] | None = None,
) -> Any:  # noqa: ANN401 - of either runtime, neither has types
    """Return an interpreter of a network, ready to run.

    Args:
        path: of the file, for messages.
        name: of the runtime.
        interpreter_class: of the runtime.
        content: of the file.
        threads: of the runtime.
        shape: of the input; None: as the file has it. To allocate that of the file first takes memory that the
            process keeps.

    Raises:
        ModelError: the network is damaged, or the runtime does not work with the numpy that is installed.
    """
    try:
        with _silence():
            interpreter = interpreter_class(model_content=content, num_threads=threads)
            if shape is not None:
                interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
    except _MISFITS as error:
        raise ModelError(f"{path}: {_misfit(name, error)}") from error
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: {name} cannot load it: {_first_line(error)}") from error
    return interpreter


def _misfit(name: str, error: BaseException) -> str:
    advice = "pip install 'numpy<2', or ai-edge-litert" if name == "tflite" else "install both again"
    return f"{name} does not work with numpy {np.__version__} ({_first_line(error)}): {advice}"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def verified(path: Path) -> tuple[Sidecar, bytes]:
    """Return the sidecar and the bytes of a network whose hash fits.

    Raises:
        ModelError: a file is missing, or the hash does not fit the sidecar.
    """
    sidecar = load_sidecar(path.with_suffix(".json"))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}: model.path names no readable network") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sidecar.sha256:
        raise ModelError(
            f"{path}: sha256 is {found[:8]}…, its sidecar says {sidecar.sha256[:8]}…: "
            "the file is damaged or of another version: copy both again"
        )
    return sidecar, content


class Network:
    """One interpreter, built once.

    Args:
        path: the `.tflite` file; its sidecar lies beside it.
        runtime: which TFLite runtime.
        threads: of the runtime.

    Raises:
        ModelError: the file is missing, damaged, or does not fit its sidecar.
    """

    def __init__(self, path: Path, runtime: Runtime = "auto", threads: int = 1) -> None:
        self.sidecar, content = verified(path)
        self.runtime, interpreter_class = find_runtime(runtime)
        self._interpreter = started(path, self.runtime, interpreter_class, content, threads)
        if _SIGNATURE not in self._interpreter.get_signature_list():
            raise ModelError(f"{path}: it has no signature {_SIGNATURE!r}: export the network again")
        runner = self._interpreter.get_signature_runner(_SIGNATURE)
        self._input = _bind(path, "input", self.sidecar.input.name, runner.get_input_details())
        outputs = runner.get_output_details()
        self._outputs = {head: _bind(path, "head", head, outputs) for head in self.sidecar.heads.lengths}
        self._check_shapes(path)

    def infer(self, crop: Image) -> Mapping[str, Vector]:
        """Return what every head says of one aligned face.

        Args:
            crop: shape (height, width, 3) of the sidecar's input, uint8, RGB.

        Returns:
            By head: shape (n,), float32; `embedding` of unit length, the others softmax scores.
        """
        # A view that lives on would keep the runtime from running: it is asked for each time.
        self._interpreter.tensor(self._input["index"])()[0] = quantised(crop, self.sidecar.input)
        self._interpreter.invoke()
        return {head: self._read(detail) for head, detail in self._outputs.items()}

    def invoke(self) -> None:
        """Run the interpreter on what it holds: the bare call that a benchmark sets beside `infer`."""
        self._interpreter.invoke()

    def _read(self, detail: Mapping[str, Any]) -> Vector:
        raw: npt.NDArray[Any] = self._interpreter.tensor(detail["index"])()[0]
        scale, zero_point = detail["quantization"]
        values = raw.astype(np.float32)  # a copy
        return (values - np.float32(zero_point)) * np.float32(scale) if scale else values

    def _check_shapes(self, path: Path) -> None:
        expected = self.sidecar.input
        shape, dtype = tuple(int(n) for n in self._input["shape"]), np.dtype(self._input["dtype"]).name
        if shape != (1, *expected.size, 3) or dtype != expected.dtype:
            raise ModelError(
                f"{path}: its input is {dtype} {shape}, its sidecar says {expected.dtype} {(1, *expected.size, 3)}"
            )
        for head, length in self.sidecar.heads.lengths.items():
            shape = tuple(int(n) for n in self._outputs[head]["shape"])
            if shape != (1, length):
                raise ModelError(f"{path}: head {head} gives {shape}, its sidecar says {(1, length)}")


@contextmanager
def _silence() -> Iterator[None]:
    """Keep away what the runtime writes to stderr while it loads: a line on its delegate, which no option turns off.

    What goes wrong it raises besides.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def quantised(crop: Image, expected: Input) -> npt.NDArray[Any]:
    """Return a crop, uint8 0..255, as the network takes it; uint8 without a scale passes as it is."""
    if expected.dtype == "uint8" and expected.scale is None:
        return crop
    if expected.scale is None:
        return crop.astype(expected.dtype)
    levels: npt.NDArray[Any] = np.round(crop / expected.scale) + (expected.zero_point or 0)
    limits = np.iinfo(expected.dtype)
    return levels.clip(limits.min, limits.max).astype(expected.dtype)


def _bind(path: Path, kind: str, name: str, details: Mapping[str, Any]) -> Mapping[str, Any]:
    detail: Mapping[str, Any] | None = details.get(name)
    if detail is None:
        raise ModelError(f"{path}: it has no {kind} {name!r}, only {', '.join(sorted(details))}")
    return detail
