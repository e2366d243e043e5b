"""Do several methods differ at all? One test of all of them, before any two.

A block is a reader and a case with an answer under every method. The customary tests,
Cochran's Q of yes and no and Friedman's of steps, take blocks as independent: readers
who like a method, and cases that suit one, make them find too much. What decides takes
readers and cases as samples. Each method's mean is held against the mean of all, and
the sum of squares of these differences against the sum of their crossed variances; of
two methods that is the square of Student's t. Its degrees of freedom are Box's, so that
methods need not vary alike.

    Box GEP. Ann Math Stat 1954;25:290. doi:10.1214/aoms/1177728786
    Cochran WG. Biometrika 1950;37:256. doi:10.1093/biomet/37.3-4.256
    Friedman M. J Am Stat Assoc 1937;32:675. doi:10.1080/01621459.1937.10503522
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import friedmanchisquare
from statsmodels.stats.contingency_tables import cochrans_q

from analysis.arrays import FloatArray, IntArray
from analysis.multiplicity import holm
from analysis.multireader.clusters import Clusters, crossed_spread
from analysis.multireader.estimate import ClusteredEstimate, mean_of
from analysis.multireader.score import proportion_of
from analysis.questions.acceptability import Acceptance, acceptable_difference
from reader_study.formats.arms import Arms
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Answer, Question

Kind = Literal["share", "steps", "number"]
"""What an answer counts as: 1 or 0, its place on the scale, or itself."""

_FEWEST = _TWO = 2
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class MethodsTested:
    """Answers of one kind under several methods, compared all at once and by two.

    Attributes:
        methods: In their order.
        kind: What an answer counts as.
        means: Of each method, over all blocks, with its interval.
        n_blocks: Readers and cases with an answer under every method.
        customary: Statistic and p of Cochran's Q or of Friedman's test.
        statistic: F, readers and cases random; NaN where nothing varies.
        df: Its degrees of freedom.
        pairs: Second less first method, readers and cases random.
        adjusted: p of each pair: by Holm's method, and at least `p_value`.
    """

    methods: tuple[str, ...]
    kind: Kind
    means: tuple[ClusteredEstimate, ...]
    n_blocks: int
    customary: tuple[float, float]
    statistic: float
    df: tuple[float, float]
    pairs: tuple[tuple[tuple[str, str], ClusteredEstimate], ...]
    adjusted: tuple[float, ...]

    @property
    def p_value(self) -> float:
        """The p-value of all methods being alike; what decides."""
        if math.isnan(self.statistic):
            return math.nan
        return float(f_distribution.sf(self.statistic, *self.df))


def compare_methods(
    values: FloatArray,
    readers: IntArray,
    cases: IntArray,
    methods: Sequence[str],
    kind: Kind,
) -> MethodsTested | str:
    """Test whether methods differ, and which.

    Args:
        values: `(n, k)` what each block's answer under each method counts as.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        methods: Names of the k methods.
        kind: What an answer counts as.

    Returns:
        The tests; or why there are none, as the rest of a sentence.
    """
    clusters = Clusters(readers, cases)
    if not len(values) or min(clusters.n_readers, clusters.n_cases) < _FEWEST:
        return "needs two readers and two cases with an answer under every method"
    statistic, df = crossed_f(values, clusters)
    of_mean = proportion_of if kind == "share" else mean_of
    pairs = tuple(
        ((methods[a], methods[b]), _difference(values[:, [a, b]], clusters, kind))
        for a, b in combinations(range(len(methods)), 2)
    )
    found = MethodsTested(
        tuple(methods),
        kind,
        tuple(of_mean(column, readers, cases) for column in values.T),
        len(values),
        _customary(values, kind),
        statistic,
        df,
        pairs,
        (),
    )
    together = found.p_value
    gate = 1.0 if math.isnan(together) else together
    own = holm([one.p_value(0.0) for _, one in pairs])
    adjusted = tuple(p if math.isnan(p) else max(gate, p) for p in own)
    return replace(found, adjusted=adjusted)


def crossed_f(
    values: FloatArray, clusters: Clusters
) -> tuple[float, tuple[float, float]]:
    """Return F of k means with its degrees of freedom, readers and cases random.

    Args:
        values: `(n, k)`.
        clusters: Who read what.
    """
    around = (values - values.mean(axis=1, keepdims=True)).T
    means = around.mean(axis=1)
    influence = around - means[:, None]
    spread = crossed_spread(clusters, influence)
    total = float(spread.variance.sum())
    if total <= _NOTHING:
        return math.nan, (math.nan, math.nan)
    covariance = _covariance(influence, clusters)
    k = len(means)
    first = float(np.trace(covariance) ** 2 / (covariance**2).sum())
    first = min(max(first, 1.0), k - 1.0)
    known = np.isfinite(spread.df)
    weights = spread.variance[known]
    second = first * float(weights @ spread.df[known] / weights.sum())
    return float((means**2).sum() / total), (first, second)


def _covariance(influence: FloatArray, clusters: Clusters) -> FloatArray:
    """`(k, k)` crossed covariance of means, from variances of sums and differences."""
    sums = influence[:, None] + influence[None]
    apart = influence[:, None] - influence[None]
    plus, minus = (crossed_spread(clusters, x).variance for x in (sums, apart))
    return np.asarray((plus - minus) / 4)


def _difference(
    values: FloatArray, clusters: Clusters, kind: Kind
) -> ClusteredEstimate:
    """Return the second mean less the first; of shares with Tango's limits."""
    if kind == "share":
        reference, test = (column > 0 for column in values.T)
        both = Acceptance(clusters.reader, clusters.case, reference, test)
        return acceptable_difference(both)
    return mean_of(values[:, 1] - values[:, 0], clusters.reader, clusters.case)


