"""closing.csv: what readers said after their last reading."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import TRUE, csv_text, unguarded
from reader_study.formats.tabular import read_table

FILE_NAME = "closing.csv"
RECOGNISED = {"none": "No", "few": "Yes, a few", "many": "Yes, many"}
"""Whether cases of trial 1 were known again: what is stored, and what readers see."""

CONFIDENCE = range(1, 6)
"""From guessed to certain."""


@dataclass(frozen=True)
class ClosingAnswer:
    """What one reader said when all cases were read; None where nothing was said.

    Attributes:
        reader: Name of the reader.
        recognised: Text or code of whether cases were recognised in trial 2.
        guessed: Per trial, how many pictures the reader believes were synthetic.
        n_test: Per trial, how many were.
        n_pictures: Per trial, how many pictures there were in all.
        confidence: How sure the reader was of the guess, as given.
        which: Which cases were recognised, in words.
        cues: What gave synthetic pictures away, in words.
        simulated: The answers are a rehearsal's.
    """

    reader: str
    recognised: str | None = None
    guessed: tuple[int | None, int | None] = (None, None)
    n_test: tuple[int | None, int | None] = (None, None)
    n_pictures: tuple[int | None, int | None] = (None, None)
    confidence: str | None = None
    which: str | None = None
    cues: str | None = None
    simulated: bool = False


def closing_text(
    trials: Sequence[int], rows: Iterable[Mapping[str, object]], *, masked: bool = False
) -> str:
    """Return the text of closing.csv.

    Args:
        trials: Numbers of the trials.
        rows: Cells by column; texts are guarded against spreadsheets already.
        masked: Without the numbers of pictures of the test method.
    """
    counted = ("synthetic", "n_pictures", *(() if masked else ("n_test",)))
    header = [
        "reader", "recognised", "which",
        *(f"{name}_trial_{trial}" for trial in trials for name in counted),
        "cues", "confidence", "answered_at", "simulated",
    ]  # fmt: skip
    return csv_text(header, rows)


def read_closing(path: str | Path) -> list[ClosingAnswer]:
    """Read closing.csv; columns that are not there count as not answered.

    Args:
        path: The file: `reader`, `recognised`, `which`, `cues`, `confidence`,
            `simulated`, and for trial 1 and 2 `synthetic_trial_1` (also called
            `guessed_trial_1`), `n_test_trial_1`, `n_pictures_trial_1`; in any order.

    Raises:
        FormatError: If it cannot be read, there is no column `reader`, a reader stands
            twice or a count is no whole number. It names all faults.
    """
    header, *rows = read_table(path).rows
    names = [cell.strip() for cell in header.cells]
    if "reader" not in names:
        msg = f"{path} line {header.line}: column reader is missing"
        raise FormatError([msg])
    faults: list[str] = []
    answers: dict[str, ClosingAnswer] = {}
    for row in rows:
        texts = [unguarded(cell).strip() for cell in row.cells]
        cells = dict(zip(names, texts, strict=False))
        found: list[str] = []
        answer = _answer(cells, found)
        if not answer.reader or answer.reader in answers:
            found.append(f"reader must be named once, got {answer.reader!r}")
        answers[answer.reader] = answer
        faults += [f"{path} line {row.line}: {fault}" for fault in found]
    if faults:
        raise FormatError(faults)
    return list(answers.values())


def closing_beside(responses: str | Path) -> list[ClosingAnswer]:
    """Return the answers in the folder of responses.csv, none if there is no file.

    Raises:
        FormatError: If there is one that cannot be used.
    """
    path = Path(responses).with_name(FILE_NAME)
    return read_closing(path) if path.exists() else []


def _answer(cells: dict[str, str], faults: list[str]) -> ClosingAnswer:
    def of_trials(*columns: str) -> tuple[int | None, int | None]:
        first, second = (_count(cells, columns, trial, faults) for trial in (1, 2))
        return first, second

    return ClosingAnswer(
        reader=cells.get("reader", ""),
        recognised=cells.get("recognised") or None,
        guessed=of_trials("synthetic", "guessed"),
        n_test=of_trials("n_test"),
        n_pictures=of_trials("n_pictures"),
        confidence=cells.get("confidence") or None,
        which=cells.get("which") or None,
        cues=cells.get("cues") or None,
        simulated=cells.get("simulated", "").lower() in TRUE,
    )


def _count(
    cells: dict[str, str], columns: Iterable[str], trial: int, faults: list[str]
) -> int | None:
    for column in (f"{name}_trial_{trial}" for name in columns):
        text = cells.get(column, "").removesuffix(".0")
        if text.isascii() and text.isdigit():
            return int(text)
        if text:
            faults.append(f"{column} must be a whole number or empty, got {text!r}")
    return None
