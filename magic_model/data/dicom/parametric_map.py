"""DICOM Parametric Maps: a perfusion map written, and read back exactly."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ParametricMapStorage

from magic_model.data.dicom import study as dicom_study
from magic_model.data.dicom.files import read_header, write_dataset
from magic_model.data.dicom.frames import LPS_TO_RAS, read_frames, stack_frames
from magic_model.data.dicom.perfusion import coded_kinds, in_units
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, MapSpec, PerfusionMap

if TYPE_CHECKING:
    from highdicom.pm import RealWorldValueMapping


def write_parametric_map(
    volume: Volume,
    path: Path,
    *,
    source: Sequence[Dataset] = (),
    study: dicom_study.StudyContext | None = None,
) -> None:
    """Write a map as one file of 32-bit floats with unit, code and geometry.

    Nothing of a source image is copied: it is referred to, by UIDs that the study
    draws in place of its own. The file is written in one step.

    Args:
        volume: A perfusion map; its axes at right angles.
        path: The file.
        source: Headers of the images that the map was computed from.
        study: Whose map it is; a fresh random one if left out.

    Raises:
        DataError: If the volume is no perfusion map, is sheared or has no finite value;
            if the study's patient id is the source's; if the file would identify a
            patient; or it cannot be written.
    """
    study = study or dicom_study.StudyContext()
    study.require_not_from(source)
    if volume.kind not in {Kind(name) for name in PerfusionMap}:
        msg = f"A Parametric Map must hold a perfusion map, got {volume.kind}"
        raise DataError(msg)
    if not volume.is_orthogonal:
        msg = f"{path}: axes of a Parametric Map must be at right angles"
        raise DataError(msg)
    dataset = _parametric_map(volume, study)
    study.refer_to(dataset, source)
    dicom_study.stamp(dataset)
    dicom_study.require_anonymous(dataset, path)
    write_dataset(dataset, path)


def read_parametric_map(path: Path) -> Volume:
    """Read a Parametric Map that holds one perfusion map.

    Its slices keep the direction in which they are stored, so that a volume comes back
    as it was written; a single slice comes back right-handed.

    Raises:
        DataError: If it is no readable Parametric Map, or its code is no perfusion map.
    """
    header = read_header(path)
    if header.get("SOPClassUID", None) != ParametricMapStorage:
        msg = f"{path}: must be a Parametric Map"
        raise DataError(msg)
    kinds = set(coded_kinds(header))
    if len(kinds) != 1:
        msg = f"{path}: must be coded as one perfusion map, got {sorted(kinds)}"
        raise DataError(msg)
    kind = kinds.pop()
    frames = read_frames([path], _accept)
    return stack_frames(frames, partial(in_units, kind=kind), kind, keep_direction=True)


def _synthetic_source(study: dicom_study.StudyContext) -> Dataset:
    """Make the header that highdicom takes identity and space from.

    It stands for a CT image of the study and holds nothing of a real one.
    """
    header = Dataset()
    study.mark(header)
    header.PatientName = None  # marked once more when the map is made
    for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
        setattr(header, keyword, "")
    header.SeriesInstanceUID = study.object_uid("space", "series")
    header.SOPInstanceUID = study.object_uid("space")
    header.SOPClassUID = CTImageStorage
    header.FrameOfReferenceUID = study.frame_of_reference_uid
    header.Modality = "CT"
    header.Rows = header.Columns = 1
    header.PixelSpacing = [1, 1]
    header.SliceThickness = 1
    header.ImagePositionPatient = [0, 0, 0]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    return header


def _accept(dataset: Dataset, path: Path) -> None:
    """Take any grey image; what it is was checked by its header."""


def _parametric_map(volume: Volume, study: dicom_study.StudyContext) -> Dataset:
    import highdicom as hd

    spec = MAP_SPECS[PerfusionMap(volume.kind)]
    lps = LPS_TO_RAS @ volume.affine
    measures, orientation, positions = _geometry(volume, lps)
    low, high = spec.value_range
    dataset: Dataset = hd.pm.ParametricMap(
        source_images=[_synthetic_source(study)],
        pixel_array=np.ascontiguousarray(volume.array.transpose(2, 1, 0)),
        series_instance_uid=study.object_uid(volume.kind, "map", "series"),
        series_number=1 + list(PerfusionMap).index(PerfusionMap(volume.kind)),
        sop_instance_uid=study.object_uid(volume.kind, "map"),
        instance_number=1,
        manufacturer=dicom_study.MANUFACTURER,
        manufacturer_model_name=dicom_study.MANUFACTURER,
        software_versions=dicom_study.SOFTWARE_VERSION,
        device_serial_number="none",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[value_mapping(spec, _limits(spec, volume.array))],
        voi_lut_transformations=[
            hd.VOILUTTransformation(
                window_center=(low + high) / 2, window_width=high - low
            )
        ],
        content_description=f"{study.use}: {spec.title}",
        content_label=spec.title.upper(),
        series_description=f"{study.use}: {spec.title} [{spec.unit}]",
        pixel_measures=measures,
        plane_orientation=orientation,
        plane_positions=positions,
    )
    study.mark(dataset)
    _name_dimensions(dataset, study.object_uid(volume.kind, "dimensions"))
    use = f"{study.use.lower()}, no diagnosis"
    dataset.DerivationDescription = f"{spec.long_name} in {spec.unit}, {use}"
    _restore_order(dataset, lps)
    return dataset


def _name_dimensions(dataset: Dataset, uid: str) -> None:
    """Give the order of frames a UID of the study in place of a random one."""
    for organization in dataset.DimensionOrganizationSequence:
        organization.DimensionOrganizationUID = uid
    for index in dataset.DimensionIndexSequence:
        index.DimensionOrganizationUID = uid


def _limits(spec: MapSpec, array: FloatArray) -> tuple[float, float]:
    finite = array[np.isfinite(array)]
    if finite.size == 0 or np.isinf(array).any():
        msg = f"A Parametric Map must hold numbers or NaN, got {spec.title} without"
        raise DataError(msg)
    return float(finite.min()), float(finite.max())


def value_mapping(
    spec: MapSpec, limits: tuple[float, float], slope: float = 1.0
) -> "RealWorldValueMapping":
    """Make the item that says what stored values are: quantity, unit and slope.

    Args:
        spec: Which map it is.
        limits: Smallest and largest stored value.
        slope: Unit of the map per stored value.
    """
    import highdicom as hd
    from pydicom.sr.coding import Code

    return hd.pm.RealWorldValueMapping(
        lut_label=spec.title,
        lut_explanation=spec.long_name,
        unit=Code(spec.ucum, "UCUM", spec.unit),
        value_range=limits,
        slope=slope,
        intercept=0.0,
        quantity_definition=Code(spec.dicom_code, "DCM", spec.dicom_meaning),
    )


def _geometry(volume: Volume, lps: Affine) -> tuple[Any, Any, list[Any]]:
    """Make highdicom's pixel measures, plane orientation and plane positions."""
    import highdicom as hd

    between_columns, between_rows, between_slices = volume.spacing
    cosines = (lps[:3, :3] / volume.spacing).T
    # Adding 0 turns -0 into 0, which DICOM would write with its sign.
    starts = [lps[:3, 2] * k + lps[:3, 3] + 0.0 for k in range(volume.shape[2])]
    return (
        hd.PixelMeasuresSequence(
            pixel_spacing=(between_rows, between_columns),
            slice_thickness=between_slices,
            spacing_between_slices=between_slices,
        ),
        hd.PlaneOrientationSequence("PATIENT", (cosines[:2] + 0.0).ravel().tolist()),
        [hd.PlanePositionSequence("PATIENT", start.tolist()) for start in starts],
    )


def _restore_order(dataset: Dataset, lps: Affine) -> None:
    """Undo highdicom's order, which runs against the normal of the slices."""
    normal = np.cross(lps[:3, 0], lps[:3, 1])
    if normal @ lps[:3, 2] < 0:
        return
    shape = (int(dataset.NumberOfFrames), -1)
    frames = np.frombuffer(dataset.FloatPixelData, dtype="<f4").reshape(shape)
    dataset.FloatPixelData = frames[::-1].tobytes()
    dataset.PerFrameFunctionalGroupsSequence = list(
        dataset.PerFrameFunctionalGroupsSequence
    )[::-1]
