"""Each template of a study: is what was planted found, and what is not there claimed?

    python -m benchmarks.templates
    python -m benchmarks.templates --template afc --studies 50

Of each template are taken questionnaire, arms, display and plan; every reader reads
all cases by all methods, whatever the template's pairing. Bots answer studies of 6
readers and 24 cases, and the functions behind the report's page in front answer the
plan: `--studies` with something planted, and as many with nothing. Printed are the
endpoint, what was planted, the mean of the estimates, how often the interval of 95 %
holds what was planted, and how often a difference, or agreement beyond the truth, is
claimed where there is none; 5 % are allowed of a difference, 2.5 % of agreement. The
row of a template is a part: rows go on where they were cut short with `--template`.
The truth of what bots do not plant by name is that of one study of 200 readers and
2,000 cases.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from analysis.report.displays.front import PlannedDisplays
from analysis.report.displays.results import analyse_displays
from analysis.report.endpoints import EndpointResult, answer_study
from analysis.report.estimates import PlannedStudy
from reader_study.building.demo import TEMPLATES, write_template
from reader_study.building.planning import questionnaire_of
from reader_study.formats import checking
from reader_study.formats.arms import Arms
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.plan_check import check_plan
from reader_study.formats.protocol import Protocol, protocol_of
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.rating import parse_rating
from reader_study.formats.responses import Parsed, Reading
from reader_study.formats.showing.shown import ShownReading, ShownReadings
from reader_study.rehearsal.accurate import AccurateBots
from reader_study.rehearsal.bots import SimulationPlan, draw_answers
from reader_study.rehearsal.choosing import ChoosingBots, answer_to

STUDIES, SEED = 400, 32
SIZE, LARGE = (6, 24), (200, 2_000)
PLANTED: Mapping[str, Mapping[str, float]] = {
    "magic": {"kappa": 0.5},
    "turing": {"bias": 0.3},
    "grading": {"bias": 0.4},
    "three-arms": {"kappa": 0.5},
    "inter-rater": {"within_case": 0.5},
    "panel": {"within_case": 0.5},
    "preference": {"preferred": 0.65},
    "ranking": {"preferred": 0.65},
    "afc": {"correct": 0.5},
    "aided": {"auc": 0.75, "auc_test": 0.9},
}
"""What is planted in the studies of each template."""

NOTHING: Mapping[str, Mapping[str, float]] = {
    "turing": {},
    "grading": {},
    "preference": {"preferred": 0.5},
    "ranking": {"preferred": 0.5},
    "afc": {"correct": 0.25},
    "aided": {"auc": 0.8},
}
"""The same where nothing is; of others the claim is beyond what is planted."""


@dataclass(frozen=True)
class Template:
    """A template, and how its studies are drawn and answered.

    Attributes:
        name: Its name.
        protocol: Of the file.
        questionnaire: What is asked.
        plan: Of the analysis.
    """

    name: str
    protocol: Protocol
    questionnaire: Questionnaire
    plan: AnalysisPlan

    @classmethod
    def of(cls, name: str) -> "Template":
        """Return the template as `magic-study init` writes it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.toml"
            write_template(path, name)
            source = checking.read_toml(path)
            protocol = protocol_of(source)
            asked = questionnaire_of(protocol, path.parent)
        return cls(name, protocol, asked, check_plan(protocol, asked, source))

    @cached_property
    def primary(self) -> Endpoint:
        """The primary endpoint."""
        if not isinstance(self.plan.primary, Endpoint):
            raise TypeError(self.name)
        return self.plan.primary

    def claiming(self, truth: float) -> "Template":
        """Return it with a claim of the endpoint that is false of this truth."""
        if "estimate" in self.primary.claim or self.primary.claim == "non_inferior":
            agrees = self.primary.measure in {"kappa", "weighted_kappa"}
            claim: dict[str, Any] = {"claim": "differs", "margin": None}
            if agrees:
                claim = {"claim": "at_least", "above": truth}
            primary = replace(self.primary, **claim)
            return replace(self, plan=replace(self.plan, primary=primary))
        return self

    def study(
        self, size: tuple[int, int], rng: np.random.Generator, **planted: float
    ) -> EndpointResult:
        """Draw a study and return what it says to the first comparison of the plan."""
        plan = SimulationPlan(**planted)
        if self.protocol.design.at_once > 1:
            results = self._of_displays(size, plan, rng)
            return answer_study(PlannedDisplays(results)).primaries[0]
        arms = Arms(
            Parsed(self._readings(size, plan, rng), [], frozenset()),
            self.questionnaire,
            tuple(self.protocol.methods),
        )
        planned = PlannedStudy.of_arms(arms, self.plan)
        return answer_study(planned).primaries[0]

    def _readings(
        self, size: tuple[int, int], plan: SimulationPlan, rng: np.random.Generator
    ) -> list[Reading]:
        methods, truth = self.protocol.methods, np.arange(size[1]) % 2 == 0
        answers: Mapping[str, Any] = draw_answers(
            self.questionnaire, plan, size, rng=rng, n_methods=len(methods)
        )
        diseased: tuple[Any, ...] = (None, None)
        if plan.auc is not None:
            rating = parse_rating(self.plan.rating, self.questionnaire)
            bots = AccurateBots(rating, plan, truth, len(methods))
            answers = {**answers, **bots.draw(size[0], rng)}
            diseased = ("no such thing", self.plan.truth_positive[0])
        asked = (self.primary.question,)
        return [
            Reading(
                2, f"R{r}", f"c{c}", method, {q: answers[q][r, c, m] for q in asked},
                truth=diseased[int(truth[c])],
            )
            for r in range(size[0])
            for c in range(size[1])
            for m, method in enumerate(methods)
        ]  # fmt: skip

    def _of_displays(
        self, size: tuple[int, int], plan: SimulationPlan, rng: np.random.Generator
    ) -> Any:  # noqa: ANN401
        design = self.protocol.design
        shown = {
            f"{case}-{n}": (f"c{case}", tuple(rng.permutation(list(unit)).tolist()))
            for case in range(size[1])
            for n, unit in enumerate(design.units.values())
        }
        asked = next(q for q in self.questionnaire if q.id == self.primary.question)
        readings = [
            ShownReading(2, f"R{reader}", case, methods, {asked.id: order}, {})
            for reader, of in enumerate(
                ChoosingBots(design, plan).draw(shown, size[0], rng)
            )
            for token, (case, methods) in shown.items()
            for order in [_order(answer_to(asked, of[token]), methods)]
        ]
        read = ShownReadings(readings, [], Questionnaire("T", "1", (asked,)))
        return analyse_displays(read, self.plan, 0.95)


