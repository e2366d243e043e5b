"""Reporting guidelines, filled in as far as study and results can.

GRRAS: Kottner J, et al. J Clin Epidemiol 2011;64:96. doi:10.1016/j.jclinepi.2010.03.002
Of CLAIM (2024 update, doi:10.1148/ryai.240300) and STARD-AI
(doi:10.1038/s41591-025-03953-8) only what readers and their agreement are about; the
wording is this project's, and items are named by subject, not by number.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import pandas as pd

from analysis.multireader import clustered_kappa
from analysis.report import formatting, setting
from analysis.report.section import (
    PROVENANCE_WARNING,
    ReportContext,
    Section,
    Setting,
    Table,
    provenance_of,
)
from analysis.responses.pairing import paired_readings
from reader_study.formats.flow import STEPS, StudyFlow

GRRAS: Mapping[int, str] = {
    1: "Title or abstract says that agreement or reliability was studied",
    2: "Device or method of interest",
    3: "Population of subjects",
    4: "Population of readers",
    5: "What is known already, and why this study",
    6: "How the sample size was chosen; readers, subjects and replicates planned",
    7: "How subjects and readers were sampled",
    8: "How readings were done: interval, clinical information, blinding",
    9: "Whether readings were independent",
    10: "Statistical analysis",
    11: "Readers, subjects and readings that were included",
    12: "Readers and subjects: training, experience, other characteristics",
    13: "Agreement and reliability with their uncertainty",
    14: "What the results mean in practice",
    15: "Detailed results",
}

READER_STUDY: Mapping[str, tuple[str, str]] = {
    "reference": ("CLAIM", "Reference standard: definition and rationale"),
    "readers": ("CLAIM", "Who annotated: number, qualification, preparation"),
    "variability": ("CLAIM", "Variability between and within readers"),
    "missing": ("CLAIM", "How missing data were handled"),
    "size": ("CLAIM", "Intended sample size and how it was determined"),
    "uncertainty": ("CLAIM", "Measures of significance and uncertainty"),
    "sensitivity": ("CLAIM", "Robustness or sensitivity analysis"),
    "failures": ("CLAIM", "Failure analysis"),
    "limits": ("CLAIM", "Limitations, bias, generalisability"),
    "software": ("CLAIM", "Availability of software, model and data"),
    "blinding": ("STARD-AI", "What readers of each method knew; blinding"),
    "interval": ("STARD-AI", "Interval between the readings of both methods"),
    "flow": ("STARD-AI", "Flow, with exclusions and deviations"),
    "groups": ("STARD-AI", "Performance in subgroups; fairness"),
    "registration": ("STARD-AI", "Registration, protocol, funding, interests"),
}


@dataclass(frozen=True)
class Told:
    """What a kind of study says to the checklists of its methods and results.

    Attributes:
        methods: GRRAS 2: what was compared.
        estimates: GRRAS 13: agreement and its uncertainty.
        readers: Answers to items of `READER_STUDY`, by key; empty where unknown.
    """

    methods: str
    estimates: str
    readers: Mapping[str, str]


def _told_of_pairs(context: ReportContext) -> Told:
    """Return what a study of two methods says."""
    reference = context.responses.reference
    answers = {
        "reference": f"{reference} is the method compared with, not a truth: agreement "
        "between methods is not accuracy. Why it was chosen is the authors' to say.",
        "missing": _missing(context),
    }
    several = len(context.responses.readers) > 1
    if several and context.provenance != "reconstructed":
        answers |= {
            "uncertainty": f"{100 * context.confidence_level:g} % confidence intervals "
            "with readers and patients random; see Methods.",
            "variability": "Between readers, under each method, and each reader's own "
            "agreement between methods: in this report. Within readers on the same "
            "picture: not measured, no picture is shown twice.",
            "sensitivity": "Kappa, agreement and AC1 with four other intervals, "
            "kappa without each reader in turn, odds ratios: in this report.",
            "groups": _groups(context),
        }
    return Told(
        methods=f"Methods compared: {reference} and {context.responses.test}.",
        estimates=_estimates(context),
        readers=answers,
    )


def _grras_answers(context: Setting, told: Told) -> dict[int, str]:
    """Answer the items of GRRAS; those about aims and meaning are not among them.

    What the study says goes before what the readings tell; items 10, 13 and 15 are the
    analysis's.
    """
    return {
        2: told.methods,
        **_from_readings(context),
        **context.flow.grras,
        **_in_words(context),
        10: _analysis(context),
        13: told.estimates,
        15: "Tables and figures of this report, also as CSV, LaTeX, PNG, SVG and PDF; "
        "every number unrounded in results.json.",
    }


def _reader_study_answers(context: Setting, told: Told) -> dict[str, str]:
    """Answer what CLAIM and STARD-AI ask of readers, by key of `READER_STUDY`."""
    grras = _grras_answers(context, told)
    answers = {
        "uncertainty": f"{100 * context.confidence_level:g} % confidence intervals; "
        "see Methods.",
        "software": f"magic-analyze {version('magic-ctp')}; numbers in results.json.",
        "readers": grras.get(12, ""),
        "size": grras.get(6, ""),
        "blinding": grras.get(8, ""),
        "interval": _interval(context),
        "flow": _flow(context),
        **told.readers,
    }
    return {key: answer for key, answer in answers.items() if answer}


def _in_words(context: Setting) -> dict[int, str]:
    """Return items that flow.json answers with keys of files, in words."""
    told, order = context.flow.grras, setting.design(context)
    answers = {
        3: f"Patients: {setting.patients(context)}.",
        7: f"Cases were drawn at random by severity; {order}.",
        12: told.get(12, ""),
    }
    for reader in context.flow.readers:
        named = f"{reader.name}: {reader.specialty},"
        in_words = f"{reader.name}: {setting.in_words(reader.specialty)},"
        answers[12] = answers[12].replace(named, in_words)
    if any(reader.specialty for reader in context.flow.readers):
        answers[4] = f"Readers: {setting.readers(context)}."
    if context.plan.allocation not in setting.ALLOCATIONS or not order:
        del answers[7]  # of other designs flow.json tells in words
    return {number: text for number, text in answers.items() if number in told}


def _from_readings(context: Setting) -> dict[int, str]:
    responses, plan = context.responses, context.plan
    severity = {r.case: r.severity for r in responses.readings}
    drawn = Counter(name for name in severity.values() if name)
    classes = ", ".join(
        f"{drawn[name]} {setting.in_words(name)}" for name in setting.in_order(drawn)
    )
    answers = {
        3: f"Cases: {len(severity)}{f' ({classes})' if classes else ''}.",
        11: f"{len(responses.readers)} readers, {len(severity)} cases, "
        f"{len(responses.readings)} readings.",
    }
    if plan.n_readers and plan.n_cases:
        answers[6] = f"{plan.n_readers} readers and {plan.n_cases} cases were planned."
    return answers


def _analysis(context: Setting) -> str:
    plan = context.plan
    if not plan.prespecified:
        return "As under Methods. No plan made before the data lay beside them."
    margins: Mapping[str, float | None] = {
        "non-inferiority margin": plan.non_inferiority_margin,
        "margin of equivalence to chance": plan.equivalence_margin,
    }
    set_before = [
        f"confidence level {100 * plan.confidence_level:g} %",
        *(f"{name} {value:g}" for name, value in margins.items() if value is not None),
    ]
    when = "fixed in the sealed protocol, before the study was built"
    stated = when if plan.seal == "holds" else "as stated in plan.json"
    ways = {"exclude": "left out", "disagree": "counted as disagreements"}
    return (
        f"As under Methods. Plan, {stated}: {', '.join(set_before)}; incomplete pairs "
        f"{ways[plan.incomplete_pairs]}."
    )


def _estimates(context: ReportContext) -> str:
    level = context.confidence_level
    by_id = {q.id: q for q in context.responses.questionnaire}
    arbitrary = context.provenance == "reconstructed"
    said = []
    for result in context.questions:
        name = result.pairs.question.id
        if arbitrary:
            shown = formatting.format_coefficient(result.kappa, level)
        else:
            pairs = paired_readings(context.responses, by_id[name])
            shown = formatting.format_clustered(clustered_kappa(pairs), level)
        said.append(f"{name} {shown}")
    taken = "pairs taken as independent" if arbitrary else "readers and patients random"
    return f"Cohen's kappa [{100 * level:g} % CI], {taken}: {'; '.join(said)}."


def _missing(context: ReportContext) -> str:
    incomplete = [
        f"{result.pairs.question.id} {result.pairs.n_incomplete}"
        for result in context.questions
        if result.pairs.n_incomplete
    ]
    if not incomplete:
        return "No pair of answers is incomplete."
    return f"Incomplete pairs: {', '.join(incomplete)}; see Methods for how they count."


def _interval(context: Setting) -> str:
    if context.flow.interval_days is None:
        return ""
    low, high = context.flow.interval_days
    return f"{low:.1f} to {high:.1f} days between the trials of a reader."


def _flow(context: Setting) -> str:
    flow = context.flow
    if not flow.counts:
        return ""
    totals = Counter[str]()
    for of_trial in flow.counts.values():
        totals.update(of_trial)
    known = "" if flow.n_deviations is None else f" Deviations: {flow.n_deviations}."
    return (
        f"{totals['assigned']} readings assigned, {totals['opened']} opened, "
        f"{totals['submitted']} submitted, {totals['declined']} declined, "
        f"{totals['corrected']} corrected, {totals['analysed']} analysed.{known}"
    )


def _groups(context: ReportContext) -> str:
    if not any(reading.severity for reading in context.responses.readings):
        return ""
    return "By severity: in this report. Other groups are the authors' to add."


ID = "checklist"
TITLE = "Reporting checklist"
AUTHORS = "To be written by the authors."


def checklist_section(context: ReportContext) -> Section:
    """Return GRRAS and what CLAIM and STARD-AI ask of readers, as far as known."""
    return section_of(context, _told_of_pairs(context))


def section_of(context: Setting, told: Told) -> Section:
    """Return the checklists of any study.

    Args:
        context: The study.
        told: What it says of its methods and results.
    """
    grras = _grras_answers(context, told)
    others = _reader_study_answers(context, told)
    open_items = [str(number) for number in GRRAS if number not in grras]
    tables = [
        Table(
            "checklist_grras",
            "GRRAS, guidelines for reporting reliability and agreement studies",
            _frame([(f"GRRAS {n}", asks, grras.get(n)) for n, asks in GRRAS.items()]),
            prose=True,
        ),
        Table(
            "checklist_readers",
            "What CLAIM (2024) and STARD-AI ask of readers and their agreement",
            _frame(
                [
                    (guideline, asks, others.get(key))
                    for key, (guideline, asks) in READER_STUDY.items()
                ]
            ),
            (_SUBJECTS,),
            prose=True,
        ),
    ]
    if context.flow.counts:
        frame = _flow_frame(context.flow)
        tables.insert(0, Table("flow_of_readings", "Flow of readings", frame))
    return Section(
        ID,
        TITLE,
        findings=(
            f"Study and results fill in {len(GRRAS) - len(open_items)} of the "
            f"{len(GRRAS)} items of GRRAS; {', '.join(open_items)} are the authors' to "
            "write, and what is filled in is theirs to check.",
            *filter(None, [PROVENANCE_WARNING[provenance_of(context.responses)]]),
        ),
        tables=tuple(tables),
        methods=(
            "Reporting follows GRRAS {grras} and, for the reader study, CLAIM {claim} "
            "and STARD-AI {stard_ai}.",
        ),
        references=("grras", "claim", "stard_ai"),
        content=_json(grras, others, context.flow),
    )


_SUBJECTS = "Named by subject; what they ask of the model is not listed."


def _frame(items: Iterable[tuple[str, str, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Item": item,
                "Asks for": asks,
                "In this study": formatting.neutralise(answer) if answer else AUTHORS,
            }
            for item, asks, answer in items
        ]
    )


def _flow_frame(flow: StudyFlow) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Trial": formatting.neutralise(trial),
                **{step.capitalize(): str(counts[step]) for step in STEPS},
            }
            for trial, counts in flow.counts.items()
        ]
    )


def _json(
    grras: Mapping[int, str], others: Mapping[str, str], flow: StudyFlow
) -> formatting.Json:
    return {
        "grras": {str(number): grras.get(number) for number in GRRAS},
        "reader_study": {key: others.get(key) for key in READER_STUDY},
        "flow": {trial: dict(counts) for trial, counts in flow.counts.items()},
    }
