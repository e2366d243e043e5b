"""One's own DICOM: a folder per patient, series known by their content."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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
    from magic_model.data.dicom.files import DicomFolder
    from magic_model.data.layouts.series_roles import Role

LOOKS_FOR = "a folder per patient, with DICOM series anywhere in it"

Range = tuple[float, float]

_EXPECTED = (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT)


def find_dicom(
    root: Path, colour_ranges: Mapping[Kind, Range] | None = None
) -> list[PatientSource]:
    """Find the patients: one per folder in `root`, however the files lie in it.

    `best_roles` of `magic_model.data.layouts.series_roles` tells which series is what;
    where two are equally plausible, reading the image refuses and names both. A map
    that exists in colour only is read by `colour_captures`; its pixels are looked at
    here already, to note how well the colours lie on their bar.

    Args:
        root: The data.
        colour_ranges: What the ends of the colour bar of a map stand for, for all
            patients; maps not named need a table.

    Raises:
        DataError: If a map has a range and a table.
    """
    from magic_model.data.dicom.files import find_series
    from magic_model.data.layouts.colour_captures import TABLES

    tables = root / TABLES
    scales = _Scales(tables, colour_ranges or {})
    folders = sorted(
        p for p in root.glob("*") if p.is_dir() and p.name[0] != "." and p != tables
    )
    found = [(folder.name, find_series(folder)) for folder in folders]
    if not any(content.series for _, content in found):
        return []
    return [
        _source(name, content, scales)
        for name, content in found
        if content.series or content.skipped
    ]


def _source(name: str, content: "DicomFolder", scales: "_Scales") -> PatientSource:
    from magic_model.data.layouts.series_roles import best_roles, burnt_in_note

    roles = best_roles(content.series)
    used = [found[0] for found in roles.values() if len(found) == 1]
    coloured = [role.kind for role in used if not role.is_grey]
    n_skipped = len(content.skipped)
    return PatientSource(
        source_id=name,
        images={k: _loader(k, found, scales) for k, found in roles.items()},
        files=(
            *(p for found in roles.values() for r in found for p in r.paths),
            *filter(None, map(scales.table, coloured)),
        ),
        notes=(
            *map(_choice, used),
            *(note for r in used for note in _residual(r, scales)),
            *burnt_in_note(used),
            *missing(kind for kind in _EXPECTED if kind not in roles),
            *([f"{n_skipped} files are no readable DICOM"] if n_skipped else []),
        ),
        findings=tuple(_text_in_pixels(used)),
        settings=tuple(scales.setting(k) for k in coloured if k in scales.ranges),
    )


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
    from magic_model.data.layouts.colour_captures import read_captures

    if len(roles) == 1 and roles[0].is_grey:
        return partial(read_series, roles[0].paths, kind)
    if len(roles) == 1:
        table, value_range = scales.table(kind), scales.ranges.get(kind)
        return partial(read_captures, roles[0].paths, kind, table, value_range)
    names = " and ".join(role.name for role in roles)
    return partial(refuse, f"{kind} must be one series, equally plausible are {names}")


def _choice(role: "Role") -> str:
    called = f" '{role.description}'" if role.description else ""
    return f"{role.kind} is the series{called} of {role.n_images} images"


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
