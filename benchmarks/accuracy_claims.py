"""Rehearsals with a planted accuracy: is it found again, and claimed as often as said?

    python -m benchmarks.accuracy_claims
    python -m benchmarks.accuracy_claims --studies 40   (quick)
    python -m benchmarks.accuracy_claims --many 10000   (8 readers or more)

Bots answer with the AUC planted by each method, and a plan with a margin is answered as
a report does (`answer_plan`). Printed by design: how often the intervals of both AUCs
and of their difference hold what was planted, how often non-inferiority was claimed,
and how often `magic-analyze power` says it is, from components estimated on other
rehearsals of 40 readers and 600 cases; last, the power of Hillis' test.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from analysis.accuracy import multireader_accuracy
from analysis.power.accuracy import AccuracyComponents, AccuracyTest
from analysis.power.deciding import Guard
from analysis.report.endpoints import answer_plan
from analysis.report.section import ReportContext
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.rating import parse_rating
from reader_study.formats.responses import Reading, Responses
from reader_study.rehearsal.accurate import AccurateBots
from reader_study.rehearsal.bots import SimulationPlan

STUDIES, PILOTS, SEED, PARTS = 400, 20, 41, 8
TOLERANCE = 0.04
"""Of power said, beside the chance of the rehearsals."""
RATING = "Q3 > 1 by Q4"
METHODS = ("RAPID", "MAGIC")
ASKED = paper_questionnaire()


@dataclass(frozen=True)
class Design:
    """A study and what is planted in it."""

    readers: int
    diseased: int
    others: int
    auc: tuple[float, float]
    margin: float

    @property
    def cases(self) -> int:
        """All cases."""
        return self.diseased + self.others

    def bots(self, times: int = 1) -> AccurateBots:
        """Return the bots of a study with so many times as many cases."""
        diseased = np.arange(times * self.cases) < times * self.diseased
        plan = SimulationPlan(auc=self.auc[0], auc_test=self.auc[1])
        return AccurateBots(parse_rating(RATING, ASKED), plan, diseased)


DESIGNS = (
    Design(7, 13, 7, (0.85, 0.85), 0.15),
    Design(5, 20, 20, (0.85, 0.85), 0.15),
    Design(5, 20, 20, (0.93, 0.93), 0.10),
    Design(8, 30, 30, (0.85, 0.85), 0.10),
    Design(8, 30, 30, (0.85, 0.80), 0.10),
    Design(8, 30, 30, (0.85, 0.75), 0.10),
    Design(10, 50, 50, (0.90, 0.90), 0.05),
)


def study_of(bots: AccurateBots, readers: int, rng: np.random.Generator) -> Responses:
    """Return the readings of one rehearsal."""
    drawn = bots.draw(readers, rng)
    readings = [
        Reading(
            line=0,
            reader=f"bot-{reader}",
            case=f"case-{case}",
            method=method,
            answers={name: int(drawn[name][reader, case, at]) for name in drawn},
            truth="1" if sick else "0",
        )
        for reader in range(readers)
        for case, sick in enumerate(bots.diseased)
        for at, method in enumerate(METHODS)
    ]
    return Responses(readings, ASKED, *METHODS, simulated=True)


def pilots(
    design: Design, rng: np.random.Generator, number: int = PILOTS
) -> tuple[AccuracyComponents, Guard]:
    """Return what large rehearsals of the same bots say of the covariances."""
    bots = design.bots(math.ceil(600 / design.cases))
    rate = np.vectorize(lambda *answers: bots.rating.table[answers])
    found, guards = [], []
    for _ in range(number):
        drawn = bots.draw(40, rng)
        ratings = rate(*(drawn[name] for name in bots.rating.names))
        reader, case, method = (axis.ravel() for axis in np.indices(ratings.shape))
        rows = {
            "reader": reader,
            "case": case,
            "modality": np.array(METHODS)[method],
            "truth": bots.diseased[case].astype(int),
            "rating": ratings.ravel(),
        }
        study = multireader_accuracy(rows)
        found.append(AccuracyComponents.of_pilot(study))
        guards.append(Guard.of_pilot(study))
    return _mean(found), _mean(guards)


def _mean(found: Sequence[Any]) -> Any:  # noqa: ANN401 - of one class
    names = [field.name for field in fields(found[0])]
    means: dict[str, Any] = {}
    for name in names:
        mean = np.mean([getattr(one, name) for one in found], axis=0)
        means[name] = tuple(mean.tolist()) if mean.ndim else float(mean)
    if "cases" in means:
        means["cases"] = found[0].cases
    return type(found[0])(**means)


def outcomes(
    design: Design, studies: int, rng: np.random.Generator
) -> Iterator[tuple[bool, bool, bool, bool]]:
    """Give by study whether three intervals hold the truth, and whether it claims."""
    plan = AnalysisPlan(
        rating=RATING,
        accuracy_margin=design.margin,
        primary=Endpoint(question="Q3", measure="auc", claim="non_inferior"),
        prespecified=True,
    )
    bots = design.bots()
    for _ in range(studies):
        responses = study_of(bots, design.readers, rng)
        (result,) = answer_plan(ReportContext(responses, plan, (), 0.95)).primaries
        found = multireader_accuracy(_ratings(bots, responses)).for_decisions()
        held = [
            _holds(found.modality(method).low, found.modality(method).high, auc)
            for method, auc in zip(METHODS, design.auc, strict=True)
        ]
        interval = result.interval
        apart = design.auc[1] - design.auc[0]
        yield (
            *held,
            _holds(interval.low, interval.high, apart),
            result.decision == "shown",
        )


def claims(design: Design, studies: int, seed: list[int]) -> float:
    """Return the share of studies that claim, asked of ratings and not of reports."""
    rng, bots = np.random.default_rng(seed), design.bots()
    rate = np.vectorize(lambda *answers: bots.rating.table[answers])
    shape = (design.readers, design.cases, len(METHODS))
    reader, case, method = (axis.ravel() for axis in np.indices(shape))
    rows: dict[str, Any] = {
        "reader": reader,
        "case": case,
        "modality": np.array(METHODS)[method],
        "truth": bots.diseased[case].astype(int),
    }
    claimed = 0
    for _ in range(studies):
        drawn = bots.draw(design.readers, rng)
        rows["rating"] = rate(*(drawn[name] for name in bots.rating.names)).ravel()
        study = multireader_accuracy(rows).for_decisions()
        found = study.non_inferiority("MAGIC", "RAPID", design.margin)
        claimed += found.shown is True
    return claimed / studies


def print_many(studies: int) -> None:
    """Print how far power is from claims, designs of 8 readers or more."""
    print(f"{studies} studies a design, seed {SEED}")
    print("readers x cases  AUC         margin  claimed  power  points apart")
    for place, design in enumerate(DESIGNS):
        difference = design.auc[1] - design.auc[0]
        if design.readers < 8 or difference <= -design.margin:
            continue
        test = AccuracyTest(difference=difference, margin=design.margin)
        parts = np.full(PARTS, studies // PARTS)
        seeds = [[SEED, place, part] for part in range(PARTS)]
        with ProcessPoolExecutor() as pool:
            of = pool.map(claims, [design] * PARTS, parts.tolist(), seeds)
            claimed = float(np.mean(list(of)))
        rng = np.random.default_rng([SEED, place, PARTS])
        components, guard = pilots(design, rng)
        size = (design.readers, design.cases)
        said = test.power(components, *size, guard).power
        aucs = " ".join(f"{auc:.2f}" for auc in design.auc)
        named = f"{size[0]} x {size[1]}"
        apart = 100 * (said - claimed)
        rates = f"{claimed:.3f}    {said:.3f}  {apart:+.1f}"
        print(f"{named:<17}{aucs:<12}{design.margin:<8g}{rates}")


def _ratings(bots: AccurateBots, responses: Responses) -> dict[str, Sequence[object]]:
    rows = [
        (r.reader, r.case, r.method, int(r.truth == "1"), bots.rating.value(r.answers))
        for r in responses.readings
    ]
    names = ("reader", "case", "modality", "truth", "rating")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _holds(low: float | None, high: float | None, value: float) -> bool:
    return low is not None and high is not None and low <= value <= high


def main() -> None:
    """Print one line a design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--many", type=int, metavar="STUDIES")
    given = parser.parse_args()
    if given.many:
        print_many(given.many)
        return
    studies = given.studies
    print(f"{studies} rehearsals a design, seed {SEED}")
    print(
        "readers x cases  AUC         margin  held: RAPID MAGIC  diff.  claimed  power"
        "    Hillis"
    )
    for place, design in enumerate(DESIGNS):
        rng = np.random.default_rng([SEED, place])
        found = np.mean(list(outcomes(design, studies, rng)), axis=0)
        difference = design.auc[1] - design.auc[0]
        power = ""
        if difference > -design.margin:
            test = AccuracyTest(difference=difference, margin=design.margin)
            of, guard = pilots(design, rng)
            size = (design.readers, design.cases)
            power = f"{test.power(of, *size, guard).power:.3f}    "
            power += f"{test.power(of, *size).power:.3f}"
        named = f"{design.readers} x {design.cases}"
        aucs = " ".join(f"{auc:.2f}" for auc in design.auc)
        held = "  ".join(f"{share:.3f}" for share in found)
        print(f"{named:<17}{aucs:<12}{design.margin:<13g}{held}    {power}")


if __name__ == "__main__":
    main()
