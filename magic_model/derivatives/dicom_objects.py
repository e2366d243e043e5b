"""All DICOM objects of a patient's generated maps, in one study."""

from collections.abc import Mapping
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from magic_model.data.dicom.parametric_map import write_parametric_map
from magic_model.data.dicom.study import StudyContext
from magic_model.data.volume import Volume
from magic_model.derivatives import colour_captures, grey_series
from magic_model.derivatives.lesion_report import write_lesion_report
from magic_model.inference.prepare import Source
from magic_model.maps import PerfusionMap

LESION = "lesion.dcm"


def write_dicom(
    source: Source,
    maps: Mapping[PerfusionMap, Volume],
    out: Path,
    study: StudyContext,
    lesion: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write each map in three forms, and the volumes of the lesion as a report.

    `<map>.dcm` is a Parametric Map with the exact values, `<map>_grey/` a series that
    every PACS shows, `<map>_colour/` pictures, `lesion.dcm` the report. Source images
    are referred to by study-local UIDs.

    Args:
        source: What the maps were generated from.
        maps: The maps.
        out: The patient's folder.
        study: Whose they are.
        lesion: `core_ml` and `penumbra_ml`; no report if the maps do not tell.

    Returns:
        The files.

    Raises:
        DataError: If a file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    headers = source.headers() if source.headers else []
    exact = {name: out / f"{name}.dcm" for name in maps}
    for name, path in exact.items():
        write_parametric_map(maps[name], path, source=headers, study=study)
    files = list(exact.values())
    for name, volume in maps.items():
        files += grey_series.write_grey_series(
            volume, out / f"{name}_{grey_series.FORM}", source=headers, study=study
        )
        files += colour_captures.write_colour_captures(
            volume, out / f"{name}_{colour_captures.FORM}", source=headers, study=study
        )
    if lesion is not None:
        report = out / LESION
        written = [_header(path) for path in exact.values()]
        write_lesion_report(lesion, report, maps=written, study=study)
        files.append(report)
    return files


def _header(path: Path) -> Dataset:
    return dcmread(path, stop_before_pixels=True)
