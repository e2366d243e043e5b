"""Write a checkpoint's generator as ONNX, with all that using it needs."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from magic_model.checkpoint import Ranges, load_generator
from magic_model.errors import DataError
from magic_model.inference.streamline import streamlined
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator

METADATA = "magic_model"
SUFFIX = ".onnx"
"""By which `magic-model generate` knows a model from a checkpoint."""

_MOST = 1024  # slices in one call


def export_onnx(checkpoint: Path, path: Path) -> None:
    """Write an ONNX model: `ncct (n, 3, s, s)` and `ratio (maps made,)` to `maps`.

    Weights are in the same file, which is there whole or not at all.

    Args:
        checkpoint: A checkpoint or the folder of a run.
        path: The `.onnx` file.

    Raises:
        DataError: If the checkpoint cannot be used, or the file is not named `.onnx` or
            cannot be written.
    """
    if path.suffix != SUFFIX:
        msg = f"{path}: an ONNX model must be named *{SUFFIX}"
        raise DataError(msg)
    generator, header = load_generator(checkpoint)
    size = header.recipe.data.size
    graph = _Graph(streamlined(generator, size)).eval()
    example = (torch.zeros(2, 3, size, size), torch.ones(len(generator.made)))
    n = torch.export.Dim("n", min=1, max=_MOST)
    with _quiet():
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            input_names=["ncct", "ratio"],
            output_names=["maps"],
            dynamic_shapes=({0: n}, None),
            verbose=False,
        )
    if program is None:  # pragma: no cover - only with dynamo=False
        msg = "ONNX export gave no program"
        raise DataError(msg)
    about = {
        "recipe": header.recipe.name,
        "maps": list(header.recipe.maps),
        "made": list(generator.made),
        "size": size,
    }
    program.model.metadata_props[METADATA] = json.dumps(
        {**about, "ranges": _plain(header.ranges)}
    )
    staged = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        program.save(str(staged), external_data=False)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


class _Graph(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, ncct: Tensor, ratio: Tensor) -> Tensor:
        perfusion, anatomy = 2 * ratio / (1 + ratio), 2 / (1 + ratio)
        factors: Mapping[PerfusionMap, tuple[Tensor, Tensor]] = {
            name: (perfusion[index], anatomy[index])
            for index, name in enumerate(self.generator.made)
        }
        return self.generator.compose_with(self.generator.features(ncct), ncct, factors)


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


def _plain(ranges: Ranges) -> dict[str, list[float]]:
    return {str(name): list(limits) for name, limits in ranges.items()}
