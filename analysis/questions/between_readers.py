"""Agreement of readers with one another, and whether it differs by method.

Every coefficient is smooth in the weights of the cases, and is written with sums,
products and quotients only. Weights of 0 and 1 then give the jackknife, and weights
with a tiny imaginary part the exact slope (complex-step derivative: Squire W, Trapp G.
SIAM Rev 1998;40:110. doi:10.1137/S003614459631241X).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.arrays import FloatArray
from analysis.multireader.estimate import ClusteredEstimate, from_influence
from reader_study.formats.questionnaire import Answer
from reader_study.formats.responses import Responses

ConsistencyCoefficient = Literal[
    "fleiss_kappa",
    "conger_kappa",
    "gwet_ac1",
    "brennan_prediger",
    "krippendorff_alpha",
    "krippendorff_alpha_ordinal",
    "krippendorff_alpha_interval",
    "percent_agreement",
]
_Weighted = NDArray[Any]
"""Real or complex numbers, one per weighting, `(...)`."""


def _coefficients_of(
    chosen: FloatArray, weights: _Weighted, coefficient: ConsistencyCoefficient
) -> _Weighted:
    """Compute a coefficient under each weighting of the cases.

    Args:
        chosen: `(cases, readers, k)` 1 where the reader chose the category; all 0 where
            the reader did not answer.
        weights: `(..., cases)`.
        coefficient: Which one.

    Returns:
        `(...)`; NaN where it is undefined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return COEFFICIENTS[coefficient](chosen, weights)


