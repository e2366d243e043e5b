"""Results, tables and numbers of question 1."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.multireader import ClusteredEstimate
from analysis.questions import turing
from analysis.questions.judgements import Guesses, Judgements, guessed_numbers
from analysis.questions.leakage import Leakage, complement_leakage
from analysis.report import formatting
from analysis.report.section import Table
from reader_study.formats.closing import ClosingAnswer

ALPHA = 0.05
N_PERMUTATIONS = 10_000
_SEED = 1


@dataclass(frozen=True, eq=False)
class _BetweenTrials:
    """What tells the trials apart.

    Attributes:
        accuracy: Balanced accuracy in each trial.
        effect: That of trial 2 minus that of trial 1.
        leakage: Whether answers of trial 2 depend on those of trial 1.
    """

    accuracy: Mapping[int, ClusteredEstimate]
    effect: ClusteredEstimate
    leakage: Leakage


@dataclass(frozen=True, eq=False)
class TuringResults:
    """Results of question 1.

    Attributes:
        judgements: What was judged.
        pooled: All judgements together.
        mean: Mean of the readers' own figures.
        alone: Each reader.
        equivalence: Of the pooled balanced accuracy to chance; None without a margin.
        trials: None where the trials of readings are not known.
        closing: What the study's readers said at the end.
        guesses: How many pictures they took for synthetic.
    """

    judgements: Judgements
    pooled: turing.Detection
    mean: turing.Detection
    alone: Sequence[turing.Detection]
    equivalence: turing.Equivalence | None
    trials: _BetweenTrials | None
    closing: Sequence[ClosingAnswer]
    guesses: Guesses


def turing_results(
    judgements: Judgements,
    margin: float | None,
    closing: Sequence[ClosingAnswer],
    *,
    alpha: float = ALPHA,
) -> TuringResults:
    """Analyse question 1.

    Args:
        judgements: Of all readers.
        margin: Of equivalence to chance, fixed beforehand; None decides nothing.
        closing: Closing answers; those of readers without readings are left out.
        alpha: Level of each of the two tests of equivalence.
    """
    pooled = turing.pooled_detection(judgements)
    own = [answer for answer in closing if answer.reader in judgements.readers]
    known = bool((judgements.trial > 0).any())
    return TuringResults(
        judgements=judgements,
        pooled=pooled,
        mean=turing.mean_detection(judgements),
        alone=turing.reader_detections(judgements),
        equivalence=None
        if margin is None
        else turing.equivalence_to_chance(
            pooled.balanced_accuracy, margin, alpha=alpha
        ),
        trials=_between_trials(judgements) if known else None,
        closing=own,
        guesses=guessed_numbers(own, judgements if known else None),
    )


def _between_trials(judgements: Judgements) -> _BetweenTrials:
    in_trial = {t: judgements.subset(judgements.trial == t) for t in (1, 2)}
    return _BetweenTrials(
        {
            t: turing.pooled_detection(own).balanced_accuracy
            for t, own in in_trial.items()
        },
        turing.trial_effect(judgements),
        _leakage(judgements),
    )


def _leakage(judgements: Judgements) -> Leakage:
    """Exchange whole cases; reader by reader only where no two can be exchanged."""
    whole = complement_leakage(
        judgements, rng=np.random.default_rng(_SEED), n_permutations=N_PERMUTATIONS
    )
    if not math.isnan(whole.p_value):
        return whole
    return complement_leakage(
        judgements,
        rng=np.random.default_rng(_SEED),
        permute="within_readers",
        n_permutations=N_PERMUTATIONS,
    )


UNKNOWN = "-"
FIGURES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "d_prime": "d'",
    "criterion": "Criterion",
}
_CHANCE = {"balanced_accuracy": "0.5", "d_prime": "0"}


def turing_tables(found: TuringResults, level: float) -> tuple[Table, ...]:
    """Return the tables of question 1, each where there is something to put in it."""
    said = f"{100 * level:g} % confidence intervals"
    tables = [
        Table(
            "turing_pooled",
            f"Telling synthetic from real pictures, with {said}, readers and patients "
            "random",
            _pooled_frame(found, level),
            _notes(found),
        ),
        Table(
            "turing_by_reader",
            f"The same of each reader, with {said}",
            _reader_frame(found, level),
            (
                "Patients are random, the reader is this one (Student's t). No "
                "interval: all judgements were alike.",
            ),
        ),
    ]
    if found.trials:
        frame = _trial_frame(found.trials, level)
        tables.append(
            Table("turing_trials", f"From trial 1 to trial 2, with {said}", frame)
        )
    if found.closing:
        tables.append(
            Table(
                "turing_guesses",
                "What readers believed at the end: number of synthetic pictures",
                _guess_frame(found),
                (
                    "Believed: the reader's guess after the last trial. Called: by the "
                    "reader's own judgements, picture by picture. Confidence in the "
                    "guess: 1, guessed, to 5, certain.",
                ),
            )
        )
    return tuple(tables)


def _notes(found: TuringResults) -> tuple[str, ...]:
    notes = [
        "Criterion above 0: pictures are rather called real. A pooled d' "
        "departs from the mean of the readers' own where their criteria differ."
    ]
    if found.judgements.n_missing:
        notes.append(
            f"{found.judgements.n_missing} readings without a judgement are left out."
        )
    notes += [
        f"{reason[0].upper()}{reason[1:]}."
        for reason in found.pooled.balanced_accuracy.cautions
    ]
    return tuple(notes)


def _pooled_frame(found: TuringResults, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "": label,
                "By chance": _CHANCE.get(name, ""),
                "All judgements": formatting.format_clustered(
                    getattr(found.pooled, name), level
                ),
                "Mean of readers": formatting.format_clustered(
                    getattr(found.mean, name), level
                ),
            }
            for name, label in FIGURES.items()
        ]
    )


def _reader_frame(found: TuringResults, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Reader": formatting.neutralise(own.name),
                **{
                    label: formatting.format_clustered(getattr(own, name), level, 2)
                    for name, label in FIGURES.items()
                },
            }
            for own in found.alone
        ]
    )


def _trial_frame(trials: _BetweenTrials, level: float) -> pd.DataFrame:
    rows = {
        f"Balanced accuracy, trial {trial}": formatting.format_clustered(
            accuracy, level
        )
        for trial, accuracy in trials.accuracy.items()
    }
    rows["Trial 2 minus trial 1"] = formatting.format_clustered(trials.effect, level)
    rows |= _leakage_rows(trials.leakage)
    return pd.DataFrame({"": list(rows), "Value": list(rows.values())})


def _leakage_rows(leakage: Leakage) -> dict[str, str]:
    exchanged = {"cases": "whole cases", "within_readers": "cases within readers"}
    named = f"permutation of {exchanged[leakage.permute]}"
    return {
        "Pairs of a reader and a case judged in both trials": str(leakage.n),
        "Share with another answer in trial 2": formatting.format_estimate(
            leakage.switched
        ),
        "The same, expected without leakage": formatting.format_estimate(
            leakage.expected
        ),
        f"p, two-sided, {named}": formatting.format_p(leakage.p_value),
        "p, one-sided, more switching": formatting.format_p(leakage.p_more_switching),
    }


def _guess_frame(found: TuringResults) -> pd.DataFrame:
    called = {(g.reader, g.trial): g.n_called for g in found.guesses.guesses}
    rows = []
    for answer in found.closing:
        row = {"Reader": formatting.neutralise(answer.reader)}
        for trial in (1, 2):
            name = f"Trial {trial}:"
            row |= {
                f"{name} believed": _count(answer.guessed[trial - 1]),
                f"{name} called": _count(called.get((answer.reader, trial))),
                f"{name} true": _count(answer.n_test[trial - 1]),
            }
        row["Recognised cases"] = formatting.neutralise(answer.recognised or UNKNOWN)
        row["Confidence"] = formatting.neutralise(answer.confidence or UNKNOWN)
        rows.append(row)
    return pd.DataFrame(rows)


def _count(known: int | None) -> str:
    return UNKNOWN if known is None else str(known)


def turing_json(found: TuringResults, level: float) -> formatting.Json:
    """Return the entry of question 1 in results.json."""
    return {
        "n_judgements": found.judgements.n,
        "n_missing": found.judgements.n_missing,
        "pooled": _detection_json(found.pooled, level),
        "mean_of_readers": _detection_json(found.mean, level),
        "by_reader": {own.name: _detection_json(own, level) for own in found.alone},
        "equivalence": {
            "margin": found.equivalence.margin,
            "alpha": ALPHA,
            "p_value": formatting.number(found.equivalence.p_value),
            "equivalent": found.equivalence.equivalent,
        }
        if found.equivalence
        else None,
        "trials": _trials_json(found.trials, level) if found.trials else None,
        "guesses": _guesses_json(found.guesses, level) if found.closing else None,
    }


def _detection_json(found: turing.Detection, level: float) -> formatting.Json:
    return {
        **{
            name: formatting.clustered_json(getattr(found, name), level)
            for name in FIGURES
        },
        "hits": found.hits,
        "n_synthetic": found.n_synthetic,
        "false_alarms": found.false_alarms,
        "n_real": found.n_real,
    }


def _trials_json(trials: _BetweenTrials, level: float) -> formatting.Json:
    leakage = trials.leakage
    return {
        "balanced_accuracy": {
            str(trial): formatting.clustered_json(accuracy, level)
            for trial, accuracy in trials.accuracy.items()
        },
        "effect": formatting.clustered_json(trials.effect, level),
        "leakage": {
            "n_pairs": leakage.n,
            "switched": formatting.number(leakage.switched),
            "expected": formatting.number(leakage.expected),
            "p_value": formatting.number(leakage.p_value),
            "p_more_switching": formatting.number(leakage.p_more_switching),
            "permute": leakage.permute,
            "n_permutations": leakage.n_permutations,
            "undefined_reason": leakage.undefined_reason,
        },
    }


def _guesses_json(guesses: Guesses, level: float) -> formatting.Json:
    interval = guesses.confidence_interval(level)
    return {
        "mean_excess": formatting.number(guesses.mean_excess),
        "low": formatting.number(interval.low),
        "high": formatting.number(interval.high),
        "n_readers": guesses.n_readers,
        "undefined_reason": guesses.undefined_reason,
    }
