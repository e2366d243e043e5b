"""Which pictures readers found acceptable, pair by pair."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from analysis.arrays import BoolArray, IntArray
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.pairs import Pairs
from analysis.multireader.variance import mean_of
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Code


@dataclass(frozen=True, eq=False)
class Acceptance:
    """Whether a reader accepted the pictures of a case under each method.

    Attributes:
        reader: `(n,)` whole numbers, one per reader.
        case: `(n,)` whole numbers, one per case.
        reference: `(n,)` whether the picture of the reference method was acceptable.
        test: `(n,)` whether that of the test method was.
    """

    reader: IntArray
    case: IntArray
    reference: BoolArray
    test: BoolArray

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.reader)

    @property
    def only_test(self) -> int:
        """Pairs in which only the test method was acceptable."""
        return int((self.test & ~self.reference).sum())

    @property
    def only_reference(self) -> int:
        """Pairs in which only the reference method was acceptable."""
        return int((self.reference & ~self.test).sum())

    @property
    def table(self) -> ContingencyTable:
        """The pairs, reference method in rows, acceptable first."""
        return ContingencyTable.from_pairs(
            np.where(self.reference, "acceptable", "not acceptable").tolist(),
            np.where(self.test, "acceptable", "not acceptable").tolist(),
            ("acceptable", "not acceptable"),
        )


def acceptance_of(pairs: Pairs, acceptable: Collection[Code]) -> Acceptance:
    """Split the answers into acceptable and not.

    Args:
        pairs: Answers to a question of diagnostic quality.
        acceptable: Codes that count as acceptable; all others do not.

    Raises:
        ValueError: If none or all codes of the scale are acceptable, or one is not on
            the scale.
    """
    unknown = [str(code) for code in acceptable if code not in pairs.categories]
    if unknown:
        got = ", ".join(unknown)
        msg = f"Acceptable codes must be on the scale {pairs.categories}, got {got}"
        raise ValueError(msg)
    accepted = np.array([code in acceptable for code in pairs.categories], dtype=bool)
    if accepted.all() or not accepted.any():
        msg = f"Some codes must be acceptable and some not, got {sorted(acceptable)}"
        raise ValueError(msg)
    return Acceptance(
        pairs.reader, pairs.case, accepted[pairs.reference], accepted[pairs.test]
    )


def acceptable_difference(
    acceptance: Acceptance, variance: Variance = "crossed"
) -> ClusteredEstimate:
    """Proportion acceptable, test minus reference.

    Args:
        acceptance: The pairs.
        variance: What varies from study to study; see `from_influence`.
    """
    gained = acceptance.test.astype(np.int64) - acceptance.reference
    return mean_of(gained, acceptance.reader, acceptance.case, variance=variance)
