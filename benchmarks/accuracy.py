"""How often intervals of an accuracy cover, how often a test is false, and how fast.

    python -m benchmarks.accuracy
    python -m benchmarks.accuracy --studies 200   (no page)
    python -m benchmarks.accuracy --power         (power beside its formula, no page)

Draws studies whose accuracy is known (`benchmarks.accuracy_studies`), asks
`multireader_accuracy` both as the programs in use answer and `for_decisions`, and
prints how often intervals of 95 % cover and how often two modalities that do not differ
are told apart. Ratings are continuous or of five steps, the AUC .80 or .95; where
modalities differ it is .70 or .88 under the second. With 2,000 studies or more it
writes the tables of docs/method/accuracy.md.
"""

import argparse
import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from analysis.accuracy.inference import Inference
from analysis.accuracy.scores import Scores
from analysis.accuracy.study import MultireaderAccuracy, accuracy_of
from analysis.power.accuracy import AccuracyComponents, AccuracyTest
from benchmarks.accuracy_studies import STRUCTURES, Population

STUDIES, SEED = 2_000, 29
DESIGNS = {"5x60": (5, 30, 30), "7x20": (7, 13, 7), "10x100": (10, 50, 50)}
"""Readers, diseased and other cases."""
SECOND = {0.8: 0.7, 0.95: 0.88}
"""AUC under the second modality where it differs, by that under the first."""
METRICS = ("auc", "sensitivity", "specificity")
METHODS = ("obuchowski_rockette", "u_statistics")
COVERED, FALSE, LOST, CONSERVATIVE = 0.93, 0.06, 0.035, 0.97
NAMES = ("A", "B")
PAGE = Path(__file__).parents[1] / "docs" / "method" / "accuracy.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"


@dataclass(frozen=True, order=True)
class Key:
    """What a row of the table is about."""

    metric: str
    method: str
    decides: bool
    design: str
    auc: float


@dataclass
class Tally:
    """Outcomes of many studies; NaN where nothing was said.

    Attributes:
        modality: Whether a modality's interval covered.
        apart: The same of a difference, which is not 0 but for specificity.
        false: Whether a difference of 0 was called one.
        lost: Whether a loss of the margin was called none: at most 2.5 % should.
    """

    modality: list[float]
    apart: list[float]
    false: list[float]
    lost: list[float]


Found = dict[tuple[Key, str], Tally]


def measured(studies: int) -> Found:
    """Ask studies of all designs, structures, accuracies and scales."""
    found: Found = {}
    cells = itertools.product(DESIGNS, STRUCTURES, SECOND, (False, True))
    for number, (design, structure, auc, steps) in enumerate(cells):
        rng = np.random.default_rng([SEED, number])
        population = Population(STRUCTURES[structure], (auc, SECOND[auc]), steps)
        for _ in range(studies):
            alike = _study(population.without_difference(), design, rng)
            apart = _study(population, design, rng)
            # Steps are cut where continuous ratings are called: the same calls.
            for metric in METRICS[: 1 if steps else None]:
                scale = f"{structure}, {'steps' if steps else 'continuous'}"
                for key, row in _ask(alike, apart, metric, population):
                    at = (Key(*key, design, auc), scale)
                    tally = found.setdefault(at, Tally([], [], [], []))
                    for kept, value in zip(vars(tally).values(), row, strict=True):
                        kept.append(value)
        print(design, structure, auc, "steps" if steps else "continuous", flush=True)
    return found


def _study(population: Population, design: str, rng: np.random.Generator) -> Scores:
    readers, diseased, others = DESIGNS[design]
    ratings = population.draw(rng, readers, diseased, others)
    truth = np.arange(diseased + others) < diseased
    return Scores(ratings, truth, NAMES, tuple(range(readers)))


def _ask(
    alike: Scores, apart: Scores, metric: str, population: Population
) -> Iterator[tuple[tuple[str, str, bool], tuple[float, ...]]]:
    """Ask of one metric all that it is asked."""
    threshold = None if metric == "auc" else population.call
    first, second = population.truth(metric)
    difference = float(first - second)
    for method in METHODS:
        same, differing = (
            accuracy_of(scores, metric, method, threshold=threshold)  # type: ignore[arg-type]
            for scores in (alike, apart)
        )
        for decides in (False, True):
            if decides:
                same, differing = same.for_decisions(), differing.for_decisions()
            tested = same.difference(*NAMES).p_value
            margin = difference if difference > 0 else 0.1
            shown = differing.non_inferiority(*NAMES[::-1], margin).shown
            yield (
                (metric, method, decides),
                (
                    _covers(same.modality("A"), float(first)),
                    _covers(differing.difference(*NAMES), difference),
                    np.nan if tested is None else float(tested < 0.05),
                    np.nan if shown is None or difference <= 0 else float(shown),
                ),
            )


def _covers(found: Inference, truth: float) -> float:
    if found.low is None or found.high is None:
        return np.nan
    return float(found.low <= truth <= found.high)