def _customary(values: FloatArray, kind: Kind) -> tuple[float, float]:
    if not (values != values[:, [0]]).any():
        return math.nan, math.nan
    if kind == "share":
        found = cochrans_q(values)
        return float(found.statistic), float(found.pvalue)
    statistic, p_value = friedmanchisquare(*values.T)
    return float(statistic), float(p_value)


@dataclass(frozen=True, eq=False)
class OverallOfQuestion:
    """A question under three methods or more.

    Attributes:
        question: What was asked.
        counted: What an answer counts as, in words, such as `acceptable`.
        found: The tests, or why there are none.
    """

    question: Question
    counted: str
    found: MethodsTested | str


def overall_of(arms: Arms, plan: AnalysisPlan) -> tuple[OverallOfQuestion, ...]:
    """Compare three methods or more on each question that has an order.

    These are shares acceptable and taken as real, steps of a scale and numbers, as the
    plan has them; of fewer methods there is nothing overall.
    """
    if len(arms.methods) <= _TWO or arms.reconstructed:
        return ()
    made = []
    for question in arms.questionnaire:
        value = _value(question, plan)
        if value is not None:
            kind, counted, of = value
            table = _blocks(arms, question.id, of)
            found = compare_methods(*table, arms.methods, kind)
            made.append(OverallOfQuestion(question, counted, found))
    return tuple(made)


def _value(
    question: Question, plan: AnalysisPlan
) -> tuple[Kind, str, Callable[[Answer], float]] | None:
    """Return what an answer counts as; None where answers have no order."""
    if question.numeric:
        return "number", "mean", float
    if not question.on_scale:
        return None
    codes = list(question.codes)
    good = set(plan.acceptable_codes)
    if question.id in plan.acceptability_questions and set() < good < set(codes):
        return "share", "acceptable", lambda answer: float(answer in good)
    if question.id in plan.ordinal_questions:
        return "steps", "mean step", lambda answer: 1.0 + codes.index(answer)
    if question.id == plan.turing_question and {0, 1} <= set(codes):
        return "share", "taken as real", lambda answer: float(answer == 1)
    return None


def _blocks(
    arms: Arms, question: str, of: Callable[[Answer], float]
) -> tuple[FloatArray, IntArray, IntArray]:
    """Return values `(n, k)` of readers and cases with all answers, and both places."""
    place = {name: at for at, name in enumerate(arms.methods)}
    readers = {name: at for at, name in enumerate(arms.readers)}
    cases = {name: at for at, name in enumerate(arms.cases)}
    cube = np.full((len(readers), len(cases), len(place)), np.nan)
    for reading in arms.readings:
        answer = reading.answers.get(question)
        if answer is not None:
            at = readers[reading.reader], cases[reading.case], place[reading.method]
            cube[at] = of(answer)
    reader, case = np.nonzero(np.isfinite(cube).all(axis=2))
    return cube[reader, case], reader, case
