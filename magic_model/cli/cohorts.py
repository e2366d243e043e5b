"""The commands that make a cohort: `phantom` and `import`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from magic_model.cli.options import Jobs, NewCohort, Seed, Series
from magic_model.errors import DataError, pluralize

if TYPE_CHECKING:
    from magic_model.data.layouts.raw_series import Maps
    from magic_model.data.volume import Kind
    from magic_model.importing.cohort import ImportResult
    from magic_model.severity import Severity

_INCOMPLETE = 1  # some patients could not be imported


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(phantom)
    app.command("import")(import_)


def phantom(
    out: NewCohort,
    patients: Annotated[int, typer.Option(help="Number of patients.")] = 12,
    severities: Annotated[
        str,
        typer.Option(help="How many of each instead: none,mild_moderate,severe."),
    ] = "",
    seed: Seed = 1,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Maps without noise, not measured from a series."),
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Whole head at 1 mm, not a slab; with --exact."),
    ] = False,
    ctp: Annotated[
        bool, typer.Option("--series", help="Write the CT perfusion series, too.")
    ] = False,
    jobs: Jobs = 1,
) -> None:
    """Make a cohort of digital patients with known truth."""
    from magic_model.api import make_phantom
    from magic_model.cli.progress import patients_progress
    from magic_model.severity import UNKNOWN

    wanted = _by_class(severities) if severities else patients
    with patients_progress("phantom") as progress:
        cohort = make_phantom(
            out,
            wanted,
            seed=seed,
            full=full,
            exact=exact,
            series=ctp,
            jobs=jobs,
            progress=progress,
        )
    counts = Counter(str(patient.severity or UNKNOWN) for patient in cohort.patients)
    classes = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(
        f"{pluralize(len(cohort.patients), 'patient')} in {out}: {classes}\n"
        f"Report: {out / 'report.html'}"
    )


def _by_class(text: str) -> "dict[Severity, int]":
    from magic_model.severity import Severity

    numbers = [part.strip() for part in text.split(",")]
    if len(numbers) != len(Severity) or not all(n.isdecimal() for n in numbers):
        msg = f"Severities must be three whole numbers such as 7,6,7, got {text!r}"
        raise DataError(msg)
    return dict(zip(Severity, map(int, numbers), strict=True))


def import_(
    root: Annotated[
        str | None,
        typer.Argument(help="Data as on disk, or s3:// or DICOMweb address."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the cohort.")] = None,
    layout: Annotated[str | None, typer.Option(help="How data lie on disk.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Only check this cohort; change nothing.")
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = 1,
    link: Annotated[
        Path | None,
        typer.Option(help="Also write which patient is which, to keep apart."),
    ] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Move each NCCT onto its maps first.")
    ] = False,
    series: Series = "",
    colour_range: Annotated[
        str,
        typer.Option(help="DICOM maps in colour: ends of their bars, cbf=0:100,..."),
    ] = "",
    maps: Annotated[
        str,
        typer.Option(help="Computed from a raw series: missing, given (none) or all."),
    ] = "missing",
) -> int:
    """Import a data set into a checked cohort, or check one that exists."""
    from magic_model.archives.door import is_address
    from magic_model.data.cohort import read_cohort
    from magic_model.importing.cohort import check_cohort, write_link
    from magic_model.importing.report import audit_table, write_report
    from magic_model.output import require_writable

    if check:
        print(audit_table(check_cohort(check)[1]))
        return 0
    if root is None or out is None or layout is None:
        msg = "Give --layout, the data's folder and --out; or --check and a cohort"
        raise DataError(msg)
    require_writable(out)
    if link:
        require_writable(link.parent)
    reading = _Reading(layout, _ranges(colour_range), series, _maps(maps), register)
    take = _import_archive if is_address(root) else _import_folder
    result = take(root, out, reading, seed=seed, jobs=jobs)
    if link:
        write_link(result.linked, link)
    if result.records:
        write_report(read_cohort(out), result.records, out, len(result.failures))
    print(_imported(result, out))
    return _INCOMPLETE if result.failures else 0


class _Reading(NamedTuple):
    """How the images of a patient are found and taken."""

    layout: str
    colour_ranges: "dict[Kind, tuple[float, float]]"
    series: str
    maps: "Maps"
    register: bool


def _import_folder(
    root: str, out: Path, how: _Reading, *, seed: int, jobs: int
) -> "ImportResult":
    from magic_model.cli.progress import patients_progress
    from magic_model.data.dicom.table import describe_series
    from magic_model.data.layouts import find_patients
    from magic_model.importing.cohort import import_cohort

    sources = find_patients(
        how.layout, Path(root), how.colour_ranges, how.series, maps=how.maps
    )
    for number, source in enumerate(sources, 1):
        if source.series:  # under a number: the name on disk is a hospital's
            title = f"patient {number} of {len(sources)}, by name on disk"
            print(f"{title}\n{describe_series(source.series)}\n")
    with patients_progress("importing") as progress:
        return import_cohort(
            sources, out, seed=seed, jobs=jobs, register=how.register, progress=progress
        )


def _import_archive(
    root: str, out: Path, how: _Reading, *, seed: int, jobs: int
) -> "ImportResult":
    from magic_model.archives.door import find_entries
    from magic_model.cli.progress import patients_progress
    from magic_model.importing.archive import fetching, import_archive

    fetched = fetching(
        how.layout, how.colour_ranges, how.series, how.maps, register=how.register
    )
    entries = find_entries(root)
    with patients_progress("importing") as progress:
        return import_archive(
            entries, out, fetched, seed=seed, jobs=jobs, progress=progress
        )


def _ranges(text: str) -> "dict[Kind, tuple[float, float]]":
    if not text:
        return {}
    from magic_model.data.layouts.colour_captures import parse_ranges

    return parse_ranges(text)


def _maps(text: str) -> "Maps":
    from magic_model.data.layouts.raw_series import Maps

    try:
        return Maps(text)
    except ValueError as error:
        raise DataError(str(error)) from error


def _imported(result: "ImportResult", out: Path) -> str:
    from magic_model.importing.report import audit_table, notes_table

    lines = [audit_table(list(result.records))] if result.records else []
    notes = notes_table(result.records)
    lines += [notes] if notes else []
    lines.append(
        f"{pluralize(len(result.records), 'patient')} in {out}, {result.n_skipped} of "
        f"them from before; {len(result.failures)} could not be imported"
    )
    lines += [f"  {f.source_id}: {f.reason}" for f in result.failures]
    if result.records:
        lines.append(f"Report: {out / 'report.html'}")
    return "\n".join(lines)
