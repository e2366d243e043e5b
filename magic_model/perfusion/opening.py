"""Open a series of any form, in memory or on disk, and compute its maps."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.errors import DataError
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.denoising import Array
from magic_model.perfusion.look import Look
from magic_model.perfusion.motion import find_motion
from magic_model.perfusion.series import (
    Series,
    from_dicom,
    read_header,
    read_times,
    read_values,
)
from magic_model.perfusion.stored import StoredSeries, store_dicom, store_nifti
from magic_model.perfusion.whole import IN_MEMORY, Progress, compute_stored

if TYPE_CHECKING:
    from magic_model.data.dicom.dynamic import Candidate

AnySeries = Series | StoredSeries


def open_series(
    path: Path, frame_times: Path | None = None, wanted: str = ""
) -> AnySeries:
    """Open a 4D NIfTI file in HU, or a folder or ZIP archive of DICOM.

    What is larger than 200 MB stays on disk and is read slice by slice.

    Args:
        path: The file or folder.
        frame_times: Text file of seconds, separated by white space; else what the
            files, or a JSON file beside a NIfTI file, state.
        wanted: SeriesNumber or SeriesInstanceUID where a folder holds several series.

    Raises:
        DataError: If it cannot be read or is no series.
    """
    given = None if frame_times is None else read_times(frame_times)
    if path.is_dir() or path.suffix.lower() == ".zip":
        from magic_model.data.dicom.dynamic import choose_dynamic

        return open_dicom(choose_dynamic(path, wanted), path, given)
    if wanted:
        msg = f"{path}: a series can be named in a folder of DICOM only"
        raise DataError(msg)
    return open_nifti(path, given)


def open_nifti(
    path: Path, times: Array | None = None, usual_step_s: float | None = None
) -> AnySeries:
    """Open a 4D NIfTI file; see `read_header` for the times.

    Raises:
        DataError: If it cannot be read or is no series.
    """
    header = read_header(path, times, usual_step_s)
    if 4 * math.prod(header.shape) > IN_MEMORY:
        return store_nifti(header, path)
    return read_values(header, path)


def open_dicom(
    candidate: "Candidate", path: Path, times: Array | None = None
) -> AnySeries:
    """Open a DICOM series; one that is tilted or uneven is read into memory.

    Raises:
        DataError: If it cannot be read or is no series.
    """
    from magic_model.data.dicom.dynamic import read_dynamic

    shape = candidate.parts[0].first.shape
    if 4 * math.prod(shape) * candidate.n_images > IN_MEMORY:
        stored = store_dicom(candidate, times, str(path))
        if stored is not None:
            return stored
    return from_dicom(read_dynamic(candidate, times), path)


def compute_maps(
    series: AnySeries,
    choices: Choices | None = None,
    progress: Progress = lambda _done, _all: None,
) -> tuple[Perfusion, Look | None]:
    """Compute the maps of a series, in memory or on disk.

    Args:
        series: As opened.
        choices: What is not left to the program.
        progress: Told how many parts of how many are done, for a series on disk.

    Returns:
        The maps, and what a report shows of a series that is on disk.

    Raises:
        DataError: If no maps can be made, with what was seen of the series besides.
    """
    choices = choices or Choices()
    if isinstance(series, StoredSeries):
        return compute_stored(series, choices, progress)
    try:
        return compute_perfusion(series, choices), None
    except DataError as error:
        motion = find_motion(series.array, series.spacing)
        seen = [*series.notes, *motion.notes()]
        if not seen:
            raise
        msg = f"{error} ({'; '.join(seen)})"
        raise DataError(msg) from error
