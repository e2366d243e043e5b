"""Maps of many series: an archive with a series of each patient, part by part."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from magic_model import batch
from magic_model.archives.door import Entry
from magic_model.errors import DataError
from magic_model.perfusion.compute import REVISION, Choices
from magic_model.perfusion.deconvolution import Deconvolution
from magic_model.perfusion.opening import compute_maps, open_series
from magic_model.perfusion.report import write_perfusion

COMPUTED = "computed.json"
"""Written last into a patient's folder: which series and method its maps are of."""


def fingerprint(entry: Entry, method: Deconvolution) -> str:
    """Return the fingerprint of files and method; values are not read."""
    text = json.dumps([REVISION, entry.name, str(method), entry.mark()])
    return hashlib.sha256(text.encode()).hexdigest()


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


def _task(entry: Entry, out: Path, method: Deconvolution) -> batch.Task:
    place = out / entry.name

    def work() -> None:
        _remove(place)
        with entry.opened() as path:
            result, look = compute_maps(open_series(path), Choices(method=method))
            notes = tuple(entry.without_source(note) for note in result.notes)
            write_perfusion(replace(result, notes=notes), place, look)
        _mark(place, fingerprint(entry, method))

    return batch.Task(
        entry.name,
        fingerprint=lambda: fingerprint(entry, method),
        is_done=lambda: _is_current(place, fingerprint(entry, method)),
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
