"""How often each sentence of a report that decides something is false.

    python -m benchmarks.decisions
    python -m benchmarks.decisions --studies 200   (no page)

Draws studies from populations whose truth is known (`benchmarks.populations`) and asks
the functions that a report asks. Of each sentence it prints, by design and by how the
answers are spread: how often it can be made at all, how often it is false where it
should be false at most as often as its nominal level says, and how often it is made
where it is true (power). Cells are kept in build/decisions.json, so that a run that was
stopped goes on; with 2,000 studies it writes the tables of docs/method/decisions.md.
"""

import argparse
import json
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis import multireader
from analysis.questions import (
    acceptability,
    between_readers,
    judgements,
    shifts,
    turing,
)
from benchmarks import populations
from benchmarks.populations import IntArray, Population

STUDIES, SEED = 2_000, 26
DESIGNS = {"3x50": (3, 50), "7x20": (7, 20), "10x15": (10, 15), "7x60": (7, 60)}
SPREADS: Mapping[str, tuple[float, ...]] = {
    "50/50": (0.5, 0.5),
    "70/30": (0.7, 0.3),
    "84/16": (0.84, 0.16),
    "90/10": (0.9, 0.1),
    "95/5": (0.95, 0.05),
    "99/1": (0.99, 0.01),
    "60/24/16": (0.6, 0.24, 0.16),
    "85/9/6": (0.85, 0.09, 0.06),
    "92/5/3": (0.92, 0.05, 0.03),
    "25 each": (0.25, 0.25, 0.25, 0.25),
    "70/12/8/6/4": (0.7, 0.12, 0.08, 0.06, 0.04),
}
ALLOWED = 0.015
"""More than the nominal level that a cell may be false."""
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "method" / "decisions.md"
CACHE = ROOT / "build" / "decisions.json"
BEGIN, END = "<!-- decisions: begin -->", "<!-- decisions: end -->"
MARGIN = 0.1


Outcomes = Mapping[str, bool | None]
"""Whether each sentence was made; None where it could not be."""


