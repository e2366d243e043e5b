"""Write a small CT perfusion series as DICOM, in the ways that scanners do."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

START_S = 10 * 3600 + 15 * 60


def clock(seconds: float) -> str:
    """Write seconds since midnight as DICOM does."""
    minutes, rest = divmod(seconds % 86_400, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02d}{minutes:02d}{rest:09.6f}"


class DynamicCt:
    """Images of a series, to be changed and written.

    Attributes:
        affine: From `(column, row, slice)` to mm RAS.
        slices: Datasets by `(slice, frame)`.
    """

    def __init__(self, array, times, spacing, late=None, start=START_S) -> None:
        """Take HU `(x, y, z, frames)`; `late` is added to the times of each slice."""
        late = np.zeros(array.shape[2]) if late is None else late
        across, down, up = spacing
        self.array, self.times = array, times
        self.affine = np.diag([-across, -down, up, 1.0])
        self.series, self.study, self.space = (generate_uid() for _ in range(3))
        self.slices = {}
        for z in range(array.shape[2]):
            for t, seconds in enumerate(times):
                dataset = self._image(array[:, :, z, t].T)
                dataset.ImagePositionPatient = [0.0, 0.0, up * z]
                dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
                dataset.PixelSpacing = [down, across]
                dataset.SliceThickness = up
                dataset.AcquisitionTime = clock(start + seconds + late[z])
                dataset.InstanceNumber = 1 + t * array.shape[2] + z
                self.slices[z, t] = dataset

    def _identity(self, class_uid: str) -> Dataset:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = class_uid, generate_uid()
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = self.series, self.study
        dataset.FrameOfReferenceUID, dataset.Modality = self.space, "CT"
        dataset.PatientID, dataset.SeriesNumber = "HOSPITAL-4711", 7
        dataset.SeriesDescription = "CTP Doe"
        return dataset

    def _image(self, hu) -> Dataset:
        dataset = self._identity(CTImageStorage)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        put_pixels(dataset, hu)
        return dataset

    def write(self, folder: Path) -> Path:
        """Write each image as a file, under names that tell no order."""
        folder.mkdir(parents=True, exist_ok=True)
        names = np.random.default_rng(0).permutation(len(self.slices))
        for name, dataset in zip(names, self.slices.values(), strict=True):
            save(dataset, folder / f"{name:05d}")
        return folder

    def enhanced(self, path: Path) -> Path:
        """Write all images as one enhanced object, times in their functional groups."""
        dataset = self._identity(EnhancedCTImageStorage)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        first = self.slices[0, 0]
        shared = Dataset()
        shared.PlaneOrientationSequence = [only(first, "ImageOrientationPatient")]
        shared.PixelMeasuresSequence = [only(first, "PixelSpacing", "SliceThickness")]
        shared.PixelValueTransformationSequence = [
            only(first, "RescaleSlope", "RescaleIntercept")
        ]
        dataset.SharedFunctionalGroupsSequence = [shared]
        groups = []
        for one in self.slices.values():
            group = Dataset()
            group.PlanePositionSequence = [only(one, "ImagePositionPatient")]
            content = Dataset()
            content.FrameAcquisitionDateTime = f"20260102{one.AcquisitionTime}"
            group.FrameContentSequence = [content]
            groups.append(group)
        dataset.PerFrameFunctionalGroupsSequence = groups
        dataset.NumberOfFrames = len(groups)
        frames = [(self.array[:, :, z, t].T + 1024) for z, t in self.slices]
        put_pixels(dataset, np.array(frames) - 1024)
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(dataset, path)


def put_pixels(dataset: Dataset, hu) -> None:
    """Put HU into a dataset."""
    stored = np.round(np.asarray(hu) + 1024).astype("<u2")
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"


def only(dataset: Dataset, *keywords: str) -> Dataset:
    """Return an item with some attributes of a dataset."""
    item = Dataset()
    for keyword in keywords:
        setattr(item, keyword, dataset[keyword].value)
    return item


def save(dataset: Dataset, path: Path) -> Path:
    """Write a dataset as a file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path
