"""The questionnaire as a REDCap data dictionary, and the readings as its import file.

REDCap: doi:10.1016/j.jbi.2008.08.010. A project that takes the dictionary takes the
records; each reading is one record.
"""

import re
from collections.abc import Mapping

from analysis.deposit.codebook import Kind, Variable, variables
from analysis.deposit.readings import Deposited
from reader_study.formats.delimited import csv_text

DICTIONARY = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""Columns of a data dictionary, in the words and the order that REDCap reads."""

_FORM = "reading"
_LONGEST = 26  # beyond which REDCap warns of what statistics programs take
_VALIDATION: Mapping[Kind, str] = {"whole number": "integer", "number": "number"}


def field_names(deposit: Deposited) -> dict[str, str]:
    """Return by column a name that REDCap takes: a to z, digits and _, all different.

    The first is `record_id`, as REDCap wants it.
    """
    names: dict[str, str] = {}
    for column in deposit.columns:
        plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        if not plain[:1].isalpha():
            plain = f"q_{plain}".rstrip("_")
        name, n = plain[:_LONGEST].rstrip("_"), 1
        while name in names.values():
            n += 1
            name = f"{plain[: _LONGEST - len(str(n)) - 1]}_{n}"
        names[column] = "record_id" if column == "record" else name
    return names


def dictionary_text(deposit: Deposited) -> str:
    """Return the data dictionary as CSV."""
    names = field_names(deposit)
    rows = [_field(names[one.name], one) for one in variables(deposit)]
    return csv_text(DICTIONARY, rows)


def records_text(deposit: Deposited) -> str:
    """Return the readings as a file that a project with the dictionary imports."""
    names = field_names(deposit)
    rows = [
        {names[column]: row[column] for column in deposit.columns if column in row}
        for row in deposit.rows
    ]
    return csv_text([*names.values(), f"{_FORM}_complete"], map(_complete, rows))


def _complete(row: Mapping[str, object]) -> dict[str, object]:
    return {**row, f"{_FORM}_complete": 2}


def _field(name: str, one: Variable) -> dict[str, object]:
    choices = " | ".join(f"{code}, {_choice(label)}" for code, label in one.codes)
    cells = (
        name,
        _FORM,
        "",
        "radio" if choices else "text",
        " ".join(one.label.split()),
        choices,
        f"Empty: {one.empty}",
        "" if choices or name == "record_id" else _VALIDATION.get(one.kind, ""),
    )
    return dict(zip(DICTIONARY, cells, strict=False))


def _choice(label: str) -> str:
    """Return a label without what parts choices."""
    return " ".join(label.replace("|", "/").split())
