"""How often intervals of the other figures of merit cover, in populations with a truth.

    python -m benchmarks.accuracy_figures
    python -m benchmarks.accuracy_figures --studies 50   (no page)
    python -m benchmarks.accuracy_figures --areas   (no page, no LROC, no ratios)

Studies of `benchmarks.accuracy_studies` are asked for the partial area up to a false
positive rate of .2, for both likelihood ratios, and, with marks, for the LROC and FROC
areas. The true values are integrals over the ratings of one case of each class, given
the readers. A diseased case is marked at its lesion in 80 % of readings (LROC); of a
lesion (FROC, every second diseased case has two) and of a case without one the highest
mark is seen where its rating is above -0.5. Of 5x50 five cases without disease lie
below the rate, the fewest that a partial area has limits with. With 1,000 studies or
more it writes the table of docs/method/accuracy.md.
"""

import argparse
import itertools
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from analysis.accuracy import localisation, partial_area
from analysis.accuracy.calls import LikelihoodRatios, hits
from analysis.accuracy.cells import Pairwise, Proportions
from analysis.accuracy.inference import Inference
from analysis.accuracy.scores import Scores
from analysis.accuracy.study import MultireaderAccuracy, Ways, study_of
from benchmarks.accuracy import COVERED, DESIGNS, NAMES, SECOND
from benchmarks.accuracy_studies import STRUCTURES, Population

STUDIES, SEED = 1_000, 31
SIZES = {"5x60": DESIGNS["5x60"], "5x50": (5, 25, 25), "7x20": DESIGNS["7x20"]}
RATE, LOCATED, SEEN_FROM = 0.2, 0.8, -0.5
FIGURES = ("partial area", "LROC area", "FROC area", "ratio, positive", "negative")
_WORKERS = 2
PAGE = Path(__file__).parents[1] / "docs" / "method" / "accuracy.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

Row = dict[str, tuple[float, float]]


class Truth:
    """True values of a population without criteria of readers."""

    def __init__(self, population: Population) -> None:
        """Take means and the spread of a rating around its class."""
        of = population.structure
        self._spread = float(np.sqrt(1 + 2 * of.reader))
        self._means = population.means
        self.cut = float(population.means[0] / 2)

    def partial_area(self, mean: float) -> float:
        """Return the mean sensitivity over false positive rates up to `RATE`."""

        def sensitivity(rate: float) -> float:
            return float(ndtr(mean / self._spread - ndtri(1 - rate)))

        return quad(sensitivity, 0, RATE)[0] / RATE

    def froc_area(self, mean: float) -> float:
        """Return the chance that a lesion is above a case without; hidden is lowest."""
        s = self._spread
        seen = quad(
            lambda y: norm.pdf(y, mean, s) * ndtr(y / s), SEEN_FROM, mean + 9 * s
        )[0]
        hidden = ndtr((SEEN_FROM - mean) / s) * ndtr(SEEN_FROM / s)
        return float(seen + hidden / 2)

    def of(self, figure: str) -> list[float]:
        """Return the value under each modality; of a ratio its logarithm."""
        if figure == "partial area":
            return [self.partial_area(mean) for mean in self._means]
        if figure == "FROC area":
            return [self.froc_area(mean) for mean in self._means]
        areas = ndtr(self._means / self._spread / np.sqrt(2))
        if figure == "LROC area":
            return [LOCATED * float(area) for area in areas]
        called = ndtr((self._means - self.cut) / self._spread)
        alarms = ndtr(-self.cut / self._spread)
        if figure == "ratio, positive":
            return [float(np.log(share / alarms)) for share in called]
        return [float(np.log((1 - share) / (1 - alarms))) for share in called]


def studies_of(
    population: Population, design: str, figures: Sequence[str], seed: int
) -> Iterator[Row]:
    """Give for study after study whether a modality and a difference covered."""
    truth, rng = Truth(population), np.random.default_rng([SEED, seed])
    expected = {figure: truth.of(figure) for figure in figures}
    readers, diseased, others = SIZES[design]
    sick = np.arange(diseased + others) < diseased
    while True:
        more = (diseased + 1) // 2
        drawn = population.draw(rng, readers, more + diseased, others)
        ratings = drawn[..., more:]
        scores = Scores(ratings, sick, NAMES, tuple(range(readers)))
        located = rng.random(ratings.shape) < LOCATED
        found: Row = {}
        asked = {
            "LROC area": partial(_lroc, scores, located),
            "FROC area": partial(_froc, scores, drawn[..., :more]),
            "partial area": partial(_partial, scores),
        }
        for figure in (figure for figure in asked if figure in expected):
            decided = asked[figure]().for_decisions()
            one, two = expected[figure]
            found[figure] = (
                _covers(decided.modality("A"), one),
                _covers(decided.difference(*NAMES), one - two),
            )
        ratios = _ratios(scores, truth.cut)
        for sign, figure in zip(("positive", "negative"), FIGURES[3:], strict=True):
            if figure not in expected:
                continue
            one, two = expected[figure]
            own = getattr(ratios, sign)
            found[figure] = (
                _covers(own("A"), float(np.exp(one))),
                _covers(ratios.ratio(*NAMES, sign=sign), float(np.exp(one - two))),
            )
        yield found


