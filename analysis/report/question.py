"""All agreement statistics of one question."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis import agreement, multireader
from analysis.agreement.krippendorff import alpha_of_counts
from analysis.agreement.percent import PercentAgreement, SkewIndices
from analysis.agreement.result import AgreementResult, ChanceCorrectedResult
from analysis.bangdiwala import bangdiwala_b
from analysis.responses.pairing import (
    PairedAnswers,
    paired_readings,
    paired_with_open,
)
from analysis.symmetry import TestResult, bowker, mcnemar, stuart_maxwell
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question
from reader_study.formats.responses import Responses

Incomplete = Literal["exclude", "disagree"]


@dataclass(frozen=True, eq=False)
class CrossedResult:
    """What a question shows with readers and patients random.

    Attributes:
        agreement: Share of pairs with the same answer.
        kappa: Unweighted Cohen's kappa.
    """

    agreement: multireader.ClusteredEstimate
    kappa: multireader.ClusteredEstimate


def crossed_result(
    responses: Responses, question: Question, incomplete: Incomplete = "exclude"
) -> CrossedResult:
    """Estimate agreement and kappa of a question, readers and patients random.

    Args:
        responses: All readings.
        question: What was asked.
        incomplete: As in `analyse_question`.
    """
    pairs = paired_readings(responses, question)
    of_agreement = (
        paired_with_open(responses, question) if incomplete == "disagree" else pairs
    )
    return CrossedResult(
        multireader.clustered_agreement(of_agreement),
        multireader.clustered_kappa(pairs),
    )


@dataclass(frozen=True)
class QuestionResult:
    """Statistics of one question.

    Attributes:
        pairs: The answers.
        percent: Percent agreement.
        kappa: Unweighted Cohen's kappa, the headline.
        coefficients: Further coefficients by name.
        tests: Tests of symmetry and equal margins by name.
        skew: Prevalence and bias index, for two categories only.
        crossed: Agreement and kappa with readers and patients random; None where it is
            not known which case an answer belongs to.
    """

    pairs: PairedAnswers
    percent: PercentAgreement
    kappa: ChanceCorrectedResult
    coefficients: Mapping[str, AgreementResult]
    tests: Mapping[str, TestResult]
    skew: SkewIndices | None
    crossed: CrossedResult | None = None

    @property
    def table(self) -> ContingencyTable:
        """Complete pairs."""
        return self.pairs.table


def analyse_question(
    pairs: PairedAnswers,
    incomplete: Incomplete = "exclude",
    crossed: CrossedResult | None = None,
) -> QuestionResult:
    """Compute every statistic of a question.

    Args:
        pairs: The answers.
        incomplete: `exclude` takes complete pairs only; `disagree` counts a pair with
            exactly one answer as a disagreement in the percent agreement (coefficients
            always take complete pairs).
        crossed: The same with readers and patients random, where it is known.
    """
    table = pairs.table
    percent = agreement.percent_agreement(table)
    if incomplete == "disagree":
        percent = PercentAgreement(percent.n_agree, percent.n + pairs.n_one_answer)
    return QuestionResult(
        pairs=pairs,
        percent=percent,
        kappa=agreement.cohen_kappa(table),
        coefficients=_coefficients(table),
        tests=_tests(table),
        skew=agreement.skew_indices(table) if _is_binary(table) else None,
        crossed=crossed,
    )


def _coefficients(table: ContingencyTable) -> dict[str, AgreementResult]:
    found: dict[str, AgreementResult] = {
        "maximum_kappa": agreement.maximum_kappa(table),
        "scott_pi": agreement.scott_pi(table),
        "gwet_ac1": agreement.gwet_ac(table),
        "brennan_prediger": agreement.brennan_prediger(table),
        "krippendorff_alpha_nominal": alpha_of_counts(table.counts),
        "bangdiwala_b": bangdiwala_b(table),
    }
    if _is_binary(table):  # weights change nothing on two categories
        return found
    for weights in ("linear", "quadratic"):
        found |= {
            f"cohen_kappa_{weights}": agreement.cohen_kappa(table, weights),
            f"maximum_kappa_{weights}": agreement.maximum_kappa(table, weights),
            f"gwet_ac2_{weights}": agreement.gwet_ac(table, weights),
            f"brennan_prediger_{weights}": agreement.brennan_prediger(table, weights),
            f"bangdiwala_b_{weights}": bangdiwala_b(table, weights),
        }
    for level in ("ordinal", "interval"):
        found[f"krippendorff_alpha_{level}"] = alpha_of_counts(table.counts, level)
    return found


def _tests(table: ContingencyTable) -> dict[str, TestResult]:
    tests = {"bowker": bowker(table), "stuart_maxwell": stuart_maxwell(table)}
    if _is_binary(table):
        tests["mcnemar_exact"] = mcnemar(table, "exact")
        tests["mcnemar_mid_p"] = mcnemar(table, "mid-p")
    return tests


def _is_binary(table: ContingencyTable) -> bool:
    return table.k == 2
