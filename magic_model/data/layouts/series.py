"""Read a DICOM series as NCCT or as a map."""

from collections.abc import Sequence
from pathlib import Path

from magic_model.data.volume import Kind, Volume


def read_series(paths: Sequence[Path], kind: Kind) -> Volume:
    """Read the files of one series, in any order.

    pydicom is imported here, so that the layouts without DICOM do without it.

    Raises:
        DataError: If they are not one series of this kind.
    """
    from magic_model.data.dicom.ct import read_ct_series
    from magic_model.data.dicom.perfusion import read_map_series

    if kind is Kind.NCCT:
        return read_ct_series(paths)
    return read_map_series(paths, kind)