@dataclass(frozen=True)
class Study:
    """A design and the spread of answers, with the source of chance."""

    rng: np.random.Generator
    n_readers: int
    n_cases: int
    shares: tuple[float, ...]

    @property
    def reader(self) -> IntArray:
        """`(n,)` reader of each pair."""
        return np.repeat(np.arange(self.n_readers), self.n_cases)

    @property
    def case(self) -> IntArray:
        """`(n,)` case of each pair."""
        return np.tile(np.arange(self.n_cases), self.n_readers)

    @property
    def readers(self) -> tuple[str, ...]:
        """Names of the readers."""
        return tuple(f"r{i}" for i in range(self.n_readers))

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases."""
        return tuple(f"c{i}" for i in range(self.n_cases))

    def draw(
        self, population: Population, careless: float = 0.0
    ) -> tuple[IntArray, IntArray]:
        """Draw the answers `(readers, cases)` under both methods."""
        return population.draw(self.rng, self.n_readers, self.n_cases, careless)

    def pairs(self, population: Population, careless: float = 0.0) -> multireader.Pairs:
        """Draw pairs of answers."""
        reference, test = self.draw(population, careless)
        return multireader.Pairs(
            self.reader, self.case, reference.ravel(), test.ravel(),
            self.readers, self.cases, population.k,
        )  # fmt: skip

    def acceptance(self, lost: float) -> acceptability.Acceptance:
        """Draw whether pictures are acceptable: the first answer, lost by so much."""
        shift = self._moved(lost)
        reference, test = self.draw(Population(self.shares, shift=shift))
        return acceptability.Acceptance(
            self.reader, self.case, reference.ravel() == 0, test.ravel() == 0
        )

    def judgements(self, told: float) -> judgements.Judgements:
        """Draw who calls which picture synthetic: the second answer.

        Args:
            told: Hit rate minus false alarm rate.
        """
        real, synthetic = self.draw(Population(self.shares, shift=self._moved(told)))
        return judgements.Judgements(
            np.tile(self.reader, 2),
            np.tile(self.case, 2),
            np.repeat([False, True], len(self.reader)),
            np.concatenate([real.ravel(), synthetic.ravel()]) == 1,
            self.readers,
            self.cases,
            np.zeros(2 * len(self.reader), dtype=int),
        )

    def _moved(self, by: float) -> float:
        """Shift that makes the first answer rarer by so much."""
        share = self.shares[0]
        return populations.shift_to(share, share - by) if by else 0.0


def intervals(study: Study, by: float = 0.0) -> Outcomes:
    """Agreement and kappa: does the interval miss, is the limit above the truth?"""
    population = Population(study.shares)
    pairs = study.pairs(population)
    agreement = multireader.clustered_agreement(pairs)
    kappa = multireader.clustered_kappa(pairs)
    return {
        **_limits("agreement", agreement, population.agreement, by / 2),
        **_limits("kappa", kappa, population.kappa, by),
    }


def _limits(
    name: str, estimate: multireader.ClusteredEstimate, truth: float, by: float
) -> Outcomes:
    if estimate.undefined_reason is not None:
        return {name: None, f"{name}_above": None}
    interval = estimate.confidence_interval()
    return {
        name: not interval.low <= truth <= interval.high,
        f"{name}_above": interval.low > truth - by,
    }


def lost(study: Study, by: float = MARGIN) -> Outcomes:
    """Acceptability with a loss: what is concluded with the margin?"""
    drawn = study.acceptance(by)
    share = multireader.proportion_of(drawn.reference, drawn.reader, drawn.case)
    found = acceptability.acceptable_difference(drawn)
    if found.undefined_reason is not None:
        return dict.fromkeys(("acceptable", "difference", *_LOST))
    around = found.for_equivalence().confidence_interval(0.9)
    wide = found.confidence_interval()
    of_share = share.confidence_interval()
    return {
        "acceptable": not of_share.low <= study.shares[0] <= of_share.high,
        "difference": not wide.low <= -by <= wide.high,
        "non_inferior": acceptability.non_inferiority(found, MARGIN).non_inferior,
        "equally_acceptable": around.low > -MARGIN and around.high < MARGIN,
    }


_LOST = ("non_inferior", "equally_acceptable")


def chance(study: Study, by: float = MARGIN) -> Outcomes:
    """Readers whose balanced accuracy is so much above chance."""
    drawn = study.judgements(2 * by)
    accuracy = turing.pooled_detection(drawn).balanced_accuracy
    return {"chance": turing.equivalence_to_chance(accuracy, MARGIN).equivalent}


def shifted(study: Study, by: float = 0.0) -> Outcomes:
    """Answers that the test method moves up by so many standard deviations."""
    pairs = study.pairs(Population(study.shares, shift=by))
    return {"shifted": _below_5(shifts.mean_shift(pairs).p_value())}


def readers_vary(study: Study, careless: int = 0) -> Outcomes:
    """Readers who are alike but for some careless ones."""
    population = Population(study.shares, populations.ALIKE)
    pairs = study.pairs(population, careless / study.n_readers)
    p_value = multireader.homogeneity(pairs, n_exchanges=499).p_value
    return {"readers_vary": _below_5(p_value)}


def agree_less(study: Study, careless: float = 0.0) -> Outcomes:
    """Readers of whom some are careless under the test method only."""
    population = Population(study.shares, populations.READERS_DIFFER)
    reference, test = study.draw(population, careless)
    ratings = between_readers.MethodRatings(
        reference.T.astype(float),
        test.T.astype(float),
        study.cases,
        study.readers,
        population.k,
    )
    difference = between_readers.consistency_difference(ratings)
    return {"agree_less": _below_5(difference.p_value())}


def _below_5(p_value: float) -> bool | None:
    return None if math.isnan(p_value) else p_value < 0.05


@dataclass(frozen=True)
class Sentence:
    """A sentence that decides.

    Attributes:
        words: What it says.
        nominal: How often it may be false.
    """

    words: str
    nominal: float


@dataclass(frozen=True)
class Experiment:
    """A question to many studies.

    Attributes:
        sentences: What it tells about.
        null: Draws a study in which they are false, and asks.
        true: Draws one in which those with a power are true.
        with_power: Those.
        two_answers: It is about yes and no, so spreads of more answers are left out.
    """

    sentences: Mapping[str, Sentence]
    null: Callable[[Study], Outcomes]
    true: Callable[[Study], Outcomes]
    with_power: tuple[str, ...]
    two_answers: bool = False


EXPERIMENTS: Mapping[str, Experiment] = {
    "intervals": Experiment(
        {
            "agreement": Sentence("95 % interval of agreement misses", 0.05),
            "agreement_above": Sentence("agreement is above a bound", 0.025),
            "kappa": Sentence("95 % interval of kappa misses", 0.05),
            "kappa_above": Sentence("kappa is above a bound", 0.025),
        },
        intervals,
        partial(intervals, by=0.3),
        ("agreement_above", "kappa_above"),
    ),
    "lost": Experiment(
        {
            "acceptable": Sentence("95 % interval of a proportion misses", 0.05),
            "difference": Sentence("95 % interval of a difference misses", 0.05),
            "non_inferior": Sentence("non-inferior, margin 0.1", 0.025),
            "equally_acceptable": Sentence("equally acceptable, margin 0.1", 0.05),
        },
        lost,
        partial(lost, by=0.0),
        _LOST,
        two_answers=True,
    ),
    "chance": Experiment(
        {"chance": Sentence("equivalent to chance, margin 0.1", 0.05)},
        chance,
        partial(chance, by=0.0),
        ("chance",),
        two_answers=True,
    ),
    "shifted": Experiment(
        {"shifted": Sentence("mean shift, p < 0.05", 0.05)},
        shifted,
        partial(shifted, by=0.5),
        ("shifted",),
    ),
    "readers_vary": Experiment(
        {"readers_vary": Sentence("the readers' kappas vary, p < 0.05", 0.05)},
        readers_vary,
        partial(readers_vary, careless=1),
        ("readers_vary",),
    ),
    "agree_less": Experiment(
        {
            "agree_less": Sentence(
                "these readers agree otherwise under one method, p < 0.05", 0.05
            )
        },
        agree_less,
        partial(agree_less, careless=0.5),
        ("agree_less",),
    ),
}


@dataclass(frozen=True)
class Cell:
    """What came of one sentence in one design with one spread of answers."""

    made: float
    false: float
    power: float | None

    def words(self, nominal: float) -> str:
        """Return the share false, made and true, in percent."""
        if self.made < 0.005:
            return "not made"
        mark = "" if self.false <= nominal + ALLOWED else " **above**"
        made = "" if self.made > 0.995 else f", made {100 * self.made:.0f}"
        power = "" if self.power is None else f", true {100 * self.power:.0f}"
        return f"{100 * self.false:.1f}{made}{power}{mark}"


Key = tuple[str, str, str]


def measured(key: Key, studies: int) -> dict[str, Cell]:
    """Ask many studies of a design and a spread; return a cell for each sentence."""
    name, design, spread = key
    experiment = EXPERIMENTS[name]
    seed = np.random.SeedSequence([SEED, zlib.crc32("|".join(key).encode())])
    study = Study(np.random.default_rng(seed), *DESIGNS[design], SPREADS[spread])
    null = [experiment.null(study) for _ in range(studies)]
    true = [experiment.true(study) for _ in range(max(100, studies // 5))]
    return {
        sentence: Cell(
            made=float(np.mean([of[sentence] is not None for of in null])),
            # Of all studies: a sentence that is rarely made is rarely false.
            false=float(np.mean([of[sentence] is True for of in null])),
            power=float(np.mean([of[sentence] is True for of in true]))
            if sentence in experiment.with_power
            else None,
        )
        for sentence in experiment.sentences
    }


def keys(chosen: Collection[str]) -> Iterable[Key]:
    """Return all experiments, designs and spreads, in their order."""
    for name in chosen:
        for design in DESIGNS:
            for spread in _spreads(EXPERIMENTS[name]):
                yield name, design, spread


def _spreads(experiment: Experiment) -> list[str]:
    return [
        spread
        for spread, shares in SPREADS.items()
        if len(shares) == 2 or not experiment.two_answers
    ]


def main() -> None:
    """Print the tables, and write the page after 2,000 studies a cell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument(
        "--only", choices=EXPERIMENTS, nargs="*", default=list(EXPERIMENTS)
    )
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    found = _cached(chosen.studies)
    missing = [key for key in keys(chosen.only) if key not in found]
    with ProcessPoolExecutor(chosen.jobs) as pool:
        made = pool.map(measured, missing, [chosen.studies] * len(missing))
        for key, cells in zip(missing, made, strict=True):
            found[key] = cells
            _keep(found, chosen.studies)
            print(*key, *(f"{name} {cell}" for name, cell in cells.items()), flush=True)
    tables = "\n".join(_tables(name, found) for name in chosen.only)
    print(tables)
    if chosen.studies >= STUDIES and set(chosen.only) == set(EXPERIMENTS):
        _write(tables)


