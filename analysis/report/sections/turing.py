"""Question 1: could readers tell synthetic pictures from real ones?"""

from functools import partial

from analysis.report.material import ARBITRARY_CASES, Material
from analysis.report.section import Picture, Section
from analysis.report.sections.turing_figure import turing_caption, turing_figure
from analysis.report.sections.turing_json import turing_json
from analysis.report.sections.turing_results import (
    ALPHA,
    N_PERMUTATIONS,
    TuringResults,
    turing_results,
)
from analysis.report.sections.turing_tables import turing_tables
from analysis.report.sections.turing_words import turing_findings
from analysis.turing.judgements import Judgements, judgements_of

ID = "turing"
TITLE = "Could readers tell?"
_EXCHANGED = {
    "cases": "those of all readers together",
    "within_readers": "for each reader alone, which takes the readers' answers to a "
    "picture as independent",
}


def turing_section(material: Material) -> Section | None:
    """Give accuracy, equivalence to chance, trial effect, leakage and own guesses."""
    asked, responses = material.plan.turing_question, material.responses
    if asked not in responses.questionnaire.ids:
        return None
    if material.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    try:
        judgements = judgements_of(responses, asked)
    except ValueError as error:
        return Section(ID, TITLE, refused=f"{error}.")
    if not judgements.n:
        return Section(ID, TITLE, refused="No reading says real or synthetic.")
    return _section(judgements, material, asked)


def _section(judgements: Judgements, material: Material, asked: str) -> Section:
    level = material.confidence_level
    found = turing_results(
        judgements, material.plan.equivalence_margin, material.closing
    )
    return Section(
        ID,
        TITLE,
        findings=turing_findings(found, material),
        tables=turing_tables(found, level),
        pictures=(
            Picture(
                "turing",
                partial(turing_figure, found, level),
                "Balanced accuracy of each reader, and hits against false alarms",
                turing_caption(found, level),
            ),
        ),
        methods=_methods(found, material, asked),
        references=(
            *("hautus", "gallas", "satterthwaite"),
            *(("schuirmann",) if found.equivalence else ()),
            *(("phipson",) if found.trials else ()),
        ),
        content=turing_json(found, level),
    )


def _methods(found: TuringResults, material: Material, asked: str) -> tuple[str, ...]:
    test, reference = material.responses.test, material.responses.reference
    said = [
        f"Whether readers can tell synthetic pictures from real ones was judged by "
        f"question {asked}: sensitivity is the share of {test} pictures called "
        f"synthetic, specificity the share of {reference} pictures called real, and "
        "balanced accuracy their mean.",
        "d' and the criterion come from rates with the log-linear correction {hautus}.",
        "The two judgements of a case by a reader were taken as one pair, and readers "
        "and patients as random {gallas, satterthwaite}.",
    ]
    if found.equivalence:
        said.append(
            "Equivalence of balanced accuracy to chance was tested by two one-sided t "
            f"tests at the {100 * ALPHA:g} % level each {{schuirmann}}, with a margin "
            f"of {found.equivalence.margin:g} fixed before the data were seen."
        )
    if found.trials:
        said.append(
            "Leakage between trials was tested by permutation {phipson}: answers of "
            "trial 2 were exchanged between cases with the same order of methods, "
            f"{_EXCHANGED[found.trials.leakage.permute]} ({N_PERMUTATIONS:,} "
            "permutations)."
        )
    return tuple(said)
