"""One's own DICOM: a folder or ZIP archive per patient, series known by content."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.layouts.raw_series import Maps, dicom_series
from magic_model.data.layouts.source import (
    ImageLoader,
    PatientSource,
    missing,
    read_series,
    refuse,
)
from magic_model.data.volume import Kind
from magic_model.errors import DataError

if TYPE_CHECKING:
    from magic_model.data.dicom.door import Door, Role

LOOKS_FOR = "a folder per patient, or a ZIP archive, with DICOM series anywhere in it"

Range = tuple[float, float]

_EXPECTED = (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT)


def find_dicom(
    root: Path,
    colour_ranges: Mapping[Kind, Range] | None = None,
    series: str = "",
) -> list[PatientSource]:
    """Find the patients: one per folder or archive in `root`, however files lie in it.

    A root that is an archive, or holds DICOM files itself, is one patient.

    `magic_model.data.dicom.door` tells which series is what; where two are equally
    plausible, reading the image refuses and names both. A map that exists in colour
    only is read by `colour_captures`; its pixels are looked at here already, to note
    how well the colours lie on their bar.

    Args:
        root: The data.
        colour_ranges: What the ends of the colour bar of a map stand for, for all
            patients; maps not named need a table.
        series: SeriesNumber or SeriesInstanceUID of the NCCT; chosen if left out.

    Raises:
        DataError: If a map has a range and a table, the only archive is damaged, or
            images of several patients lie in the root.
    """
    from magic_model.data.layouts.colour_captures import TABLES

    tables = root / TABLES
    scales = _Scales(tables, colour_ranges or {})
    sources = (_patient(place, scales, series) for place in _places(root, tables))
    found = [source for source in sources if source is not None]
    if any(source.series for source in found):
        return found
    damaged = [source.problem for source in found if not source.notes]
    if damaged:  # an archive, of which nothing but that is known
        raise DataError(damaged[0])
    return []


def find_one(
    place: Path,
    colour_ranges: Mapping[Kind, Range],
    series: str = "",
    maps: Maps = Maps.MISSING,
) -> PatientSource:
    """Return the patient to whom a whole folder or ZIP archive belongs.

    Args:
        place: The folder, whatever folders are in it, or the archive.
        colour_ranges: As for `find_dicom`.
        series: The same.
        maps: Which maps are computed from a raw series.

    Raises:
        DataError: If it holds no DICOM, or images of several patients.
    """
    from magic_model.data.layouts.colour_captures import TABLES

    found = _patient(place, _Scales(place / TABLES, colour_ranges), series)
    if found is None:
        msg = f"{place.name} must hold DICOM files, got none"
        raise DataError(msg)
    return found.with_maps(maps)


def _places(root: Path, tables: Path) -> list[Path]:
    from magic_model.data.dicom.archive import is_zip
    from magic_model.data.dicom.files import is_dicom

    entries = [] if root.is_file() else sorted(root.glob("*"))
    if root.is_file() or any(is_dicom(path) for path in entries if path.is_file()):
        return [root]
    return [
        path
        for path in entries
        if path.name[0] != "." and path != tables and (path.is_dir() or is_zip(path))
    ]


def _patient(place: Path, scales: "_Scales", series: str) -> PatientSource | None:
    """Read the headers of a patient; None where there is nothing."""
    from magic_model.data.dicom.door import open_content
    from magic_model.data.dicom.dynamic import find_dynamic
    from magic_model.data.dicom.series import find_series

    name = place.stem if place.is_file() else place.resolve().name
    try:
        content = find_series(place)
    except DataError as error:
        return PatientSource(name, {}, (), problem=str(error))
    if not content.series and not content.skipped:
        return None
    if place == scales.folder.parent and content.n_patients > 1:
        msg = (
            f"{place}: images beside folders must be of one patient, got "
            f"{content.n_patients}; give each patient a folder"
        )
        raise DataError(msg)
    found = _source(name, open_content(content, series), scales, content.skipped)
    return replace(found, raw=dicom_series(find_dynamic(content)))


def _source(
    name: str, door: "Door", scales: "_Scales", skipped: Sequence[Path]
) -> PatientSource:
    from magic_model.data.dicom.door import burnt_in_note

    roles = door.roles
    used = [found[0] for found in roles.values() if len(found) == 1]
    coloured = [role.kind for role in used if not role.is_grey]
    images = {k: _loader(k, found, scales) for k, found in roles.items()}
    if door.problem:
        images[Kind.NCCT] = partial(refuse, door.problem)
    return PatientSource(
        source_id=name,
        images=images,
        files=(
            *(p for found in roles.values() for r in found for p in r.paths),
            *filter(None, map(scales.table, coloured)),
        ),
        notes=(
            *(f"{role.kind} is {role.called}" for role in used),
            *door.notes,
            *(note for r in used for note in _residual(r, scales)),
            *burnt_in_note(used),
            *missing(kind for kind in _EXPECTED if kind not in images),
            *_why_missing(door),
            *([f"{len(skipped)} files are no readable DICOM"] if skipped else []),
        ),
        findings=tuple(_text_in_pixels(used)),
        settings=tuple(scales.setting(k) for k in coloured if k in scales.ranges),
        series=door.rows,
        problem="" if images else _nothing(door, skipped),
    )


def _why_missing(door: "Door") -> Iterator[str]:
    if Kind.NCCT not in door.roles and door.rows and not door.problem:
        yield door.why_no_ncct


def _nothing(door: "Door", skipped: Sequence[Path]) -> str:
    if not door.rows:
        return f"holds no readable DICOM file, but {skipped[0]}"
    return f"{door.why_no_ncct}; {door.remedy}"


def _text_in_pixels(roles: Sequence["Role"]) -> Iterator[str]:
    certain = [str(role.kind) for role in roles if "YES" in role.burnt_in]
    if certain:
        yield (
            f"text stands in the pixels of {', '.join(certain)} (BurnedInAnnotation is "
            "YES) and is copied with them: look at the pictures before you share them"
        )


@dataclass(frozen=True)
class _Scales:
    """What colours stand for: tables in a folder, or the ranges of bars in pictures."""

    folder: Path
    ranges: Mapping[Kind, Range]

    def __post_init__(self) -> None:
        for kind in self.ranges:
            if self.table(kind) is not None:
                msg = (
                    f"{self.table(kind)}: colours of {kind} must have a table or a "
                    "--colour-range, got both"
                )
                raise DataError(msg)

    def table(self, kind: Kind) -> Path | None:
        """Return the table of a map."""
        path = self.folder / f"{kind}.csv"
        return path if path.is_file() else None

    def setting(self, kind: Kind) -> str:
        """Write what was given, by which an import knows that it changed."""
        low, high = self.ranges[kind]
        return f"{kind}={low:g}:{high:g}"


def _loader(kind: Kind, roles: Sequence["Role"], scales: _Scales) -> ImageLoader:
    from magic_model.data.dicom.door import equally_plausible
    from magic_model.data.layouts.colour_captures import read_captures

    if len(roles) > 1:
        return partial(refuse, equally_plausible(kind, roles))
    (role,) = roles
    if role.is_grey:
        return partial(read_series, role.paths, kind, joined=role.is_joined)
    table, value_range = scales.table(kind), scales.ranges.get(kind)
    return partial(read_captures, role.paths, kind, table, value_range)


def _residual(role: "Role", scales: _Scales) -> list[str]:
    """Note how a coloured map is read; one that cannot be refuses when it is read."""
    from magic_model.data.layouts.colour_captures import describe_captures

    if role.is_grey:
        return []
    try:
        table, value_range = scales.table(role.kind), scales.ranges.get(role.kind)
        return [describe_captures(role.paths, role.kind, table, value_range)]
    except DataError:
        return []
