"""Rehearsal: bots read a study as people would, and it stays marked as such."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reader_study.building.cases_file import diseased_cases
from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.design.truth import Truth, commitment, occasions
from reader_study.errors import StudyError
from reader_study.formats.asking.marks import text_of
from reader_study.formats.closing import CONFIDENCE, RECOGNISED
from reader_study.formats.questionnaire import Answer, Questionnaire
from reader_study.formats.rating import parse_rating
from reader_study.formats.showing.display import joined
from reader_study.reading import closing
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.accurate import AccurateBots
from reader_study.rehearsal.bots import (
    SimulationPlan,
    TrueAgreement,
    any_answer,
    draw_answers,
    planted,
    stepped,
)
from reader_study.rehearsal.choosing import ChoosingBots, answer_to
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.status import read_status
from reader_study.store.milestones import MilestoneKind, Phase, add_milestone
from reader_study.store.store import Store

if TYPE_CHECKING:
    from reader_study.frames import DataFrame

_RECOGNISED = (0.6, 0.3, 0.1)  # none, few, many
_REASON = "simulated"

ACTOR = "simulation"
_SECONDS = 60.0  # median of a bot's reading


def reasons_of(
    questionnaire: Questionnaire, answers: Mapping[str, Answer]
) -> dict[str, str]:
    """Return an explanation for each answer that asks for one."""
    return {
        question.id: _REASON
        for question in questionnaire
        if any(c.requires_reason for c in question.chosen(answers.get(question.id)))
    }


@dataclass
class SimulatedClock:
    """A clock that moves only when `advance` is called.

    Attributes:
        time: Time that it shows.
    """

    time: datetime

    def now(self) -> datetime:
        """Return the time that it shows."""
        return self.time

    def advance(self, *, seconds: float = 0.0, days: float = 0.0) -> None:
        """Move it on."""
        self.time += timedelta(days=days, seconds=seconds)


_CHOSEN = {
    "preferred": "chance that a method is preferred to the one before",
    "correct": "share of displays in which the reference is found",
}


@dataclass(frozen=True)
class Simulated:
    """What a rehearsal did.

    Attributes:
        n_readers: Bots.
        n_answered: Readings answered.
        n_declined: Readings left unanswered.
        planted: Agreement to be found, by question.
        auc: AUC to be found, by method; empty where the study has no truth.
        chosen: Chances to be found, where several pictures are shown at once.
    """

    n_readers: int
    n_answered: int
    n_declined: int
    planted: Mapping[str, TrueAgreement]
    auc: Mapping[str, float] = field(default_factory=dict)
    chosen: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.to_text()

    def to_frame(self) -> "DataFrame":
        """Return one row per question: the agreement that an analysis should find."""
        from reader_study.frames import frame_of

        rows = [{"question": name} | vars(p) for name, p in self.planted.items()]
        return frame_of(rows, ("question", *TrueAgreement.__dataclass_fields__))

    def to_text(self) -> str:
        """Return what was done as a text to read."""
        lines = [
            f"SIMULATED: {self.n_readers} bots, {self.n_answered} readings answered, "
            f"{self.n_declined} declined. This study stays marked as simulated.",
        ]
        if self.planted:
            lines.append("question  planted agreement  planted kappa")
        lines += [
            f"{name:<10}{p.agreement:>17.3f}{p.kappa:>15.3f}"
            for name, p in self.planted.items()
        ]
        lines += [f"planted AUC of {name}: {auc:.3f}" for name, auc in self.auc.items()]
        lines += [f"planted {_CHOSEN[n]}: {p:.3f}" for n, p in self.chosen.items()]
        return "\n".join(lines)


def simulate(
    study: Study,
    store: Store,
    truth: Truth,
    plan: SimulationPlan,
    *,
    rng: np.random.Generator,
    clock: Clock,
) -> Simulated:
    """Let bots take the places of all planned readers and read the whole study.

    The truth is needed to plant agreement, and is kept nowhere. Times are simulated:
    the washout passes at once. Where the plan names a rating, bots diagnose with the
    AUCs that are asked for.

    Raises:
        StudyError: If the study has readers or is open, the key is another one, or an
            AUC is asked for where there is no truth or no rating.
    """
    if commitment(truth) != study.manifest.commitment:
        msg = "The key must be the one this study is committed to, got another"
        raise StudyError(msg)
    with store.reading() as connection:
        status = read_status(study, connection)
    if status.readers or status.phase is not Phase.BUILT:
        msg = (
            "A rehearsal must be of a study without readers, for it stays marked as "
            f"simulated; this one is {status.phase}, with {len(status.readers)} readers"
        )
        raise StudyError(msg)
    moving = SimulatedClock(clock.now())
    # Sources of their own, so that other answers are the same with and without them.
    around, diagnosing, choosing = rng.spawn(3)
    plan = _completed(study, plan)
    accurate = _accurate(study, truth, plan, diagnosing)
    expected = _expected(study, plan, accurate)
    names = _add_bots(study, store, moving, _planted(plan, expected, accurate))
    rehearsal = _Rehearsal(study, store, moving, plan, rng, around)
    rehearsal.draw(names, truth, choosing)
    if accurate:
        rehearsal.diagnose(accurate.draw(len(names), diagnosing))
    for number, trial in enumerate(sorted(study.manifest.slots[0].orders)):
        if number:
            days = study.protocol.washout_before(trial)
            moving.advance(days=days, seconds=1)
        for name in names:
            rehearsal.read(name, trial)
    for name in names:
        _close(rehearsal.session_of(name), rng=around)
    reference, *others = study.protocol.methods
    one, other = accurate.auc if accurate else (0.0, 0.0)
    auc = {reference: one} | dict.fromkeys(others, other) if accurate else {}
    done = (rehearsal.n_answered, rehearsal.n_declined)
    return Simulated(len(names), *done, expected, auc, _chosen(plan))


def _completed(study: Study, plan: SimulationPlan) -> SimulationPlan:
    """Return the plan with the chance of what bots choose among pictures.

    Raises:
        StudyError: If a chance is asked for that this study has no use for.
    """
    design = study.protocol.design
    of_display = ChoosingBots(design, plan).planted if design.at_once > 1 else {}
    wrong = [name for name in _chosen(plan) if name not in of_display]
    if wrong:
        msg = f"{wrong[0]} must be left out with display {design.display!r}"
        raise StudyError(msg)
    return replace(plan, **of_display)


def _chosen(plan: SimulationPlan) -> dict[str, float]:
    return {n: p for n in _CHOSEN if (p := getattr(plan, n)) is not None}


def _expected(
    study: Study, plan: SimulationPlan, accurate: AccurateBots | None
) -> dict[str, TrueAgreement]:
    """Return the agreement of reference and test methods.

    Nothing of a single arm, nor where several pictures are shown at once.
    """
    if len(study.protocol.methods) < 2 or study.protocol.design.at_once > 1:
        return {}
    expected = {q.id: planted(q, plan) for q in study.questionnaire if q.on_scale}
    return expected | (accurate.agreement() if accurate else {})


def _practise(reading: ReadingSession, trial: int, *, rng: np.random.Generator) -> int:
    """Let a bot go through the training before a trial, if there is any.

    Returns:
        Number of training cases answered.
    """
    questionnaire = reading.study.questionnaire
    session = reading.training
    answered = 0
    while (practice := session.at_hand(trial)) is not None:
        drawn = {question.id: any_answer(question, rng) for question in questionnaire}
        answers, _ = questionnaire.kept(drawn, {})
        reasons = reasons_of(questionnaire, answers)
        session.submit(practice.case.token, answers, reasons)
        session.go_on(practice.case.token)
        answered += 1
    return answered


def _on_picture(
    study: Study, token: str, answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """Return answers whose marks lie where a browser could have put them."""
    marked = [q for q in study.questionnaire if q.marked and q.id in answers]
    grid = study.grid(token) if marked else None
    found = dict(answers)
    for question in marked if grid else ():
        marks = question.rules.parsed(answers[question.id]) or ()
        found[question.id] = text_of(grid.placed(mark) for mark in marks if grid)
    return found


def _plain(given: Any) -> Answer:  # noqa: ANN401
    """Return an entry of an array as a plain number or text."""
    plain: Answer = given.item() if isinstance(given, np.generic) else given
    return plain


def _seen_by_bot(study: Study, token: str, seconds: float) -> dict[str, object] | None:
    """Return that a bot saw all slices, each as long; None where nobody counts them."""
    if not study.counts_slices:
        return None
    n = study.n_slices(token)
    return {"slices": {str(k): seconds / n for k in range(1, n + 1)}}


def _close(reading: ReadingSession, *, rng: np.random.Generator) -> None:
    """Let a bot answer the closing questions, if the protocol asks them.

    Bots know nothing of the methods, so they believe each picture to be synthetic
    with a probability of one half.
    """
    study = reading.study
    if not study.protocol.closing:
        return
    orders = reading.progress().history.orders
    sizes = {trial: len(order) for trial, order in orders.items()}
    answers = closing.ClosingAnswers(
        recognised=str(rng.choice(list(RECOGNISED), p=_RECOGNISED)),
        synthetic={trial: int(rng.binomial(n, 0.5)) for trial, n in sizes.items()},
        confidence=int(rng.choice(CONFIDENCE)),
    )
    reading.answer_closing(answers)


def _accurate(
    study: Study, truth: Truth, plan: SimulationPlan, rng: np.random.Generator
) -> AccurateBots | None:
    """Return bots that know the class of each case, drawn where it is not known.

    None where the study has no truth, or its plan no rating.

    Raises:
        StudyError: If an AUC is asked for in such a study.
    """
    analysis = study.protocol.analysis
    if not (truth.standard and analysis.get("rating")):
        if plan.auc is not None or plan.auc_test is not None:
            msg = (
                "auc must be left out of a study without truth in its key, or without "
                "a rating in its plan"
            )
            raise StudyError(msg)
        return None
    cases = sorted({cell.case for cell in truth.cells.values()})
    known = diseased_cases(truth.standard, analysis)
    drawn = rng.random(len(cases)) < np.mean(list(known.values()))
    diseased = [known.get(c, d) for c, d in zip(cases, drawn, strict=True)]
    rating = stepped(parse_rating(analysis["rating"], study.questionnaire),
                     study.questionnaire)  # fmt: skip
    classes = np.array(diseased, dtype=np.bool_)
    n_methods = len(study.protocol.methods)
    return AccurateBots(rating, plan, classes, n_methods, _repeated(study, truth))


def _kinds(study: Study) -> list[str]:
    """Return what a case is shown by: methods, or displays of several."""
    design = study.protocol.design
    if design.at_once == 1:
        return list(design.arms)
    return [joined(sorted(shown)) for shown in design.units.values()]


def _repeated(study: Study, truth: Truth) -> bool:
    """Return whether pictures are read a second time."""
    return any(n > 1 for n in occasions(study.manifest, truth).values())


def _planted(
    plan: SimulationPlan,
    expected: Mapping[str, TrueAgreement],
    accurate: AccurateBots | None,
) -> dict[str, object]:
    questions = {question: vars(values) for question, values in expected.items()}
    found: dict[str, object] = {"plan": plan.given(), "questions": questions}
    if accurate is not None:  # by roles, for nothing in a store names a method
        reference, test = accurate.auc
        found["auc"] = {"reference": reference, "test": test}
    return found


def _add_bots(
    study: Study, store: Store, clock: SimulatedClock, details: Mapping[str, object]
) -> list[str]:
    with store.writing(clock) as t:
        add_milestone(t, MilestoneKind.SIMULATED, ACTOR, {"planted": details})
    names = [f"bot-{n}" for n in range(1, study.protocol.n_readers + 1)]
    for name in names:
        profile = Profile(name, "bot", 0, simulated=True)
        add_reader(study, store, profile, by=ACTOR, clock=clock)
    open_for_reading(study, store, by=ACTOR, clock=clock)
    return names


@dataclass
class _Rehearsal:
    """Bots at work."""

    study: Study
    store: Store
    clock: SimulatedClock
    plan: SimulationPlan
    rng: np.random.Generator
    around: np.random.Generator
    n_answered: int = 0
    n_declined: int = 0
    _codes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    _place: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    _chosen: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)

    def draw(
        self, names: list[str], truth: Truth, choosing: np.random.Generator
    ) -> None:
        cases = sorted({cell.case for cell in truth.cells.values()})
        row_of = {case: row for row, case in enumerate(cases)}
        methods, times = _kinds(self.study), occasions(self.study.manifest, truth)
        for row, name in enumerate(names):
            for token, cell in truth.cells.items():
                again = len(methods) * (times[token] - 1)
                column = methods.index(cell.unit) + again
                self._place[name, token] = row, row_of[cell.case], column
        shape = (len(names), len(cases))
        self._codes = draw_answers(
            self.study.questionnaire,
            self.plan,
            shape,
            rng=self.rng,
            n_methods=len(methods),
            repeated=_repeated(self.study, truth),
        )
        if self.study.protocol.design.at_once > 1:
            self._choose(names, truth, choosing)

    def diagnose(self, codes: Mapping[str, NDArray[Any]]) -> None:
        """Take other answers to some questions."""
        self._codes = {**self._codes, **codes}

    def _choose(self, names: list[str], truth: Truth, rng: np.random.Generator) -> None:
        """Draw answers to questions about pictures that are shown at once."""
        bots = ChoosingBots(self.study.protocol.design, self.plan)
        shown = {t: (cell.case, cell.shown) for t, cell in truth.cells.items()}
        about = [q for q in self.study.questionnaire if q.of_display]
        for name, orders in zip(names, bots.draw(shown, len(names), rng), strict=True):
            for token, places in orders.items():
                answers = {q.id: answer_to(q, places) for q in about}
                self._chosen[name, token] = answers

    def session_of(self, name: str) -> ReadingSession:
        return ReadingSession(self.study, self.store, name, clock=self.clock)

    def read(self, name: str, trial: int) -> None:
        session = self.session_of(name)
        practised = _practise(session, trial, rng=self.around)
        self.clock.advance(seconds=practised * _SECONDS)
        while (reading := session.next_reading()) is not None:
            seconds = _SECONDS * float(self.rng.lognormal(0, 0.4))
            self.clock.advance(seconds=seconds)
            if self.rng.random() < self.plan.missing:
                session.decline(reading.token, _REASON)
                self.n_declined += 1
            else:
                self._answer(session, reading.token, 0.9 * seconds)
        self.clock.advance(seconds=1)
        session.sign(trial)

    def _answer(self, session: ReadingSession, token: str, seconds: float) -> None:
        asked = self.study.questionnaire
        place = self._place[session.reader, token]
        drawn = {name: _plain(given[place]) for name, given in self._codes.items()}
        drawn |= self._chosen.get((session.reader, token), {})
        answers, _ = asked.kept(drawn, {})
        first = answers
        question = next((q for q in asked if q.on_scale and q.id in answers), None)
        correcting = self.rng.random() < self.plan.corrected and question is not None
        if correcting and question is not None:
            other = [c.code for c in question.scale if c.code != answers[question.id]]
            changed = question.parse(str(self.rng.choice(other)))
            first, _ = asked.kept(drawn | {question.id: changed}, {})
        seen = _seen_by_bot(self.study, token, seconds)
        reasons = reasons_of(asked, first)
        first, answers = (_on_picture(self.study, token, g) for g in (first, answers))
        session.submit(token, first, reasons, active_seconds=seconds, seen=seen)
        if correcting:
            self.clock.advance(seconds=5)
            session.correct(token, answers, reasons_of(asked, answers), why=_REASON)
        self.n_answered += 1
