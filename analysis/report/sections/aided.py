"""What an aid changed: answers with it against those without, by reader."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.arrays import FloatArray, IntArray
from analysis.multireader import ClusteredEstimate, proportion_of
from analysis.multireader.estimate import mean_of
from analysis.questions.accuracy import accuracy_of
from analysis.report import formatting
from analysis.report.section import CLAIMS, ReportContext, Section, Table
from analysis.responses.pairing import paired_readings
from reader_study.formats.rating import Rated

ID, TITLE = "aided", "What the aid changed"
_NOTE = "All: readers and patients random. Each reader: patients random."


@dataclass(frozen=True, eq=False)
class _Moves:
    """How far answers moved with the aid: `(n,)` of a reader and a case each."""

    what: str
    moved: FloatArray
    reader: IntArray
    case: IntArray
    readers: tuple[str, ...]

    def rows(self) -> Iterator[tuple[str, FloatArray, ClusteredEstimate]]:
        """Yield all readers, then each: moves and their mean."""
        yield "All", self.moved, mean_of(self.moved, self.reader, self.case)
        for place, name in enumerate(self.readers):
            own = self.reader == place
            if own.any():
                given = self.moved[own], self.reader[own], self.case[own]
                yield name, given[0], mean_of(*given, "patient")


def aided_section(context: ReportContext) -> Section | None:
    """Return how answers changed from unaided to aided; None in other studies."""
    if context.plan.display != "aided" or context.responses.reconstructed:
        return None
    level = context.confidence_level
    steps = list(_steps(context))
    accuracy = accuracy_of(context.rated, context.plan)
    truth = None if isinstance(accuracy, str) else _towards(accuracy.rated, context)
    findings = [_said(one, level, ("up", "down")) for one in steps]
    tables = [_table(one, level, ("Up", "Down")) for one in steps]
    if truth is not None:
        findings.append(_said(truth, level, ("for the better", "for the worse")))
        tables.append(_table(truth, level, ("Better", "Worse")))
    else:
        findings.append("Without a truth nothing says whether changes were right.")
    findings.append(
        "What the aid changed and what a second look did cannot be told apart here. "
        f"{CLAIMS}"
    )
    return Section(
        ID,
        TITLE,
        findings=tuple(findings),
        tables=tuple(tables),
        methods=(
            "Answers with the aid were held against the same reader's of the same "
            "patient without it. Mean changes have readers and patients random; those "
            "of each reader have patients random.",
        ),
        content={
            one.what: _json(one, level) for one in [*steps, *filter(None, [truth])]
        },
    )


def _steps(context: ReportContext) -> Iterator[_Moves]:
    """Yield steps along the scale of every question that has an order."""
    for question in context.responses.questionnaire:
        if question.id in context.plan.ordinal_questions:
            pairs = paired_readings(context.responses, question)
            moved = (pairs.test - pairs.reference).astype(np.float64)
            if len(moved):
                name = f"{question.id}, steps"
                yield _Moves(name, moved, pairs.reader, pairs.case, pairs.readers)


def _towards(rated: Rated, context: ReportContext) -> _Moves | None:
    """Return +1 where a call became right, or a rating moved towards the truth."""
    methods = (context.responses.reference, context.responses.test)
    of: dict[tuple[str, str], dict[str, float]] = {}
    columns = (rated.columns[name] for name in ("reader", "case", "modality", "rating"))
    for reader, case, method, rating in zip(*columns, strict=True):
        of.setdefault((reader, case), {})[method] = rating
    truth = dict(zip(rated.columns["case"], rated.columns["truth"], strict=True))
    both = {key: by for key, by in of.items() if set(methods) <= set(by)}
    if not both:
        return None
    readers = list(dict.fromkeys(reader for reader, _ in both))
    cases = {case: n for n, case in enumerate(dict.fromkeys(case for _, case in both))}
    sign = np.array([1 if truth[case] else -1 for _, case in both])
    before, after = (np.array([by[m] for by in both.values()]) for m in methods)
    if rated.threshold is None:
        what, moved = "towards the truth", sign * np.sign(after - before)
    else:
        calls = [(x >= rated.threshold).astype(int) for x in (before, after)]
        what, moved = "calls right", sign * (calls[1] - calls[0])
    return _Moves(
        what,
        moved.astype(np.float64),
        np.array([readers.index(reader) for reader, _ in both]),
        np.array([cases[case] for _, case in both]),
        tuple(map(str, readers)),
    )


def _said(one: _Moves, level: float, ways: tuple[str, str]) -> str:
    (_, moved, mean), *_ = one.rows()
    changed = proportion_of(moved != 0, one.reader, one.case)
    up, down = int((moved > 0).sum()), int((moved < 0).sum())
    return (
        f"{one.what[0].upper()}{one.what[1:]}: with the aid "
        f"{formatting.format_share(changed, level)} of {len(moved)} changed, {up} "
        f"{ways[0]} and {down} {ways[1]}; net change "
        f"{formatting.format_clustered(mean, level, 3)} on average."
    )


def _table(one: _Moves, level: float, ways: tuple[str, str]) -> Table:
    rows = [
        {
            "Reader": formatting.neutralise(name),
            "Pairs": str(len(moved)),
            ways[0]: str(int((moved > 0).sum())),
            "Same": str(int((moved == 0).sum())),
            ways[1]: str(int((moved < 0).sum())),
            f"Mean change [{100 * level:g}% CI]": formatting.format_clustered(
                mean, level, 3
            ),
        }
        for name, moved, mean in one.rows()
    ]
    name = "".join(c if c.isalnum() else "_" for c in one.what)
    caption = f"Changed with the aid: {one.what}"
    return Table(f"aided_{name}", caption, pd.DataFrame(rows), (_NOTE,))


def _json(one: _Moves, level: float) -> formatting.Json:
    (_, moved, mean), *alone = one.rows()
    return {
        "n": len(moved),
        "up": int((moved > 0).sum()),
        "down": int((moved < 0).sum()),
        "mean": formatting.clustered_json(mean, level),
        "by_reader": [
            {"reader": name, "mean": formatting.clustered_json(of, level)}
            for name, _, of in alone
        ],
    }