def _partial(scores: Scores) -> MultireaderAccuracy:
    return partial_area.partial_area_of(scores, RATE)


def _lroc(scores: Scores, located: np.ndarray) -> MultireaderAccuracy:
    ratings = np.where(located | ~scores.truth, scores.ratings, -np.inf)
    cells = replace(scores, ratings=ratings)
    pairs = Pairwise(cells.of_class(diseased=True), cells.of_class(diseased=False))
    return study_of(scores, pairs, "lroc_area", Ways())


def _froc(scores: Scores, more: np.ndarray) -> MultireaderAccuracy:
    """Return the study in which every second diseased case has a second lesion."""
    marks = np.where(scores.ratings > SEEN_FROM, scores.ratings, -np.inf)
    second = np.flatnonzero(scores.truth)[::2]
    # The other lesion is as unlike the first as one of another case.
    added = np.where(more > SEEN_FROM, more, -np.inf)
    n_cells = len(scores.cells)
    lesions = np.concatenate([marks[..., scores.truth], added], axis=2)
    owner = np.concatenate([np.flatnonzero(scores.truth), second]).astype(object)
    cells = localisation._left_out(
        lesions.reshape(n_cells, -1),
        marks[..., ~scores.truth].reshape(n_cells, -1),
        owner,
    )
    return study_of(scores, cells, "froc_area", Ways())


def _ratios(scores: Scores, cut: float) -> LikelihoodRatios:
    sides = tuple(
        Proportions(hits(scores, cut, of)) for of in ("sensitivity", "specificity")
    )
    return LikelihoodRatios(
        modalities=scores.modalities,
        readers=scores.readers,
        undefined_reason=None,
        _sides=sides,
    )


def _covers(found: Inference, truth: float) -> float:
    if found.low is None or found.high is None:
        return np.nan
    return float(found.low <= truth <= found.high)


def table(studies: int, figures: Sequence[str] = FIGURES) -> str:
    """Return how often intervals cover: the worse of both structures in a cell."""
    lines = [
        "| figure | readers x cases, AUC | a modality | a difference or ratio of two "
        "| nothing said |",
        "|---|---|---|---|---|",
    ]
    kinds = list(itertools.product(SIZES, SECOND, STRUCTURES))
    with ProcessPoolExecutor(_WORKERS) as pool:
        found = pool.map(
            _of_kind,
            kinds,
            itertools.repeat(figures),
            itertools.repeat(studies),
            range(len(kinds)),
        )
        cells = {
            (figure, *kind): np.array([row[figure] for row in rows if figure in row])
            for kind, rows in zip(kinds, found, strict=True)
            for figure in figures
        }
    for figure, design, auc in itertools.product(figures, SIZES, SECOND):
        both = [cells[figure, design, auc, name] for name in STRUCTURES]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where nothing is said of a modality
            worst = np.min([np.nanmean(one, axis=0) for one in both], axis=0)
        lacking = np.max([np.isnan(one).mean(axis=0) for one in both], axis=0)
        words = " | ".join(map(_words, worst))
        none = ", ".join(f"{100 * share:.1f}" for share in lacking)
        lines.append(f"| {figure} | {design}, {auc:g} | {words} | {none} |")
    return "\n".join(lines)


def _of_kind(
    kind: tuple[str, float, str], figures: Sequence[str], studies: int, seed: int
) -> list[Row]:
    """Ask the studies of a design, an AUC and a structure."""
    design, auc, name = kind
    structure = replace(STRUCTURES[name], criterion=0.0)
    population = Population(structure, (auc, SECOND[auc]), steps=False)
    drawn = studies_of(population, design, figures, seed)
    return list(itertools.islice(drawn, studies))


def _words(share: float) -> str:
    if np.isnan(share):
        return "-"
    return f"{100 * share:.1f}" + (" **beyond**" if share < COVERED else "")


def main() -> None:
    """Print the table, and write the page after many studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--areas", action="store_true", help="partial and FROC area")
    given = parser.parse_args()
    studies = int(given.studies)
    found = table(studies, ("partial area", "FROC area") if given.areas else FIGURES)
    print(found)
    if studies >= STUDIES and not given.areas:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        said = f"{studies:,} studies each:"
        written = f"{before}{BEGIN}\n\n{said}\n\n{found}\n\n{END}{after}"
        PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
