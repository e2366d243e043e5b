"""The questionnaire as a REDCap data dictionary, and the readings as its import file.

REDCap: doi:10.1016/j.jbi.2008.08.010. A project that takes the dictionary takes the
records; each reading is one record.
"""

import re
from collections.abc import Collection, Mapping

from analysis.deposit.codebook import Kind, Variable, variables
from analysis.deposit.readings import Deposited
from reader_study.formats.delimited import csv_text
from reader_study.formats.questionnaire import Condition, Question

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
_TYPES: Mapping[str, str] = {
    "several": "checkbox", "analogue": "slider", "long_text": "notes",
    "marks": "notes",
}  # fmt: skip
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
    several = {one.name for one in variables(deposit) if one.kind == "codes"}
    rows = [_field(one, names, several) for one in variables(deposit)]
    return csv_text(DICTIONARY, rows)


def records_text(deposit: Deposited) -> str:
    """Return the readings as a file that a project with the dictionary imports."""
    names = field_names(deposit)
    described = {one.name: one for one in variables(deposit)}
    boxes = {
        one.name: {code: f"{names[one.name]}___{_box(code)}" for code, _ in one.codes}
        for one in described.values()
        if one.kind == "codes"
    }
    header = [
        name
        for column in names
        for name in boxes.get(column, {column: names[column]}).values()
    ]
    rows = []
    for row in deposit.rows:
        cells = {names[c]: row[c] for c in names if c in row and c not in boxes}
        for column, of in boxes.items():
            cells |= dict(zip(of.values(), described[column].cells(row), strict=True))
        rows.append(cells)
    return csv_text([*header, f"{_FORM}_complete"], map(_complete, rows))


def _box(code: str) -> str:
    """Return a code as REDCap names the column of its box."""
    return code.lower().replace("-", "_")


def _complete(row: Mapping[str, object]) -> dict[str, object]:
    return {**row, f"{_FORM}_complete": 2}


def _field(
    one: Variable, names: Mapping[str, str], several: Collection[str]
) -> dict[str, object]:
    name = names[one.name]
    choices = " | ".join(f"{code}, {_choice(label)}" for code, label in one.codes)
    asked = one.question
    kind = "radio" if choices else "text"
    if asked is not None:
        kind = _TYPES.get(asked.type, kind)
    numbers = asked.limits[:2] if asked is not None and asked.type == "number" else ()
    if asked is not None and asked.ends:
        choices = f"{_choice(asked.ends[0])} | | {_choice(asked.ends[1])}"
    validated = kind == "text" and not choices and name != "record_id"
    cells = (
        name,
        _FORM,
        "",
        kind,
        " ".join(one.label.split()),
        choices,
        " ".join([f"Empty: {one.empty}", *([f"({one.limits})"] if one.limits else [])]),
        "number" if kind == "slider" else _VALIDATION.get(one.kind, "") * validated,
        *(numbers or ("", "")),
        "",
        _condition(asked, names, several) if asked is not None else "",
    )
    return dict(zip(DICTIONARY, cells, strict=False))


def _condition(
    question: Question, names: Mapping[str, str], several: Collection[str]
) -> str:
    """Return when a question is asked, as REDCap's branching logic."""
    return " and ".join(
        f"({_holds(one, names[one.question], boxes=one.question in several)})"
        for one in question.shown_if
    )


def _holds(one: Condition, name: str, *, boxes: bool) -> str:
    if boxes:
        return " or ".join(f"[{name}({code})] = '1'" for code in one.codes)
    if one.codes:
        return " or ".join(f"[{name}] = '{code}'" for code in one.codes)
    limits = [(">=", one.at_least), ("<=", one.at_most)]
    return " and ".join(f"[{name}] {sign} {n:g}" for sign, n in limits if n is not None)


def _choice(label: str) -> str:
    """Return a label without what parts choices."""
    return " ".join(label.replace("|", "/").split())
