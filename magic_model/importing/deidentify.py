"""Take what a hospital wrote out of a patient's record: names, paths, UIDs, dates.

Layouts write notes of their own words, and of descriptions only known words of
radiology. This is the last door before import.json and the reports, for whatever a note
or a finding still quotes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from magic_model.data.layouts.source import PatientSource
from magic_model.importing.record import PatientRecord

_YEAR, _MONTH, _DAY = (
    r"(?:19|20)\d\d",
    r"(?:0?[1-9]|1[0-2])",
    r"(?:0?[1-9]|[12]\d|3[01])",
)
_REPLACED = (
    (re.compile(r"(?<![\w.])\d+(?:\.\d+){4,}(?![\w.]*\d)"), "[UID]"),
    (
        re.compile(rf"(?<!\d){_YEAR}([-./]?){_MONTH}\1{_DAY}(?:\d{{6}})?(?!\d)"),
        "[date]",
    ),
    (re.compile(rf"(?<!\d){_DAY}([-./]){_MONTH}\1{_YEAR}(?!\d)"), "[date]"),
)


def deidentify(record: PatientRecord, source: PatientSource) -> PatientRecord:
    """Return a record whose findings and notes name no file, id, UID or date.

    Args:
        record: As it was described; what the source found comes first in it.
        source: Whose name and paths are taken out.
    """
    findings = _cleaned((*source.findings, *record.checks.findings), record, source)
    return replace(
        record,
        checks=replace(record.checks, findings=findings),
        notes=_cleaned(record.notes, record, source),
    )


def _cleaned(
    texts: Sequence[str], record: PatientRecord, source: PatientSource
) -> list[str]:
    paths = sorted({p for file in source.files for p in (file, file.parent)}, key=str)
    named = [str(path) for path in reversed(paths)]  # longer ones first
    named += [file.name for file in source.files if file.suffix]
    taken_out = [
        *((re.compile(re.escape(name)), "[file]") for name in named),
        (re.compile(rf"(?<!\w){re.escape(source.source_id)}(?!\w)"), record.patient_id),
        *_REPLACED,
    ]
    return [_replaced(text, taken_out) for text in texts]


def _replaced(text: str, taken_out: Iterable[tuple[re.Pattern[str], str]]) -> str:
    for pattern, word in taken_out:
        text = pattern.sub(word, text)
    return text
