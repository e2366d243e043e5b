"""All that is computed on one question of quality."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from analysis.acceptability.acceptance import Acceptance, acceptable_difference
from analysis.acceptability.clustered_mcnemar import ClusteredMethod, clustered_mcnemar
from analysis.acceptability.non_inferiority import NonInferiority, non_inferiority
from analysis.acceptability.paired_proportions import tango_interval
from analysis.arrays import BoolArray
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate, Variance, mean_of
from analysis.report.material import Material
from analysis.symmetry import TestResult

TESTS: Mapping[ClusteredMethod, str] = {
    "obuchowski": "Obuchowski",
    "durkalski": "Durkalski",
    "yang": "Yang",
    "eliasziw": "Eliasziw and Donner",
}
VARIANCES: Mapping[Variance, str] = {
    "crossed": "Readers and patients",
    "pigeonhole": "The same, bootstrap",
    "patient": "Patients, these readers",
}


@dataclass(frozen=True, eq=False)
class QuestionAcceptability:
    """Results of one question.

    Attributes:
        acceptance: The pairs.
        reference: Proportion acceptable under the reference method.
        test: The same under the test method.
        difference: Test minus reference, by what varies.
        tango: Interval of the difference if pairs were independent.
        tests: McNemar's test with patients as clusters, each way.
        decision: On non-inferiority; None without a margin.
    """

    acceptance: Acceptance
    reference: ClusteredEstimate
    test: ClusteredEstimate
    difference: Mapping[Variance, ClusteredEstimate]
    tango: ConfidenceInterval
    tests: Mapping[ClusteredMethod, TestResult]
    decision: NonInferiority | None

    @property
    def headline(self) -> ClusteredEstimate:
        """The difference with readers and patients random."""
        return self.difference["crossed"]


def question_acceptability(
    acceptance: Acceptance, material: Material
) -> QuestionAcceptability:
    """Analyse one question.

    Args:
        acceptance: Its pairs.
        material: Gives the level, the margin and the names of the methods.
    """
    level, margin = material.confidence_level, material.plan.non_inferiority_margin
    difference = {
        variance: acceptable_difference(acceptance, variance) for variance in VARIANCES
    }
    return QuestionAcceptability(
        acceptance=acceptance,
        reference=_proportion(acceptance.reference, acceptance),
        test=_proportion(acceptance.test, acceptance),
        difference=difference,
        tango=tango_interval(
            acceptance.only_test, acceptance.only_reference, acceptance.n, level
        ),
        tests={method: clustered_mcnemar(acceptance, method) for method in TESTS},
        decision=None
        if margin is None
        else non_inferiority(
            difference["crossed"],
            margin,
            confidence_level=level,
            test=material.responses.test,
            reference=material.responses.reference,
        ),
    )


def _proportion(accepted: BoolArray, acceptance: Acceptance) -> ClusteredEstimate:
    share = mean_of(accepted, acceptance.reader, acceptance.case)
    return replace(share, bounds=(0.0, 1.0))
