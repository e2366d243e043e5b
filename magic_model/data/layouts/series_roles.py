"""Which series of a patient is the NCCT, which are the maps: told by their content."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from magic_model.data.dicom.description import cleaned_description
from magic_model.data.dicom.files import Series, read_header
from magic_model.data.dicom.perfusion import guess_kind
from magic_model.data.dicom.study import burnt_in_warning
from magic_model.data.volume import Kind

_NO_CONTRAST = ("", "none", "no", "n", "0")
_AXIAL = 0.9  # cosine between the normal and the long axis of the body


@dataclass(frozen=True)
class Role:
    """A series, or the files in it that show one map, as what it can serve.

    Attributes:
        kind: `NCCT` or a map.
        description: What `cleaned_description` leaves of SeriesDescription.
        paths: Its files.
        n_images: Images in them.
        is_grey: Tells values from pictures in colour, also those with a palette.
    """

    kind: Kind
    description: str
    paths: tuple[Path, ...]
    n_images: int
    is_grey: bool

    @property
    def name(self) -> str:
        """For messages: where it lies, what it is called, how large it is."""
        called = f" '{self.description}'" if self.description else ""
        return f"series{called} of {self.n_images} images in {self.paths[0].parent}"

    @property
    def burnt_in(self) -> str:
        """Why text may stand in the pixels of a file, empty if nothing says so."""
        warnings = (burnt_in_warning(read_header(path)) for path in self.paths)
        reason = next(filter(None, warnings), "").partition(":")[0]
        return reason.removeprefix("a ")


def best_roles(series: Sequence[Series]) -> dict[Kind, list[Role]]:
    """Find the series for each image; several mean that they are equally plausible.

    The NCCT is the CT series with most slices among those that are axial, without
    contrast, no localizer, and have one image at each place. A map is what
    `guess_kind` says of its files; grey ones go before coloured ones.
    """
    roles: dict[Kind, list[Role]] = defaultdict(list)
    for one in series:
        for role in _roles(one):
            roles[role.kind].append(role)
    return {kind: _best(roles[kind]) for kind in Kind if kind in roles}


def burnt_in_note(roles: Iterable[Role]) -> tuple[str, ...]:
    """Warn once of text in the pixels of the images in use; no note if there is none.

    Only what headers tell is known: the pixels are not searched.
    """
    told = ((role.kind, role.burnt_in) for role in roles)
    where = ", ".join(f"{kind} ({reason})" for kind, reason in told if reason)
    if not where:
        return ()
    return (
        f"burnt-in text is possible in {where}: "
        "look at the pictures before you share them",
    )


def _best(roles: list[Role]) -> list[Role]:
    def worth(role: Role) -> tuple[bool, int]:
        return role.is_grey, role.n_images if role.kind is Kind.NCCT else 0

    highest = max(map(worth, roles))
    return [role for role in roles if worth(role) == highest]


def _roles(series: Series) -> Iterator[Role]:
    if not series.n_images:
        return
    first = read_header(series.paths[0])
    is_grey, description = _is_grey(first), cleaned_description(series.description)
    if guess_kind(first) is not None:
        for kind, paths in _by_map(series.paths).items():
            n_images = (
                series.n_images if len(paths) == len(series.paths) else len(paths)
            )
            yield Role(kind, description, paths, n_images, is_grey)
    elif is_grey and _is_native_ct(first) and _is_one_stack(series.paths):
        yield Role(Kind.NCCT, description, series.paths, series.n_images, is_grey)


def _by_map(paths: Sequence[Path]) -> dict[Kind, tuple[Path, ...]]:
    """Take a series apart that holds several maps."""
    found: dict[Kind, list[Path]] = defaultdict(list)
    for path in paths:
        kind = guess_kind(read_header(path))
        if kind is not None:
            found[kind].append(path)
    return {kind: tuple(files) for kind, files in found.items()}


def _is_grey(header: Dataset) -> bool:
    photometric = str(header.get("PhotometricInterpretation", None) or "MONOCHROME2")
    n_samples = int(header.get("SamplesPerPixel", None) or 1)
    return n_samples == 1 and photometric.startswith("MONOCHROME")


def _is_native_ct(header: Dataset) -> bool:
    agent = str(header.get("ContrastBolusAgent", None) or "").strip().lower()
    return (
        header.get("Modality", None) == "CT"
        and "LOCALIZER" not in (header.get("ImageType", None) or ())
        and agent in _NO_CONTRAST
        and not header.get("ContrastBolusAgentSequence", None)
        and _is_axial(header)
    )


def _is_axial(header: Dataset) -> bool:
    """Return whether slices lie across the body; so be it where the file is silent."""
    orientation = header.get("ImageOrientationPatient", None)
    if orientation is None or len(orientation) != 6:
        return True
    row, column = np.array(orientation, dtype=np.float64).reshape(2, 3)
    return bool(abs(np.cross(row, column)[2]) > _AXIAL)


def _is_one_stack(paths: Sequence[Path]) -> bool:
    """Tell a stack of slices from a perfusion series, which images each place again."""
    places = [read_header(p).get("ImagePositionPatient", None) for p in paths]
    told = [tuple(map(float, place)) for place in places if place]
    return len(set(told)) == len(told)
