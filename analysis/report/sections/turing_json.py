"""Question 1 as results.json has it."""

from analysis.report.numbers import Json, clustered_json, number
from analysis.report.sections.turing_results import ALPHA, BetweenTrials, TuringResults
from analysis.report.sections.turing_tables import FIGURES
from analysis.turing.detection import Detection
from analysis.turing.guesses import Guesses


def turing_json(found: TuringResults, level: float) -> Json:
    """Give the entry of question 1 in results.json."""
    return {
        "n_judgements": found.judgements.n,
        "n_missing": found.judgements.n_missing,
        "pooled": _detection_json(found.pooled, level),
        "mean_of_readers": _detection_json(found.mean, level),
        "by_reader": {own.name: _detection_json(own, level) for own in found.alone},
        "equivalence": {
            "margin": found.equivalence.margin,
            "alpha": ALPHA,
            "p_value": number(found.equivalence.p_value),
            "equivalent": found.equivalence.equivalent,
        }
        if found.equivalence
        else None,
        "trials": _trials_json(found.trials, level) if found.trials else None,
        "guesses": _guesses_json(found.guesses, level) if found.closing else None,
    }


def _detection_json(found: Detection, level: float) -> Json:
    return {
        **{name: clustered_json(getattr(found, name), level) for name in FIGURES},
        "hits": found.hits,
        "n_synthetic": found.n_synthetic,
        "false_alarms": found.false_alarms,
        "n_real": found.n_real,
    }


def _trials_json(trials: BetweenTrials, level: float) -> Json:
    leakage = trials.leakage
    return {
        "balanced_accuracy": {
            str(trial): clustered_json(accuracy, level)
            for trial, accuracy in trials.accuracy.items()
        },
        "effect": clustered_json(trials.effect, level),
        "leakage": {
            "n_pairs": leakage.n,
            "switched": number(leakage.switched),
            "expected": number(leakage.expected),
            "p_value": number(leakage.p_value),
            "p_more_switching": number(leakage.p_more_switching),
            "permute": leakage.permute,
            "n_permutations": leakage.n_permutations,
            "undefined_reason": leakage.undefined_reason,
        },
    }


def _guesses_json(guesses: Guesses, level: float) -> Json:
    interval = guesses.confidence_interval(level)
    return {
        "mean_excess": number(guesses.mean_excess),
        "low": number(interval.low),
        "high": number(interval.high),
        "n_readers": guesses.n_readers,
        "undefined_reason": guesses.undefined_reason,
    }
