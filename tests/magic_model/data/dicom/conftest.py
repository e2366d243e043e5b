"""Small CT series made with pydicom alone."""

import itertools
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

SPACING = (0.75, 0.5)  # mm between rows, between columns


class CtSeries:
    """A CT series to be changed, then written.

    Attributes:
        stored: `(slices, rows, columns)` int16 as stored; HU are stored - 1024.
        slices: Datasets in order along the normal.
        affine: From `(column, row, slice)` to mm RAS, derived here independently.
    """

    def __init__(self, rng, angles=(0, 0, 0), step=2.5, shape=(5, 6, 8)) -> None:
        orientation = rotated(angles)
        self.stored = rng.integers(0, 3000, shape, dtype=np.int16)
        row, column = np.array(orientation[:3]), np.array(orientation[3:])
        normal = np.cross(row, column)
        origin = np.array([-10.0, 20.0, 30.0])
        series, study, space = (generate_uid() for _ in range(3))
        self.slices = []
        for k, image in enumerate(self.stored):
            dataset = _identity(series, study, space)
            dataset.SOPClassUID = CTImageStorage
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
            dataset.InstanceNumber = k + 1
            dataset.ImageOrientationPatient = list(orientation)
            dataset.ImagePositionPatient = (origin + k * step * normal).tolist()
            dataset.PixelSpacing = list(SPACING)
            dataset.SliceThickness = step
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
            set_pixels(dataset, image)
            self.slices.append(dataset)
        ras = np.diag([-1.0, -1.0, 1.0])
        self.affine = np.eye(4)
        self.affine[:3, 0] = ras @ row * SPACING[1]
        self.affine[:3, 1] = ras @ column * SPACING[0]
        self.affine[:3, 2] = ras @ normal * step
        self.affine[:3, 3] = ras @ origin

    @property
    def hounsfield(self):
        """HU in the order of a volume, `(column, row, slice)`."""
        return (self.stored.astype(np.float32) - 1024).transpose(2, 1, 0)

    def write(self, folder: Path, syntax=ExplicitVRLittleEndian) -> list[Path]:
        """Write the slices under names that tell nothing, in a shuffled order."""
        folder.mkdir(parents=True, exist_ok=True)
        names = np.random.default_rng(0).permutation(len(self.slices))
        paths = [folder / f"{name:03d}" for name in names]
        for dataset, path in zip(self.slices, paths, strict=True):
            write(dataset, path, syntax)
        return sorted(paths)

    def enhanced(self, path: Path, order=None) -> Path:
        """Write all slices as one enhanced CT object."""
        order = list(order or range(len(self.slices)))
        first = self.slices[0]
        dataset = _identity(
            first.SeriesInstanceUID, first.StudyInstanceUID, first.FrameOfReferenceUID
        )
        dataset.SOPClassUID = EnhancedCTImageStorage
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        dataset.NumberOfFrames = len(order)
        shared = Dataset()
        shared.PlaneOrientationSequence = [_only(first, "ImageOrientationPatient")]
        shared.PixelMeasuresSequence = [_only(first, "PixelSpacing", "SliceThickness")]
        transformation = _only(first, "RescaleSlope", "RescaleIntercept")
        transformation.RescaleType = "HU"
        shared.PixelValueTransformationSequence = [transformation]
        dataset.SharedFunctionalGroupsSequence = [shared]
        dataset.PerFrameFunctionalGroupsSequence = []
        for k in order:
            frame = Dataset()
            frame.PlanePositionSequence = [
                _only(self.slices[k], "ImagePositionPatient")
            ]
            dataset.PerFrameFunctionalGroupsSequence.append(frame)
        set_pixels(dataset, self.stored[order])
        return write(dataset, path)


def _identity(series: str, study: str, space: str) -> Dataset:
    dataset = Dataset()
    dataset.Modality = "CT"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "HOSPITAL-4711"
    dataset.PatientBirthDate = "19500102"
    dataset.SeriesDescription = "Head 2.5"
    dataset.SeriesNumber = 3
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study
    dataset.FrameOfReferenceUID = space
    return dataset


def _only(dataset: Dataset, *keywords: str) -> Dataset:
    item = Dataset()
    for keyword in keywords:
        setattr(item, keyword, dataset[keyword].value)
    return item


def set_pixels(dataset: Dataset, image) -> None:
    """Put pixels into a dataset: grey 16 bits, or RGB 8 bits."""
    rgb = image.dtype == np.uint8
    dataset.Rows, dataset.Columns = image.shape[-3:-1] if rgb else image.shape[-2:]
    dataset.SamplesPerPixel = 3 if rgb else 1
    dataset.PhotometricInterpretation = "RGB" if rgb else "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 if rgb else 16
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0 if rgb else 1
    if rgb:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = image.tobytes()
    dataset["PixelData"].VR = "OB" if rgb else "OW"


def write(dataset: Dataset, path: Path, syntax=ExplicitVRLittleEndian) -> Path:
    """Write a dataset as a file, compressed where the syntax is."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax == ImplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = syntax
    elif syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def rotated(angles) -> tuple[float, ...]:
    """Row and column directions of an axial slice turned about x, y and z (degrees)."""
    turn = np.eye(3)
    for axis, angle in zip(itertools.count(), np.radians(angles), strict=False):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        about = np.eye(3)
        about[i, i] = about[j, j] = np.cos(angle)
        about[i, j], about[j, i] = -np.sin(angle), np.sin(angle)
        turn = about @ turn
    return tuple(np.round(turn[:, :2].T.ravel(), 12).tolist())


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def ct(rng):
    """An axial series of five slices."""
    return CtSeries(rng)


@pytest.fixture
def write_file():
    """Write one dataset."""
    return write


@pytest.fixture
def put_pixels():
    """Put other pixels into a dataset."""
    return set_pixels


@pytest.fixture
def make_ct(rng):
    """Make a series with another orientation, step or shape."""

    def make(**options):
        return CtSeries(rng, **options)

    return make