def _order(answer: int, methods: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(methods[int(place) - 1] for place in str(answer))


def truth_of(template: Template, planted: Mapping[str, float]) -> float:
    """Return what the endpoint is where this is planted."""
    named = {"kappa": "kappa", "weighted_kappa": "kappa"}
    one = planted.get("preferred", planted.get("correct"))
    if one is not None:
        return one
    if "auc_test" in planted:
        return planted["auc_test"] - planted["auc"]
    if template.primary.between == "readers":
        return planted["within_case"]
    if template.primary.measure in named:
        return planted["kappa"]
    rng = np.random.default_rng(SEED)
    return template.study(LARGE, rng, **planted).estimate.estimate


def row_of(name: str, studies: int) -> str:
    """Return the row of a template."""
    template, planted = Template.of(name), PLANTED[name]
    truth = truth_of(template, planted)
    rng, found = np.random.default_rng(SEED), []
    claiming = template.claiming(truth)
    for _ in range(studies):
        result = claiming.study(SIZE, rng, **planted)
        interval = result.estimate.confidence_interval(0.95)
        covered = interval.low <= truth <= interval.high
        found.append((result.estimate.estimate, covered, result.decision == "shown"))
    mean, covered, claimed = np.array(found, dtype=float).mean(axis=0)
    false, power = claimed, "-"
    if name in NOTHING:
        none = [
            claiming.study(SIZE, rng, **NOTHING[name]).decision == "shown"
            for _ in range(studies)
        ]
        false, power = float(np.mean(none)), f"{100 * claimed:.1f}"
    what = template.primary.measure.replace("_", " ")
    return (
        f"| {name} | {what} of {template.primary.question} | {truth:.3f} | {mean:.3f} "
        f"| {100 * covered:.1f} | {power} | {100 * false:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--template", choices=TEMPLATES)
    given = parser.parse_args()
    print("| template | endpoint | planted | mean | covered, % | found, % | false, % |")
    print("|---|---|---|---|---|---|---|")
    for name in [given.template] if given.template else PLANTED:
        print(row_of(name, given.studies), flush=True)


if __name__ == "__main__":
    main()