Found = dict[Key, dict[str, Cell]]


def _tables(name: str, found: Found) -> str:
    experiment, columns = EXPERIMENTS[name], _spreads(EXPERIMENTS[name])
    lines = []
    for key, sentence in experiment.sentences.items():
        lines += [
            f"### {sentence.words[0].upper()}{sentence.words[1:]}\n",
            f"Nominal {100 * sentence.nominal:g} %.\n",
            f"| | {' | '.join(columns)} |",
            f"|---|{'---|' * len(columns)}",
        ]
        for design in DESIGNS:
            cells = [found[name, design, spread][key] for spread in columns]
            said = " | ".join(cell.words(sentence.nominal) for cell in cells)
            lines.append(f"| {design} | {said} |")
        lines.append("")
    return "\n".join(lines)


def _cached(studies: int) -> Found:
    if not CACHE.exists():
        return {}
    kept = json.loads(CACHE.read_text(encoding="utf-8")).get(str(studies), {})
    found: Found = {}
    for key, cells in kept.items():
        name, design, spread = key.split("|")
        found[name, design, spread] = {s: Cell(**cell) for s, cell in cells.items()}
    return found


def _keep(found: Found, studies: int) -> None:
    CACHE.parent.mkdir(exist_ok=True)
    kept = {
        "|".join(key): {name: vars(cell) for name, cell in cells.items()}
        for key, cells in found.items()
    }
    CACHE.write_text(json.dumps({str(studies): kept}, indent=1), encoding="utf-8")


def _write(tables: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(f"{text[:start]}\n\n{tables}\n{text[end:]}", encoding="utf-8")
    print(f"Written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
