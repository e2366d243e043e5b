"""Miniature images in the forms that data sets use."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

RNG_SEED = 20


def write_nifti(path, array, affine=None, dtype=np.float32):
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([2.0, 2.0, 5.0, 1.0]) if affine is None else affine
    nib.save(nib.Nifti1Image(np.asarray(array, dtype=dtype), affine), path)
    return path


def write_slice(path, values, *, z=0.0, slope=1.0, intercept=0.0, series="1", **tags):
    """Write `(rows, columns)` of values as a CT image; `series` stands for its UID."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[series])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [-10.0, -20.0, z]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.25]  # rows, then columns
    dataset.SliceThickness = 5
    dataset.Rows, dataset.Columns = np.shape(values)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    stored = np.round((np.asarray(values) - intercept) / slope).astype("<u2")
    dataset.PixelData = stored.tobytes()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def rng():
    return np.random.default_rng(RNG_SEED)


@pytest.fixture
def disk():
    """Writers of miniature images: `nifti` and `slice`."""
    return SimpleNamespace(nifti=write_nifti, slice=write_slice)
