"""What follows from calls of disease: likelihood ratios, and readers one by one."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.cells import Proportions
from analysis.accuracy.inference import Inference, infer
from analysis.accuracy.obuchowski_rockette import Anova
from analysis.accuracy.scores import Scores, scores_of
from analysis.errors import InputError, as_number
from analysis.showing import Shown
from analysis.symmetry import mcnemar

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
Sign = Literal["positive", "negative"]
Of = Literal["sensitivity", "specificity", "percent_correct"]

_SIDES: tuple[Of, Of] = ("sensitivity", "specificity")
_NO_LOGARITHM = "sensitivity or specificity is 0 or 1, so the ratio is 0 or infinite"


@dataclass(frozen=True, eq=False, kw_only=True)
class LikelihoodRatios(Shown):
    """Positive and negative likelihood ratios of each modality.

    Attributes:
        modalities: Names, as they first occur.
        readers: Names, as they first occur.
        undefined_reason: Why nothing is defined, else None.
    """

    modalities: tuple[Hashable, ...]
    readers: tuple[Hashable, ...]
    undefined_reason: str | None
    _sides: tuple[Proportions, ...]

    def positive(self, modality: Hashable) -> Inference:
        """Return sensitivity / (1 - specificity): how a call of disease moves odds.

        Raises:
            InputError: If there is no such modality.
        """
        return self._of(modality, "positive")

    def negative(self, modality: Hashable) -> Inference:
        """Return (1 - sensitivity) / specificity: how a call of no disease does.

        Raises:
            InputError: If there is no such modality.
        """
        return self._of(modality, "negative")

    def ratio(
        self, first: Hashable, second: Hashable, sign: Sign = "positive"
    ) -> Inference:
        """Return the first modality's likelihood ratio over the second's.

        Raises:
            InputError: If there is no such modality, or both are the same.
        """
        one, other = self._index(first), self._index(second)
        if one == other:
            msg = f"Two modalities must differ, got {first} twice"
            raise InputError(msg)
        logs = self._logs(sign)[[one, other]]
        reason = self._reason(logs)
        if reason:
            return Inference(estimate=None, undefined_reason=reason)
        anova = self._linear(sign, [one, other])
        error = anova.difference(0, 1)
        return _exponential(infer(float(logs[0] - logs[1]), error))

    def _of(self, modality: Hashable, sign: Sign) -> Inference:
        index = self._index(modality)
        log = self._logs(sign)[[index]]
        reason = self._reason(log)
        if reason:
            return Inference(estimate=None, undefined_reason=reason)
        anova = self._linear(sign, [index])
        return _exponential(infer(float(log[0]), anova.modality(0)))

    @cached_property
    def _means(self) -> tuple[FloatArray, FloatArray]:
        """Sensitivity and specificity of each modality, over readers."""
        sensitivity, specificity = (
            side.estimates.reshape(len(self.modalities), -1).mean(axis=1)
            for side in self._sides
        )
        return sensitivity, specificity

    def _logs(self, sign: Sign) -> FloatArray:
        sensitivity, specificity = self._means
        with np.errstate(divide="ignore", invalid="ignore"):
            if sign == "positive":
                return np.log(sensitivity) - np.log(1 - specificity)
            return np.log(1 - sensitivity) - np.log(specificity)

    def _linear(self, sign: Sign, chosen: list[int]) -> Anova:
        """Return the readers' part in the logarithms, with its error covariances."""
        sensitivity, specificity = (mean[chosen] for mean in self._means)
        if sign == "positive":
            slopes = (1 / sensitivity, 1 / (1 - specificity))
        else:
            slopes = (-1 / (1 - sensitivity), -1 / specificity)
        n_readers = len(self.readers)
        shape = (len(chosen), n_readers)
        at = np.concatenate([i * n_readers + np.arange(n_readers) for i in chosen])
        values, matrix = np.zeros(shape), np.zeros((at.size, at.size))
        for side, slope in zip(self._sides, slopes, strict=True):
            values += side.estimates[at].reshape(shape) * slope[:, None]
            by_cell = np.outer(*[np.repeat(slope, n_readers)] * 2)
            matrix += side.covariances("jackknife")[np.ix_(at, at)] * by_cell
        random = "readers_and_cases" if n_readers > 1 else "cases"
        return Anova(values, matrix, random)

    def _reason(self, logs: FloatArray) -> str | None:
        if self.undefined_reason:
            return self.undefined_reason
        return None if np.isfinite(logs).all() else _NO_LOGARITHM

    def _index(self, name: Hashable) -> int:
        if name not in self.modalities:
            known = ", ".join(map(str, self.modalities))
            msg = f"Modality must be one of {known}, got {name}"
            raise InputError(msg)
        return self.modalities.index(name)

    def _rows(self) -> list[dict[str, object]]:
        return [
            {"modality": name, "sign": sign, **vars(getattr(self, sign)(name))}
            for name in self.modalities
            for sign in ("positive", "negative")
        ]


