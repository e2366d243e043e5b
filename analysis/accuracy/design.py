"""Who rated what: crossed, nested or with gaps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.accuracy.scores import Scores, scores_of


@dataclass(frozen=True, kw_only=True)
class RatingDesign:
    """How ratings are spread over readers, cases and modalities.

    Attributes:
        cases_in_readers: Each case was rated by one of several readers.
        cases_in_modalities: Each case was rated under one of several modalities.
        readers_in_modalities: Each reader used one of several modalities.
        n_ratings: Ratings that there are.
        n_missing: Ratings that this design would have besides.
    """

    cases_in_readers: bool
    cases_in_modalities: bool
    readers_in_modalities: bool
    n_ratings: int
    n_missing: int

    @property
    def fully_crossed(self) -> bool:
        """Whether every reader rated every case under every modality."""
        return not self._nested and not self.n_missing

    @property
    def sentence(self) -> str:
        """The design in words.

        Examples:
            >>> rating_design(
            ...     {
            ...         "reader": ["A", "A", "B"],
            ...         "case": [1, 2, 1],
            ...         "modality": ["CT", "CT", "CT"],
            ...         "truth": [1, 0, 1],
            ...         "rating": [3, 1, 2],
            ...     }
            ... ).sentence
            'crossed, 1 of 4 ratings missing'
        """
        if self.fully_crossed:
            return "fully crossed: every reader rated every case under every modality"
        kind = "crossed" if not self._nested else f"nested: {', '.join(self._nested)}"
        if not self.n_missing:
            return kind
        expected = self.n_ratings + self.n_missing
        return f"{kind}, {self.n_missing} of {expected} ratings missing"

    @property
    def _nested(self) -> list[str]:
        said = {
            "each case by one reader": self.cases_in_readers,
            "each case under one modality": self.cases_in_modalities,
            "each reader under one modality": self.readers_in_modalities,
        }
        return [words for words, holds in said.items() if holds]


def rating_design(frame: Any) -> RatingDesign:  # noqa: ANN401 - a frame or a mapping
    """Return how the ratings of a table are spread.

    Args:
        frame: As `analysis.multireader_accuracy` takes it.

    Raises:
        InputError: If the table cannot be used.
    """
    return design_of(scores_of(frame))


def design_of(scores: Scores) -> RatingDesign:
    """Return how ratings that are an array already are spread."""
    given = ~np.isnan(scores.ratings)
    by_reader, by_modality, pairs = (np.asarray(given.any(axis=a)) for a in range(3))
    one_reader = len(scores.readers) > 1 and _once(by_reader.sum(axis=0))
    one_modality = len(scores.modalities) > 1 and _once(by_modality.sum(axis=0))
    nested = len(scores.modalities) > 1 and _once(pairs.sum(axis=0))
    used = pairs if nested else np.ones_like(pairs)
    expected = np.broadcast_to(used[:, :, None], given.shape)
    if one_reader:
        expected = expected & by_reader[None, :, :]
    if one_modality:
        expected = expected & by_modality[:, None, :]
    n_ratings = int(given.sum())
    return RatingDesign(
        cases_in_readers=one_reader,
        cases_in_modalities=one_modality,
        readers_in_modalities=nested,
        n_ratings=n_ratings,
        n_missing=int(expected.sum()) - n_ratings,
    )


def _once(counts: np.ndarray) -> bool:
    return bool((counts == 1).all())