def _agreement(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    """Share of pairs of readers who agree, mean over cases with two answers or more."""
    counts = chosen.sum(axis=1)
    answers = counts.sum(axis=1)
    several = answers > 1
    pairs = np.where(several, answers * (answers - 1), 1)
    share = (counts * (counts - 1)).sum(axis=1) / pairs
    return np.asarray(weights @ (share * several) / (weights @ several.astype(float)))


def _prevalence(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    """`(..., k)` share of each category, mean over cases with an answer."""
    counts = chosen.sum(axis=1)
    answers = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(1, answers)
    total = weights @ (answers[:, 0] > 0).astype(float)
    return np.asarray((weights @ share) / total[..., None])


def _corrected(observed: _Weighted, expected: _Weighted) -> _Weighted:
    return np.asarray((observed - expected) / (1 - expected))


def _fleiss(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    expected = (_prevalence(chosen, weights) ** 2).sum(axis=-1)
    return _corrected(_agreement(chosen, weights), expected)


def _conger(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    of_reader = np.einsum("...i,irk->...rk", weights, chosen)
    answered = of_reader.sum(axis=-1, keepdims=True)
    share = of_reader / answered
    n_readers = chosen.shape[1]
    # The mean over pairs of different readers of the chance that the two agree.
    together = share.sum(axis=-2) ** 2 - (share**2).sum(axis=-2)
    expected = together.sum(axis=-1) / (n_readers * (n_readers - 1))
    return _corrected(_agreement(chosen, weights), expected)


def _gwet(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    share = _prevalence(chosen, weights)
    expected = (share * (1 - share)).sum(axis=-1) / (chosen.shape[-1] - 1)
    return _corrected(_agreement(chosen, weights), expected)


def _brennan_prediger(chosen: FloatArray, weights: _Weighted) -> _Weighted:
    return _corrected(_agreement(chosen, weights), np.asarray(1 / chosen.shape[-1]))


def _alpha(
    distance: Callable[[_Weighted], _Weighted],
) -> Callable[[FloatArray, _Weighted], _Weighted]:
    def coefficient(chosen: FloatArray, weights: _Weighted) -> _Weighted:
        counts = chosen.sum(axis=1)
        answers = counts.sum(axis=1)
        several = np.where(answers > 1, 1 / np.maximum(1, answers - 1), 0.0)
        of_case = np.einsum("ia,ib,i->iab", counts, counts, several)
        of_case -= np.einsum("ia,ab,i->iab", counts, np.eye(counts.shape[1]), several)
        met = np.einsum("...i,iab->...ab", weights, of_case)
        totals = met.sum(axis=-1)
        apart = distance(totals)
        observed = (met * apart).sum(axis=(-2, -1))
        expected = (totals[..., :, None] * totals[..., None, :] * apart).sum(
            axis=(-2, -1)
        )
        return np.asarray(1 - observed * (totals.sum(axis=-1) - 1) / expected)

    return coefficient


def _nominal(totals: _Weighted) -> _Weighted:
    return np.asarray(1 - np.eye(totals.shape[-1]))


def _interval(totals: _Weighted) -> _Weighted:
    steps = np.arange(totals.shape[-1])
    return np.asarray((steps[:, None] - steps) ** 2)


def _ordinal(totals: _Weighted) -> _Weighted:
    middle = np.cumsum(totals, axis=-1) - totals / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


COEFFICIENTS: dict[
    ConsistencyCoefficient, Callable[[FloatArray, _Weighted], _Weighted]
] = {
    "fleiss_kappa": _fleiss,
    "conger_kappa": _conger,
    "gwet_ac1": _gwet,
    "brennan_prediger": _brennan_prediger,
    "krippendorff_alpha": _alpha(_nominal),
    "krippendorff_alpha_ordinal": _alpha(_ordinal),
    "krippendorff_alpha_interval": _alpha(_interval),
    "percent_agreement": _agreement,
}


@dataclass(frozen=True, eq=False)
class MethodRatings:
    """Answers to one question under both methods, for the same cases and readers.

    Attributes:
        reference: `(cases, readers)` positions on the scale, NaN where missing.
        test: The same under the test method.
        cases: Names of the cases.
        readers: Names of the readers.
        k: Number of categories on the scale.
    """

    reference: FloatArray
    test: FloatArray
    cases: tuple[str, ...]
    readers: tuple[str, ...]
    k: int


def method_ratings(responses: Responses, question: str) -> MethodRatings:
    """Arrange the answers to a question by method, case and reader.

    Args:
        responses: The readings.
        question: Its id.

    Raises:
        ValueError: If the question was not asked.
    """
    asked = {q.id: q for q in responses.questionnaire}
    if question not in asked:
        msg = f"Question must be one of {', '.join(asked)}, got {question}"
        raise ValueError(msg)
    codes: dict[Answer, int] = {c: i for i, c in enumerate(asked[question].codes)}
    readers = {name: i for i, name in enumerate(responses.readers)}
    names = dict.fromkeys(reading.case for reading in responses.readings)
    cases = {name: i for i, name in enumerate(names)}
    methods = {responses.reference: 0, responses.test: 1}
    ratings = np.full((2, len(cases), len(readers)), np.nan)
    for reading in responses.readings:
        answer = reading.answers.get(question)
        if answer is not None:
            place = (methods[reading.method], cases[reading.case])
            ratings[(*place, readers[reading.reader])] = codes[answer]
    return MethodRatings(
        ratings[0], ratings[1], tuple(cases), tuple(readers), len(codes)
    )


ConsistencyVariance = Literal["patient", "jackknife", "crossed_conservative"]
_STEP = 1e-200  # imaginary, so that nothing is subtracted and no digit is lost

Weighted = Callable[[FloatArray, NDArray[Any]], NDArray[Any]]
"""From answers `(methods, cases, readers, k)` and weights of cases to estimates."""


class _Spread(NamedTuple):
    variance: float
    df: float


def consistency(
    ratings: ArrayLike,
    k: int,
    coefficient: ConsistencyCoefficient = "fleiss_kappa",
    variance: ConsistencyVariance = "jackknife",
) -> ClusteredEstimate:
    """Agreement of the readers with one another, under one method.

    Args:
        ratings: `(cases, readers)` positions on the scale, 0 to k - 1; NaN where a
            reader did not answer. A case with one answer tells how common an answer is,
            but not whether readers agree (Gwet KL, see below).
        k: Number of categories on the scale.
        coefficient: `fleiss_kappa`, `conger_kappa` (each reader keeps own answer
            frequencies), `gwet_ac1`, `brennan_prediger`, `krippendorff_alpha`, also
            `_ordinal` and `_interval`, or `percent_agreement` (pairs of readers who
            agree).
        variance: `patient` (delta method over cases), `jackknife` (over cases) or
            `crossed_conservative` (jackknife variances over cases and over readers
            added, which counts what both contain twice).

    Raises:
        ValueError: If the ratings are not such a table or an option is unknown.

    References:
        Fleiss JL. Psychol Bull 1971;76:378. doi:10.1037/h0031619
        Conger AJ. Psychol Bull 1980;88:322. doi:10.1037/0033-2909.88.2.322
        Gwet KL. Br J Math Stat Psychol 2008;61:29. doi:10.1348/000711006X126600
    """
    chosen = _chosen(ratings, k)
    return _estimate(chosen[None], coefficient, variance)


def consistency_difference(
    ratings: MethodRatings,
    coefficient: ConsistencyCoefficient = "fleiss_kappa",
    variance: ConsistencyVariance = "jackknife",
) -> ClusteredEstimate:
    """Agreement between readers under the test method minus that under the reference.

    Both are of the same cases and readers, so the difference is a paired one: its error
    holds the covariance of the two.

    Args:
        ratings: Answers under both methods.
        coefficient: See `consistency`.
        variance: See `consistency`.

    Raises:
        ValueError: If an option is unknown.
    """
    both = np.stack([_chosen(r, ratings.k) for r in (ratings.reference, ratings.test)])
    return _estimate(both, coefficient, variance)


def _chosen(ratings: ArrayLike, k: int) -> FloatArray:
    """`(cases, readers, k)` 1 where the reader chose the category."""
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        msg = (
            "Ratings must be (cases, readers) with 2 readers or more, "
            f"got {table.shape}"
        )
        raise ValueError(msg)
    given = table[~np.isnan(table)]
    wrong = given[~np.isin(given, np.arange(k))]
    if wrong.size:
        msg = f"Ratings must be positions 0 to {k - 1} or NaN, got {wrong[0]:g}"
        raise ValueError(msg)
    return np.asarray((table[..., None] == np.arange(k)).astype(np.float64))


def _estimate(
    methods: FloatArray,
    coefficient: ConsistencyCoefficient,
    variance: ConsistencyVariance,
) -> ClusteredEstimate:
    """Estimate of one method, or of the last minus the first."""
    if coefficient not in COEFFICIENTS:
        known = ", ".join(COEFFICIENTS)
        msg = f"Coefficient must be one of {known}, got {coefficient!r}"
        raise ValueError(msg)
    if variance not in get_args(ConsistencyVariance):
        known = ", ".join(get_args(ConsistencyVariance))
        msg = f"Variance must be one of {known}, got {variance!r}"
        raise ValueError(msg)
    methods = methods[:, methods.any(axis=(0, 2, 3))]

    def weighted(of: FloatArray, weights: NDArray[Any]) -> NDArray[Any]:
        of_methods = [_coefficients_of(chosen, weights, coefficient) for chosen in of]
        return of_methods[0] if len(of) == 1 else of_methods[-1] - of_methods[0]

    n_cases = methods.shape[1]
    value = float(weighted(methods, np.ones(n_cases))) if n_cases else math.nan
    reason = _reason(methods, value)
    spread = _Spread(math.nan, math.nan)
    if reason is None:
        spread = _spread(methods, weighted, variance)
        if math.isnan(spread.variance):
            reason = "without one of the cases or readers it would be undefined"
    case, reader = np.nonzero(methods.any(axis=(0, 3)))
    # Only who read what, and what to say about it, comes from here.
    frame = from_influence(value, np.zeros(len(case)), reader, case, variance=variance)
    return replace(
        frame,
        standard_error=math.sqrt(spread.variance),
        df=spread.df,
        undefined_reason=reason,
        bounds=(-math.inf, 1.0 if len(methods) == 1 else math.inf),
    )


def _reason(methods: FloatArray, value: float) -> str | None:
    several = methods.sum(axis=(2, 3)) > 1
    if not several.any(axis=1).all():
        return "no case has answers of two readers"
    if math.isnan(value):
        return "every answer is the same, so chance alone gives perfect agreement"
    if methods.shape[1] == 1:
        return "there is only one case, so nothing is known about others"
    return None


def _spread(
    methods: FloatArray, weighted: Weighted, variance: ConsistencyVariance
) -> _Spread:
    n_cases, n_readers = methods.shape[1:3]
    if variance == "patient":
        direction = n_cases * np.eye(n_cases) - 1
        moved = weighted(methods, 1 + 1j * _STEP * direction)
        influence = np.imag(moved) / _STEP
        squares = float((influence**2).sum())
        return _Spread(squares / (n_cases * (n_cases - 1)), n_cases - 1)
    of_cases = _jackknife(weighted(methods, 1 - np.eye(n_cases)))
    if variance == "jackknife":
        return of_cases
    if n_readers < 3:
        return _Spread(math.nan, math.nan)
    left = [np.delete(methods, reader, axis=2) for reader in range(n_readers)]
    of_readers = _jackknife(np.array([weighted(m, np.ones(n_cases)) for m in left]))
    total = of_cases.variance + of_readers.variance
    parts = sum(part.variance**2 / part.df for part in (of_cases, of_readers))
    return _Spread(total, total**2 / parts if parts else math.nan)


def _jackknife(left: FloatArray) -> _Spread:
    """Variance of an estimate from its values without each case, or reader, in turn.

    Where few of them make up the variance, it is less certain than n - 1 degrees of
    freedom say: 2 n / (kurtosis - 1) are left, which is n for the normal distribution.
    """
    n = len(left)
    squares = (left - left.mean()) ** 2
    variance = float((n - 1) * squares.mean())
    if not variance > 0:
        return _Spread(variance, n - 1)
    kurtosis = float((squares**2).mean() / squares.mean() ** 2)
    df = 2 * n / (kurtosis - 1) if kurtosis > 1 else math.inf
    return _Spread(variance, min(n - 1, df))
