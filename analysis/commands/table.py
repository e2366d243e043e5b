"""`magic-analyze table`: all statistics of one table of counts."""

import json
from pathlib import Path

from analysis.commands.text import text_of_frame
from analysis.errors import user_input
from analysis.intervals import normal_quantile
from analysis.report.html import coefficient_table, test_table
from analysis.report.question import QuestionResult, analyse_question
from analysis.report.results_json import question_json
from analysis.responses.counts import read_counts
from analysis.responses.pairing import PairedAnswers
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question


def table(counts: Path, *, confidence_level: float, as_json: bool) -> str:
    """Analyse a table of counts and describe it."""
    with user_input():
        normal_quantile(confidence_level)
    result = _analyse(read_counts(counts))
    if as_json:
        content = question_json(result, confidence_level)
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    reasons = [result.kappa.undefined_reason] if result.kappa.undefined_reason else []
    return "\n\n".join(
        [
            f"{result.table.n} pairs, {result.table.n_agree} agree",
            text_of_frame(coefficient_table(result, confidence_level)),
            text_of_frame(test_table(result)),
            *(f"Kappa: {reason}." for reason in reasons),
        ]
    )


def _analyse(counts: ContingencyTable) -> QuestionResult:
    labels = tuple(str(category) for category in counts.categories)
    question = Question.of("table", "The table given", labels)
    return analyse_question(PairedAnswers(question, counts))