def likelihood_ratios(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    threshold: float,
) -> LikelihoodRatios:
    """Return likelihood ratios with intervals by readers and cases.

    They are those of the mean sensitivity and specificity over readers. Intervals are
    made for the logarithm, whose errors follow from those of both by the delta method,
    and analysed after Obuchowski and Rockette; tests are against 1.

    Args:
        frame: As `multireader_accuracy` takes it.
        threshold: A rating from here on is a call of disease.

    Raises:
        InputError: If the table or the threshold cannot be used.
    """
    cut = as_number("Threshold", threshold)
    scores = scores_of(frame)
    sides = tuple(Proportions(hits(scores, cut, of)) for of in _SIDES)
    reason = None
    if any(np.isnan(side.estimates).any() for side in sides):
        reason = "every reader must have rated cases of both classes under all"
    return LikelihoodRatios(
        modalities=scores.modalities,
        readers=scores.readers,
        undefined_reason=reason,
        _sides=sides,
    )


def mcnemar_by_reader(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    modalities: tuple[Hashable, Hashable],
    threshold: float,
    of: Of = "percent_correct",
) -> "pd.DataFrame":
    """Return for each reader McNemar's exact test of two modalities.

    Args:
        frame: As `multireader_accuracy` takes it.
        modalities: The first and the second.
        threshold: A rating from here on is a call of disease.
        of: Which cases count: the diseased (`sensitivity`), the others
            (`specificity`) or all.

    Returns:
        One row a reader: pairs of readings `n`, how many only the first
        (`first_only`) and only the second modality got right, `p_value`, and
        `undefined_reason`, why there is no test.

    Raises:
        InputError: If the table or an option cannot be used.
    """
    import pandas as pd

    scores = scores_of(frame)
    known = ", ".join(map(str, scores.modalities))
    if len(set(modalities) & set(scores.modalities)) != len(modalities) or (
        len(modalities) != 2
    ):
        msg = f"Modalities must be two of {known}, got {modalities}"
        raise InputError(msg)
    right = hits(scores, as_number("Threshold", threshold), of)
    right = right.reshape(len(scores.modalities), len(scores.readers), -1)
    pair = right[[scores.modalities.index(name) for name in modalities]]
    rows = [_row(name, pair[:, at]) for at, name in enumerate(scores.readers)]
    return pd.DataFrame(rows)


def _row(reader: Hashable, pair: FloatArray) -> dict[str, object]:
    both = pair[:, ~np.isnan(pair).any(axis=0)].astype(int)
    counts = np.zeros((2, 2), dtype=int)
    np.add.at(counts, tuple(both), 1)
    reason: str | None = None
    p_value: float | None = None
    if not both.size:
        reason = "no case was read under both modalities"
    else:
        test = mcnemar(counts)
        reason = test.undefined_reason
        p_value = None if reason else test.p_value
    return {
        "reader": reader,
        "n": both.shape[1],
        "first_only": int(counts[1, 0]),
        "second_only": int(counts[0, 1]),
        "p_value": p_value,
        "undefined_reason": reason,
    }


def hits(scores: Scores, cut: float, of: Of) -> FloatArray:
    """Return `(cells, cases)` whether each call is right, NaN where there is none."""
    kept = {
        "sensitivity": scores.truth,
        "specificity": ~scores.truth,
        "percent_correct": np.ones_like(scores.truth),
    }
    if of not in kept:
        msg = f"Calls must be of {', '.join(kept)}, got {of!r}"
        raise InputError(msg)
    ratings, truth = scores.cells[:, kept[of]], scores.truth[kept[of]]
    right = ((ratings >= cut) == truth).astype(float)
    return np.where(np.isnan(ratings), np.nan, right)


def _exponential(found: Inference) -> Inference:
    """Return an inference about a logarithm as one about the ratio itself."""
    assert found.estimate is not None  # noqa: S101
    low, high = (
        None if limit is None else math.exp(limit) for limit in (found.low, found.high)
    )
    return replace(found, estimate=math.exp(found.estimate), low=low, high=high)
