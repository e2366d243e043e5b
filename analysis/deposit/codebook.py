"""codebook.csv: what each column of answers.csv holds, and what its codes mean."""

from collections.abc import Iterator, Mapping
from typing import Literal

from analysis.deposit.readings import Deposited
from reader_study.formats.delimited import csv_text, unguarded
from reader_study.formats.questionnaire import Question

COLUMNS = ("column", "label", "type", "codes", "empty_means")

Kind = Literal["whole number", "number", "code", "codes", "text", "marks"]
"""`codes`: several, with | between them; `marks`: a JSON list of points and boxes."""

_LABELS: Mapping[str, tuple[str, Kind]] = {
    "record": ("Number of the reading in this file", "whole number"),
    "reader": ("Reader; not the name under which they read", "text"),
    "case": ("Case, under the name that the study gave it", "text"),
    "method": ("Method that made the picture", "text"),
    "reading": (
        "1 for the first reading of this case by this reader under this method, 2 and "
        "more for later ones",
        "whole number",
    ),
    "trial": ("Trial, or session, of the study", "whole number"),
    "position": ("Place in the order of presentation, from 1", "whole number"),
    "severity": ("Class of the case", "text"),
    "truth": ("What the reference standard says of the case", "text"),
    "truth_source": ("What that reference standard is", "text"),
}
_EMPTY = {"severity": "class not known", "truth": "truth not known"}


class Variable:
    """A column with what is known of it.

    Attributes:
        name: Of the column.
        label: What it holds; of a question its text.
        kind: Type of its cells.
        question: Whose answers it holds, None for other columns.
        empty: What an empty cell means.
    """

    def __init__(
        self,
        name: str,
        label: str,
        kind: Kind,
        question: Question | None = None,
        empty: str = "not known",
    ) -> None:
        """Note it."""
        self.name, self.label, self.kind = name, label, kind
        self.question, self.empty = question, empty

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Codes with their labels, in the order of the scale; else none."""
        if self.question is None:
            return ()
        return tuple((str(c.code), c.label) for c in self.question.scale)

    @property
    def parts(self) -> tuple["Variable", ...]:
        """Itself; of several codes one variable of yes and no for each of them."""
        if self.question is None or self.kind != "codes":
            return (self,)
        return tuple(
            Variable(part.id, f"{self.label}: {part.text}", "code", part, self.empty)
            for part in self.question.yes_no()
        )

    def cells(self, row: Mapping[str, object]) -> tuple[object, ...]:
        """Return the cells of a reading, one for each of `parts`."""
        value = row.get(self.name, "")
        if self.question is None or self.kind != "codes":
            return (value,)
        chosen = self.question.chosen(unguarded(str(value)))
        given = (int(choice in chosen) for choice in self.question.scale)
        return tuple(given) if value != "" else ("",) * len(self.question.scale)

    @property
    def limits(self) -> str:
        """What a number or marks may be; empty where it is neither."""
        if self.question is not None and self.question.marked:
            return self.question.must_be
        if self.question is None or not self.question.numeric:
            return ""
        low, high, step = self.question.limits
        unit = f" {self.question.unit}" if self.question.unit else ""
        return f"{low} to {high} in steps of {step}{unit}"


def variables(deposit: Deposited) -> Iterator[Variable]:
    """Describe the columns of a deposit in their order."""
    questions = {question.id: question for question in deposit.questionnaire}
    reasons = {question.reason_column: question for question in questions.values()}
    for name in deposit.columns:
        if name in questions:
            asked = questions[name]
            yield Variable(name, asked.text, _kind(asked), asked, _empty(asked))
        elif name in reasons:
            label = f"Reason given for the answer to {reasons[name].id}"
            yield Variable(name, label, "text", empty="none given")
        elif name in _LABELS:
            yield Variable(name, *_LABELS[name], empty=_EMPTY.get(name, "not known"))
        else:
            yield Variable(name, f"{name}, as the study has it", "text")


def _kind(question: Question) -> Kind:
    if question.on_scale:
        return "code"
    if question.type == "several":
        return "codes"
    if question.textual:
        return "text"
    if question.marked:
        return "marks"
    whole = all(float(number).is_integer() for number in question.limits)
    return "whole number" if whole else "number"


def _empty(question: Question) -> str:
    return "not answered, or not asked" if question.shown_if else "not answered"


def codebook_text(deposit: Deposited) -> str:
    """Return codebook.csv; codes as `1 = Good; 2 = Poor`."""
    rows = [
        {
            "column": one.name,
            "label": one.label,
            "type": one.kind,
            "codes": "; ".join(f"{code} = {label}" for code, label in one.codes)
            or one.limits,
            "empty_means": one.empty,
        }
        for one in variables(deposit)
    ]
    return csv_text(COLUMNS, rows)
