"""The command that computes maps: `perfusion`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magic_model.batch import INCOMPLETE, Archive, Part
from magic_model.cli.options import (
    ArchiveLink,
    ArchivePart,
    KeepGoing,
    OfMany,
    Out,
    Scheduler,
)
from magic_model.errors import DataError, pluralize

if TYPE_CHECKING:
    from magic_model.perfusion.deconvolution import Deconvolution
    from magic_model.perfusion.vessels import Voxel


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(perfusion)


def perfusion(
    series: Annotated[
        str,
        typer.Argument(
            help="4D NIfTI file in HU, folder or ZIP archive of DICOM, or an archive."
        ),
    ],
    out: Out,
    frame_times: Annotated[
        Path | None,
        typer.Option(help="Seconds of the frames; else as the file states."),
    ] = None,
    brain: Annotated[
        Path | None, typer.Option(help="Mask of the brain; else it is found.")
    ] = None,
    aif: Annotated[
        str, typer.Option(help="Voxel of the artery, i,j,k from 0; else found.")
    ] = "",
    vof: Annotated[
        str, typer.Option(help="Voxel of the vein, i,j,k from 0; else found.")
    ] = "",
    number: Annotated[
        str,
        typer.Option("--series", help="DICOM: its number or UID among several."),
    ] = "",
    method: Annotated[
        str,
        typer.Option(help="bayes, tikhonov, svd, circulant or oscillation."),
    ] = "bayes",
    archive: OfMany = False,
    part: ArchivePart = "",
    keep_going: KeepGoing = False,
    scheduler: Scheduler = "",
    link: ArchiveLink = None,
) -> int:
    """Compute CBF, CBV, MTT, TTP and Tmax from a CT perfusion series."""
    from magic_model.archives.door import is_address

    if archive or is_address(series):
        _refuse_for_many(frame_times, brain, aif, vof, number)
        how = Archive(Part.parse(part), keep_going, scheduler)
        return _archive(series, out, method, how, link)
    _refuse_for_one(part, keep_going, scheduler, link)
    from magic_model.cli.progress import parts_progress
    from magic_model.output import require_writable
    from magic_model.perfusion.compute import Choices
    from magic_model.perfusion.opening import compute_maps, open_series
    from magic_model.perfusion.report import describe, write_perfusion
    from magic_model.perfusion.series import read_mask

    require_writable(out)
    artery, vein = _voxel(aif, "--aif"), _voxel(vof, "--vof")
    way = _method(method)
    with parts_progress("perfusion") as progress:
        frames = open_series(Path(series), frame_times, number)
        mask = read_mask(brain, frames) if brain else None
        choices = Choices(mask, artery, vein, way)
        result, look = compute_maps(frames, choices, progress)
        write_perfusion(result, out, look)
    print(describe(result))
    print(f"Maps in {out}; report: {out / 'report.html'}")
    return 0


def _archive(
    address: str,
    out: Path,
    method: str,
    how: Archive,
    link: Path | None,
) -> int:
    from magic_model.archives.door import find_entries, links, resolved
    from magic_model.cli.progress import patients_progress
    from magic_model.importing.cohort import write_link
    from magic_model.output import require_writable
    from magic_model.perfusion.archive import compute_archive

    require_writable(out)
    if how.scheduler:  # whose workers have working directories of their own
        address, out = resolved(address), out.resolve()
    entries, way = find_entries(address), _method(method)
    if link:
        write_link(dict(links(entries)), link)
    with patients_progress("perfusion") as progress:
        outcome = compute_archive(entries, out, way, how, progress)
    missing = len(outcome.failures) + len(outcome.pending)
    print(f"Maps of {len(entries) - missing} of {pluralize(len(entries), 'patient')}")
    if missing:
        print(outcome.describe(out))
    print(f"Maps in {out}, a folder each; look at each report.html")
    return INCOMPLETE if outcome.failures else 0


def _refuse_for_many(*given: object) -> None:
    if any(given):
        msg = (
            "--archive must be given without --frame-times, --brain, --aif, --vof and "
            "--series, which are of one patient"
        )
        raise DataError(msg)


def _refuse_for_one(*given: object) -> None:
    if any(given):
        msg = (
            "--part, --keep-going, --scheduler and --link must be given with --archive"
        )
        raise DataError(msg)


def _voxel(text: str, option: str) -> "Voxel | None":
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        msg = (
            f"{option} must be three whole numbers from 0 such as 40,60,3, got {text!r}"
        )
        raise DataError(msg)
    i, j, k = map(int, parts)
    return i, j, k


def _method(text: str) -> "Deconvolution":
    from magic_model.perfusion.deconvolution import Deconvolution

    try:
        return Deconvolution(text)
    except ValueError as error:
        raise DataError(str(error)) from error
