"""The DICOM series below a folder, known by their headers, identical copies dropped."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from magic_model.data.dicom import archive, files
from magic_model.data.dicom.frames import Frame
from magic_model.data.dicom.perfusion import guess_kind
from magic_model.data.dicom.study import burnt_in_warning
from magic_model.data.volume import Kind
from magic_model.errors import DataError

_Vector = NDArray[np.float64]
_Place = tuple[object, ...]

_NO_CONTRAST = ("", "none", "no", "n", "0", "without", "w/o", "ohne")
_FEW_TIMES = 2  # images at one place, of which copies are looked for in the pixels
_RECONSTRUCTION = "CTReconstructionSequence"


@dataclass(frozen=True, eq=False)
class ImageFile:
    """What the header of one file tells.

    Attributes:
        path: The file.
        series_uid: SeriesInstanceUID.
        series_number: SeriesNumber, 0 where there is none.
        description: SeriesDescription as it stands; never to be passed on.
        modality: Such as CT, OT or SR.
        n_images: Images in it; a multi-frame file has several, a report none.
        instance_uid: SOPInstanceUID.
        class_uid: SOPClassUID.
        patient: PatientID; to tell patients apart, never to be passed on.
        space: FrameOfReferenceUID.
        image_type: ImageType, its values by blanks.
        kernel: ConvolutionKernel as it stands.
        body_part: BodyPartExamined.
        contrast_told: Whether it names a contrast agent.
        is_grey: Tells values from pictures in colour, also those with a palette.
        shape: Rows and columns.
        kind: The map that it says it is.
        positions: `(n, 3)` in mm LPS; none where it does not tell.
        orientation: `(6,)`, along a row and down a column; empty where untold.
        pixel_mm: Distance between rows and between columns; empty where untold.
        thickness_mm: SliceThickness or SpacingBetweenSlices; 0 where untold.
        burnt_in: Why text may stand in the pixels, empty if nothing says so.
        is_synthetic: Whether it says that a network made it, by SyntheticData.
        is_damaged: Whether one of these could not be read.
    """

    path: Path
    series_uid: str
    series_number: int
    description: str
    modality: str
    n_images: int
    instance_uid: str
    class_uid: str
    patient: str
    space: str
    image_type: str
    kernel: str
    body_part: str
    contrast_told: bool
    is_grey: bool
    shape: tuple[int, int]
    kind: Kind | None
    positions: _Vector
    orientation: _Vector
    pixel_mm: _Vector
    thickness_mm: float
    burnt_in: str
    is_synthetic: bool
    is_damaged: bool

    @property
    def place(self) -> _Place:
        """Where its images lie, to a hundredth of a mm."""
        where = np.round(self.positions, 2).ravel().tolist()
        turned = np.round(self.orientation, 3).tolist()
        return (*where, *turned, *self.shape, self.kind, self.kernel)


@dataclass(frozen=True)
class Series:
    """The files of one series.

    Attributes:
        uid: SeriesInstanceUID.
        number: SeriesNumber, 0 where there is none.
        description: SeriesDescription, empty where there is none.
        modality: Such as CT, OT or SR.
        paths: Its files, by name.
        n_images: Images in them; a multi-frame file has several, a report none.
        n_copies: Identical copies that were dropped.
        images: What the header of each file tells.
    """

    uid: str
    number: int
    description: str
    modality: str
    paths: tuple[Path, ...]
    n_images: int
    n_copies: int = 0
    images: tuple[ImageFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class DicomFolder:
    """What lies below a folder.

    Attributes:
        series: In the order of their numbers.
        skipped: DICOMDIR, files that are not DICOM, and files that cannot be read.
    """

    series: tuple[Series, ...]
    skipped: tuple[Path, ...]

    @property
    def n_patients(self) -> int:
        """Different PatientIDs."""
        ids = {image.patient for one in self.series for image in one.images}
        return len(ids - {""})


def find_series(folder: Path) -> DicomFolder:
    """Find the DICOM files below a folder by content and group them into series.

    Names and endings do not matter; one folder may hold many series. ZIP archives are
    read as if they were folders. A file that shows the same pixels at the same place as
    another of its series, or has its SOPInstanceUID there, is a copy and dropped.

    Args:
        folder: A folder or a ZIP archive.

    Raises:
        DataError: If there is no such folder, or an archive cannot be unpacked.
    """
    found: dict[str, list[ImageFile]] = defaultdict(list)
    skipped = []
    for path in _files(folder):
        image = _image_file(path)
        if image is None:
            skipped.append(path)
        else:
            found[image.series_uid].append(image)
    by_number = sorted(
        found.values(), key=lambda f: (f[0].series_number, str(f[0].path))
    )
    return DicomFolder(tuple(map(_series, by_number)), tuple(skipped))


def same_pixels(one: ImageFile, other: ImageFile) -> bool:
    """Return whether two files hold the same stored values; false if unreadable."""
    found = _pixel_digest(one)
    return found is not None and found == _pixel_digest(other)


def _files(folder: Path) -> Iterator[Path]:
    if archive.is_zip(folder):
        yield from _files(archive.unpacked(folder))
        return
    if folder.is_file():
        msg = f"{folder}: must be a folder or a whole ZIP archive"
        raise DataError(msg)
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise DataError(msg)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix.lower() == ".zip" and archive.is_zip(path):
            yield from _files(archive.unpacked(path))
        else:
            yield path


def _image_file(path: Path) -> ImageFile | None:
    """Read what belongs to a series; None for all else."""
    if not files.is_dicom(path):
        return None
    try:
        header = files.read_header(path)
        with files.naming(path):
            if not header.get("SeriesInstanceUID", None):
                return None  # a DICOMDIR has none
            n_frames = int(header.get("NumberOfFrames", None) or 1)
            return _described(path, header, n_frames if "Rows" in header else 0)
    except DataError:
        return None


def _described(path: Path, header: Dataset, n_images: int) -> ImageFile:
    text = _Texts(header)
    photometric = text["PhotometricInterpretation"] or "MONOCHROME2"
    is_grey = int(header.get("SamplesPerPixel", None) or 1) == 1
    shape = int(header.get("Rows", None) or 0), int(header.get("Columns", None) or 0)
    geometry = _Geometry(path, header, n_images)
    return ImageFile(
        path=path,
        series_uid=str(header.SeriesInstanceUID),
        series_number=int(header.get("SeriesNumber", None) or 0),
        description=str(header.get("SeriesDescription", None) or ""),
        modality=str(header.get("Modality", None) or ""),
        n_images=n_images,
        instance_uid=text["SOPInstanceUID"],
        class_uid=text["SOPClassUID"],
        patient=text["PatientID"],
        space=text["FrameOfReferenceUID"],
        image_type=text["ImageType"],
        kernel=text["ConvolutionKernel"] or geometry.kernel,
        body_part=text["BodyPartExamined"],
        contrast_told=_tells_agent(header, text["ContrastBolusAgent"]),
        is_grey=is_grey and photometric.startswith("MONOCHROME"),
        shape=shape,
        kind=guess_kind(header) if n_images else None,
        positions=geometry.positions,
        orientation=geometry.orientation,
        pixel_mm=geometry.pixel_mm,
        thickness_mm=geometry.thickness_mm,
        burnt_in=_burnt_in(header),
        is_synthetic=text["SyntheticData"].upper() == "YES",
        is_damaged=geometry.is_damaged,
    )


class _Texts:
    """Attributes as text, several values by blanks; empty where missing or damaged."""

    def __init__(self, header: Dataset) -> None:
        self._header = header

    def __getitem__(self, keyword: str) -> str:
        with suppress(*files.UNREADABLE):
            value = self._header.get(keyword, None)
            if value is None:
                return ""
            several = not isinstance(value, str) and isinstance(value, Iterable)
            return " ".join(map(str, value)) if several else str(value).strip()
        return ""


class _Geometry:
    """Where the images of a file lie, as far as its header tells."""

    def __init__(self, path: Path, header: Dataset, n_images: int) -> None:
        self.is_damaged = False
        blank = np.broadcast_to(np.uint8(0), (0, 0))
        self._frames = [Frame(path, header, i, blank) for i in range(n_images)]
        group = "PlanePositionSequence"
        told = [self._numbers(f, "ImagePositionPatient", group) for f in self._frames]
        whole = bool(told) and all(place.size == 3 for place in told)
        self.positions = np.array(told) if whole else np.empty((0, 3))
        self.orientation = self._first("ImageOrientationPatient", 6)
        self.pixel_mm = self._first("PixelSpacing", 2)
        between = self._first("SpacingBetweenSlices", 1)
        thickness = self._first("SliceThickness", 1)
        self.thickness_mm = float(abs([*thickness, *between, 0.0][0]))

    @property
    def kernel(self) -> str:
        """ConvolutionKernel of an enhanced object."""
        with suppress(*files.UNREADABLE):
            if self._frames:
                return self._frames[0].text("ConvolutionKernel", _RECONSTRUCTION)
        return ""

    def _first(self, keyword: str, count: int) -> _Vector:
        groups = {"ImageOrientationPatient": "PlaneOrientationSequence"}
        group = groups.get(keyword, "PixelMeasuresSequence")
        for frame in self._frames[:1]:
            numbers = self._numbers(frame, keyword, group)
            if numbers.size == count:
                return numbers
        return np.empty(0)

    def _numbers(self, frame: Frame, keyword: str, group: str) -> _Vector:
        try:
            with files.naming(frame.path):
                numbers = frame.numbers(keyword, group)
                return numbers if np.isfinite(numbers).all() else np.empty(0)
        except DataError:
            self.is_damaged = True
            return np.empty(0)


def _burnt_in(header: Dataset) -> str:
    with suppress(*files.UNREADABLE):
        return burnt_in_warning(header) or ""
    return ""


def _tells_agent(header: Dataset, agent: str) -> bool:
    named = agent.strip().lower() not in _NO_CONTRAST
    return named or bool(header.get("ContrastBolusAgentSequence", None))


def _series(found: list[ImageFile]) -> Series:
    kept = _without_copies(found)
    first = kept[0]
    return Series(
        uid=first.series_uid,
        number=first.series_number,
        description=first.description,
        modality=first.modality,
        paths=tuple(image.path for image in kept),
        n_images=sum(image.n_images for image in kept),
        n_copies=len(found) - len(kept),
        images=tuple(kept),
    )


def _without_copies(images: Sequence[ImageFile]) -> list[ImageFile]:
    at: dict[_Place, list[ImageFile]] = defaultdict(list)
    for image in images:
        at[image.place].append(image)
    many = len(images) > _FEW_TIMES * len(at)  # a perfusion series, and no copies
    copies: set[int] = set()
    for same_place in at.values():
        firsts: list[ImageFile] = []
        for image in same_place:
            if any(_is_copy(image, first, look=not many) for first in firsts):
                copies.add(id(image))
            else:
                firsts.append(image)
    return [image for image in images if id(image) not in copies]


def _is_copy(image: ImageFile, first: ImageFile, *, look: bool) -> bool:
    """Tell copies; without a place in space by their pixels alone."""
    if image.instance_uid == first.instance_uid and image.positions.size:
        return True
    return look and image.n_images > 0 and same_pixels(image, first)


def _pixel_digest(image: ImageFile) -> bytes | None:
    try:
        dataset = files.read_dataset(image.path)
        pixels = files.decode_frames(dataset, image.path)
    except DataError:
        return None
    scale = [str(dataset.get(k, "")) for k in ("RescaleSlope", "RescaleIntercept")]
    digest = hashlib.sha256(repr((pixels.shape, scale)).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.digest()
