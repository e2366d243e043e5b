"""Bots that answer with planted agreement: pure, chance is handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from reader_study.errors import StudyError
from reader_study.formats.questionnaire import Question, Questionnaire

_FALL = 0.6
"""Each step of a scale is chosen this many times as often as the one before."""


@dataclass(frozen=True)
class SimulationPlan:
    """How bots answer.

    Attributes:
        kappa: Probability that the test method's answer is that of the reference
            method; otherwise it is drawn anew. Without bias this is Cohen's kappa.
        bias: Probability that the test method's answer is one step further along the
            scale, where there is one.
        missing: Probability that a reading is left unanswered.
        within_case: Correlation of readers' answers to the same case.
        within_reader: Correlation of a reader's answers to different cases.
        corrected: Probability that an answer is corrected later.
    """

    kappa: float = 0.6
    bias: float = 0.0
    missing: float = 0.0
    within_case: float = 0.3
    within_reader: float = 0.1
    corrected: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int | float) or not 0 <= value <= 1:
                msg = f"{name} must be from 0 to 1, got {value!r}"
                raise StudyError(msg)
        if self.within_case + self.within_reader > 1:
            both = self.within_case + self.within_reader
            msg = f"within_case + within_reader must be at most 1, got {both:g}"
            raise StudyError(msg)


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
) -> Mapping[str, NDArray[np.int64]]:
    """Draw what every bot answers to every case by either method.

    Args:
        questionnaire: What is asked.
        plan: How bots answer.
        shape: Number of readers and of cases.
        rng: Source of chance.

    Returns:
        By question the codes `(readers, cases, 2)`: reference and test method.
    """
    return {
        question.id: _draw(question, plan, shape, rng)
        for question in questionnaire.questions
    }


def _draw(
    question: Question,
    plan: SimulationPlan,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    readers, cases = shape
    # A latent normal variable that readers of a case, and cases of a reader, share.
    rest = 1 - plan.within_case - plan.within_reader
    latent = (
        np.sqrt(plan.within_case) * rng.standard_normal((1, cases))
        + np.sqrt(plan.within_reader) * rng.standard_normal((readers, 1))
        + np.sqrt(rest) * rng.standard_normal(shape)
    )
    cuts = _cuts(_shares(question))
    reference = np.searchsorted(cuts, latent)
    anew = np.searchsorted(cuts, rng.standard_normal(shape))
    test = np.where(rng.random(shape) < plan.kappa, reference, anew)
    further = rng.random(shape) < plan.bias
    test = np.minimum(test + further, len(cuts))
    codes = np.array([choice.code for choice in question.scale], dtype=np.int64)
    drawn: NDArray[np.int64] = codes[np.stack([reference, test], axis=-1)]
    return drawn


def _shares(question: Question) -> NDArray[np.float64]:
    weights = _FALL ** np.arange(len(question.scale))
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _cuts(shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    bounds = np.cumsum(shares)[:-1]
    return np.array([NormalDist().inv_cdf(float(bound)) for bound in bounds])
