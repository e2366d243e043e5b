"""Take what a hospital wrote out of a patient's record: names, paths, UIDs, dates.

Layouts write notes of their own words, and of descriptions only known words of
radiology. This is the last door before import.json and the reports, for whatever a note
or a finding still quotes. An id or folder that is an ordinary word or a small number (a
patient `head`, a patient `5`) is taken out of what a hospital wrote: quotations, paths,
and names that begin a message; the same word in our own sentences stays.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from magic_model.data.dicom.description import is_word_of_radiology
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
_SMALL_NUMBER = re.compile(r"\d{1,4}")
_WRITTEN_BY_HOSPITAL = re.compile(
    r"""(?<!\w)'[^']*'(?!\w) | (?<!\w)"[^"]*"(?!\w)   # quotations
      | ^[^\s:]+(?=:)                                  # what a message is about
      | \S*[/\\]\S*                                   # paths
    """,
    re.VERBOSE,
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


def without_names(text: str, names: Iterable[str]) -> str:
    """Return a text without names of files and folders, UIDs and dates.

    Args:
        text: Such as why a patient could not be imported.
        names: Of files and folders, in any order.
    """
    longest_first = sorted(names, key=len, reverse=True)
    named = ((name, "[file]") for name in longest_first)
    return _without_patterns(_without_names(text, named))


def _cleaned(
    texts: Sequence[str], record: PatientRecord, source: PatientSource
) -> list[str]:
    paths = sorted({p for file in source.files for p in (file, file.parent)}, key=str)
    named = [str(path) for path in reversed(paths)]  # longer ones first
    named += [file.name for file in source.files if file.suffix]
    names = [*((name, "[file]") for name in named if name)]
    names.append((source.source_id, record.patient_id))
    return [_without_patterns(_without_names(text, names)) for text in texts]


def _without_names(text: str, names: Iterable[tuple[str, str]]) -> str:
    for name, instead in names:
        if name not in text:
            continue
        whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        replace_whole = partial(_replace_in_match, whole, instead)
        if _is_ordinary(name):
            text = _WRITTEN_BY_HOSPITAL.sub(replace_whole, text)
        else:
            text = whole.sub(instead, text)
    return text


def _replace_in_match(
    pattern: re.Pattern[str], instead: str, found: re.Match[str]
) -> str:
    return pattern.sub(instead, found[0])


def _is_ordinary(name: str) -> bool:
    """Return whether our own sentences may hold this word or number, too."""
    is_word = name.isalpha() and (name.islower() or is_word_of_radiology(name))
    return is_word or bool(_SMALL_NUMBER.fullmatch(name))


def _without_patterns(text: str) -> str:
    for pattern, instead in _REPLACED:
        text = pattern.sub(instead, text)
    return text
