"""Maps of many series: a folder with a series of each patient, part by part."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magic_model import batch
from magic_model.errors import DataError
from magic_model.perfusion.compute import Choices
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.opening import compute_maps, open_series
from magic_model.perfusion.report import write_perfusion

COMPUTED = "computed.json"
"""Written last into a patient's folder: which series and method its maps are of."""

REVISION = 1
"""Raised whenever the same series gives other maps, so that old ones are remade."""

_FORMS = (".zip", ".nii", ".nii.gz")


@dataclass(frozen=True)
class Entry:
    """A patient of an archive.

    Attributes:
        name: Study-local, by its place in the order of names on disk.
        path: Folder, ZIP archive or 4D NIfTI file.
    """

    name: str
    path: Path

    def fingerprint(self, method: Deconvolution) -> str:
        """Return the fingerprint of files and method; values are not read."""
        files = [self.path, _json_beside(self.path)]  # which may state its times
        if self.path.is_dir():
            files = sorted(self.path.rglob("*"))
        known = [
            [path.name, path.stat().st_size, path.stat().st_mtime_ns]
            for path in files
            if path.is_file()
        ]
        text = json.dumps([REVISION, self.name, str(method), known])
        return hashlib.sha256(text.encode()).hexdigest()


def find_entries(folder: Path) -> list[Entry]:
    """Find the patients of an archive: its folders, ZIP archives and NIfTI files.

    Their names on disk may be a hospital's, so each gets a number in their order.

    Raises:
        DataError: If it is no folder, or holds none.
    """
    if not folder.is_dir():
        msg = f"{folder}: an archive must be a folder with a series of each patient"
        raise DataError(msg)
    found = [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".")
        and (path.is_dir() or path.name.lower().endswith(_FORMS))
    ]
    if not found:
        msg = f"{folder}: an archive must hold folders, ZIP archives or NIfTI files"
        raise DataError(msg)
    width = max(4, len(str(len(found))))
    return [Entry(f"case-{n:0{width}d}", path) for n, path in enumerate(found, 1)]


def compute_archive(
    entries: Sequence[Entry],
    out: Path,
    method: Deconvolution,
    archive: batch.Archive,
    progress: batch.Progress | None = None,
) -> batch.Outcome:
    """Compute the maps of a part of the patients, each into a folder of its name.

    Maps that are there of the same files by the same method are not computed again.

    Returns:
        What is missing of all patients.

    Raises:
        DataError: If a patient fails and is to end the run, a file cannot be written,
            or a cluster cannot be used.
    """
    tasks = [_task(entry, out, method) for entry in entries]
    archive.run(tasks, out, progress)
    outcome = batch.survey(tasks, out)
    if not outcome.pending:
        batch.write_failures(outcome.failures, out)
    return outcome


def links(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Return the name on disk of each study-local one, to be kept apart."""
    return {entry.name: entry.path.name for entry in entries}


def _task(entry: Entry, out: Path, method: Deconvolution) -> batch.Task:
    place = out / entry.name

    def work() -> None:
        _remove(place)
        try:
            result, look = compute_maps(open_series(entry.path), Choices(method=method))
        except DataError as error:
            raise DataError(_without_source(str(error), entry)) from error
        notes = tuple(_without_source(note, entry) for note in result.notes)
        write_perfusion(replace(result, notes=notes), place, look)
        _mark(place, entry.fingerprint(method))

    return batch.Task(
        entry.name,
        fingerprint=lambda: entry.fingerprint(method),
        is_done=lambda: _is_current(place, entry.fingerprint(method)),
        work=work,
    )


def _is_current(place: Path, fingerprint: str) -> bool:
    try:
        record = json.loads((place / COMPUTED).read_text(encoding="utf-8"))
        return bool(record["fingerprint"] == fingerprint) and all(
            (place / name).is_file() for name in record["files"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remove(place: Path) -> None:
    """Take away what an earlier run wrote, its mark first."""
    try:
        (place / COMPUTED).unlink(missing_ok=True)
        for pattern in ("*.nii.gz", "report.*"):
            for path in place.glob(pattern):
                path.unlink()
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def _mark(place: Path, fingerprint: str) -> None:
    files = sorted(path.name for path in place.iterdir() if path.name != batch.FAILED)
    record = {"fingerprint": fingerprint, "files": files}
    staged = place / f".{COMPUTED}"
    try:
        staged.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        staged.replace(place / COMPUTED)
    except OSError as error:
        msg = f"{place / COMPUTED}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def _without_source(text: str, entry: Entry) -> str:
    """Take the name on disk out of a message that stays with the maps."""
    beside = _json_beside(entry.path)
    for own in (str(entry.path), entry.path.name, str(beside), beside.name):
        text = text.replace(own, entry.name)
    return text


def _json_beside(path: Path) -> Path:
    return path.with_name(re.sub(r"\.nii(\.gz)?$", "", path.name) + ".json")
