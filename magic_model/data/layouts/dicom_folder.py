"""One's own DICOM: a folder per patient, series known by their content."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magic_model.data.layouts.series import read_series
from magic_model.data.layouts.source import (
    ImageLoader,
    PatientSource,
    missing,
    refuse,
)
from magic_model.data.volume import Kind

if TYPE_CHECKING:
    from magic_model.data.dicom.files import DicomFolder
    from magic_model.data.layouts.series_roles import Role

LOOKS_FOR = "a folder per patient, with DICOM series anywhere in it"

_EXPECTED = (Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT)


def find_dicom(root: Path) -> list[PatientSource]:
    """Find the patients: one per folder in `root`, however the files lie in it.

    `best_roles` of `magic_model.data.layouts.series_roles` tells which series is what;
    where two are equally plausible, reading the image refuses and names both.
    """
    from magic_model.data.dicom.files import find_series

    folders = sorted(p for p in root.glob("*") if p.is_dir() and p.name[0] != ".")
    found = [(folder.name, find_series(folder)) for folder in folders]
    if not any(content.series for _, content in found):
        return []
    return [
        _source(name, content)
        for name, content in found
        if content.series or content.skipped
    ]


def _source(name: str, content: "DicomFolder") -> PatientSource:
    from magic_model.data.layouts.series_roles import best_roles

    roles = best_roles(content.series)
    n_skipped = len(content.skipped)
    return PatientSource(
        source_id=name,
        images={kind: _loader(kind, found) for kind, found in roles.items()},
        files=tuple(p for found in roles.values() for r in found for p in r.paths),
        notes=(
            *(_choice(found[0]) for found in roles.values() if len(found) == 1),
            *missing(kind for kind in _EXPECTED if kind not in roles),
            *([f"{n_skipped} files are no readable DICOM"] if n_skipped else []),
        ),
    )


def _loader(kind: Kind, roles: Sequence["Role"]) -> ImageLoader:
    if len(roles) == 1:
        return partial(read_series, roles[0].paths, kind)
    names = " and ".join(role.name for role in roles)
    return partial(refuse, f"{kind} must be one series, equally plausible are {names}")


def _choice(role: "Role") -> str:
    called = f" '{role.description}'" if role.description else ""
    return f"{role.kind} is the series{called} of {role.n_images} images"
