"""Tables of question 1."""

import pandas as pd

from analysis.report.formatting import (
    format_clustered,
    format_estimate,
    format_p,
    neutralise,
)
from analysis.report.section import Table
from analysis.report.sections.turing_results import BetweenTrials, TuringResults
from analysis.turing.leakage import Leakage

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
    """Give the tables of question 1, each where there is something to put in it."""
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
                "All judgements": format_clustered(getattr(found.pooled, name), level),
                "Mean of readers": format_clustered(getattr(found.mean, name), level),
            }
            for name, label in FIGURES.items()
        ]
    )


def _reader_frame(found: TuringResults, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Reader": neutralise(own.name),
                **{
                    label: format_clustered(getattr(own, name), level, 2)
                    for name, label in FIGURES.items()
                },
            }
            for own in found.alone
        ]
    )


def _trial_frame(trials: BetweenTrials, level: float) -> pd.DataFrame:
    rows = {
        f"Balanced accuracy, trial {trial}": format_clustered(accuracy, level)
        for trial, accuracy in trials.accuracy.items()
    }
    rows["Trial 2 minus trial 1"] = format_clustered(trials.effect, level)
    rows |= _leakage_rows(trials.leakage)
    return pd.DataFrame({"": list(rows), "Value": list(rows.values())})


def _leakage_rows(leakage: Leakage) -> dict[str, str]:
    exchanged = {"cases": "whole cases", "within_readers": "cases within readers"}
    named = f"permutation of {exchanged[leakage.permute]}"
    return {
        "Pairs of a reader and a case judged in both trials": str(leakage.n),
        "Share with another answer in trial 2": format_estimate(leakage.switched),
        "The same, expected without leakage": format_estimate(leakage.expected),
        f"p, two-sided, {named}": format_p(leakage.p_value),
        "p, one-sided, more switching": format_p(leakage.p_more_switching),
    }


def _guess_frame(found: TuringResults) -> pd.DataFrame:
    called = {(g.reader, g.trial): g.n_called for g in found.guesses.guesses}
    rows = []
    for answer in found.closing:
        row = {"Reader": neutralise(answer.reader)}
        for trial in (1, 2):
            name = f"Trial {trial}:"
            row |= {
                f"{name} believed": _count(answer.guessed[trial - 1]),
                f"{name} called": _count(called.get((answer.reader, trial))),
                f"{name} true": _count(answer.n_test[trial - 1]),
            }
        row["Recognised cases"] = neutralise(answer.recognised or UNKNOWN)
        row["Confidence"] = neutralise(answer.confidence or UNKNOWN)
        rows.append(row)
    return pd.DataFrame(rows)


def _count(known: int | None) -> str:
    return UNKNOWN if known is None else str(known)
