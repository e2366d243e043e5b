"""A patient as found on disk: which images there are and how each is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.nifti import read_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

if TYPE_CHECKING:
    from magic_model.data.dicom.table import SeriesRow


def read_series(paths: Sequence[Path], kind: Kind, *, joined: bool = False) -> Volume:
    """Read the files of one series, in any order; `joined` of two parts of one head.

    pydicom is imported here, so that the layouts without DICOM do without it.

    Raises:
        DataError: If they are not one series of this kind.
    """
    from magic_model.data.dicom.ct import read_ct_series
    from magic_model.data.dicom.perfusion import read_map_series

    if kind is Kind.NCCT:
        return read_ct_series(paths, joined=joined)
    return read_map_series(paths, kind)


ImageLoader = Callable[[], Volume]
"""Reads one image when called. It can be pickled, so that others may read it too."""


@dataclass(frozen=True)
class PatientSource:
    """Images found of one patient; nothing but headers has been read so far.

    Attributes:
        source_id: Name as on disk. It is replaced on import and never copied into a
            cohort.
        images: Loader of each image, in the unit `magic_model.data.volume.UNITS` tells.
            Images may lie on different grids.
        files: What they are read from, for messages and to tell whether it changed.
        notes: What was tolerated, is missing or must be known to judge the images.
        settings: What the images follow from beside the files.
        findings: What has to be looked at before the images are used or shared.
        series: The DICOM series among which the images were chosen.
        problem: Why there is no image at all.
    """

    source_id: str
    images: Mapping[Kind, ImageLoader]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    series: "tuple[SeriesRow, ...]" = ()
    problem: str = ""

    def load_images(self) -> dict[Kind, Volume]:
        """Read all images.

        Raises:
            DataError: If there is none, saying why, or one cannot be used.
        """
        if not self.images:
            reason = self.problem or "; ".join(self.notes) or "nothing was found"
            msg = f"no image can be used: {reason}"
            raise DataError(msg)
        return {kind: load() for kind, load in self.images.items()}


Layout = Callable[[Path], list[PatientSource]]
"""Finds the patients of a data set as downloaded; none found gives an empty list."""


def refuse(message: str) -> Volume:
    """Stand in for an image that cannot be read, so that the other patients go on.

    Raises:
        DataError: Always, with this message.
    """
    raise DataError(message)


def nifti_files(folder: Path, ending: str = "") -> list[Path]:
    """NIfTI files anywhere in a folder whose stem ends so, but no hidden ones."""
    endings = (f"{ending}.nii", f"{ending}.nii.gz")
    return sorted(
        path
        for path in folder.rglob("*.nii*")
        if path.name.endswith(endings) and not path.name.startswith(".")
    )


def nifti_source(
    source_id: str, candidates: Mapping[Kind, Sequence[Path]], notes: Sequence[str]
) -> PatientSource:
    """Build a patient of NIfTI images.

    Args:
        source_id: Name as on disk.
        candidates: Files that could be each image that the data set should have. None
            gives a note, several a loader that refuses.
        notes: What else must be known.
    """
    return PatientSource(
        source_id=source_id,
        images={k: _nifti_loader(k, paths) for k, paths in candidates.items() if paths},
        files=tuple(path for paths in candidates.values() for path in paths),
        notes=(*missing(k for k, paths in candidates.items() if not paths), *notes),
    )


def missing(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Note that images are missing; no note if there are none."""
    names = ", ".join(kinds)
    return (f"not found: {names}",) if names else ()


def _nifti_loader(kind: Kind, paths: Sequence[Path]) -> ImageLoader:
    if len(paths) == 1:
        return partial(read_nifti, paths[0], kind)
    found = ", ".join(map(str, paths))
    return partial(refuse, f"{kind} must be one file, got {found}")
