"""Question 1, the visual Turing test: are synthetic pictures told from real ones?"""

import functools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from analysis.arrays import BoolArray, FloatArray
from analysis.intervals import ConfidenceInterval
from analysis.multireader import score
from analysis.multireader.estimate import ClusteredEstimate, Variance, from_influence
from analysis.questions.judgements import Judgements
from analysis.showing import Shown


@dataclass(frozen=True, eq=False)
class Equivalence(Shown):
    """Result of `equivalence_to_chance`.

    Attributes:
        estimate: What was tested.
        chance: Its value by chance.
        margin: How far from chance still counts as chance.
        alpha: Level of each of the two tests.
        p_value: The larger of the two; NaN where nothing can be said.
        equivalent: Whether equivalence is shown, None where nothing can be said.
    """

    estimate: ClusteredEstimate
    chance: float
    margin: float
    alpha: float
    p_value: float
    equivalent: bool | None

    @property
    def interval(self) -> ConfidenceInterval:
        """The interval of level 1 - 2 alpha, which lies within the margin if shown."""
        return self.estimate.confidence_interval(1 - 2 * self.alpha)

    @property
    def words(self) -> str:
        """The result as a sentence."""
        low, high = self.chance - self.margin, self.chance + self.margin
        if self.equivalent is None:
            reason = self.estimate.undefined_reason
            return f"Equivalence to chance cannot be judged: {reason}."
        within = f"the {1 - 2 * self.alpha:.0%} interval, {self.interval.low:.3f} to "
        within += f"{self.interval.high:.3f}, "
        if self.equivalent:
            return f"Equivalent to chance: {within}lies within {low:g} to {high:g}."
        return (
            f"Equivalence to chance is not shown: {within}does not lie within {low:g} "
            f"to {high:g}."
        )


def equivalence_to_chance(
    estimate: ClusteredEstimate,
    margin: float | None,
    *,
    alpha: float = 0.05,
    chance: float = 0.5,
) -> Equivalence:
    """Test that an estimate is within a margin of chance.

    That a difference from chance is not significant shows nothing; this does. Degrees
    of freedom are those of `ClusteredEstimate.for_equivalence`.

    Args:
        estimate: Such as the balanced accuracy of all readers.
        margin: Stated before the data were seen; None is refused.
        alpha: Level of each test; 0.05 goes with a 90 % interval.
        chance: Value by chance.

    Raises:
        ValueError: If no margin is given, or it or the level is impossible.

    References:
        Schuirmann DJ. J Pharmacokinet Biopharm 1987;15:657. doi:10.1007/BF01068419
    """
    if margin is None:
        msg = "An equivalence margin must be stated before the data are seen, got none"
        raise ValueError(msg)
    if not 0 < margin <= chance:
        msg = (
            f"Equivalence margin must be above 0 and at most {chance:g}, got {margin:g}"
        )
        raise ValueError(msg)
    if not 0 < alpha < 0.5:
        msg = f"Alpha must be between 0 and 0.5, got {alpha:g}"
        raise ValueError(msg)
    estimate = estimate.for_equivalence()
    not_low = estimate.p_above(chance - margin)
    not_high = 1 - estimate.p_above(chance + margin)
    p_value = math.nan if math.isnan(not_low) else max(not_low, not_high)
    shown = None if math.isnan(p_value) else p_value < alpha
    return Equivalence(estimate, chance, margin, alpha, p_value, shown)


@dataclass(frozen=True, eq=False)
class _Linear:
    """A number with its first-order expansion over judgements.

    Attributes:
        value: The number.
        contribution: `(n,)` what each judgement adds to it beyond its share; sums to 0.
        members: `(n,)` judgements that it depends on.
    """

    value: float
    contribution: FloatArray
    members: BoolArray

    def __add__(self, other: "_Linear") -> "_Linear":
        """Sum of two numbers."""
        return _Linear(
            self.value + other.value,
            self.contribution + other.contribution,
            self.members | other.members,
        )

    def times(self, factor: float) -> "_Linear":
        """Multiple of the number."""
        return _Linear(self.value * factor, self.contribution * factor, self.members)

    def mapped(self, value: float, slope: float) -> "_Linear":
        """Function of the number, by its value and its slope there (delta method)."""
        return _Linear(value, self.contribution * slope, self.members)

    def spread_over(self, kept: BoolArray) -> "_Linear":
        """Expand a number of some judgements over all, `kept` telling which."""
        contribution, members = np.zeros(len(kept)), np.zeros(len(kept), dtype=bool)
        contribution[kept], members[kept] = self.contribution, self.members
        return _Linear(self.value, contribution, members)


