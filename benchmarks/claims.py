"""How often a report claims anything that is false, all its claims taken together.

    python -m benchmarks.claims
    python -m benchmarks.claims --studies 200
    python -m benchmarks.claims --rehearsals 200  (whole reports too)

Draws studies of 7 readers and 20 cases in which the methods differ in nothing, from
populations that share no code with the estimators or the bots, and answers a plan whose
primary endpoint and family of four all claim a difference. Prints the share of studies
with any claim, in two spreads of the answers and for both ways to share the error. A
rehearsal is reported whole, from the answers of bots without bias; its claims are those
of results.json.
"""

import argparse
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from analysis.report.endpoints import answer_plan
from analysis.report.results import analyse_responses
from analysis.report.results_json import results_json
from analysis.report.section import ReportContext
from benchmarks.populations import VARIED, Population
from reader_study.formats.endpoint import Endpoint, Multiplicity
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Code, paper_questionnaire
from reader_study.formats.responses import Reading, Responses
from reader_study.rehearsal.bots import SimulationPlan, draw_answers

STUDIES, SEED = 2_000, 61
N_READERS, N_CASES = 7, 20
METHODS = ("RAPID", "MAGIC")
ALLOWED = 0.065
SPREADS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "even": {
        "Q1": (0.5, 0.5),
        "Q2A": (0.6, 0.2, 0.2),
        "Q2B": (0.6, 0.2, 0.2),
        "Q3": (0.25, 0.25, 0.25, 0.25),
        "Q4": (0.2, 0.2, 0.2, 0.2, 0.2),
    },
    "one answer takes most": {
        "Q1": (0.84, 0.16),
        "Q2A": (0.95, 0.03, 0.02),
        "Q2B": (0.9, 0.06, 0.04),
        "Q3": (0.85, 0.07, 0.05, 0.03),
        "Q4": (0.7, 0.12, 0.08, 0.06, 0.04),
    },
}
CLAIMS = (
    Endpoint(question="Q3", measure="shift", claim="differs"),
    Endpoint(question="Q4", measure="shift", claim="differs"),
    Endpoint(question="Q1", measure="turing", claim="differs"),
    Endpoint(question="Q2A", measure="acceptability", claim="differs"),
    Endpoint(question="Q2B", measure="acceptability", claim="differs"),
)
PRIMARY, *FAMILY = CLAIMS


def answers(
    rng: np.random.Generator, shares: tuple[float, ...], codes: tuple[Code, ...]
) -> Mapping[str, list[list[Code]]]:
    """Draw answers by method, reader and case; readers take both methods alike."""
    drawn = Population(shares, VARIED).draw(rng, N_READERS, N_CASES)
    return {
        method: [[codes[i] for i in of_reader] for of_reader in of_method]
        for method, of_method in zip(METHODS, drawn, strict=True)
    }


def study(rng: np.random.Generator, spread: str) -> Responses:
    """Draw the readings of a study without any difference between the methods."""
    asked = paper_questionnaire()
    drawn = {
        question.id: answers(rng, SPREADS[spread][question.id], question.codes)
        for question in asked
        if question.id in SPREADS[spread]
    }

    def readings() -> Iterator[Reading]:
        for method in METHODS:
            for reader in range(N_READERS):
                for case in range(N_CASES):
                    given = {
                        name: of[method][reader][case] for name, of in drawn.items()
                    }
                    yield Reading(0, f"reader {reader}", f"case {case}", method, given)

    return Responses(list(readings()), asked, *METHODS)


def rehearsed(seed: int) -> bool:
    """Report a rehearsal whole; return whether it claims any difference."""
    asked, rng = paper_questionnaire(), np.random.default_rng(seed)
    drawn = draw_answers(
        asked, SimulationPlan(kappa=0.5), (N_READERS, N_CASES), rng=rng
    )
    readings = [
        Reading(
            0,
            f"reader {reader}",
            f"case {case}",
            method,
            {name: int(codes[reader, case, place]) for name, codes in drawn.items()},
        )
        for place, method in enumerate(METHODS)
        for reader in range(N_READERS)
        for case in range(N_CASES)
    ]
    responses = Responses(readings, asked, *METHODS, simulated=True)
    report = analyse_responses(responses, title="Rehearsal", plan=plan_of("holm"))
    inference = results_json(report)["inference"]
    answers = [inference["primary"]["result"], *inference["family"]["endpoints"]]
    return any(answer["decision"] == "shown" for answer in answers)


def plan_of(multiplicity: Multiplicity) -> AnalysisPlan:
    """Return the plan that claims five differences."""
    return AnalysisPlan(
        primary=PRIMARY,
        endpoints=tuple(FAMILY),
        multiplicity=multiplicity,
        prespecified=True,
    )


def claimed(spread: str, multiplicity: Multiplicity, studies: int, seed: int) -> float:
    """Return the share of studies with any claim of a difference."""
    rng = np.random.default_rng(seed)
    plan, found = plan_of(multiplicity), 0
    for _ in range(studies):
        answered = answer_plan(ReportContext(study(rng, spread), plan, (), 0.95))
        results = [answered.primary, *answered.family]
        found += any(one is not None and one.decision == "shown" for one in results)
    return found / studies


def main() -> None:
    """Print the share of studies with any false claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--rehearsals", type=int, default=0)
    chosen = parser.parse_args()
    studies = chosen.studies
    ways: tuple[Multiplicity, ...] = ("holm", "fixed_sequence")
    cells = [(spread, way) for spread in SPREADS for way in ways]
    with ProcessPoolExecutor(2) as pool:
        shares = pool.map(
            claimed,
            *zip(*cells, strict=True),
            [studies] * len(cells),
            range(SEED, SEED + len(cells)),
        )
        print(f"Any false claim, % of {studies:,} studies; 6.5 at most is wanted\n")
        for (spread, way), share in zip(cells, shares, strict=True):
            mark = "" if share <= ALLOWED else "  above"
            print(f"{spread:24}{way:18}{100 * share:6.2f}{mark}", flush=True)
        if chosen.rehearsals:
            found = sum(pool.map(rehearsed, range(chosen.rehearsals)))
            print(f"\nRehearsals reported whole: {found} of {chosen.rehearsals}")


if __name__ == "__main__":
    main()
