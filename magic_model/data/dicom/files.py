"""DICOM files below a folder, grouped into series."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from magic_model.data.dicom.datasets import is_dicom, naming, read_header
from magic_model.errors import DataError


@dataclass(frozen=True)
class Series:
    """The files of one series.

    Attributes:
        uid: SeriesInstanceUID.
        description: SeriesDescription, empty where there is none.
        modality: Such as CT, OT or SR.
        paths: Its files, by name.
        n_images: Images in them; a multi-frame file has several, a report none.
    """

    uid: str
    description: str
    modality: str
    paths: tuple[Path, ...]
    n_images: int


@dataclass(frozen=True)
class DicomFolder:
    """What lies below a folder.

    Attributes:
        series: In the order of their numbers.
        skipped: DICOMDIR, files that are not DICOM, and files that cannot be read.
    """

    series: tuple[Series, ...]
    skipped: tuple[Path, ...]


def find_series(folder: Path) -> DicomFolder:
    """Find the DICOM files below a folder by content and group them into series.

    Names and endings do not matter; one folder may hold many series.

    Raises:
        DataError: If there is no such folder.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise DataError(msg)
    found: dict[str, list[_File]] = defaultdict(list)
    skipped = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        file = _file_of_series(path)
        if file is None:
            skipped.append(path)
        else:
            found[file.series_uid].append(file)
    by_number = sorted(found.values(), key=lambda files: files[0].place)
    return DicomFolder(tuple(_series(files) for files in by_number), tuple(skipped))


@dataclass(frozen=True)
class _File:
    path: Path
    series_uid: str
    series_number: int
    description: str
    modality: str
    n_images: int

    @property
    def place(self) -> tuple[int, str]:
        return self.series_number, self.series_uid


def _file_of_series(path: Path) -> _File | None:
    """Read what belongs to a series; None for all else."""
    if not is_dicom(path):
        return None
    try:
        header = read_header(path)
        with naming(path):
            if not header.get("SeriesInstanceUID", None):
                return None  # a DICOMDIR has none
            n_frames = int(header.get("NumberOfFrames", None) or 1)
            return _File(
                path=path,
                series_uid=str(header.SeriesInstanceUID),
                series_number=int(header.get("SeriesNumber", None) or 0),
                description=str(header.get("SeriesDescription", None) or ""),
                modality=str(header.get("Modality", None) or ""),
                n_images=n_frames if "Rows" in header else 0,
            )
    except DataError:
        return None


def _series(files: list[_File]) -> Series:
    first = files[0]
    return Series(
        uid=first.series_uid,
        description=first.description,
        modality=first.modality,
        paths=tuple(file.path for file in files),
        n_images=sum(file.n_images for file in files),
    )
