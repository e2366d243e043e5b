"""Volumes of core and tissue at risk as a DICOM structured report (TID 1500)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from magic_model.data.dicom import study as dicom_study
from magic_model.data.dicom.files import write_dataset

if TYPE_CHECKING:
    from highdicom.sr import (
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
    )

SCHEME = "99MAGICCTP"
"""Our own codes, since the standard has none for these findings."""

FINDINGS = {
    "core_ml": Code("core", SCHEME, "Infarct core in perfusion maps"),
    "penumbra_ml": Code("at-risk", SCHEME, "Tissue at risk in perfusion maps"),
}
"""What is measured, by its column in generated.csv; the core is counted in both."""

_RATIO = Code("core-per-at-risk", SCHEME, "Core volume per volume of tissue at risk")
_VOLUME = Code("118565006", "SCT", "Volume")
_BRAIN = Code("12738006", "SCT", "Brain")
_PROCEDURE = Code("30799-1", "LN", "CT Head WO contrast")
_ML = Code("ml", "UCUM", "mL")
_ONE = Code("1", "UCUM", "no units")
_SERIES_NUMBER = 301


def write_lesion_report(
    volumes: Mapping[str, float],
    path: Path,
    *,
    maps: Sequence[Dataset],
    study: dicom_study.StudyContext,
) -> None:
    """Write volumes in mL, each with the maps that it was measured in.

    Args:
        volumes: `core_ml` and `penumbra_ml`.
        path: The file.
        maps: Parametric Maps of the same study.
        study: Whose they are.

    Raises:
        DataError: If the report would identify a patient or cannot be written.
    """
    import highdicom as hd

    dataset: Dataset = hd.sr.EnhancedSR(
        evidence=[_nameless(image) for image in maps],
        content=_report(volumes, maps, study),
        series_instance_uid=study.object_uid("lesion", "series"),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=study.object_uid("lesion"),
        instance_number=1,
        manufacturer=dicom_study.MANUFACTURER,
        is_complete=True,
        is_final=False,  # nobody has verified it, and nobody can
    )
    study.mark(dataset)
    dataset.SeriesDescription = f"{study.use}: lesion volumes"
    dataset.ManufacturerModelName = dicom_study.MANUFACTURER
    dataset.SoftwareVersions = dicom_study.SOFTWARE_VERSION
    dicom_study.stamp(dataset)
    dicom_study.require_anonymous(dataset, path)
    write_dataset(dataset, path)


def _nameless(image: Dataset) -> Dataset:
    """Return a header whose name highdicom does not judge; it is marked afterwards."""
    header = Dataset()
    header.update({tag: image[tag] for tag in image.keys()})  # noqa: SIM118
    header.PatientName = None
    return header


def read_lesion_report(path: Path) -> dict[str, float]:
    """Read the volumes back, in mL by their column in generated.csv."""
    import highdicom as hd

    report: Any = hd.sr.srread(path).content
    by_code = {code.value: column for column, code in FINDINGS.items()}
    found = {}
    for group in report.get_image_measurement_groups():
        for measured in group.get_measurements(name=_VOLUME):
            found[by_code[group.finding_type.value]] = float(measured.value)
    return found


def _report(
    volumes: Mapping[str, float],
    maps: Sequence[Dataset],
    study: dicom_study.StudyContext,
) -> "MeasurementReport":
    import highdicom as hd

    return hd.sr.MeasurementReport(
        observation_context=_observer(study),
        procedure_reported=_PROCEDURE,
        imaging_measurements=list(_groups(volumes, maps, study)),
    )


def _observer(study: dicom_study.StudyContext) -> "ObservationContext":
    import highdicom as hd

    observer = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=study.object_uid("observer"),
        name=f"{study.use}, no diagnosis",
        manufacturer_name=dicom_study.MANUFACTURER,
        model_name=f"{dicom_study.MANUFACTURER} {dicom_study.SOFTWARE_VERSION}",
    )
    return hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
            observer_identifying_attributes=observer,
        )
    )


def _groups(
    volumes: Mapping[str, float],
    maps: Sequence[Dataset],
    study: dicom_study.StudyContext,
) -> "Iterator[MeasurementsAndQualitativeEvaluations]":
    import highdicom as hd

    core, at_risk = volumes["core_ml"], volumes["penumbra_ml"]
    for column, finding in FINDINGS.items():
        measured = [_measurement(_VOLUME, volumes[column], _ML, study)]
        if column == "core_ml" and at_risk > 0:
            measured.append(_measurement(_RATIO, core / at_risk, _ONE, study))
        yield hd.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(
                uid=study.object_uid("lesion", column), identifier=finding.meaning
            ),
            finding_type=finding,
            finding_sites=[hd.sr.FindingSite(_BRAIN)],
            measurements=measured,
            source_images=[
                hd.sr.SourceImageForMeasurementGroup.from_source_image(image)
                for image in maps
            ],
        )


def _measurement(
    name: Code, value: float, unit: Code, study: dicom_study.StudyContext
) -> Any:  # noqa: ANN401 - highdicom's own type has none
    import highdicom as hd

    algorithm = hd.sr.AlgorithmIdentification(
        name=study.use, version=dicom_study.SOFTWARE_VERSION
    )
    digits = 6 if value == 0 else max(0, 6 - math.ceil(math.log10(abs(value))))
    return hd.sr.Measurement(
        name=name, value=round(value, digits), unit=unit, algorithm_id=algorithm
    )
