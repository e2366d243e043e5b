"""All file-level cues together: a cross-validated classifier, judged by permutation."""

import numpy as np
from scipy.stats import rankdata

from reader_study.blinding_audit.permutation import (
    N_PERMUTATIONS,
    Association,
    Flags,
    Numbers,
    drawn_how,
    drawn_p,
)

_PENALTY = 1.0  # per feature, in units of a case's variance


def cross_validated_auc(
    features: Numbers,
    is_test: Flags,
    cases: list[str],
    rng: np.random.Generator,
) -> Association:
    """Give the AUC of a ridge classifier on cases it has not seen.

    One case is left out at a time, with all its pictures. The scores are linear in the
    labels, so that every permutation is cross-validated too, at the cost of a matrix
    product. Permutations swap the methods of a case; p is one-sided.

    Args:
        features: `(n, m)` numbers.
        is_test: `(n,)` method.
        cases: Case of each picture.
        rng: Source of chance.
    """
    scoring = _scoring_matrix(_standardised(features), np.array(cases))
    labels = np.where(is_test, 1.0, -1.0)
    seen = float(_aucs(scoring, labels[:, None])[0])
    names, members = np.unique(cases, return_inverse=True)
    swaps = rng.choice([-1.0, 1.0], (len(names), N_PERMUTATIONS))
    drawn = _aucs(scoring, labels[:, None] * swaps[members])
    return Association(seen, drawn_p(drawn, seen), drawn_how())


def _standardised(features: Numbers) -> Numbers:
    spread = features.std(axis=0)
    scaled: Numbers = (features - features.mean(axis=0)) / np.where(spread, spread, 1)
    return scaled


def _scoring_matrix(features: Numbers, cases: np.ndarray) -> Numbers:
    """Give the matrix that turns labels into scores of pictures left out."""
    scoring = np.zeros((len(cases), len(cases)))
    for case in np.unique(cases):
        left_out = cases == case
        known = features[~left_out]
        penalty = _PENALTY * features.shape[1] * np.eye(features.shape[1])
        weights = np.linalg.solve(known.T @ known + penalty, known.T)
        scoring[np.ix_(left_out, ~left_out)] = features[left_out] @ weights
    return scoring


def _aucs(scoring: Numbers, labels: Numbers) -> Numbers:
    """Give the AUC of each column of labels; each has as many of either method."""
    ranks = rankdata(np.round(scoring @ labels, 9), axis=0)
    n = len(labels) / 2
    aucs: Numbers = ((ranks * (labels > 0)).sum(axis=0) - n * (n + 1) / 2) / n**2
    return aucs
