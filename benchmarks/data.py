"""Patients in: phantom, import of a CT series, slices out of the cache.

python -m benchmarks.data
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from magic_model.data.cohort import read_cohort
from magic_model.data.dicom.ct import read_ct_series
from magic_model.data.slice_cache import build_cache
from magic_model.data.volume import Kind
from magic_model.maps import PAPER_MAPS
from magic_model.phantom.generate import make_cohort
from magic_model.phantom.patient import Contents

N_PATIENTS = 4
N_SLICES = 160


def timed(work: Callable[[], object]) -> float:
    """Give the CPU seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def noise(n_slices: int = N_SLICES) -> Iterator[NDArray[np.int16]]:
    """Yield slices of 512 x 512 that no compression helps."""
    rng = np.random.default_rng(0)
    for _ in range(n_slices):
        yield rng.integers(0, 3000, (512, 512), dtype=np.int16)


def write_series(
    folder: Path,
    images: Iterable[NDArray[np.int16]],
    *,
    place: tuple[float, ...] = (-115.0, -115.0, 0.0),
    spacing: tuple[float, float, float] = (0.45, 0.45, 1.0),
    frame: str = "",
    **tags: object,
) -> list[Path]:
    """Write a CT series, as a scanner might.

    Args:
        folder: Made for it.
        images: `(rows, columns)` as stored, from below.
        place: Of the first image's first pixel, in mm of DICOM.
        spacing: Between columns, rows and images, in mm.
        frame: UID of the frame of reference; a new one if left out.
        tags: Attributes by keyword, in place of those of an NCCT.
    """
    folder.mkdir(parents=True)
    series, study, frame = generate_uid(), generate_uid(), frame or generate_uid()
    paths = []
    for number, pixels in enumerate(images):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{number:04d}.dcm"
        image = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID = CTImageStorage
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.SeriesInstanceUID, image.StudyInstanceUID = series, study
        image.FrameOfReferenceUID, image.Modality = frame, "CT"
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        image.Rows, image.Columns = pixels.shape
        image.PixelSpacing = [spacing[1], spacing[0]]
        image.SliceThickness = spacing[2]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [*place[:2], place[2] + number * spacing[2]]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.RescaleSlope, image.RescaleIntercept = 1, -1024
        image.RescaleType = "HU"
        for keyword, value in tags.items():
            setattr(image, keyword, value)
        image.PixelData = pixels.tobytes()
        image.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def main() -> None:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_cohort(root / "warm", 1, 0)  # the template is loaded once
        seconds = timed(lambda: make_cohort(root / "measured", N_PATIENTS, 1))
        print(f"phantom slab        {seconds / N_PATIENTS:8.2f} s CPU per patient")
        exact = Contents(exact=True)
        seconds = timed(
            lambda: make_cohort(root / "cohort", N_PATIENTS, 1, contents=exact)
        )
        print(f"  with exact maps   {seconds / N_PATIENTS:8.2f} s CPU per patient")
        paths = write_series(root / "ct", noise())
        seconds = timed(lambda: read_ct_series(paths))
        print(f"CT series           {seconds:8.2f} s CPU for {N_SLICES} slices of 512")
        cohort = read_cohort(root / "cohort")
        cache = build_cache(cohort, root / "cache", maps=PAPER_MAPS)
        rng = np.random.default_rng(0)
        chosen = rng.integers(0, len(cache), 400).tolist()
        from_cache = timed(
            lambda: [float(cache[index].ncct.sum()) for index in chosen]
        ) / len(chosen)
        kinds = [Kind.NCCT, *(Kind(m.value) for m in PAPER_MAPS)]
        patient = cohort.patients[0]
        from_files = timed(lambda: [cohort.load(patient, k) for k in kinds])
        print(f"slices from cache   {1 / from_cache:8.0f} per s of CPU time")
        print(
            f"cache against NIfTI {from_files / from_cache:8.0f} times as fast a slice"
        )


if __name__ == "__main__":
    main()
