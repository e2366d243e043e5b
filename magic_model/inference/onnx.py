"""The ONNX form of a generator: written by PyTorch, run by ONNX Runtime without it."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from magic_model.data.grid import BoolArray, window_at, window_sides
from magic_model.data.sampling import Sampling
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError, as_path
from magic_model.maps import PerfusionMap
from magic_model.output import require_writable
from magic_model.ratio import Ratio
from magic_model.texture import texture_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from magic_model.checkpoint import CheckpointHeader, Ranges
    from magic_model.networks import Generator

SUFFIX = ".onnx"
"""By which `magic-model generate` knows a model from a checkpoint."""

_METADATA = "magic_model"
_MOST = 1024  # slices in one call


class OnnxBackend:
    """An exported model.

    Args:
        path: The `.onnx` file that `magic-model export` wrote.
        threads: Threads to compute with; 0 leaves the choice to ONNX Runtime.

    Raises:
        DataError: If the file is missing, damaged or no model of `magic-model`.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        import onnxruntime

        path = as_path(path)
        if not path.is_file():
            msg = f"{path}: no such model"
            raise DataError(msg)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own classes share no base but this
            msg = f"{path}: not a readable ONNX model ({str(error).splitlines()[0]})"
            raise DataError(msg) from error
        about = self._session.get_modelmeta().custom_metadata_map.get(_METADATA)
        if about is None:
            msg = f"{path}: an ONNX model, but none that magic-model export wrote"
            raise DataError(msg)
        try:
            plain = json.loads(about)
            self.recipe_name: str = plain["recipe"]
            self.maps: Sequence[PerfusionMap] = [PerfusionMap(m) for m in plain["maps"]]
            self.ranges = {
                PerfusionMap(name): (low, high)
                for name, (low, high) in plain["ranges"].items()
            }
            self.size: int = plain["size"]
            self.window: int = plain.get("window", 0)
            mm = plain.get("sampling")  # there is none in models of version 0.1
            self.sampling = Sampling(**mm) if mm else None
            self.texture = texture_of(
                bool(plain.get("texture")), plain.get("texture"), path
            )
            self._made = [PerfusionMap(name) for name in plain["made"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"{path}: what it says of itself is not readable ({error!r})"
            raise DataError(msg) from error

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1]."""
        ratios = [
            ratio.get(name, 1.0) if isinstance(ratio, Mapping) else ratio
            for name in self._made
        ]
        if not all(0 < r < float("inf") for r in ratios):
            msg = f"The perfusion information ratio must be positive, got {ratio}"
            raise DataError(msg)
        told = np.array(ratios, np.float32)
        slices = np.asarray(ncct, np.float32)
        if not self.window:
            return self._run(slices, told)
        shape = (len(slices), len(self.maps), *slices.shape[2:])
        maps = np.full(shape, -1, np.float32)
        seen: BoolArray = np.asarray(np.any(slices > -1, axis=1))
        for index, inside in enumerate(seen):
            sides = window_sides(inside, self.window)
            place = (slice(index, index + 1), ..., *window_at(inside, sides))
            maps[place] = self._run(slices[place], told)
        return maps

    def _run(self, ncct: FloatArray, ratios: FloatArray) -> FloatArray:
        told = {"ncct": np.ascontiguousarray(ncct), "ratio": ratios}
        (maps,) = self._session.run(["maps"], told)
        return np.asarray(maps, np.float32)


def export_onnx(checkpoint: str | Path, path: str | Path) -> None:
    """Write an ONNX model: `ncct (n, 3, s, s)` and `ratio (maps made,)` to `maps`.

    A network that was trained on windows about brains takes these, too: sides that are
    multiples of the `window` that it names.

    Weights are in the same file, which is there whole or not at all.

    Args:
        checkpoint: A checkpoint or the folder of a run.
        path: The `.onnx` file.

    Raises:
        DataError: If the checkpoint cannot be used, or the file is not named `.onnx` or
            cannot be written.
    """
    import torch

    from magic_model.checkpoint import load_generator
    from magic_model.inference.model import optimize_for_inference

    path = as_path(path)
    if path.suffix != SUFFIX:
        msg = f"{path}: an ONNX model must be named *{SUFFIX}"
        raise DataError(msg)
    require_writable(path.parent)
    generator, header = load_generator(as_path(checkpoint))
    size = header.recipe.data.size
    graph = _graph(optimize_for_inference(generator, size)).eval()
    example, dynamic = _example(generator, size)
    with _quiet():
        program = torch.onnx.export(
            graph,
            (example, torch.ones(len(generator.made))),
            dynamo=True,
            input_names=["ncct", "ratio"],
            output_names=["maps"],
            dynamic_shapes=(dynamic, None),
            verbose=False,
        )
    if program is None:  # pragma: no cover - only with dynamo=False
        msg = "ONNX export gave no program"
        raise DataError(msg)
    about = _about(generator, header)
    program.model.metadata_props[_METADATA] = json.dumps(about)
    staged = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        program.save(str(staged), external_data=False)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def _example(
    generator: "Generator", size: int
) -> tuple["Tensor", dict[int, "torch.export.Dim"]]:
    """Slices to export with, and which of their sides are free."""
    import torch

    free = {0: torch.export.Dim("n", min=1, max=_MOST)}
    window = generator.window
    if not window:
        return torch.zeros(2, 3, size, size), free
    # Unlike, and more than one window wide: else they would be taken for one, or fixed.
    sides = 2, 3
    for axis, least in enumerate(sides, start=2):
        most = max(size // window, least)
        free[axis] = window * torch.export.Dim(f"side_{axis}", min=1, max=most)
    return torch.zeros(2, 3, *(window * side for side in sides)), free


def _about(generator: "Generator", header: "CheckpointHeader") -> dict[str, Any]:
    """What a model says of itself."""
    return {
        "recipe": header.recipe.name,
        "maps": list(header.recipe.maps),
        "made": list(generator.made),
        "size": header.recipe.data.size,
        "window": generator.window,
        "sampling": header.sampling and asdict(header.sampling),
        "texture": header.texture,
        "ranges": _plain(header.ranges),
    }


def _graph(generator: "Generator") -> "nn.Module":
    """Return the generator with the ratio of each map as a second input."""
    from torch import nn

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = generator

        def forward(self, ncct: "Tensor", ratio: "Tensor") -> "Tensor":
            perfusion, anatomy = 2 * ratio / (1 + ratio), 2 / (1 + ratio)
            factors: Mapping[PerfusionMap, tuple[Tensor, Tensor]] = {
                name: (perfusion[index], anatomy[index])
                for index, name in enumerate(generator.made)
            }
            return generator.compose_with(generator.features(ncct), ncct, factors)

    return Graph()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back warnings about packages that the export does not need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _plain(ranges: "Ranges") -> dict[str, list[float]]:
    return {str(name): list(limits) for name, limits in ranges.items()}
