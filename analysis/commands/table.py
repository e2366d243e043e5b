"""`magic-analyze table`: all statistics of one table of counts."""

import json
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.shared import AsJson, Level
from analysis.errors import user_input


def table(
    counts: Annotated[Path, typer.Argument(help="A square table of counts as CSV.")],
    confidence_level: Level = 0.95,
    as_json: AsJson = False,
) -> None:
    """Print every agreement statistic of one table of counts."""
    from analysis.commands.shared import text_of_frame
    from analysis.intervals import normal_quantile
    from analysis.report.frames import coefficient_table, test_table
    from analysis.report.question import analyse_question
    from analysis.report.results_json import question_json
    from analysis.responses.counts import read_counts
    from analysis.responses.pairing import PairedAnswers
    from reader_study.formats.questionnaire import Question

    with user_input():
        normal_quantile(confidence_level)
    given = read_counts(counts)
    labels = tuple(str(category) for category in given.categories)
    question = Question.of("table", "The table given", labels)
    result = analyse_question(PairedAnswers(question, given))
    if as_json:
        content = question_json(result, confidence_level)
        print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
        return
    reason = result.kappa.undefined_reason
    parts = [
        f"{result.table.n} pairs, {result.table.n_agree} agree",
        text_of_frame(coefficient_table(result, confidence_level)),
        text_of_frame(test_table(result)),
        *([f"Kappa: {reason}."] if reason else []),
    ]
    print("\n\n".join(parts))
