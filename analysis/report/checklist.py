"""Reporting guidelines, filled in as far as study and results can."""

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.report.formatting import neutralise
from analysis.report.guidelines import GRRAS, READER_STUDY
from analysis.report.known import grras_answers, reader_study_answers
from analysis.report.material import PROVENANCE_WARNING, Material
from analysis.report.numbers import Json
from analysis.report.section import Section, Table
from reader_study.formats.flow import STEPS, StudyFlow

ID = "checklist"
TITLE = "Reporting checklist"
AUTHORS = "To be written by the authors."


def checklist_section(material: Material) -> Section:
    """Give GRRAS and what CLAIM and STARD-AI ask of readers, as far as known."""
    grras = grras_answers(material)
    others = reader_study_answers(material)
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
    if material.flow.counts:
        frame = _flow_frame(material.flow)
        tables.insert(0, Table("flow_of_readings", "Flow of readings", frame))
    return Section(
        ID,
        TITLE,
        findings=(
            f"Study and results fill in {len(GRRAS) - len(open_items)} of the "
            f"{len(GRRAS)} items of GRRAS; {', '.join(open_items)} are the authors' to "
            "write, and what is filled in is theirs to check.",
            *filter(None, [PROVENANCE_WARNING[material.provenance]]),
        ),
        tables=tuple(tables),
        methods=(
            "Reporting follows GRRAS {grras} and, for the reader study, CLAIM {claim} "
            "and STARD-AI {stard_ai}.",
        ),
        references=("grras", "claim", "stard_ai"),
        content=_json(grras, others, material.flow),
    )


_SUBJECTS = "Named by subject; what they ask of the model is not listed."


def _frame(items: Iterable[tuple[str, str, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Item": item,
                "Asks for": asks,
                "In this study": neutralise(answer) if answer else AUTHORS,
            }
            for item, asks, answer in items
        ]
    )


def _flow_frame(flow: StudyFlow) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Trial": neutralise(trial),
                **{step.capitalize(): str(counts[step]) for step in STEPS},
            }
            for trial, counts in flow.counts.items()
        ]
    )


def _json(grras: Mapping[int, str], others: Mapping[str, str], flow: StudyFlow) -> Json:
    return {
        "grras": {str(number): grras.get(number) for number in GRRAS},
        "reader_study": {key: others.get(key) for key in READER_STUDY},
        "flow": {trial: dict(counts) for trial, counts in flow.counts.items()},
    }
