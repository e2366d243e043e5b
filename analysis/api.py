"""A study from its files to Table 1 and the report: the steps of `read_study`."""

import errno
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import InputError, as_path
from analysis.intervals import normal_quantile
from analysis.multireader.pairs import Pairs
from analysis.report import results as report_results
from analysis.report.frames import table_of_questions
from analysis.report.question import Incomplete
from analysis.responses.pairing import paired_readings
from reader_study.formats import questionnaire as formats_questionnaire
from reader_study.formats.closing import closing_beside
from reader_study.formats.flow import flow_beside
from reader_study.formats.plan import AnalysisPlan, plan_beside
from reader_study.formats.responses import Responses, read_responses

if TYPE_CHECKING:
    from analysis.report.writing import Progress

_INCOMPLETE = ("exclude", "disagree")


@dataclass(frozen=True, eq=False)
class Study:
    """A study that was read, and what it says; see `read_study`.

    Attributes:
        path: The responses.csv.
        responses: All readings, checked.
        plan: What was to be analysed.
        chosen: What was chosen instead of the plan.
    """

    path: Path
    responses: Responses
    plan: AnalysisPlan
    chosen: report_results.Choices

    @cached_property
    def results(self) -> report_results.StudyResults:
        """Results of all questions, and of the study as a whole."""
        return report_results.analyse_responses(
            self.responses,
            title=f"Agreement between {self.responses.reference} and "
            f"{self.responses.test}",
            chosen=self.chosen,
            plan=self.plan,
            closing=closing_beside(self.path),
            flow=flow_beside(self.path),
        )

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions, in the order of the questionnaire."""
        return tuple(self.responses.questionnaire.ids)

    def table_one(self) -> pd.DataFrame:
        """Return agreement and kappa of each question, as the paper's Table 1."""
        level, incomplete = self.chosen.over(self.plan)
        questions = report_results.analyse_questions(self.responses, incomplete)
        return table_of_questions(questions, level)

    def pairs(self, question: str) -> Pairs:
        """Return the complete pairs of answers to a question, for `clustered_kappa`.

        Raises:
            ValueError: If the study has no such question.
        """
        for asked in self.responses.questionnaire:
            if asked.id == question:
                return paired_readings(self.responses, asked)
        msg = f"Question must be one of {', '.join(self.questions)}, got {question!r}"
        raise InputError(msg)

    def report(
        self, folder: str | Path, *, progress: "Progress" = lambda _: None
    ) -> Path:
        """Write results.json, tables, charts, a Word document and a page to read.

        Args:
            folder: Where to; it is made if it is not there.
            progress: Called with the name of each part before it is written.

        Returns:
            The page, report.html.

        Raises:
            OutputError: If the folder is a file or cannot be made.
        """
        from analysis.report.writing import write_report  # Word, pages: slow to import

        out = as_path("The folder of a report", folder)
        write_report(self.results, out, progress=progress)
        return out / "report.html"

    def __repr__(self) -> str:
        """Return what was read, in one line."""
        cases = len({reading.case for reading in self.responses.readings})
        return (
            f"Study({self.path.name}: {self.responses.reference} and "
            f"{self.responses.test}, {len(self.responses.readers)} readers, {cases} "
            f"cases, questions {', '.join(self.questions)})"
        )

    def _repr_html_(self) -> str:
        """Return Table 1 for a notebook."""
        return str(self.table_one().to_html(index=False))


def read_study(
    path: str | Path,
    *,
    questionnaire: str | Path | None = None,
    reference: str | None = None,
    test: str | None = None,
    confidence_level: float | None = None,
    incomplete: Incomplete | None = None,
) -> Study:
    """Read the answers of a study and what is in the folder beside them.

    `questionnaire.json`, `plan.json`, `closing.csv` and `flow.json` are found beside
    the file; without them the questionnaire is the paper's and nothing was planned.

    Args:
        path: responses.csv, one row for each reading.
        questionnaire: Another questionnaire.json.
        reference: Reference method; None for the plan's, or RAPID.
        test: Test method; None for the plan's, or MAGIC.
        confidence_level: Of all intervals; None for the plan's, or 0.95.
        incomplete: `exclude` pairs with one answer, or count them as ones that
            `disagree`; None for the plan's.

    Raises:
        FileNotFoundError: If there is no such file.
        FormatError: If a file cannot be used; it names all faults with their lines.
        ValueError: If an option is impossible.

    Examples:
        >>> from analysis.published import reconstructed_responses_path
        >>> study = read_study(reconstructed_responses_path())
        >>> study.table_one().loc[0, "Agreement [95% CI]"]
        '80.71% [73.39%, 86.39%]'
    """
    file = as_path("A study", path)
    if not file.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    if confidence_level is not None:
        normal_quantile(confidence_level)
    if incomplete not in {None, *_INCOMPLETE}:
        known = " or ".join(_INCOMPLETE)
        msg = f"Incomplete pairs must be treated by {known}, got {incomplete!r}"
        raise InputError(msg)
    asked = _questionnaire(file, questionnaire)
    plan = plan_beside(file)
    responses = read_responses(
        file,
        asked,
        reference=reference or plan.reference,
        test=test or plan.test,
    )
    return Study(
        file, responses, plan, report_results.Choices(confidence_level, incomplete)
    )


def _questionnaire(
    responses: Path, named: str | Path | None
) -> formats_questionnaire.Questionnaire:
    """Return what is named, else what is in the folder, else that of the paper."""
    if named is not None:
        return formats_questionnaire.read_questionnaire(
            as_path("A questionnaire", named)
        )
    return formats_questionnaire.questionnaire_beside(responses)
