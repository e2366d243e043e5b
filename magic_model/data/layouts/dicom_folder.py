"""One's own DICOM: a folder per patient, series known by their content."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset

from magic_model.data.dicom.files import Series, read_header
from magic_model.data.dicom.perfusion import guess_kind
from magic_model.data.dicom.study import burnt_in_warning
from magic_model.data.layouts import source
from magic_model.data.volume import Kind
from magic_model.errors import DataError

if TYPE_CHECKING:
    from magic_model.data.dicom.files import DicomFolder


_NO_CONTRAST = ("", "none", "no", "n", "0")
_AXIAL = 0.9  # cosine between the normal and the long axis of the body


@dataclass(frozen=True)
class _Role:
    """A series, or the files in it that show one map, as what it can serve.

    Attributes:
        kind: `NCCT` or a map.
        description: SeriesDescription.
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


def _best_roles(series: Sequence[Series]) -> dict[Kind, list[_Role]]:
    """Find the series for each image; several mean that they are equally plausible.

    The NCCT is the CT series with most slices among those that are axial, without
    contrast, no localizer, and have one image at each place. A map is what
    `guess_kind` says of its files; grey ones go before coloured ones.
    """
    roles: dict[Kind, list[_Role]] = defaultdict(list)
    for one in series:
        for role in _roles(one):
            roles[role.kind].append(role)
    return {kind: _best(roles[kind]) for kind in Kind if kind in roles}


def _burnt_in_note(roles: Iterable[_Role]) -> tuple[str, ...]:
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


def _best(roles: list[_Role]) -> list[_Role]:
    def worth(role: _Role) -> tuple[bool, int]:
        return role.is_grey, role.n_images if role.kind is Kind.NCCT else 0

    highest = max(map(worth, roles))
    return [role for role in roles if worth(role) == highest]


def _roles(series: Series) -> Iterator[_Role]:
    if not series.n_images:
        return
    first = read_header(series.paths[0])
    is_grey = _is_grey(first)
    if guess_kind(first) is not None:
        for kind, paths in _by_map(series.paths).items():
            n_images = (
                series.n_images if len(paths) == len(series.paths) else len(paths)
            )
            yield _Role(kind, series.description, paths, n_images, is_grey)
    elif is_grey and _is_native_ct(first) and _is_one_stack(series.paths):
        yield _Role(
            Kind.NCCT, series.description, series.paths, series.n_images, is_grey
        )


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


LOOKS_FOR = "a folder per patient, with DICOM series anywhere in it"

_EXPECTED = (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT)


def find_dicom(root: Path) -> list[source.PatientSource]:
    """Find the patients: one per folder in `root`, however the files lie in it.

    `_best_roles` of `magic_model.data.layouts.dicom_folder` tells which series is what;
    where two are equally plausible, reading the image refuses and names both. A map
    that exists in colour only is read by `colour_captures`; its pixels are looked at
    here already, to note how well the colours lie on their bar.
    """
    from magic_model.data.dicom.files import find_series
    from magic_model.data.layouts.colour_captures import TABLES

    tables = root / TABLES
    folders = sorted(
        p for p in root.glob("*") if p.is_dir() and p.name[0] != "." and p != tables
    )
    found = [(folder.name, find_series(folder)) for folder in folders]
    if not any(content.series for _, content in found):
        return []
    return [
        _source(name, content, tables)
        for name, content in found
        if content.series or content.skipped
    ]


def _source(name: str, content: "DicomFolder", tables: Path) -> source.PatientSource:

    roles = _best_roles(content.series)
    used = [found[0] for found in roles.values() if len(found) == 1]
    given = {r.kind: _table(tables, r.kind) for r in used if not r.is_grey}
    n_skipped = len(content.skipped)
    return source.PatientSource(
        source_id=name,
        images={k: _loader(k, found, given.get(k)) for k, found in roles.items()},
        files=(
            *(p for found in roles.values() for r in found for p in r.paths),
            *filter(None, given.values()),
        ),
        notes=(
            *map(_choice, used),
            *(note for r in used for note in _residual(r, given.get(r.kind))),
            *_burnt_in_note(used),
            *source.missing(kind for kind in _EXPECTED if kind not in roles),
            *([f"{n_skipped} files are no readable DICOM"] if n_skipped else []),
        ),
    )


def _table(tables: Path, kind: Kind) -> Path | None:
    path = tables / f"{kind}.csv"
    return path if path.is_file() else None


def _loader(
    kind: Kind, roles: Sequence["_Role"], table: Path | None
) -> source.ImageLoader:
    from magic_model.data.layouts.colour_captures import read_captures

    if len(roles) == 1 and roles[0].is_grey:
        return partial(source.read_series, roles[0].paths, kind)
    if len(roles) == 1:
        return partial(read_captures, roles[0].paths, kind, table)
    names = " and ".join(role.name for role in roles)
    return partial(
        source.refuse, f"{kind} must be one series, equally plausible are {names}"
    )


def _choice(role: "_Role") -> str:
    called = f" '{role.description}'" if role.description else ""
    return f"{role.kind} is the series{called} of {role.n_images} images"


def _residual(role: "_Role", table: Path | None) -> list[str]:
    """Note how a coloured map is read; one that cannot be refuses when it is read."""
    from magic_model.data.layouts.colour_captures import describe_captures

    if role.is_grey:
        return []
    try:
        return [describe_captures(role.paths, role.kind, table)]
    except DataError:
        return []
