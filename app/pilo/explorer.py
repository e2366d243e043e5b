"""One NCCT and one network: maps of a slice at any ratio, at once."""

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import typer

from app.configuration import CHECKPOINT, INPUT
from magic_model.checkpoint import checkpoint_of, read_header
from magic_model.data.grid import BoolArray
from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray
from magic_model.distributed import choose_device
from magic_model.errors import DataError
from magic_model.inference.model import CachedFeatures, TorchBackend
from magic_model.inference.prepare import Source, find_sources
from magic_model.maps import PerfusionMap

Maps = Mapping[PerfusionMap, FloatArray]

_MIDDLE = 1  # of the NCCT below, at and above a slice
_KEPT = 64  # slices whose features are kept, about 2 MB each at 256 pixels


class ExplorerError(typer.TyperException):
    """A checkpoint, an NCCT or a port that cannot be used; the command says so."""


class Explorer:
    """Slices of an NCCT, and what a network makes of them.

    Args:
        backend: The network.
        stack: Slices of its size, at least one.
        origin: What the maps are made by and from, in words without identifiers.
    """

    def __init__(self, backend: TorchBackend, stack: SliceStack, origin: str) -> None:
        self._backend, self._stack, self.origin = backend, stack, origin
        self._features: OrderedDict[int, CachedFeatures] = OrderedDict()
        self._computing = threading.Lock()

    @property
    def maps(self) -> tuple[PerfusionMap, ...]:
        """Maps in the order in which they are shown."""
        return tuple(self._backend.maps)

    @property
    def adjustable(self) -> tuple[PerfusionMap, ...]:
        """Maps with a ratio of their own: all but a CBV that follows from others."""
        derived = self._backend.recipe.generator.derive_cbv
        return tuple(
            name for name in self.maps if not (derived and name is PerfusionMap.CBV)
        )

    @property
    def balanced(self) -> bool:
        """Whether the checkpoint knows the balance of perfusion and anatomy."""
        return self._backend.balanced

    @property
    def n_slices(self) -> int:
        """Slices that show brain."""
        return len(self._stack.mask)

    @property
    def fullest(self) -> int:
        """The slice with most brain."""
        return int(self._stack.mask.sum((1, 2)).argmax())

    def brain(self, index: int) -> BoolArray:
        """Return where a slice shows brain, `(size, size)`."""
        mask: BoolArray = self._stack.mask[index]
        return mask

    def ncct(self, index: int) -> FloatArray:
        """Return a slice of the NCCT, `(size, size)` HU; only inside the brain."""
        middle: FloatArray = self._stack.ncct[index, _MIDDLE]
        return middle

    def generate(self, index: int, ratios: Mapping[PerfusionMap, float]) -> Maps:
        """Generate the maps of a slice; only the last layer is computed again.

        Args:
            index: Of the slice, from below.
            ratios: Perfusion information ratio of each map; 1 where it is not named.

        Returns:
            `(size, size)` each, in its unit; 0 outside the brain.

        Raises:
            DataError: If a ratio is not positive.
        """
        (made,) = self._features_of(index).predict(ratios)
        brain = self._stack.mask[index]
        return {
            name: unscale_map(made[channel], name, self._backend.ranges[name]) * brain
            for channel, name in enumerate(self.maps)
        }

    def _features_of(self, index: int) -> CachedFeatures:
        with self._computing:  # pages of several browsers share a network
            if index not in self._features:
                ncct = scale_hounsfield(self._stack.ncct[index : index + 1])
                self._features[index] = self._backend.features(ncct)
            self._features.move_to_end(index)
            if len(self._features) > _KEPT:
                self._features.popitem(last=False)
            return self._features[index]


def open_explorer(checkpoint: Path, source: Path, device: str = "cpu") -> Explorer:
    """Load a network and cut an NCCT into slices for it.

    Args:
        checkpoint: A checkpoint, or the folder of a run.
        source: A NIfTI file, a folder of DICOM images, or a cohort of one patient.
        device: `cpu`, or `cuda` and `auto`. On a GPU a whole pass and kept features
            differ by the rounding of bfloat16, so that ratio 1 is not exactly what
            `magic-model generate` writes there.

    Raises:
        DataError: If the checkpoint cannot be used or has no ratio to change, or if the
            source is not one NCCT that shows a brain.
    """
    patient = _only(find_sources(source, source.resolve().name or "input"), source)
    file = checkpoint_of(checkpoint)
    header = read_header(file)
    if not header.recipe.generator.pilo:
        msg = f"{file}: recipe {header.recipe.name} must have PILO, got one without it"
        raise DataError(msg)
    ncct = patient.load()
    backend = TorchBackend(file, choose_device(device))
    stack = patient.slices(
        ncct, backend.size, None, every=True, sampling=backend.sampling
    )
    made_by = f"recipe {header.recipe.name}, epoch {header.epoch}, {file.name}"
    return Explorer(backend, stack, f"{made_by} \u00b7 {_words(patient)}")


@cache
def loaded_explorer(checkpoint: Path, source: Path) -> Explorer:
    """Load a network and an NCCT, once in a process.

    Raises:
        ExplorerError: If either cannot be used.
    """
    try:
        return open_explorer(checkpoint, source)
    except DataError as error:
        raise ExplorerError(str(error)) from error


def served_explorer() -> Explorer:
    """Return the explorer that the environment names.

    Raises:
        ExplorerError: If it cannot be loaded.
    """
    return loaded_explorer(Path(os.environ[CHECKPOINT]), Path(os.environ[INPUT]))


def _only(sources: list[Source], path: Path) -> Source:
    if len(sources) != 1:
        msg = f"{path}: must be one NCCT, got a cohort of {len(sources)} patients"
        raise DataError(msg)
    return sources[0]


def _words(source: Source) -> str:
    """Name a file; not a folder of DICOM images, which may bear a patient's name."""
    if source.headers is not None:
        return f"DICOM series of {len(source.files)} images"
    return source.files[0].name if source.patient is None else "patient of a cohort"
