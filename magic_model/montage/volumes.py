"""The volumes of a reader study's cases: NCCT and maps on one grid, to scroll in."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magic_model.colours import PERFUSION_COLOURS, levels_of
from magic_model.data import grid as data_grid
from magic_model.data.cohort import Cohort
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.paired import PairedSlices, pair_slices
from magic_model.data.slices import SliceGeometry, SliceStack, to_display
from magic_model.data.straight import straighten
from magic_model.data.unmeasured import measured_only
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.montage.picture import MONTAGE_MAPS, clipped

FOLDER = "volumes"

_AIR = -1024.0  # HU outside the scan


@dataclass(frozen=True, kw_only=True)
class VolumeLayout:
    """The grid that all cases of a study are put on, around the brain."""

    slices: int = 24
    """Slices of every case; those beyond the maps show the NCCT alone."""

    size: int = 256
    """Pixels along each side of a slice."""

    pixel_mm: float = 0.8
    """Side of a pixel: 256 of them hold a head of 205 mm."""

    spacing_mm: float = 5.0
    """Distance of the slices."""

    maps: tuple[PerfusionMap, ...] = MONTAGE_MAPS
    """Panels after the NCCT, from left to right."""

    @property
    def geometry(self) -> SliceGeometry:
        """Where the slices of the maps lie."""
        return SliceGeometry(
            size=self.size,
            pixel_mm=self.pixel_mm,
            spacing_mm=self.spacing_mm,
            n_slices=self.slices,
            slice_mm=self.spacing_mm,
        )

    @property
    def affine(self) -> Affine:
        """From column, row and slice to mm: left, posterior and up from the middle.

        The same for all cases: where a head lay in the scanner is left out.
        """
        middle = (self.size - 1) / 2 * self.pixel_mm
        affine = np.diag([self.pixel_mm, self.pixel_mm, self.spacing_mm, 1.0])
        affine[:2, 3] = -middle
        return affine

    def panels(self) -> list[dict[str, Any]]:
        """Return what each panel is: name, unit, kind of number, range and colours."""
        low, high = NCCT_WINDOW
        grey = {"low": low, "high": high, "colours": ""}
        first = {"name": "NCCT", "unit": "HU", "dtype": "int16", **grey}
        colours = PERFUSION_COLOURS.tobytes().hex()
        found = [first]
        for spec in (MAP_SPECS[name] for name in self.maps):
            low, high = spec.value_range
            limits = {"low": low, "high": high, "colours": colours}
            found.append(
                {"name": spec.title, "unit": spec.unit, "dtype": "uint8", **limits}
            )
        return found


def write_volumes(
    measured: Cohort, generated: Cohort, out: Path, layout: VolumeLayout
) -> list[tuple[Path, Path]]:
    """Write a volume of each patient and method; both are sampled in the same way.

    Args:
        measured: NCCT and measured maps.
        generated: Generated maps; its patients are those written.
        out: Where cases.csv will be.
        layout: Grid and maps.

    Returns:
        Paths relative to `out`, of the measured and the generated maps.

    Raises:
        DataError: If an image cannot be read or a file cannot be written.
    """
    pairs = pair_slices(measured, generated, layout.maps, geometry=layout.geometry)
    return [_write_pair(measured, pair, out, layout) for pair in pairs]


def _write_pair(
    measured: Cohort, pair: PairedSlices, out: Path, layout: VolumeLayout
) -> tuple[Path, Path]:
    name = pair.patient.patient_id
    first = _first(pair.reference, layout)
    ncct = _sample_ncct(measured.load(pair.patient, Kind.NCCT), pair, first, layout)
    paths = []
    methods = (("reference", pair.reference.maps), ("test", pair.generated))
    for method, maps in methods:
        path = Path(FOLDER) / f"{name}_{method}.npz"
        codes = list(_codes(pair.reference, maps, first, layout))
        _write(out / path, [ncct, *codes], layout)
        paths.append(path)
    return paths[0], paths[1]


def _first(stack: SliceStack, layout: VolumeLayout) -> int:
    """Return which slice of the stack's slab is the lowest of the volume; may be < 0.

    The slab is put in the middle.
    """
    return (int(stack.positions[-1]) + 1 - layout.slices) // 2


def _sample_ncct(
    ncct: Volume, pair: PairedSlices, first: int, layout: VolumeLayout
) -> NDArray[np.int16]:
    """Return `(slices, size, size)` HU of the whole head."""
    head = data_grid.reorient_ras(measured_only(straighten(ncct)))
    affine = pair.reference.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    shape = (layout.size, layout.size, layout.slices)
    found = data_grid.resample(head, affine, shape, outside=_AIR)
    limits = np.iinfo(np.int16)
    rounded = np.rint(np.clip(to_display(found.array), limits.min, limits.max))
    return rounded.astype(np.int16)


def _codes(
    stack: SliceStack,
    maps: Mapping[PerfusionMap, FloatArray],
    first: int,
    layout: VolumeLayout,
) -> Iterator[NDArray[np.uint8]]:
    """Yield `(slices, size, size)` codes of each map; 0 outside the mask."""
    places = stack.positions - first
    inside = (places >= 0) & (places < layout.slices)
    for name in layout.maps:
        shown = levels_of(clipped(maps[name], name), MAP_SPECS[name].value_range)
        shown = shown * stack.mask
        codes = np.zeros((layout.slices, layout.size, layout.size), np.uint8)
        codes[places[inside]] = shown[inside]
        yield codes


def _write(
    path: Path,
    images: list[NDArray[np.int16] | NDArray[np.uint8]],
    layout: VolumeLayout,
) -> None:
    staged = path.with_name(f".{path.name}")
    arrays: dict[str, Any] = {f"panel_{n}": image for n, image in enumerate(images)}
    arrays["about"] = np.array(json.dumps({"panels": layout.panels()}))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as file:
            np.savez_compressed(file, affine=layout.affine, **arrays)
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
