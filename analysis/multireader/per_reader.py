"""Each reader alone, all readers but one, and each class of cases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.agreement.percent import PercentAgreement, percent_agreement
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.kappa import Coefficient, with_clustered_error
from analysis.multireader.pairs import Pairs

KAPPA = Coefficient.kappa()


@dataclass(frozen=True)
class ReaderAgreement:
    """How one reader's answers under the two methods agree.

    Attributes:
        reader: Who.
        coefficient: Kappa, or what was asked for, with Student's t of cases - 1.
        agreement: Percent agreement; a reader's cases are independent, so Wilson's
            interval holds.
    """

    reader: str
    coefficient: ClusteredEstimate
    agreement: PercentAgreement


def per_reader(
    pairs: Pairs, coefficient: Coefficient = KAPPA
) -> tuple[ReaderAgreement, ...]:
    """Return the agreement of each reader, in the order of `pairs.readers`."""
    alone = [(name, of_reader(pairs, name)) for name in pairs.readers]
    return tuple(
        ReaderAgreement(
            reader=name,
            coefficient=with_clustered_error(own, coefficient, "patient"),
            agreement=percent_agreement(own.table),
        )
        for name, own in alone
    )


def leave_one_reader_out(
    pairs: Pairs, coefficient: Coefficient = KAPPA, variance: Variance = "crossed"
) -> dict[str, ClusteredEstimate]:
    """Return the coefficient without each reader in turn, by the reader left out."""
    return {
        name: with_clustered_error(
            pairs.subset(pairs.reader != index), coefficient, variance
        )
        for index, name in enumerate(pairs.readers)
    }


def per_class(
    pairs: Pairs,
    classes: Mapping[str, str],
    coefficient: Coefficient = KAPPA,
    variance: Variance = "crossed",
) -> dict[str, ClusteredEstimate]:
    """Return the coefficient of each class of cases, such as of severity.

    Args:
        pairs: All pairs.
        classes: Class of each case by its name, in the order wanted; cases of no class
            are left out.
        coefficient: Which coefficient.
        variance: What varies.
    """
    of_pair = np.array([classes.get(pairs.cases[case]) for case in pairs.case], object)
    found = dict.fromkeys(classes[case] for case in classes if case in pairs.cases)
    return {
        name: with_clustered_error(pairs.subset(of_pair == name), coefficient, variance)
        for name in found
    }


def of_reader(pairs: Pairs, reader: str) -> Pairs:
    """Keep the pairs of one reader.

    Raises:
        ValueError: If there is no such reader.
    """
    if reader not in pairs.readers:
        msg = f"Reader must be one of {', '.join(pairs.readers)}, got {reader}"
        raise ValueError(msg)
    return pairs.subset(pairs.reader == pairs.readers.index(reader))
