"""Each reader alone, all readers but one, and each class of cases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.agreement.percent import PercentAgreement, percent_agreement
from analysis.columns import Scale
from analysis.errors import instance_of
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.kappa import Coefficient, with_clustered_error
from analysis.multireader.pairs import Columns, Pairs, as_pairs
from analysis.showing import Shown

KAPPA = Coefficient.kappa()


@dataclass(frozen=True)
class ReaderAgreement(Shown):
    """How one reader's answers under the two methods agree.

    Attributes:
        reader: Name of the reader.
        coefficient: Kappa, or what was asked for, with Student's t of cases - 1.
        agreement: Percent agreement; a reader's cases are independent, so Wilson's
            interval holds.
    """

    reader: str
    coefficient: ClusteredEstimate
    agreement: PercentAgreement


def per_reader(
    pairs: Pairs | Columns,
    coefficient: Coefficient = KAPPA,
    *,
    categories: Scale | None = None,
) -> tuple[ReaderAgreement, ...]:
    """Return the agreement of each reader, in the order of `pairs.readers`.

    Args:
        pairs: `Pairs` or columns; see `clustered_kappa`.
        coefficient: Which coefficient.
        categories: The scale in its order, for columns.
    """
    pairs = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
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
    pairs: Pairs | Columns,
    coefficient: Coefficient = KAPPA,
    variance: Variance = "crossed",
    *,
    categories: Scale | None = None,
) -> dict[str, ClusteredEstimate]:
    """Return the coefficient without each reader in turn, by the reader left out.

    Arguments and errors are those of `per_reader` and `clustered_kappa`.
    """
    pairs = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
    return {
        name: with_clustered_error(
            pairs.subset(pairs.reader != index), coefficient, variance
        )
        for index, name in enumerate(pairs.readers)
    }


def per_class(
    pairs: Pairs | Columns,
    classes: Mapping[str, str],
    coefficient: Coefficient = KAPPA,
    variance: Variance = "crossed",
    *,
    categories: Scale | None = None,
) -> dict[str, ClusteredEstimate]:
    """Return the coefficient of each class of cases, such as of severity.

    Args:
        pairs: All pairs.
        classes: Class of each case by its name, in the order wanted; cases of no class
            are left out.
        coefficient: Which coefficient.
        variance: What varies.
        categories: The scale in its order, for columns.
    """
    instance_of("Classes", classes, Mapping)
    pairs = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
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
