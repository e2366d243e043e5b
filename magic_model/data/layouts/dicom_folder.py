"""One's own DICOM: a folder per patient, series known by their content."""

from collections.abc import Sequence
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

_EXPECTED = (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT)


def find_dicom(root: Path) -> list[PatientSource]:
    """Find the patients: one per folder in `root`, however the files lie in it.

    `best_roles` of `magic_model.data.layouts.series_roles` tells which series is what;
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


def _source(name: str, content: "DicomFolder", tables: Path) -> PatientSource:
    from magic_model.data.layouts.series_roles import best_roles, burnt_in_note

    roles = best_roles(content.series)
    used = [found[0] for found in roles.values() if len(found) == 1]
    given = {r.kind: _table(tables, r.kind) for r in used if not r.is_grey}
    n_skipped = len(content.skipped)
    return PatientSource(
        source_id=name,
        images={k: _loader(k, found, given.get(k)) for k, found in roles.items()},
        files=(
            *(p for found in roles.values() for r in found for p in r.paths),
            *filter(None, given.values()),
        ),
        notes=(
            *map(_choice, used),
            *(note for r in used for note in _residual(r, given.get(r.kind))),
            *burnt_in_note(used),
            *missing(kind for kind in _EXPECTED if kind not in roles),
            *([f"{n_skipped} files are no readable DICOM"] if n_skipped else []),
        ),
    )


def _table(tables: Path, kind: Kind) -> Path | None:
    path = tables / f"{kind}.csv"
    return path if path.is_file() else None


def _loader(kind: Kind, roles: Sequence["Role"], table: Path | None) -> ImageLoader:
    from magic_model.data.layouts.colour_captures import read_captures

    if len(roles) == 1 and roles[0].is_grey:
        return partial(read_series, roles[0].paths, kind)
    if len(roles) == 1:
        return partial(read_captures, roles[0].paths, kind, table)
    names = " and ".join(role.name for role in roles)
    return partial(refuse, f"{kind} must be one series, equally plausible are {names}")


def _choice(role: "Role") -> str:
    called = f" '{role.description}'" if role.description else ""
    return f"{role.kind} is the series{called} of {role.n_images} images"


def _residual(role: "Role", table: Path | None) -> list[str]:
    """Note how a coloured map is read; one that cannot be refuses when it is read."""
    from magic_model.data.layouts.colour_captures import describe_captures

    if role.is_grey:
        return []
    try:
        return [describe_captures(role.paths, role.kind, table)]
    except DataError:
        return []