def _share(event: BoolArray, members: BoolArray) -> _Linear:
    """Share of events among some judgements; NaN where there are none."""
    n = int(members.sum())
    rate = float(event[members].mean()) if n else math.nan
    of_each = np.where(members, (event - rate) / max(1, n), 0.0)
    return _Linear(rate, of_each, members)


def _with_clustered_error(
    linear: _Linear,
    judgements: Judgements,
    variance: Variance,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> ClusteredEstimate:
    """Return a number with its error; a reader's two pictures of a case are one pair.

    Args:
        linear: The number.
        judgements: What it was computed from.
        variance: What varies from study to study.
        bounds: Values that it can take.
    """
    kept = linear.members
    n_cases = max(1, len(judgements.cases))
    place = judgements.reader[kept] * n_cases + judgements.case[kept]
    pairs, of_pair = np.unique(place, return_inverse=True)
    sums = np.bincount(of_pair, linear.contribution[kept], minlength=len(pairs))
    readers, cases = np.divmod(pairs, n_cases)
    estimate = from_influence(
        linear.value, len(pairs) * sums, readers, cases, variance=variance
    )
    if math.isnan(linear.value):
        reason = "pictures of both methods must have been judged, and were not"
        return replace(estimate, undefined_reason=reason)
    return replace(estimate, bounds=bounds)


_PROPORTION = (0.0, 1.0)
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Detection(Shown):
    """How well synthetic pictures are told from real ones.

    Attributes:
        name: Reader, or whose judgements were taken together.
        sensitivity: Share of synthetic pictures called synthetic.
        specificity: Share of real pictures called real.
        balanced_accuracy: Mean of the two; 0.5 is chance whatever is called how often.
        d_prime: z(hit rate) - z(false alarm rate); 0 is chance.
        criterion: -(z(hit rate) + z(false alarm rate)) / 2; above 0, pictures are
            rather called real.
        hits: Synthetic pictures called synthetic.
        n_synthetic: Synthetic pictures judged.
        false_alarms: Real pictures called synthetic.
        n_real: Real pictures judged.
    """

    name: str
    sensitivity: ClusteredEstimate
    specificity: ClusteredEstimate
    balanced_accuracy: ClusteredEstimate
    d_prime: ClusteredEstimate
    criterion: ClusteredEstimate
    hits: int
    n_synthetic: int
    false_alarms: int
    n_real: int


def pooled_detection(
    judgements: Judgements, variance: Variance = "crossed", name: str = "pooled"
) -> Detection:
    """Take all judgements together.

    A pooled d' is smaller than the readers' own where they differ in how readily they
    call a picture synthetic; see `mean_detection`.

    Args:
        judgements: Of any number of readers.
        variance: What varies from study to study; see `from_influence`.
        name: Of the result.

    References:
        Green DM, Swets JA. Signal Detection Theory and Psychophysics. Wiley 1966.
        Hautus MJ. Behav Res Methods 1995;27:46. doi:10.3758/BF03203619 (one half is
        added to each count, one to each total, also where no rate is 0 or 1)
    """
    return _detection(judgements, _linearised(judgements), variance, name)


def reader_detections(judgements: Judgements) -> list[Detection]:
    """Take each reader by themselves; only cases vary."""
    found = []
    for position, name in enumerate(judgements.readers):
        own = judgements.subset(judgements.reader == position)
        found.append(_detection(own, _linearised(own), "patient", name))
    return found


def mean_detection(
    judgements: Judgements,
    variance: Variance = "crossed",
    name: str = "mean of readers",
) -> Detection:
    """Take the mean of the readers' own figures, each reader counting the same."""
    own = [judgements.reader == r for r in range(len(judgements.readers))]
    of_readers = [_linearised(judgements.subset(mine)) for mine in own]
    means = {}
    for figure in of_readers[0]:
        values = [linear[figure].value for linear in of_readers]
        mean = float(np.mean(values))
        parts = [
            _apart(linear[figure], mean).spread_over(mine).times(1 / len(own))
            for mine, linear in zip(own, of_readers, strict=True)
        ]
        total = functools.reduce(operator.add, parts)
        means[figure] = _Linear(mean, total.contribution, total.members)
    return _detection(judgements, means, variance, name)


def balanced_accuracy(judgements: Judgements) -> _Linear:
    """Mean of sensitivity and specificity, with its expansion."""
    return _linearised(judgements)["balanced_accuracy"]


def _linearised(judgements: Judgements) -> dict[str, _Linear]:
    """All five figures with their first-order expansions."""
    synthetic, called = judgements.synthetic, judgements.called_synthetic
    hit = _share(called, synthetic)
    false_alarm = _share(called, ~synthetic)
    specificity = _share(~called, ~synthetic)
    z_hit, z_false_alarm = _normal_score(hit), _normal_score(false_alarm)
    return {
        "sensitivity": hit,
        "specificity": specificity,
        "balanced_accuracy": (hit + specificity).times(0.5),
        "d_prime": z_hit + z_false_alarm.times(-1),
        "criterion": (z_hit + z_false_alarm).times(-0.5),
    }


def _apart(own: _Linear, mean: float) -> _Linear:
    """Spread a reader's distance from the mean over what the reader judged."""
    distance = (own.value - mean) / max(1, int(own.members.sum()))
    contribution = own.contribution + np.where(own.members, distance, 0.0)
    return _Linear(own.value, contribution, own.members)


def _normal_score(rate: _Linear) -> _Linear:
    """Normal quantile of a rate with the log-linear correction."""
    n = int(rate.members.sum())
    corrected = (rate.value * n + 0.5) / (n + 1)
    z = float(ndtri(corrected))
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return rate.mapped(z, n / (n + 1) / density)


def _detection(
    judgements: Judgements,
    linear: dict[str, _Linear],
    variance: Variance,
    name: str,
) -> Detection:
    def estimate(
        figure: str, bounds: tuple[float, float] = (-math.inf, math.inf)
    ) -> ClusteredEstimate:
        return _with_clustered_error(linear[figure], judgements, variance, bounds)

    synthetic, called = judgements.synthetic, judgements.called_synthetic
    hits, n_synthetic = int((synthetic & called).sum()), int(synthetic.sum())
    false_alarms, n_real = int((~synthetic & called).sum()), int((~synthetic).sum())
    return Detection(
        name=name,
        sensitivity=_scored(
            estimate("sensitivity", _PROPORTION),
            lambda: score.proportions(hits / n_synthetic, n_synthetic),
        ),
        specificity=_scored(
            estimate("specificity", _PROPORTION),
            lambda: score.proportions(1 - false_alarms / n_real, n_real),
        ),
        balanced_accuracy=_scored(
            estimate("balanced_accuracy", _PROPORTION),
            lambda: _balanced((hits, false_alarms), (n_synthetic, n_real)),
        ),
        d_prime=estimate("d_prime"),
        criterion=estimate("criterion"),
        hits=hits,
        n_synthetic=n_synthetic,
        false_alarms=false_alarms,
        n_real=n_real,
    )


def _scored(
    found: ClusteredEstimate, truths: Callable[[], score.Truths]
) -> ClusteredEstimate:
    """Return an estimate of all judgements with its score interval.

    The mean of readers' own figures is no figure of all judgements where readers judged
    different numbers; it keeps the interval of its own error then.
    """
    if found.variance not in score.SCORED or math.isnan(found.estimate):
        return found
    line = truths()
    if abs(line.at(line.seen).value - found.estimate) > _SAME:
        return found
    return score.with_score_interval(found, line)


def _balanced(events: tuple[int, int], sizes: tuple[int, int]) -> score.Truths:
    """Return what (1 + hit rate - false alarm rate) / 2 might be."""
    line = score.differences(events, sizes)

    def at(value: float) -> score.Truth:
        return score.Truth(value, line.at(2 * value - 1).variance / 4)

    return score.Truths(at, (1 + line.seen) / 2, 0.0, 1.0)


def trial_effect(
    judgements: Judgements, variance: Variance = "crossed"
) -> ClusteredEstimate:
    """Balanced accuracy in trial 2 minus that in trial 1.

    Of a case, a reader sees one picture in each trial, and the two are of different
    methods. Plain accuracy would mix the effect of the trial with that of calling most
    pictures real; balanced accuracy weighs both methods alike in each trial. Both
    judgements of a reader's case make one pair, so the difference is a paired one.

    Args:
        judgements: With their trials.
        variance: What varies from study to study; see `from_influence`.

    Returns:
        The difference; undefined unless both trials hold pictures of both methods.

    Raises:
        ValueError: If the trials are not known.
    """
    if not (judgements.trial > 0).any():
        msg = "A trial effect needs the trial of each reading, got none"
        raise ValueError(msg)
    difference = _within(judgements, 2) + _within(judgements, 1).times(-1)
    estimate = _with_clustered_error(difference, judgements, variance, (-1.0, 1.0))
    if math.isnan(estimate.estimate):
        reason = "each trial must hold pictures of both methods, and does not"
        return replace(estimate, undefined_reason=reason)
    return estimate


def _within(judgements: Judgements, trial: int) -> _Linear:
    """Balanced accuracy in one trial, expanded over all judgements."""
    mine = judgements.trial == trial
    of_trial = balanced_accuracy(judgements.subset(mine))
    return of_trial.spread_over(mine)
