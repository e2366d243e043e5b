"""Assumptions about a study of readers x cases, its size, and its three measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.agreement.batch import influence_of_pairs, product_of_margins
from analysis.arrays import FloatArray
from analysis.errors import as_number, as_whole, listed
from analysis.showing import Shown

Measure = Literal["kappa", "agreement", "non_inferiority"]
"""Kappa above a null value; agreement above what that null gives; the test method's
share of acceptable answers not lower than the reference's by a margin."""

Family = Literal["exchangeable", "latent"]
"""Answers that repeat, or normal variables that are cut."""

_ROUNDED = 0.01  # shares that were rounded sum to 1 but for this
_NUMBERS = (
    "kappa",
    "null",
    "patient_correlation",
    "reader_correlation",
    "margin",
    "alpha",
)

MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, kw_only=True)
class DesignAssumptions(Shown):
    """How the answers of both methods are spread, and how alike they are.

    Attributes:
        kappa: True kappa of the two methods.
        null: Kappa that the study is to exceed.
        shares: Share of each answer under the reference method, in the scale's order.
        test_shares: The same under the test method; None for the same shares.
        patient_correlation: How alike two readers' pairs of one patient are. In the
            exchangeable family it is the correlation of what they contribute to any of
            the estimates; in the latent one, the patient's share of the latent
            variance.
        reader_correlation: How alike one reader's pairs of two patients are, likewise.
        acceptable: Number of answers, from the first, that count as acceptable.
        margin: Largest loss in the share of acceptable answers that is tolerated.
        alpha: Type I error, shared by both tails.
        family: Where simulated answers come from.

    Raises:
        ValueError: If a number is out of range.
    """

    kappa: float
    null: float = 0.0
    shares: tuple[float, ...] = (0.5, 0.5)
    test_shares: tuple[float, ...] | None = None
    patient_correlation: float = 0.3
    reader_correlation: float = 0.05
    acceptable: int = 1
    margin: float = 0.1
    alpha: float = 0.05
    family: Family = "exchangeable"

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            as_number(name.replace("_", " ").capitalize(), getattr(self, name))
        as_whole("Acceptable", self.acceptable)
        if not -1 < self.null < self.kappa < 1:
            msg = (
                "Kappa must be above its null value and both between -1 and 1, "
                f"got {self.kappa:g} and {self.null:g}"
            )
            raise ValueError(msg)
        for shares in (self.shares, self.of_test):
            answer_shares(shares)
        if len(self.shares) != len(self.of_test):
            msg = (
                "Both methods must have as many answers, "
                f"got {len(self.shares)} and {len(self.of_test)} shares"
            )
            raise ValueError(msg)
        _refuse_outside("Patient correlation", self.patient_correlation, 0, 1)
        _refuse_outside("Reader correlation", self.reader_correlation, 0, 1)
        if self.patient_correlation + self.reader_correlation >= 1:
            msg = (
                "Patient and reader correlation must sum to less than 1, "
                f"got {self.patient_correlation:g} and {self.reader_correlation:g}"
            )
            raise ValueError(msg)
        if self.family not in get_args(Family):
            known = ", ".join(get_args(Family))
            msg = f"Family must be one of {known}, got {self.family}"
            raise ValueError(msg)
        _refuse_outside("Margin", self.margin, 0, 1)
        _refuse_outside("Alpha", self.alpha, 0, 1, strictly=True)
        if not 1 <= self.acceptable < len(self.shares):
            msg = (
                f"Acceptable must be 1 to {len(self.shares) - 1} of the answers, "
                f"got {self.acceptable}"
            )
            raise ValueError(msg)

    @property
    def of_test(self) -> tuple[float, ...]:
        """Shares of the test method."""
        return self.shares if self.test_shares is None else self.test_shares

    @property
    def rows(self) -> FloatArray:
        """`(k,)` shares of the reference method, which sum to 1."""
        return answer_shares(self.shares)

    @property
    def columns(self) -> FloatArray:
        """`(k,)` shares of the test method, which sum to 1."""
        return answer_shares(self.of_test)


@dataclass(frozen=True)
class DesignSize(Shown):
    """How many read how much.

    Raises:
        ValueError: If there are fewer than two readers or cases.
    """

    readers: int
    cases: int

    def __post_init__(self) -> None:
        as_whole("Readers", self.readers)
        as_whole("Cases", self.cases)
        if self.readers < 2 or self.cases < 2:
            msg = (
                "A design takes 2 readers and 2 cases or more, "
                f"got {self.readers} readers and {self.cases} cases"
            )
            raise ValueError(msg)


def answer_shares(shares: Sequence[float]) -> FloatArray:
    """Return shares of the answers `(k,)`, which sum to 1.

    Args:
        shares: Shares that do, but for rounding, or counts.

    Raises:
        ValueError: If there are fewer than two, one is not above 0, or they do not sum
            to 1 and are no whole numbers either.
    """
    given = [as_number("A share", share) for share in listed("Shares", shares)]
    if len(given) < 2 or min(given) <= 0 or not np.isfinite(sum(given)):
        msg = f"Shares must be two or more numbers above 0, got {given}"
        raise ValueError(msg)
    counts = all(share == int(share) for share in given)
    if not counts and abs(sum(given) - 1) > _ROUNDED:
        msg = (
            "Shares must sum to 1, or be counts in whole numbers, got "
            f"{', '.join(f'{share:g}' for share in given)} with the sum {sum(given):g}"
        )
        raise ValueError(msg)
    return np.array(given) / sum(given)


def _refuse_outside(
    name: str, value: float, low: float, high: float, *, strictly: bool = False
) -> None:
    if not low <= value < high or (strictly and value == low):
        msg = f"{name} must be between {low:g} and {high:g}, got {value:g}"
        raise ValueError(msg)


def influence_of(table: FloatArray, acceptable: int) -> dict[Measure, FloatArray]:
    """Influence of each pair of answers on each measure, `(..., k, k)`, centred."""
    k = table.shape[-1]
    agree = np.eye(k)
    good = (np.arange(k) < acceptable).astype(float)
    gain = good - good[:, None]

    def centred(value: FloatArray) -> FloatArray:
        return np.asarray(value - (table * value).sum((-2, -1))[..., None, None])

    return {
        "kappa": influence_of_pairs(table, agree, product_of_margins)[1],
        "agreement": centred(agree),
        "non_inferiority": centred(gain),
    }


def true_values(
    table: FloatArray, assumptions: DesignAssumptions
) -> dict[Measure, float]:
    """Return the values that the three estimates aim at."""
    best = assumptions.acceptable
    difference = assumptions.columns[:best].sum() - assumptions.rows[:best].sum()
    return {
        "kappa": assumptions.kappa,
        "agreement": float(np.trace(table)),
        "non_inferiority": float(difference),
    }


def null_values(
    table: FloatArray, assumptions: DesignAssumptions
) -> dict[Measure, float]:
    """Return the values that their lower confidence limits are to exceed."""
    expected = float(table.sum(axis=0) @ table.sum(axis=1))
    return {
        "kappa": assumptions.null,
        "agreement": expected + assumptions.null * (1 - expected),
        "non_inferiority": -assumptions.margin,
    }
