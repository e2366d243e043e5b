"""The parts of a report that go beyond pairs taken as independent."""

from collections.abc import Callable, Sequence

from analysis.report.checklist import checklist_section
from analysis.report.section import ReportContext, Section
from analysis.report.sections.acceptability import acceptability_section
from analysis.report.sections.accuracy import accuracy_section
from analysis.report.sections.aided import aided_section
from analysis.report.sections.by_reader import by_reader_section
from analysis.report.sections.clustered import clustered_section
from analysis.report.sections.consistency import consistency_section
from analysis.report.sections.grouping import grouping_section
from analysis.report.sections.numbers import numbers_section, texts_section
from analysis.report.sections.odds import odds_section
from analysis.report.sections.ordinal import ordinal_section
from analysis.report.sections.reader_matrix import reader_matrix_section
from analysis.report.sections.recovery import recovery_section
from analysis.report.sections.repeats import repeats_section
from analysis.report.sections.subgroups import subgroups_section
from analysis.report.sections.turing import turing_section
from analysis.report.sections.weighted import weighted_section

Maker = Callable[[ReportContext], Section | None]
"""Gives a part of the report, or None if the study has nothing for it."""


def makers() -> Sequence[Maker]:
    """Return the parts of a report in their order."""
    return (
        clustered_section,
        by_reader_section,
        turing_section,
        acceptability_section,
        accuracy_section,
        aided_section,
        ordinal_section,
        numbers_section,
        weighted_section,
        grouping_section,
        consistency_section,
        reader_matrix_section,
        subgroups_section,
        repeats_section,
        odds_section,
        texts_section,
        recovery_section,
        checklist_section,
    )


def sections_of(context: ReportContext) -> list[Section]:
    """Make all parts that a study has something for."""
    made = (make(context) for make in makers())
    return [section for section in made if section is not None]
