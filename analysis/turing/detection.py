"""Can readers tell synthetic pictures from real ones? Accuracy, d' and criterion."""

import functools
import math
import operator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.turing.judgements import Judgements
from analysis.turing.rates import Linear, clustered, share

_PROPORTION = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Detection:
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
        means[figure] = Linear(mean, total.contribution, total.members)
    return _detection(judgements, means, variance, name)


def balanced_accuracy(judgements: Judgements) -> Linear:
    """Mean of sensitivity and specificity, with its expansion."""
    return _linearised(judgements)["balanced_accuracy"]


def _linearised(judgements: Judgements) -> dict[str, Linear]:
    """All five figures with their first-order expansions."""
    synthetic, called = judgements.synthetic, judgements.called_synthetic
    hit = share(called, synthetic)
    false_alarm = share(called, ~synthetic)
    specificity = share(~called, ~synthetic)
    z_hit, z_false_alarm = _normal_score(hit), _normal_score(false_alarm)
    return {
        "sensitivity": hit,
        "specificity": specificity,
        "balanced_accuracy": (hit + specificity).times(0.5),
        "d_prime": z_hit + z_false_alarm.times(-1),
        "criterion": (z_hit + z_false_alarm).times(-0.5),
    }


def _apart(own: Linear, mean: float) -> Linear:
    """Spread a reader's distance from the mean over what the reader judged."""
    distance = (own.value - mean) / max(1, int(own.members.sum()))
    contribution = own.contribution + np.where(own.members, distance, 0.0)
    return Linear(own.value, contribution, own.members)


def _normal_score(rate: Linear) -> Linear:
    """Normal quantile of a rate with the log-linear correction."""
    n = int(rate.members.sum())
    corrected = (rate.value * n + 0.5) / (n + 1)
    z = float(ndtri(corrected))
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return rate.mapped(z, n / (n + 1) / density)


def _detection(
    judgements: Judgements,
    linear: dict[str, Linear],
    variance: Variance,
    name: str,
) -> Detection:
    def estimate(
        figure: str, bounds: tuple[float, float] = (-math.inf, math.inf)
    ) -> ClusteredEstimate:
        return clustered(linear[figure], judgements, variance, bounds)

    synthetic, called = judgements.synthetic, judgements.called_synthetic
    return Detection(
        name=name,
        sensitivity=estimate("sensitivity", _PROPORTION),
        specificity=estimate("specificity", _PROPORTION),
        balanced_accuracy=estimate("balanced_accuracy", _PROPORTION),
        d_prime=estimate("d_prime"),
        criterion=estimate("criterion"),
        hits=int((synthetic & called).sum()),
        n_synthetic=int(synthetic.sum()),
        false_alarms=int((~synthetic & called).sum()),
        n_real=int((~synthetic).sum()),
    )
