"""A patient as found on disk: which images there are and how each is read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.layouts.raw_series import MAPS, Maps, RawSeries, choose_maps
from magic_model.data.nifti import read_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

if TYPE_CHECKING:
    from magic_model.data.dicom.table import SeriesRow
    from magic_model.perfusion.compute import Perfusion
    from magic_model.perfusion.look import Look


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


@dataclass(frozen=True, eq=False)
class Loaded:
    """Images of a patient as read.

    Attributes:
        images: All of them.
        notes: What is known of them.
        perfusion: How maps were computed from a raw series; None if none were.
        look: What its report shows of the series; None where `perfusion` holds it.
    """

    images: dict[Kind, Volume]
    notes: tuple[str, ...]
    perfusion: "Perfusion | None" = None
    look: "Look | None" = None


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
        raw: Series from which the maps that are not among the images are computed.
    """

    source_id: str
    images: Mapping[Kind, ImageLoader]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    series: "tuple[SeriesRow, ...]" = ()
    problem: str = ""
    raw: RawSeries | None = None

    def with_maps(self, which: Maps) -> "PatientSource":
        """Return the same patient with maps computed as chosen; `files` says of what.

        Args:
            which: Those that are missing, none, or all in place of those given.
        """
        given = [kind for kind in self.images if kind in MAPS]
        raw = choose_maps(self.raw, given, which)
        if raw is None:
            return replace(self, raw=None)
        left = [kind for kind in given if kind in raw.kinds]
        settings = (*self.settings, *(["maps=all"] if left else []))
        images = {k: load for k, load in self.images.items() if k not in left}
        files = tuple(dict.fromkeys((*self.files, *raw.files)))
        return replace(self, raw=raw, images=images, files=files, settings=settings)

    def load(self) -> Loaded:
        """Read all images and compute the maps that come from a raw series.

        Raises:
            DataError: If there is none, saying why, or one cannot be used.
        """
        if self.raw is None:
            return Loaded(self.load_images(), self.notes)
        computed = self.raw.compute(tuple(self.images))
        if not self.images and not computed.images:
            msg = f"no image can be used: {'; '.join((*computed.notes, *self.notes))}"
            raise DataError(msg)
        images = {kind: load() for kind, load in self.images.items()}
        return Loaded(
            images | computed.images,
            (*computed.notes, *self.notes),
            computed.result,
            computed.look,
        )

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
    source_id: str,
    candidates: Mapping[Kind, Sequence[Path]],
    notes: Sequence[str],
    raw: RawSeries | None = None,
) -> PatientSource:
    """Build a patient of NIfTI images.

    Args:
        source_id: Name as on disk.
        candidates: Files that could be each image that the data set should have. None
            gives a note, several a loader that refuses.
        notes: What else must be known.
        raw: Series from which maps can be computed.
    """
    return PatientSource(
        source_id=source_id,
        images={k: _nifti_loader(k, paths) for k, paths in candidates.items() if paths},
        files=tuple(path for paths in candidates.values() for path in paths),
        notes=(*missing(k for k, paths in candidates.items() if not paths), *notes),
        raw=raw,
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
