"""results.json: every number unrounded, null with a reason where there is none."""

from analysis.agreement.percent import PercentAgreement
from analysis.agreement.result import AgreementResult, ChanceCorrectedResult
from analysis.report.formatting import Json, number
from analysis.report.question import QuestionResult
from analysis.report.results import StudyResults
from analysis.symmetry import TestResult

SCHEMA = 1


def results_json(study: StudyResults) -> Json:
    """Return the content of results.json; docs/file-formats.md describes its form.

    An estimate that is undefined is null, and so are limits that carry no information;
    `undefined_reason` says why.
    """
    level = study.confidence_level
    return {
        "schema": SCHEMA,
        "title": study.title,
        "provenance": study.provenance,
        "warning": study.warning or None,
        "reference": study.reference,
        "test": study.test,
        "confidence_level": level,
        "incomplete_pairs": study.incomplete,
        "readers": list(study.readers),
        "questions": {
            result.pairs.question.id: question_json(result, level)
            for result in study.questions
        },
        "counts_by_reader": {
            result.pairs.question.id: {
                method: counts.tolist()
                for method, counts in result.pairs.by_reader.items()
            }
            for result in study.questions
            if result.pairs.by_reader is not None
        },
        "inference": {
            **(study.front.content if study.front else {}),
            **{
                section.id: {"refused": section.refused, **section.content}
                for section in study.sections
            },
        },
        "notes": list(study.notes),
        "assumed": list(study.assumed),
    }


def question_json(result: QuestionResult, level: float) -> Json:
    """Return the entry of one question."""
    table, pairs = result.table, result.pairs
    entry: Json = {
        "categories": list(table.categories),
        "counts": table.counts.tolist(),
        "n_pairs": table.n,
        "n_incomplete": pairs.n_incomplete,
        "n_one_answer": pairs.n_one_answer,
        "percent_agreement": _percent(result.percent, level),
        "cohen_kappa": _chance_corrected(result.kappa, level),
    }
    for name, coefficient in result.coefficients.items():
        if isinstance(coefficient, ChanceCorrectedResult):
            entry[name] = _chance_corrected(coefficient, level)
        else:
            entry[name] = _coefficient(coefficient, level)
    entry |= {name: _test(test) for name, test in result.tests.items()}
    if result.skew:
        entry["prevalence_index"] = number(result.skew.prevalence)
        entry["bias_index"] = number(result.skew.bias)
    return entry


def _percent(percent: PercentAgreement, level: float) -> Json:
    interval = percent.confidence_interval(level)
    return {
        "estimate": number(percent.estimate),
        "standard_error": number(percent.standard_error),
        "low": number(interval.low),
        "high": number(interval.high),
        "n_agree": percent.n_agree,
        "n": percent.n,
        "method": "wilson",
        "undefined_reason": percent.undefined_reason,
    }


def _coefficient(result: AgreementResult, level: float) -> Json:
    interval = result.confidence_interval(level)
    informative = interval.caution is None
    return {
        "estimate": number(result.estimate),
        "standard_error": number(result.standard_error),
        "low": number(interval.low) if informative else None,
        "high": number(interval.high) if informative else None,
        "undefined_reason": result.undefined_reason,
    }


def _chance_corrected(result: ChanceCorrectedResult, level: float) -> Json:
    return _coefficient(result, level) | {
        "null_standard_error": number(result.null_standard_error),
        "observed": number(result.observed),
        "expected": number(result.expected),
    }


def _test(test: TestResult) -> Json:
    return {
        "statistic": number(test.statistic),
        "df": test.df,
        "p_value": number(test.p_value),
        "undefined_reason": test.undefined_reason,
    }
