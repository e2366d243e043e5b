"""A study of 7 readers and 20 cases with known effects, as `report` reads it."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.report.results import analyse_responses
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import paper_questionnaire
from reader_study.formats.responses import Reading, Responses

CLASSES = ("none",) * 7 + ("mild_moderate",) * 6 + ("severe",) * 7
PLAN = AnalysisPlan(
    non_inferiority_margin=0.3, equivalence_margin=0.2, prespecified=True
)


def simulated_responses(seed=3, *, n_readers=7, n_cases=20):
    """Answers from a latent normal family, cut at quantiles; trials are balanced."""
    rng = np.random.default_rng(seed)
    asked = paper_questionnaire()
    readings, line = [], 2
    of_case = rng.normal(size=(n_cases, len(asked.ids)))
    of_reader = 0.3 * rng.normal(size=(n_readers, len(asked.ids)))
    for reader in range(n_readers):
        for case in range(n_cases):
            first = (case + reader) % 2
            for method, place in (("RAPID", first), ("MAGIC", 1 - first)):
                latent = of_case[case] + of_reader[reader]
                latent = latent + 0.7 * rng.normal(size=len(asked.ids))
                answers = {
                    question.id: question.codes[
                        int(np.clip(0.5 + value, 0, 0.999) * len(question.codes))
                    ]
                    for question, value in zip(asked, latent / 3, strict=True)
                }
                readings.append(
                    Reading(
                        line=line,
                        reader=f"R{reader + 1}",
                        case=f"case-{case + 1:02d}",
                        method=method,
                        answers=answers,
                        trial=place + 1,
                        position=case + 1,
                        severity=CLASSES[case % len(CLASSES)],
                    )
                )
                line += 1
    return Responses(readings, asked, "RAPID", "MAGIC", simulated=True)


def closing_of(responses):
    """What each reader guessed after the last trial."""
    return [
        ClosingAnswer(reader, "no", (10 + place, 9), (10, 10), "3")
        for place, reader in enumerate(responses.readers)
    ]


@pytest.fixture(scope="session")
def responses():
    return simulated_responses()


@pytest.fixture(scope="session")
def simulated(responses):
    """All results of the simulated study."""
    return analyse_responses(
        responses, title="A rehearsal", plan=PLAN, closing=closing_of(responses)
    )


@pytest.fixture(scope="session")
def reconstructed(responses):
    """The same, named as reconstructed."""
    renamed = replace(responses, simulated=False, reconstructed=True)
    return analyse_responses(renamed, title="Rebuilt", plan=PLAN)


@pytest.fixture(scope="session")
def section(simulated):
    """Give a section of the simulated study by its id."""
    by_id = {section.id: section for section in simulated.sections}
    return by_id.__getitem__
