"""Maps that a data set lacks, computed from its raw CT perfusion series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError, Named, pluralize

if TYPE_CHECKING:
    from magic_model.data.dicom.dynamic import Candidate
    from magic_model.perfusion.compute import Perfusion
    from magic_model.perfusion.look import Look
    from magic_model.perfusion.opening import AnySeries

USUAL_STEP_S = 1.0
"""Between frames, where a file states nothing; noted."""

MAPS = (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)


class Maps(Named):
    """Which maps are computed where there is a raw series."""

    MISSING = "missing"
    GIVEN = "given"
    ALL = "all"


@dataclass(frozen=True)
class RawSeries:
    """A series from which maps can be computed; nothing of it has been read so far.

    Attributes:
        read: Reads it. It can be pickled.
        files: What it is read from.
        kinds: Maps to compute.
    """

    read: "Callable[[], AnySeries]"
    files: tuple[Path, ...]
    kinds: tuple[Kind, ...] = MAPS

    def compute(self, given: Sequence[Kind]) -> "Computed":
        """Compute the maps; a series that allows none gives a note, and no map.

        Args:
            given: Maps of the data set itself, for the notes.
        """
        from magic_model.perfusion.opening import compute_maps

        names = ", ".join(self.kinds)
        try:
            result, look = compute_maps(self.read())
        except DataError as error:
            return Computed(
                {}, (f"not computed from the raw series: {names} ({error})",)
            )
        times = result.series.times
        own = ", ".join(kind for kind in MAPS if kind in given) or "none"
        notes = (
            f"computed from the raw series: {names} "
            f"({pluralize(len(times), 'frame')} over {times[-1] - times[0]:.3g} s); "
            f"maps of the data set itself: {own}",
            *(f"raw series: {note}" for note in result.notes),
        )
        maps = {Kind(name.value): volume for name, volume in result.maps.items()}
        images = {kind: maps[kind] for kind in self.kinds}
        return Computed(images, notes, result, look)


@dataclass(frozen=True, eq=False)
class Computed:
    """Maps that were computed.

    Attributes:
        images: The maps; none where the series did not allow it.
        notes: Which they are and what was assumed, or why there is none.
        result: All that was found on the way.
        look: What a report shows of the series; None where `result` holds it.
    """

    images: dict[Kind, Volume]
    notes: tuple[str, ...]
    result: "Perfusion | None" = None
    look: "Look | None" = None


def nifti_series(paths: Sequence[Path]) -> RawSeries | None:
    """Return a series in a NIfTI file; None without a file.

    Several files give one that refuses, with a note, when it is read.
    """
    if not paths:
        return None
    return RawSeries(partial(_read_nifti, tuple(paths)), tuple(paths))


def dicom_series(found: "Sequence[Candidate]") -> RawSeries | None:
    """Return a series in DICOM files; None if there is none."""
    if not found:
        return None
    files = tuple(path for one in found for path in one.paths)
    return RawSeries(partial(_read_dicom, tuple(found)), files)


def choose_maps(
    raw: RawSeries | None, given: Sequence[Kind], which: Maps
) -> RawSeries | None:
    """Return the series with the maps to compute; None where none is to be."""
    if raw is None or which is Maps.GIVEN:
        return None
    wanted = [kind for kind in raw.kinds if which is Maps.ALL or kind not in given]
    return replace(raw, kinds=tuple(wanted)) if wanted else None


def _read_nifti(paths: Sequence[Path]) -> "AnySeries":
    from magic_model.perfusion.opening import open_nifti

    if len(paths) > 1:
        found = ", ".join(map(str, paths))
        msg = f"the series must be one file, got {found}"
        raise DataError(msg)
    return open_nifti(paths[0], usual_step_s=USUAL_STEP_S)


def _read_dicom(found: "Sequence[Candidate]") -> "AnySeries":
    from magic_model.perfusion.opening import open_dicom

    if len(found) > 1:
        names = "; ".join(one.called for one in found)
        msg = f"there must be one CT perfusion series, got {names}: move others away"
        raise DataError(msg)
    return open_dicom(found[0], found[0].paths[0].parent)
