"""Agreement between readers under each method, and the difference."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.between_readers.coefficients import Coefficient
from analysis.between_readers.consistency import consistency, consistency_difference
from analysis.between_readers.ratings import method_ratings
from analysis.multireader import ClusteredEstimate
from analysis.report.material import Material


@dataclass(frozen=True)
class MethodsCompared:
    """One coefficient of agreement between readers.

    Attributes:
        reference: Under the reference method.
        test: Under the test method.
        difference: Test minus reference, of the same patients.
    """

    reference: ClusteredEstimate
    test: ClusteredEstimate
    difference: ClusteredEstimate


OfQuestions = Mapping[str, MethodsCompared]
"""By question."""


def compared(
    material: Material, question: str, coefficient: Coefficient
) -> MethodsCompared:
    """Estimate a coefficient under both methods, and the difference.

    Args:
        material: The study.
        question: Id of the question.
        coefficient: Which one; alpha is ordinal where the plan calls the question so.
    """
    ordinal = question in material.plan.ordinal_questions
    if coefficient == "krippendorff_alpha" and ordinal:
        coefficient = "krippendorff_alpha_ordinal"
    ratings = method_ratings(material.responses, question)
    return MethodsCompared(
        reference=consistency(ratings.reference, ratings.k, coefficient),
        test=consistency(ratings.test, ratings.k, coefficient),
        difference=consistency_difference(ratings, coefficient),
    )
