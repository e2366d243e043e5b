"""All that is computed on question 1."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.multireader import ClusteredEstimate
from analysis.turing import (
    Detection,
    Equivalence,
    Guesses,
    Judgements,
    Leakage,
    complement_leakage,
    equivalence_to_chance,
    guessed_numbers,
    mean_detection,
    pooled_detection,
    reader_detections,
    trial_effect,
)
from reader_study.formats.closing import ClosingAnswer

ALPHA = 0.05
N_PERMUTATIONS = 10_000
_SEED = 1


@dataclass(frozen=True, eq=False)
class BetweenTrials:
    """What tells the trials apart.

    Attributes:
        accuracy: Balanced accuracy in each trial.
        effect: That of trial 2 minus that of trial 1.
        leakage: Whether answers of trial 2 depend on those of trial 1.
    """

    accuracy: Mapping[int, ClusteredEstimate]
    effect: ClusteredEstimate
    leakage: Leakage


@dataclass(frozen=True, eq=False)
class TuringResults:
    """Results of question 1.

    Attributes:
        judgements: What was judged.
        pooled: All judgements together.
        mean: Mean of the readers' own figures.
        alone: Each reader.
        equivalence: Of the pooled balanced accuracy to chance; None without a margin.
        trials: None where the trials of readings are not known.
        closing: What the study's readers said at the end.
        guesses: How many pictures they took for synthetic.
    """

    judgements: Judgements
    pooled: Detection
    mean: Detection
    alone: Sequence[Detection]
    equivalence: Equivalence | None
    trials: BetweenTrials | None
    closing: Sequence[ClosingAnswer]
    guesses: Guesses


def turing_results(
    judgements: Judgements, margin: float | None, closing: Sequence[ClosingAnswer]
) -> TuringResults:
    """Analyse question 1.

    Args:
        judgements: Of all readers.
        margin: Of equivalence to chance, fixed beforehand; None decides nothing.
        closing: Closing answers; those of readers without readings are left out.
    """
    pooled = pooled_detection(judgements)
    own = [answer for answer in closing if answer.reader in judgements.readers]
    known = bool((judgements.trial > 0).any())
    return TuringResults(
        judgements=judgements,
        pooled=pooled,
        mean=mean_detection(judgements),
        alone=reader_detections(judgements),
        equivalence=None
        if margin is None
        else equivalence_to_chance(pooled.balanced_accuracy, margin, alpha=ALPHA),
        trials=_between_trials(judgements) if known else None,
        closing=own,
        guesses=guessed_numbers(own, judgements if known else None),
    )


def _between_trials(judgements: Judgements) -> BetweenTrials:
    in_trial = {t: judgements.subset(judgements.trial == t) for t in (1, 2)}
    return BetweenTrials(
        {t: pooled_detection(own).balanced_accuracy for t, own in in_trial.items()},
        trial_effect(judgements),
        _leakage(judgements),
    )


def _leakage(judgements: Judgements) -> Leakage:
    """Exchange whole cases; reader by reader only where no two can be exchanged."""
    whole = complement_leakage(
        judgements, rng=np.random.default_rng(_SEED), n_permutations=N_PERMUTATIONS
    )
    if not math.isnan(whole.p_value):
        return whole
    return complement_leakage(
        judgements,
        rng=np.random.default_rng(_SEED),
        permute="within_readers",
        n_permutations=N_PERMUTATIONS,
    )
