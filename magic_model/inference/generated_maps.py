"""Maps of one patient, as a thing to look at, index and save."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from magic_model.data.cohort import GENERATED_FILE, add_to_cohort
from magic_model.data.slices import SliceStack
from magic_model.data.volume import Affine, FloatArray, Volume
from magic_model.errors import DataError, as_path
from magic_model.frames import to_frame
from magic_model.inference import write as inference_write
from magic_model.inference.prepare import Source
from magic_model.maps import MAP_SPECS, PerfusionMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from magic_model.inference.generate import Generation


@dataclass(frozen=True, eq=False)
class GeneratedMaps:
    """Perfusion maps of one patient, in the units of `magic_model.MAP_SPECS`.

    `maps["CBF"]` is an array `(x, y, z)`, 0 outside the brain; names are those of
    `PerfusionMap` in any case. Research use only.

    Attributes:
        patient_id: Study-local name.
        volumes: The maps with their place in space.
        mask: Brain on the same grid, 0 or 1.
        notes: What was unusual about the NCCT, and what was done.
        source: What the maps were generated from.
        stack: The slices that the model saw.
        generation: Model and settings.
        ncct_digest: sha256 of the values of the NCCT, which DICOM UIDs follow from.
    """

    patient_id: str
    volumes: "Mapping[PerfusionMap, Volume]"
    mask: Volume
    notes: Sequence[str]
    source: Source = field(repr=False)
    stack: SliceStack = field(repr=False)
    generation: "Generation" = field(repr=False)
    ncct_digest: bytes = field(default=b"", repr=False)

    def __getitem__(self, name: PerfusionMap | str) -> FloatArray:
        return self.volume(name).array

    def __iter__(self) -> Iterator[PerfusionMap]:
        return iter(self.volumes)

    def __len__(self) -> int:
        return len(self.volumes)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in set(self.volumes)

    def keys(self) -> list[PerfusionMap]:
        """Return the names of the maps, in channel order."""
        return list(self.volumes)

    def volume(self, name: PerfusionMap | str) -> Volume:
        """Return a map with its affine, unit and kind.

        Raises:
            DataError: If the model does not generate it.
        """
        if name not in self:
            msg = f"Maps must be among {self._titles}, got {name!r}"
            raise DataError(msg)
        return self.volumes[PerfusionMap(str(name).lower())]

    @property
    def affine(self) -> Affine:
        """`(4, 4)` from voxel indices to mm in RAS+, of all maps."""
        return self.mask.affine

    @property
    def units(self) -> dict[PerfusionMap, str]:
        """Unit of each map."""
        return {name: MAP_SPECS[name].unit for name in self.volumes}

    @property
    def _titles(self) -> str:
        return ", ".join(MAP_SPECS[name].title for name in self.volumes)

    def save(
        self, folder: str | Path, *, dicom: bool = False, pictures: bool = False
    ) -> Path:
        """Write what `magic-model generate` writes: NIfTI files and generated.csv.

        Args:
            folder: A folder of generated maps; other patients in it are kept.
            dicom: Write DICOM objects too: maps, pictures and a report.
            pictures: Draw the maps at several ratios, and their resolution, too.

        Returns:
            The patient's folder in it.

        Raises:
            DataError: If a file cannot be written, or would replace the NCCT.
        """
        out = as_path(folder)
        inference_write.require_apart([self.source], out)
        settings = replace(self.generation.settings, dicom=dicom, pictures=pictures)
        made = replace(self.generation, settings=settings).write(self, out)
        add_to_cohort(out, made.patient, GENERATED_FILE)
        return out / self.patient_id

    def to_frame(self) -> "pd.DataFrame":
        """Return mean, spread and range of each map in the brain, a row per map."""
        inside = self.mask.array > 0
        return to_frame(
            {
                "map": MAP_SPECS[name].title,
                "unit": volume.unit,
                "mean": float(volume.array[inside].mean(dtype=np.float64)),
                "sd": float(volume.array[inside].std(dtype=np.float64)),
                "min": float(volume.array[inside].min()),
                "max": float(volume.array[inside].max()),
                "voxels": int(inside.sum()),
            }
            for name, volume in self.volumes.items()
        ).set_index("map")

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.mask.shape))
        spacing = " x ".join(f"{mm:.3g}" for mm in self.mask.spacing)
        return (
            f"GeneratedMaps({self.patient_id!r}: {self._titles}; "
            f"{shape} voxels of {spacing} mm)"
        )

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format="{:.3g}".format)
        return f"{table}<p>{html.escape(repr(self))}. Research use only.</p>"
