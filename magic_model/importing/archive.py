"""Import of an archive that lies elsewhere, a patient at a time; a run again goes on.

A patient is fetched, imported and taken away again. Which patients an unfinished
import has had is kept in a hidden file, as hashes that only names of the archive lead
to. The file goes once nothing is left to do, since such a hash tells who has a list of
names whether one is meant.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from joblib import Parallel, delayed

from magic_model.archives.door import Entry
from magic_model.data.dicom.archive import is_zip
from magic_model.data.layouts.raw_series import Maps
from magic_model.data.layouts.registry import ColourRanges
from magic_model.data.layouts.source import PatientSource
from magic_model.errors import DataError
from magic_model.importing import cohort as importing_cohort
from magic_model.importing.cohort import ImportFailure, ImportResult, Progress
from magic_model.importing.deidentify import without_names
from magic_model.output import require_writable

_FETCHED = ".fetched"
_ONLY = "dicom"

Find = Callable[[Path], PatientSource]


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """How the patients of an archive are imported.

    Attributes:
        find: Says what is in the files of a patient; can be pickled.
        settings: What it follows from beside the files.
        register: Whether to move each NCCT onto the maps first.
    """

    find: Find
    settings: str
    register: bool = False


def fetching(
    layout: str,
    colour_ranges: ColourRanges,
    series: str,
    maps: Maps,
    *,
    register: bool = False,
) -> Fetching:
    """Return how an archive is imported, from what `magic-model import` is given.

    Args:
        layout: `dicom`; other data sets have a place on disk.
        colour_ranges: Values at the ends of the colour bars of maps.
        series: Number or UID of the DICOM series that is the NCCT.
        maps: Which maps are computed from a raw series.
        register: Whether to move each NCCT onto the maps first.

    Raises:
        DataError: If it is another layout.
    """
    from magic_model.data.layouts.dicom_folder import find_one

    if layout != _ONLY:
        msg = f"An archive at an address must have layout {_ONLY}, got layout {layout}"
        raise DataError(msg)
    find = partial(find_one, colour_ranges=colour_ranges, series=series, maps=maps)
    ranges = {str(kind): ends for kind, ends in colour_ranges.items()}
    settings = json.dumps([ranges, series, str(maps), register], sort_keys=True)
    return Fetching(find=find, settings=settings, register=register)


def import_archive(
    entries: Sequence[Entry],
    folder: Path,
    how: Fetching,
    *,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress = lambda _done, _all: None,
) -> ImportResult:
    """Import the patients of an archive into a cohort folder and write cohort.csv.

    Names, splits and records are as those of `import_cohort`. Failures carry the number
    of a patient in the archive, not the archive's name.

    Args:
        entries: Of `magic_model.archives.door.find_entries`.
        folder: Of the cohort.
        how: What is done with each.
        seed: Of the splits.
        jobs: Patients at a time.
        progress: Told how many of how many are done.

    Raises:
        DataError: If the folder cannot be made.
    """
    require_writable(folder).mkdir(parents=True, exist_ok=True)
    known = importing_cohort.known_patients(folder)
    fetched = _read_fetched(folder, set(known.values()))
    marks = {entry.name: _mark(entry, how.settings) for entry in entries}
    todo = [entry for entry in entries if marks[entry.name] not in fetched]
    names = importing_cohort.new_names(
        [entry.name for entry in todo], set(known.values())
    )
    outcomes = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_import_entry)(entry, names[entry.name], folder, how, known)
        for entry in todo
    )
    failures: list[ImportFailure] = []
    for done, (entry, outcome) in enumerate(zip(todo, outcomes, strict=True), 1):
        progress(done, len(todo))
        if isinstance(outcome, ImportFailure):
            failures.append(outcome)
            continue
        fetched[marks[entry.name]] = outcome
        with (folder / _FETCHED).open("a", encoding="utf-8") as file:
            file.write(f"{marks[entry.name]} {outcome}\n")
    linked = {
        fetched[marks[entry.name]]: entry.source_name
        for entry in entries
        if marks[entry.name] in fetched
    }
    if not failures:
        (folder / _FETCHED).unlink(missing_ok=True)
    n_before = sum(name in known.values() for name in linked)
    return importing_cohort.finish(folder, linked, failures, n_before, seed)


def _import_entry(
    entry: Entry, patient_id: str, folder: Path, how: Fetching, known: dict[str, str]
) -> str | ImportFailure:
    """Return the name in the cohort, that of before where its files are the same."""
    inside: set[str] = set()
    try:
        with entry.opened() as place:
            inside |= _names_in(place)
            source = how.find(place)
            mark = importing_cohort.fingerprint(source)
            if mark in known:
                return known[mark]
            outcome = importing_cohort.import_patient(
                source, patient_id, mark, folder, register=how.register
            )
    except DataError as error:
        outcome = ImportFailure(entry.name, str(error))
    if isinstance(outcome, ImportFailure):
        reason = without_names(entry.without_source(outcome.reason), inside)
        return ImportFailure(entry.name, reason)
    return patient_id


def _names_in(place: Path) -> set[str]:
    """Return names of files and folders in a folder, or in an archive in it."""
    found = {
        part for path in place.rglob("*") for part in path.relative_to(place).parts
    }
    for path in (place, *place.rglob("*.[zZ][iI][pP]")):
        if is_zip(path):
            with zipfile.ZipFile(path) as archive:
                found |= {p for name in archive.namelist() for p in Path(name).parts}
    return found


def _mark(entry: Entry, settings: str) -> str:
    content = json.dumps([entry.source_name, entry.mark(), settings])
    return hashlib.sha256(content.encode()).hexdigest()


def _read_fetched(folder: Path, there: set[str]) -> dict[str, str]:
    """Return patients that an unfinished import has had, by mark."""
    path = folder / _FETCHED
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = (line.partition(" ") for line in lines)
    return {mark: name for mark, _, name in found if name in there}
