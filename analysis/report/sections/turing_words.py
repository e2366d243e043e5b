"""What was found on question 1, in sentences."""

import math
from collections import Counter

from analysis.multireader import ClusteredEstimate
from analysis.report.formatting import (
    format_clustered,
    format_estimate,
    format_interval,
    format_p,
    neutralise,
)
from analysis.report.material import Material
from analysis.report.sections.turing_results import TuringResults
from analysis.turing.equivalence import Equivalence
from analysis.turing.guesses import Guesses
from analysis.turing.leakage import Leakage

NO_MARGIN = (
    "No equivalence margin was fixed beforehand, so whether readers did no better than "
    "chance is not decided; a difference that is not significant does not show it."
)
NO_TRIALS = (
    "In which trial a picture was read is not known, so neither an effect of the trial "
    "nor leakage between trials can be looked for."
)


def turing_findings(found: TuringResults, material: Material) -> tuple[str, ...]:
    """Say what was found: accuracy, equivalence, trials, leakage, own guesses."""
    level = material.confidence_level
    accuracy = found.pooled.balanced_accuracy
    said = [
        f"Of {found.pooled.n_synthetic} {material.responses.test} pictures "
        f"{found.pooled.hits} were called synthetic, of {found.pooled.n_real} "
        f"{material.responses.reference} pictures {found.pooled.false_alarms}. "
        f"Balanced accuracy is {_accuracy(accuracy, level)}."
    ]
    said.append(_equivalence(found.equivalence))
    if found.trials is None:
        said.append(NO_TRIALS)
    else:
        said.append(_effect(found.trials.effect, level))
        said.append(_leakage(found.trials.leakage, level))
    if found.closing:
        said.append(_guesses(found.guesses, level))
        said.append(_recognised(found))
    return tuple(said)


def _accuracy(accuracy: ClusteredEstimate, level: float) -> str:
    value = format_clustered(accuracy, level)
    if accuracy.undefined_reason:
        return f"{value}: {accuracy.undefined_reason}"
    return f"{value}, chance being 0.5 ({_p(accuracy.p_value(0.5))})"


def _equivalence(equivalence: Equivalence | None) -> str:
    if equivalence is None:
        return NO_MARGIN
    return (
        f"A margin of {equivalence.margin:g} around chance was fixed beforehand. "
        f"{equivalence.words}"
    )


def _effect(effect: ClusteredEstimate, level: float) -> str:
    if effect.undefined_reason:
        return f"An effect of the trial cannot be given: {effect.undefined_reason}."
    return (
        "Balanced accuracy in trial 2 differs from that in trial 1 by "
        f"{format_clustered(effect, level)} ({_p(effect.p_value())})."
    )


def _leakage(leakage: Leakage, level: float) -> str:
    if leakage.undefined_reason:
        return f"Leakage between trials cannot be tested: {leakage.undefined_reason}."
    return (
        f"Of {leakage.n} pairs of a reader and a case, {100 * leakage.switched:.1f}% "
        f"got another answer in trial 2, {100 * leakage.expected:.1f}% being expected "
        "of answers that do not depend on one another "
        f"({_p(leakage.p_value)}; against more switching, which would hint at leakage, "
        f"one-sided {_p(leakage.p_more_switching)}).{_direction(leakage, level)}"
    )


def _direction(leakage: Leakage, level: float) -> str:
    if leakage.p_value >= 1 - level:
        return ""
    if leakage.excess > 0:
        return " More changed than expected: a hint of leakage."
    return (
        " Fewer changed than expected: readers repeated what they had said of a case, "
        "as they do where its pictures look alike under both methods."
    )


def _guesses(guesses: Guesses, level: float) -> str:
    if math.isnan(guesses.mean_excess):
        return f"Own guesses: {guesses.undefined_reason}."
    interval = format_interval(guesses.confidence_interval(level), 2)
    return (
        "Asked at the end how many pictures of a trial had been synthetic, "
        f"{guesses.n_readers} readers gave a number, which exceeded the truth by "
        f"{format_estimate(guesses.mean_excess, 2)} {interval} in the mean of a trial; "
        "below 0, it fell short."
    )


def _recognised(found: TuringResults) -> str:
    counts = Counter(answer.recognised or "not answered" for answer in found.closing)
    said = ", ".join(f"{neutralise(text)} ({n})" for text, n in counts.items())
    return (
        "Cases of trial 1 recognised in trial 2, as readers said (number of readers): "
        f"{said}."
    )


def _p(value: float) -> str:
    said = format_p(value)
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"
