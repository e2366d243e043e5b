"""A model that is ready to generate, and the maps of slices by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from magic_model.data.normalise import Range, scale_hounsfield, unscale_map
from magic_model.data.sampling import Sampling
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.output import file_digest
from magic_model.ratio import Ratio
from magic_model.texture import TextureModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch


Progress = Callable[[int, int], None]
"""Called with slices done and all slices of a patient."""


class Backend(Protocol):
    """Generates maps of slices of one size, whichever library computes them."""

    @property
    def maps(self) -> Sequence[PerfusionMap]:
        """Maps in channel order."""

    @property
    def ranges(self) -> "Mapping[PerfusionMap, Range]":
        """Values of each map that -1 and 1 stand for."""

    @property
    def size(self) -> int:
        """Pixels along each side of a slice."""

    @property
    def recipe_name(self) -> str:
        """Name of the recipe that was trained."""

    @property
    def sampling(self) -> Sampling | None:
        """Millimetres that it was trained with; None where version 0.1 trained it."""

    @property
    def texture(self) -> TextureModel | None:
        """What texture it learnt; None where its recipe asks for none."""

    @property
    def window(self) -> int:
        """Multiple of pixels of the windows about brains that it sees; 0 is all."""

    def predict(self, ncct: FloatArray, ratio: Ratio = 1.0) -> FloatArray:
        """Generate `(n, maps, size, size)` from `(n, 3, size, size)`, in [-1, 1].

        Raises:
            DataError: If a ratio is not positive.
        """


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready to generate.

    Attributes:
        path: Its file.
        backend: What computes.
        digest: sha256 of the file.
        device: Of other processes that it is sent to: auto, cpu or cuda.
        bfloat16: Whether the CPU computes in bfloat16.
    """

    path: Path
    backend: Backend
    digest: str
    device: str = "cpu"
    bfloat16: bool = False

    def __reduce__(self) -> "tuple[Any, ...]":
        """Send the name of the file to another process, not the weights."""
        return _reopen, (self.path.resolve(), self.device, self.digest, self.bfloat16)


@lru_cache(maxsize=2)
def _reopen(path: Path, device: str, digest: str, bfloat16: bool) -> OpenedModel:
    """Open in another process, once, what one has opened.

    Raises:
        DataError: If the file is not there, or another one, or if this processor has no
            bfloat16 and that of the first has: their maps would differ.
    """
    place = None
    if path.suffix != ".onnx":
        from magic_model.distributed import choose_device

        place = choose_device(device)
    model = open_model(path, place, bfloat16=bfloat16)
    model = replace(model, device=device)
    if model.digest != digest:
        msg = f"{path}: must be the same file for all processes, got another one"
        raise DataError(msg)
    if model.bfloat16 != bfloat16:
        msg = "--bfloat16 must suit the processors of all machines, got one without it"
        raise DataError(msg)
    return model


def open_model(
    path: Path, device: "torch.device | None" = None, *, bfloat16: bool = False
) -> OpenedModel:
    """Open a checkpoint, the folder of a run, or an ONNX model.

    Args:
        path: The file, or a folder, of which the best checkpoint is taken, else the
            last one.
        device: Where a checkpoint runs, the CPU if left out; ONNX runs on the CPU.
        bfloat16: Compute a checkpoint in bfloat16 on a CPU that has it.

    Raises:
        DataError: If there is none, it cannot be used, or bfloat16 is asked of ONNX,
            which computes as it was exported.
    """
    if path.suffix == ".onnx" and not path.is_dir():
        if bfloat16:
            msg = f"--bfloat16 must be given with a checkpoint, got {path}"
            raise DataError(msg)
        from magic_model.inference.onnx import OnnxBackend

        return OpenedModel(path, OnnxBackend(path), file_digest(path))
    import torch

    from magic_model.checkpoint import checkpoint_of
    from magic_model.inference.model import TorchBackend

    file = checkpoint_of(path)
    backend = TorchBackend(file, device or torch.device("cpu"), bfloat16=bfloat16)
    return OpenedModel(file, backend, file_digest(file), bfloat16=backend.bfloat16)


def generate_slices(
    stack: SliceStack,
    backend: Backend,
    *,
    ratio: Ratio = 1.0,
    batch_size: int = 4,
    progress: Progress | None = None,
) -> dict[PerfusionMap, FloatArray]:
    """Generate maps of every slice.

    Args:
        stack: Slices of an NCCT.
        backend: What generates.
        ratio: Perfusion information ratio; 1 is the output as trained.
        batch_size: Slices computed at a time; it does not change the result.
        progress: Called with slices done and all slices.

    Returns:
        `(n, size, size)` each, in its unit; 0 outside the mask of the stack.

    Raises:
        DataError: If slices are not of the backend's size or a ratio is not positive.
    """
    n_slices, size = stack.mask.shape[:2]
    if size != backend.size:
        msg = f"Slices must be {backend.size} pixels wide, got {size}"
        raise DataError(msg)
    maps = {name: np.zeros(stack.mask.shape, np.float32) for name in backend.maps}
    for start in range(0, n_slices, batch_size):
        part = slice(start, min(start + batch_size, n_slices))
        made = backend.predict(scale_hounsfield(stack.ncct[part]), ratio)
        inside = stack.mask[part]
        for channel, name in enumerate(backend.maps):
            in_brain = made[:, channel][inside]
            limits = backend.ranges[name]
            maps[name][part][inside] = unscale_map(in_brain, name, limits)
        if progress is not None:
            progress(part.stop, n_slices)
    return maps


def as_volumes(
    stack: SliceStack, maps: dict[PerfusionMap, FloatArray]
) -> dict[PerfusionMap, Volume]:
    """Put maps back in space."""
    return {
        name: stack.to_volume(images, Kind(name.value)) for name, images in maps.items()
    }
