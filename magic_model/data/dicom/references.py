"""What a derived object refers to: its source images, by study-local UIDs."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from magic_model.data.dicom.study import StudyContext, new_uid


def synthetic_source(study: StudyContext) -> Dataset:
    """Make the header that highdicom takes identity and space from.

    It stands for a CT image of the study and holds nothing of a real one.
    """
    header = Dataset()
    study.mark(header)
    header.PatientName = None  # marked once more when the map is made
    for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
        setattr(header, keyword, "")
    header.SeriesInstanceUID = new_uid()
    header.SOPInstanceUID = new_uid()
    header.SOPClassUID = CTImageStorage
    header.FrameOfReferenceUID = study.frame_of_reference_uid
    header.Modality = "CT"
    header.Rows = header.Columns = 1
    header.PixelSpacing = [1, 1]
    header.SliceThickness = 1
    header.ImagePositionPatient = [0, 0, 0]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    return header


def refer_to(dataset: Dataset, source: Sequence[Dataset], study: StudyContext) -> None:
    """Refer to the source images by study-local UIDs, not to the synthetic one."""
    del dataset.ReferencedSeriesSequence, dataset.SourceImageSequence
    if not source:
        return
    by_series: dict[str, list[Dataset]] = {}
    for image in source:
        reference = Dataset()
        reference.ReferencedSOPClassUID = image.SOPClassUID
        reference.ReferencedSOPInstanceUID = study.replace_uid(image.SOPInstanceUID)
        series_uid = study.replace_uid(image.SeriesInstanceUID)
        by_series.setdefault(series_uid, []).append(reference)
    dataset.ReferencedSeriesSequence = list(_referenced_series(by_series))
    dataset.SourceImageSequence = [
        deepcopy(reference) for group in by_series.values() for reference in group
    ]


def _referenced_series(by_series: Mapping[str, list[Dataset]]) -> Iterator[Dataset]:
    for uid, references in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID = uid
        series.ReferencedInstanceSequence = references
        yield series