def table(found: Found, *, decides: bool) -> str:
    """Return the worst of the structures and scales in each cell, in percent."""
    heads = ("a modality", "a difference", "no difference called one",
             "loss of the margin called none", "nothing said")  # fmt: skip
    lines = [
        f"| | readers x cases, AUC | {' | '.join(heads)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    keys = sorted({key for key, _ in found if key.decides == decides}, key=_order)
    for key in keys:
        tallies = [tally for (own, _), tally in found.items() if own == key]
        values = {name: [vars(t)[name] for t in tallies] for name in vars(tallies[0])}
        cells = [
            _words(min(map(np.nanmean, values["modality"])), COVERED, up=True),
            _words(min(map(np.nanmean, values["apart"])), COVERED, up=True),
            _words(max(map(_of_all, values["false"])), FALSE, up=False),
            "-" if key.metric == "specificity"
            else _words(max(map(_of_all, values["lost"])), LOST, up=False),
            f"{100 * max(np.isnan(v).mean() for v in values['modality']):.1f}, "
            f"{100 * max(np.isnan(v).mean() for v in values['false']):.1f}",
        ]  # fmt: skip
        name = f"{key.metric}, {key.method}"
        lines.append(f"| {name} | {key.design}, {key.auc:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(key: Key) -> tuple[int, str, int, float]:
    designs = list(DESIGNS)
    return METRICS.index(key.metric), key.method, designs.index(key.design), key.auc


def _of_all(values: list[float]) -> float:
    """Return how often something was false, of all studies."""
    return float(np.nansum(values) / len(values))


def _words(share: float, bound: float, *, up: bool) -> str:
    beyond = share < bound if up else share > bound
    mark = " **beyond**" if beyond else ""
    if up and share > CONSERVATIVE:
        mark = " conservative"
    return f"{100 * share:.1f}{mark}"


_SIZES = ((5, 100), (8, 100), (8, 200), (12, 100))
_LOSS = 0.06


def powers(studies: int) -> str:
    """Return how often studies show what there is, beside the formula of power.

    Its components are means over all studies: what a pilot without error would give.
    """
    lines = [
        "| readers x cases | test | formula | as programs answer | for decisions |",
        "|---|---|---|---|---|",
    ]
    for number, (readers, cases) in enumerate(_SIZES):
        for test in (
            AccuracyTest(difference=0.05),
            AccuracyTest(difference=0.0, margin=_LOSS),
        ):
            auc = (0.85 + test.difference, 0.85)
            population = Population(STRUCTURES["alike"], auc, steps=False)
            rng = np.random.default_rng([SEED, number, int(test.margin is None)])
            truth = np.arange(cases) < cases // 2
            found, shown = [], []
            for _ in range(studies):
                ratings = population.draw(rng, readers, cases // 2, cases // 2)
                scores = Scores(ratings, truth, NAMES, tuple(range(readers)))
                study = accuracy_of(scores, "auc")
                found.append(astuple(AccuracyComponents.of_pilot(study)))
                both = (study, study.for_decisions())
                shown.append([_shown(each, test) for each in both])
            _, *means = np.mean(found, axis=0)
            names = [field.name for field in fields(AccuracyComponents)][1:]
            given = dict(zip(names, map(float, means), strict=True))
            of = AccuracyComponents(cases=cases, **given)
            rates = [test.power(of, readers, cases).power, *np.mean(shown, axis=0)]
            cells = " | ".join(f"{100 * rate:.1f}" for rate in rates)
            what = "difference" if test.margin is None else "non-inferior"
            lines.append(f"| {readers}x{cases} | {what} | {cells} |")
    return "\n".join(lines)


def _shown(study: MultireaderAccuracy, test: AccuracyTest) -> bool:
    if test.margin is not None:
        return bool(study.non_inferiority(*NAMES, test.margin).shown)
    p_value = study.difference(*NAMES).p_value
    return p_value is not None and p_value < test.alpha


def speeds() -> str:
    """Time studies of two sizes, from ratings that are an array to a difference."""
    lines = []
    for readers, cases in ((5, 114), (10, 1_000)):
        population = Population(STRUCTURES["alike"], (0.8, 0.8), steps=True)
        diseased = cases * 2 // 5
        ratings = population.draw(
            np.random.default_rng(1), readers, diseased, cases - diseased
        )
        truth = np.arange(cases) < diseased
        scores = Scores(ratings, truth, NAMES, tuple(range(readers)))
        took = min(_timed(scores) for _ in range(5))
        lines.append(f"{readers} readers x {cases} cases x 2: {1000 * took:.1f} ms")
    return "\n".join([*lines, _beside_r()])


def _timed(scores: Scores) -> float:
    start = time.perf_counter()
    accuracy_of(scores, "auc").difference(*NAMES)
    return time.perf_counter() - start


def _beside_r() -> str:
    """Return the ratio against MRMCaov, or that it is not here."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return "Ratio against MRMCaov: not measured, R is not installed"
    code = (
        "library(MRMCaov);data(VanDyke,package='MRMCaov');t<-system.time(for(i in 1:5)"
        "mrmc(empirical_auc(truth,rating),treatment,reader,case,data=VanDyke));"
        "cat(t[['elapsed']]/5)"
    )
    done = subprocess.run(
        [rscript, "-e", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return "Ratio against MRMCaov: not measured, the package is not installed"
    return f"MRMCaov, VanDyke (5 x 114 x 2): {1000 * float(done.stdout):.0f} ms"


def main() -> None:
    """Print the tables and speeds, and write the page after many studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--power", action="store_true")
    given = parser.parse_args()
    studies = given.studies
    if given.power:
        print(powers(studies))
        return
    print(speeds())
    found = measured(studies)
    tables = [
        f"`for_decisions`, {studies:,} studies each:\n\n{table(found, decides=True)}",
        f"As the programs in use answer:\n\n{table(found, decides=False)}",
    ]
    print("\n\n".join(tables))
    if studies >= 2_000:
        _write("\n\n".join(tables))


def _write(tables: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    written = f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"
    PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
