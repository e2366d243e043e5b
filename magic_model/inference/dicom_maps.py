"""Generated maps as DICOM Parametric Maps."""

from collections.abc import Mapping
from pathlib import Path

from magic_model.data.dicom.parametric_map import write_parametric_map
from magic_model.data.dicom.study import StudyContext
from magic_model.data.volume import Volume
from magic_model.inference.source import Source
from magic_model.maps import PerfusionMap


def write_dicom(
    source: Source, maps: Mapping[PerfusionMap, Volume], out: Path
) -> list[Path]:
    """Write a file per map; source images are referred to by study-local UIDs.

    Returns:
        The files.

    Raises:
        DataError: If a file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    study = StudyContext(patient_id=source.patient_id)
    headers = source.headers() if source.headers else []
    files = {name: out / f"{name}.dcm" for name in maps}
    for name, path in files.items():
        write_parametric_map(maps[name], path, source=headers, study=study)
    return list(files.values())
