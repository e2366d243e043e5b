"""Bots that answer with planted agreement: pure, chance is handed in.

Each answer has one of three sources: what the case shows to every reader, the habit of
the reader, or a draw of its own. All three have the same shares of answers, so that
two answers of one source are alike and all others are independent: pairs of methods,
of readers and of cases each have exactly the kappa that is planted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reader_study.errors import StudyError
from reader_study.formats.asking.marks import Mark, text_of
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.formats.rating import Rating

FALL = 0.6
"""Each step of a scale is chosen this many times as often as the one before."""

_MARKS = 20
"""Marks of a line or range, besides its beginning, that bots use."""
MARKED = (32, 32)
"""Where bots put their marks, in pixels from the upper left corner of the picture."""
_HALF = 4  # of a box that they draw
_WORDS = ("simulated", "simulated; no finding", "simulated = 50 % & more")

HIGHEST_AUC = 0.999
RETEST = 0.8
_MAY_BE_LEFT_OUT = frozenset({"auc", "auc_test", "retest", "preferred", "correct"})


@dataclass(frozen=True)
class SimulationPlan:
    """How bots answer.

    Attributes:
        kappa: Cohen's kappa of both methods, for a reader and a case, without bias.
        bias: Probability that the test method's answer is one step further along the
            scale, where there is one.
        missing: Probability that a reading is left unanswered.
        within_case: Kappa of two readers' answers to the same case, under either
            method; under the test method less where `kappa` is below `within_case +
            within_reader`.
        within_reader: Kappa of a reader's answers to two cases.
        corrected: Probability that an answer is corrected later.
        auc: AUC of the plan's rating by the reference method, 0.5 to 0.999, in a study
            with truth; 0.85 where it is not given. The questions of the rating then
            have no bias, `within_case` and `within_reader` are correlations of what
            readers see, and `kappa` is met as far as the AUCs leave it free.
        auc_test: The same by the test method; that of the reference if not given.
        retest: Kappa of a reader's two answers to a picture that is read twice; 0.8 if
            not given.
        preferred: Chance that a method is preferred to the one before it, where several
            pictures are compared; 0.6 if not given. `within_case` and `within_reader`
            are then shares of the variance of what is seen in a picture.
        correct: Share of displays in which the reference is found, where it is to be
            chosen; 0.75 if not given.
    """

    kappa: float = 0.6
    bias: float = 0.0
    missing: float = 0.0
    within_case: float = 0.45
    within_reader: float = 0.02
    corrected: float = 0.0
    auc: float | None = None
    auc_test: float | None = None
    retest: float | None = None
    preferred: float | None = None
    correct: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            is_auc = name in {"auc", "auc_test"}
            low, high = (0.5, HIGHEST_AUC) if is_auc else (0, 1)
            number = isinstance(value, int | float) and low <= value <= high
            if not number and not (name in _MAY_BE_LEFT_OUT and value is None):
                msg = f"{name} must be from {low} to {high}, got {value!r}"
                raise StudyError(msg)
        from_source = math.sqrt(self.within_case) + math.sqrt(self.within_reader)
        if from_source > 1:
            msg = (
                "The square roots of within_case and within_reader must add up to at "
                f"most 1, got {from_source:.3g}"
            )
            raise StudyError(msg)

    def given(self) -> dict[str, float]:
        """Return the settings by name, without those that are not given."""
        return {name: v for name, v in vars(self).items() if v is not None}


@dataclass(frozen=True)
class TrueAgreement:
    """What an analysis of bots' answers should find.

    Attributes:
        agreement: Probability of the same answer to both methods.
        kappa: Cohen's kappa of both methods.
    """

    agreement: float
    kappa: float


def planted(question: Question, plan: SimulationPlan) -> TrueAgreement:
    """Return the agreement that a plan plants in a question.

    Examples:
        >>> from reader_study.formats.questionnaire import Choice
        >>> scale = tuple(Choice(code, "label") for code in (0, 1))
        >>> planted(Question("Q1", "?", scale), SimulationPlan(kappa=0.5)).kappa
        0.5
    """
    p = _shares(question)
    n = len(p)
    joint = plan.kappa * np.diag(p) + (1 - plan.kappa) * np.outer(p, p)
    shift = (1 - plan.bias) * np.eye(n) + plan.bias * np.eye(n, k=1)
    shift[-1, -1] = 1
    joint = joint @ shift
    observed = float(np.trace(joint))
    expected = float(joint.sum(axis=1) @ joint.sum(axis=0))
    return TrueAgreement(observed, round((observed - expected) / (1 - expected), 12))


def draw_answers(
    questionnaire: Questionnaire,
    plan: SimulationPlan,
    shape: tuple[int, int],
    *,
    rng: np.random.Generator,
    n_methods: int = 2,
    repeated: bool = False,
) -> Mapping[str, NDArray[Any]]:
    """Draw what every bot answers to every case by every method.

    Of several, each code is drawn as a question of yes and no, and the first is chosen
    where none was. Numbers and texts are steps of a scale that is drawn likewise, so
    that kappa is the correlation of numbers.

    Args:
        questionnaire: What is asked.
        plan: How bots answer; each test method agrees with the reference as planned.
        shape: Number of readers and of cases.
        rng: Source of chance.
        n_methods: Number of methods.
        repeated: Whether there are second answers to the same pictures.

    Returns:
        By question the answers `(readers, cases, methods)`: the reference first; then
        as many of second readings, where there are any.
    """
    columns = (n_methods, repeated)

    def answers(question: Question) -> NDArray[Any]:
        if question.type == "several":
            parts = [_draw(q, plan, shape, rng, columns) for q in question.yes_no()]
            return _several(question, parts)
        return _draw(question, plan, shape, rng, columns)

    return {question.id: answers(question) for question in questionnaire.questions}


def _draw(
    question: Question,
    plan: SimulationPlan,
    shape: tuple[int, int],
    rng: np.random.Generator,
    columns: tuple[int, bool],
) -> NDArray[Any]:
    readers, cases = shape
    n_methods, repeated = columns
    shares = _shares(question)

    def drawn(*size: int) -> NDArray[np.int64]:
        found = rng.choice(len(shares), size, p=shares)
        return np.broadcast_to(found, shape).astype(np.int64)

    case, habit = drawn(1, cases), drawn(readers, 1)

    def answered(scale: float) -> NDArray[np.int64]:
        source = rng.random(shape)
        of_case = scale * math.sqrt(plan.within_case)
        of_habit = of_case + scale * math.sqrt(plan.within_reader)
        by_habit = np.where(source < of_habit, habit, drawn(*shape))
        return np.where(source < of_case, case, by_habit)

    def like(other: NDArray[np.int64], kappa: float) -> NDArray[np.int64]:
        kept, alike = _of_pairs(plan, kappa)
        return np.where(rng.random(shape) < kept, other, answered(alike))

    def biased(found: NDArray[np.int64]) -> NDArray[np.int64]:
        further = rng.random(shape) < plan.bias
        return np.minimum(found + further, len(shares) - 1)

    unbiased = [reference := answered(1.0)]
    found = [reference]
    for _ in range(n_methods - 1):
        unbiased.append(like(reference, plan.kappa))
        found.append(biased(unbiased[-1]))
    if repeated:
        retest = RETEST if plan.retest is None else plan.retest
        again = [like(one, retest) for one in unbiased]
        found += [again[0], *map(biased, again[1:])]
    steps = np.array(
        _steps(question), dtype=np.int64 if question.on_scale else np.object_
    )
    every: NDArray[Any] = steps[np.stack(found, axis=-1)]
    return every


def _of_pairs(plan: SimulationPlan, kappa: float) -> tuple[float, float]:
    """How often the first answer is kept, and what is left of the shared sources.

    Two answers of one reader to one case share a source with the probability
    `within_case + within_reader`. Where that is less than kappa, some answers are kept
    as well; where it is more, the test method shows less of the case.
    """
    shared = plan.within_case + plan.within_reader
    if kappa < shared:
        return 0.0, kappa / shared
    return (kappa - shared) / (1 - shared) if shared < 1 else 0.0, 1.0


def _shares(question: Question) -> NDArray[np.float64]:
    weights = FALL ** np.arange(len(_steps(question)))
    if question.numeric:  # most in the middle
        weights = np.minimum(weights, weights[::-1]) ** 0.5
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


# -- Questions without a scale, and those of several


def any_answer(question: Question, rng: np.random.Generator) -> Answer:
    """Return any valid answer, as one gives it who practises."""
    if question.type == "several":
        return str(rng.choice([str(code) for code in question.codes]))
    if question.on_scale:
        found = question.parse(str(rng.choice(list(question.codes))))
    else:
        found = _valid(question, _steps(question)[int(rng.integers(2))])
    return found if found is not None else ""


def _steps(question: Question) -> tuple[Answer, ...]:
    """Return the answers that bots choose from, in their order."""
    if question.on_scale:
        return question.codes
    if question.marked:
        return _marked(question)
    if question.textual:
        return tuple(word[: question.length].strip() for word in _WORDS)
    low, high, step = question.limits
    n = min(_MARKS, round((high - low) / step))
    each = round((high - low) / step) / n
    return tuple(_valid(question, low + step * round(each * k)) for k in range(n + 1))


def stepped(rating: Rating, questionnaire: Questionnaire) -> Rating:
    """Return a rating with the steps that bots choose from, where it is a number."""
    if rating.limits is None:
        return rating
    asked = next(one for one in questionnaire if one.id in rating.names)
    # Numbers, as codes are, but for those between whole ones.
    of_steps: dict[tuple[Any, ...], float] = {(n,): float(n) for n in _steps(asked)}
    return replace(rating, table=of_steps)


def _marked(question: Question) -> tuple[str, ...]:
    """Return what bots mark: nothing, or one mark in one place, the surer the rarer.

    Bots see no picture, and know of no lesion: the place is the same in all cases.
    """
    rules = question.rules
    low, high = rules.confidence or (None, None)
    sure = range(low, high + 1) if low is not None and high is not None else (None,)
    one = Mark(MARKED[0], MARKED[1], label=next(iter(rules.labels), ""))
    if "point" not in rules.shapes:
        x, y = (at - _HALF for at in MARKED)
        one = replace(one, x=x, y=y, width=2 * _HALF, height=2 * _HALF)
    marks = [replace(one, confidence=n) for n in sure]
    return (text_of(()), *(text_of([mark]) for mark in marks))


def _valid(question: Question, given: Answer) -> Answer:
    found = question.answer_of(given)
    return given if found is None else found


def _several(
    question: Question, by_code: Sequence[NDArray[np.int64]]
) -> NDArray[np.object_]:
    """Return the codes whose question of yes (1) and no (0) was answered by yes."""
    found = np.full(by_code[0].shape, "", dtype=object)
    for place in np.ndindex(found.shape):
        codes = [c for c, of in zip(question.codes, by_code, strict=True) if of[place]]
        found[place] = question.answer_of(codes or question.codes[:1])
    return found
