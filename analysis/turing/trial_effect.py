"""Do readers tell real from synthetic better in the second trial?"""

import math
from dataclasses import replace

from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.turing.detection import balanced_accuracy
from analysis.turing.judgements import Judgements
from analysis.turing.rates import Linear, clustered


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
    estimate = clustered(difference, judgements, variance, (-1.0, 1.0))
    if math.isnan(estimate.estimate):
        reason = "each trial must hold pictures of both methods, and does not"
        return replace(estimate, undefined_reason=reason)
    return estimate


def _within(judgements: Judgements, trial: int) -> Linear:
    """Balanced accuracy in one trial, expanded over all judgements."""
    mine = judgements.trial == trial
    of_trial = balanced_accuracy(judgements.subset(mine))
    return of_trial.spread_over(mine)
