"""A study from its files to Table 1 and the report: the steps of `read_study`."""

import errno
import os
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.errors import InputError, as_path, as_whole
from analysis.intervals import normal_quantile
from analysis.multireader.pairs import Pairs
from analysis.report import results as report_results
from analysis.report.arms.results import ArmsResults, analyse_arms
from analysis.report.displays.results import DisplayResults, analyse_displays
from analysis.report.frames import table_of_questions
from analysis.report.question import Incomplete
from analysis.responses.pairing import paired_readings
from analysis.responses.scales import on_scales, scales_of
from reader_study.formats import arms as formats_arms
from reader_study.formats import questionnaire as formats_questionnaire
from reader_study.formats.checking import FormatError
from reader_study.formats.closing import closing_beside
from reader_study.formats.flow import flow_beside
from reader_study.formats.plan import AnalysisPlan, plan_beside
from reader_study.formats.responses import Responses
from reader_study.formats.showing.shown import ShownReadings, lists_shown, read_shown

if TYPE_CHECKING:
    from analysis.report.writing import Progress

_INCOMPLETE = ("exclude", "disagree")


@dataclass(frozen=True, eq=False)
class Study:
    """A study that was read, and what it says; see `read_study`.

    Attributes:
        path: The responses.csv.
        responses: All readings, checked.
        plan: What was to be analysed.
        chosen: What was chosen instead of the plan.
    """

    path: Path
    responses: Responses
    plan: AnalysisPlan
    chosen: report_results.Choices

    @cached_property
    def results(self) -> report_results.StudyResults:
        """Results of all questions, and of the study as a whole."""
        return report_results.analyse_responses(
            self.responses,
            title=f"Agreement between {self.responses.reference} and "
            f"{self.responses.test}",
            chosen=self.chosen,
            plan=self.plan,
            closing=closing_beside(self.path),
            flow=flow_beside(self.path),
        )

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions with codes, in the order of the questionnaire.

        A question of several is one of yes and no for each code.
        """
        return scales_of(self.responses.questionnaire).ids

    def table_one(self) -> pd.DataFrame:
        """Return agreement and kappa of each question; the headings name the interval.

        Readers and patients are random. Where it is not known which case an answer
        belongs to, pairs are taken as independent, as in the paper's Table 1.
        """
        level, incomplete = self.chosen.over(self.plan)
        found = on_scales(self.responses)
        questions = report_results.analyse_questions(found, incomplete)
        return table_of_questions(questions, level)

    def pairs(self, question: str) -> Pairs:
        """Return the complete pairs of answers to a question, for `clustered_kappa`.

        Raises:
            ValueError: If the study has no such question.
        """
        found = on_scales(self.responses)
        for asked in found.questionnaire:
            if asked.id == question:
                return paired_readings(found, asked)
        msg = f"Question must be one of {', '.join(self.questions)}, got {question!r}"
        raise InputError(msg)

    def report(
        self, folder: str | Path, *, progress: "Progress" = lambda _: None
    ) -> Path:
        """Write results.json, tables, charts, a Word document and a page to read.

        Args:
            folder: Where to; it is made if it is not there.
            progress: Called with the name of each part before it is written.

        Returns:
            The page, report.html.

        Raises:
            OutputError: If the folder is a file or cannot be made.
        """
        from analysis.report.writing import write_report  # Word, pages: slow to import

        out = as_path("The folder of a report", folder)
        write_report(self.results, out, progress=progress, jobs=self.chosen.jobs)
        return out / "report.html"

    def __repr__(self) -> str:
        """Return what was read, in one line."""
        cases = len({reading.case for reading in self.responses.readings})
        return (
            f"Study({self.path.name}: {self.responses.reference} and "
            f"{self.responses.test}, {len(self.responses.readers)} readers, {cases} "
            f"cases, questions {', '.join(self.questions)})"
        )

    def _repr_html_(self) -> str:
        """Return Table 1 for a notebook."""
        return str(self.table_one().to_html(index=False))


@dataclass(frozen=True, eq=False)
class ArmsStudy:
    """A study of one method, or of each of several; see `read_study`.

    Attributes:
        path: The responses.csv.
        responses: All readings, checked.
        plan: What was to be analysed.
        chosen: What was chosen instead of the plan.
    """

    path: Path
    responses: formats_arms.Arms
    plan: AnalysisPlan
    chosen: report_results.Choices

    @cached_property
    def results(self) -> ArmsResults:
        """Results of all questions under each method."""
        level, _ = self.chosen.over(self.plan)
        flow = flow_beside(self.path)
        return analyse_arms(self.responses, self.plan, level, flow)

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions with codes, in the order of the questionnaire.

        A question of several is one of yes and no for each code.
        """
        return scales_of(self.responses.questionnaire).ids

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods under which cases were read."""
        return self.responses.methods

    def table_one(self) -> pd.DataFrame:
        """Return how readers agree with one another on each question.

        With one reader it is how first and second readings agree.
        """
        from analysis.report.arms import sections  # draws figures: slow to import

        return sections.table_one(self.results)

    def table_of_repeats(self) -> pd.DataFrame:
        """Return how first and second readings of the same case agree.

        Raises:
            ValueError: If no case was read again.
        """
        from analysis.report.arms import sections  # draws figures: slow to import

        if not self.results.repeated:
            msg = "Cases must have been read again, got one reading of each"
            raise InputError(msg)
        return sections.table_of_repeats(self.results)

    def pairs(self, question: str, method: str | None = None) -> Pairs:
        """Return first and second answers to the same case, for `clustered_kappa`.

        Args:
            question: Id of the question.
            method: One of `methods`; None where there is one.

        Raises:
            ValueError: If the study has no such question or method, or no repeat
                readings under it.
        """
        if method is None and len(self.methods) == 1:
            (method,) = self.methods
        for arm in self.results.arms:
            for asked in arm.questions:
                if (arm.method, asked.question.id) != (method, question):
                    continue
                if asked.within is None:
                    msg = f"Cases must have been read again, got none under {method}"
                    raise InputError(msg)
                return asked.within.pairs
        msg = (
            f"Question must be one of {', '.join(self.questions)} and method one of "
            f"{', '.join(self.methods)}, got {question!r} and {method!r}"
        )
        raise InputError(msg)

    def report(
        self, folder: str | Path, *, progress: "Progress" = lambda _: None
    ) -> Path:
        """Write results.json, tables, figures, a Word document and a page to read.

        Arguments and errors are those of `Study.report`.
        """
        from analysis.report.arms.writing import write_arms_report  # slow to import

        out = as_path("The folder of a report", folder)
        write_arms_report(self.results, out, progress=progress)
        return out / "report.html"

    def __repr__(self) -> str:
        """Return what was read, in one line."""
        return (
            f"ArmsStudy({self.path.name}: {', '.join(self.methods)}, "
            f"{len(self.responses.readers)} readers, {len(self.responses.cases)} "
            f"cases, {len(self.responses.repeats)} repeats, questions "
            f"{', '.join(self.questions)})"
        )

    def _repr_html_(self) -> str:
        """Return Table 1 for a notebook."""
        return str(self.table_one().to_html(index=False))


@dataclass(frozen=True, eq=False)
class DisplayStudy:
    """A study of several pictures at once; see `read_study`.

    Attributes:
        path: The responses.csv.
        responses: All readings, checked.
        plan: What was to be analysed.
        chosen: What was chosen instead of the plan.
    """

    path: Path
    responses: ShownReadings
    plan: AnalysisPlan
    chosen: report_results.Choices

    @cached_property
    def results(self) -> DisplayResults:
        """Results of all questions."""
        level, _ = self.chosen.over(self.plan)
        return analyse_displays(
            self.responses, self.plan, level, flow_beside(self.path)
        )

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions, in the order of the questionnaire."""
        return tuple(self.responses.questionnaire.ids)

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that were shown, the reference first."""
        return self.results.methods

    def findings(self) -> tuple[str, ...]:
        """Return what was found as sentences."""
        from analysis.report.displays.sections import sections_of  # draws: slow

        return tuple(s for part in sections_of(self.results) for s in part.findings)

    def report(
        self, folder: str | Path, *, progress: "Progress" = lambda _: None
    ) -> Path:
        """Write results.json, tables, figures, a Word document and a page to read.

        Arguments and errors are those of `Study.report`.
        """
        from analysis.report.displays.writing import write_displays_report

        out = as_path("The folder of a report", folder)
        write_displays_report(self.results, out, progress=progress)
        return out / "report.html"

    def __repr__(self) -> str:
        """Return what was read, in one line."""
        return f"DisplayStudy({self.path.name}: {self.responses!r})"


def read_study(
    path: str | Path,
    *,
    questionnaire: str | Path | None = None,
    reference: str | None = None,
    test: str | None = None,
    confidence_level: float | None = None,
    incomplete: Incomplete | None = None,
    jobs: int = 1,
) -> Study | ArmsStudy | DisplayStudy:
    """Read the answers of a study and what is in the folder beside them.

    Two methods are compared. A file with one method is a study of how readers agree
    with one another, and with themselves where they have read cases again: it gives an
    `ArmsStudy`. A file with column `shown` is one of several pictures at once: it gives
    a `DisplayStudy`.

    `questionnaire.json`, `plan.json`, `closing.csv` and `flow.json` are found beside
    the file; without them the questionnaire is the paper's and nothing was planned.

    Args:
        path: responses.csv, one row for each reading.
        questionnaire: Another questionnaire.json.
        reference: Reference method; None for the plan's, or RAPID. With `reference` or
            `test` readings under further methods are left out.
        test: Test method; None for the plan's, or MAGIC.
        confidence_level: Of all intervals; None for the plan's, or 0.95.
        incomplete: `exclude` pairs with one answer, or count them as ones that
            `disagree`; None for the plan's.
        jobs: Processors to use; the results are the same.

    Raises:
        FileNotFoundError: If there is no such file.
        FormatError: If a file cannot be used; it names all faults with their lines. If
            it is not clear which methods to compare, it names those of the file.
        ValueError: If an option is impossible.

    Examples:
        >>> from analysis.published import reconstructed_responses_path
        >>> study = read_study(reconstructed_responses_path())
        >>> study.table_one().loc[0, "Agreement [95% CI, pairs as independent]"]
        '80.71% [73.39%, 86.39%]'
    """
    if incomplete not in {None, *_INCOMPLETE}:
        known = " or ".join(_INCOMPLETE)
        msg = f"Incomplete pairs must be treated by {known}, got {incomplete!r}"
        raise InputError(msg)
    if as_whole("Jobs", jobs) < 1:
        msg = f"Jobs must be 1 or more, got {jobs}"
        raise InputError(msg)
    named = [name for name in (reference, test) if name]
    file = _opened(path, confidence_level)
    if lists_shown(file):
        shown = read_shown(file, _questionnaire(file, questionnaire))
        chosen = report_results.Choices(confidence_level)
        return DisplayStudy(file, shown, plan_beside(file), chosen)
    by_method = _by_method(file, questionnaire, confidence_level, named)
    arms, plan = by_method.responses, by_method.plan
    planned = {plan.reference, *plan.tests} if plan.tests else set()
    if not named and (len(arms.methods) == 1 or planned >= set(arms.methods)):
        return by_method
    wanted = (reference or plan.reference, test or plan.test)
    further = set(arms.methods) - set(wanted)
    absent = set(wanted) - set(arms.methods)
    if absent or (further and not (reference or test)):
        raise FormatError([_unclear(file, arms, absent)])
    chosen = report_results.Choices(confidence_level, incomplete, jobs)
    return Study(file, arms.compared(*wanted), plan, chosen)


def read_arms(
    path: str | Path,
    *,
    questionnaire: str | Path | None = None,
    confidence_level: float | None = None,
) -> ArmsStudy:
    """Read the answers of a study to look at each method alone, and at every two.

    Arguments and errors are those of `read_study`, which returns the same for a file
    with one method. A file of several pictures at once is refused.
    """
    file = _opened(path, confidence_level)
    if lists_shown(file):
        msg = (
            f"{file} must hold readings of one picture at a time to be read by method, "
            "got several at once (column shown)"
        )
        raise FormatError([msg])
    return _by_method(file, questionnaire, confidence_level, ())


def _opened(path: str | Path, confidence_level: float | None) -> Path:
    """Return the file of a study, once it is there and the level is one."""
    file = as_path("A study", path)
    if not file.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    if confidence_level is not None:
        normal_quantile(confidence_level)
    return file


def _by_method(
    file: Path,
    questionnaire: str | Path | None,
    confidence_level: float | None,
    named: Sequence[str],
) -> ArmsStudy:
    asked = _questionnaire(file, questionnaire)
    plan = plan_beside(file)
    known = [*dict.fromkeys([*named, plan.reference, plan.test])]
    arms = formats_arms.read_arms(file, asked, known)
    _must_hold_agreement(file, arms)
    return ArmsStudy(file, arms, plan, report_results.Choices(confidence_level))


def _must_hold_agreement(file: Path, arms: formats_arms.Arms) -> None:
    if len(arms.readers) == 1 and not arms.repeats and len(arms.methods) == 1:
        msg = (
            f"{file} must hold readings that can agree: of two readers, of two "
            "methods, or of a case read again (column repeat), got one reading a case"
        )
        raise FormatError([msg])


def _unclear(file: Path, arms: formats_arms.Arms, absent: Set[str]) -> str:
    """Return which methods a file holds, and what to type."""
    first = {reading.method: reading.line for reading in reversed(arms.readings)}
    counts = Counter(reading.method for reading in arms.readings)
    held = ", ".join(
        f"{name} ({counts[name]} readings, the first on line {first[name]})"
        for name in arms.methods
    )
    got = f", not {' and '.join(sorted(absent))}" if absent else ""
    two = [name for name, _ in counts.most_common(2)]
    one, other = sorted(two, key=arms.methods.index) if len(two) > 1 else (*two, "...")
    return (
        f"{file} holds the methods {held}{got}: name two to compare, such as "
        f"--reference {one} --test {other}, or take --every-method"
    )


def _questionnaire(
    responses: Path, named: str | Path | None
) -> formats_questionnaire.Questionnaire:
    """Return what is named, else what is in the folder, else that of the paper."""
    if named is not None:
        return formats_questionnaire.read_questionnaire(
            as_path("A questionnaire", named)
        )
    return formats_questionnaire.questionnaire_beside(responses)
