"""Answers as CSV, which a spreadsheet can open without running what readers typed."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import Clock, seconds_between
from reader_study.design.truth import Truth
from reader_study.errors import StudyError
from reader_study.formats.asking.marks import marks_text, rows_of
from reader_study.formats.closing import closing_text
from reader_study.formats.delimited import csv_text, guarded
from reader_study.formats.questionnaire import Answer
from reader_study.formats.responses import REPEAT, SHOWN, responses_text
from reader_study.formats.showing.display import joined
from reader_study.store import readings
from reader_study.store.milestones import Phase, find_milestones, phase_of
from reader_study.store.store import Store

_NONE: Mapping[tuple[str, str, int], str] = MappingProxyType({})


def masked_csv(
    study: Study,
    responses: Iterable[readings.Response],
    views: Mapping[tuple[str, str, int], str] = _NONE,
) -> str:
    """Write all revisions without what the images are.

    Args:
        study: The built study.
        responses: Responses with all revisions.
        views: By reader, token and revision, what was on screen before it.
    """
    rows = [_row(study, r, {}) | _seen(study, r, views) for r in responses]
    viewed = study.counts_slices
    return responses_text(study.questionnaire, rows, masked=True, viewed=viewed)


def responses_csv(
    study: Study,
    truth: Truth,
    responses: Iterable[readings.Response],
    first: Mapping[tuple[str, str], readings.Response] = MappingProxyType({}),
    views: Mapping[tuple[str, str, int], str] = _NONE,
) -> str:
    """Write responses.csv of an unblinded study.

    Args:
        study: The built study.
        truth: Content of the key.
        responses: Revisions that count.
        first: By reader and token the first revision, whose seconds are those of the
            reading; a correction comes long after it.
        views: By reader, token and revision, what was on screen before it; as with
            the seconds, that of the first is written.
    """
    counted = list(responses)
    repeats = _repeats(truth, counted)
    columns = truth.columns
    rows = []
    for response in counted:
        cell = truth.cells[response.token]
        known = {"case": cell.case, "method": cell.method, "severity": cell.severity}
        known |= {SHOWN: joined(cell.shown)} if cell.shown else {}
        known |= truth.standard.get(cell.case, {})
        known |= columns.get(cell.case, {})
        row = _row(study, response, known) | _methods(study, response, cell.shown)
        if repeats:
            row[REPEAT] = repeats.get((response.reader, response.token), "")
        timed = first.get((response.reader, response.token), response)
        rows.append(row | _seconds(timed) | _seen(study, timed, views))
    viewed, truths = study.counts_slices, bool(truth.standard)
    return responses_text(
        study.questionnaire,
        rows,
        viewed=viewed,
        truth=truths,
        about=[
            *((REPEAT,) if repeats else ()),
            *((SHOWN,) if any(cell.shown for cell in truth.cells.values()) else ()),
            *sorted({name for of in columns.values() for name in of}),
        ],
    )


def marks_csv(
    study: Study, truth: Truth, responses: Iterable[readings.Response]
) -> str:
    """Write marks.csv: a row for each mark of each reading that counts."""
    rows: list[dict[str, object]] = []
    for r in responses:
        cell = truth.cells[r.token]
        about = {
            "reader": guarded(r.reader),
            "case": guarded(cell.case),
            "method": guarded(cell.method),
            "trial": r.trial,
            "revision": r.revision,
            "simulated": _written(r.simulated),
        }
        for question in study.questionnaire:
            if question.marked and question.id in r.answers:
                answer = r.answers[question.id]
                rows += rows_of(about, question.id, answer, cell.shown)
    return marks_text(rows)


def _methods(
    study: Study, response: readings.Response, shown: Sequence[str]
) -> dict[str, str]:
    """Return answers about pictures shown at once as the methods that made them."""
    return {
        q.id: guarded(q.methods_of(response.answers[q.id], shown))
        for q in study.questionnaire
        if shown and q.of_display and q.id in response.answers
    }


def _repeats(
    truth: Truth, responses: Iterable[readings.Response]
) -> dict[tuple[str, str], int]:
    """Return 1 or 2 for each reading of a picture that its reader read twice.

    Readings come in the order in which they were to be made.
    """
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for r in sorted(responses, key=lambda r: (r.reader, r.trial, r.position)):
        cell = truth.cells[r.token]
        found.setdefault((r.reader, cell.case, cell.unit), [])
        if (r.reader, r.token) not in found[r.reader, cell.case, cell.unit]:
            found[r.reader, cell.case, cell.unit].append((r.reader, r.token))
    several = (keys for keys in found.values() if len(keys) > 1)
    return {key: n for keys in several for n, key in enumerate(keys, 1)}


def closing_csv(
    study: Study,
    closings: Iterable[readings.Closing],
    slots: Mapping[str, str],
    truth: Truth | None = None,
) -> str:
    """Write the answers to the closing questions, masked or not.

    Args:
        study: The built study.
        closings: Closing answers of the readers.
        slots: Place in the design, by reader.
        truth: Content of the key, to count the pictures of the test method;
            None before unblinding.
    """
    trials = sorted(study.manifest.slots[0].orders)
    rows = []
    for c in closings:
        row: dict[str, object] = {
            "reader": c.reader,
            "recognised": c.recognised,
            "which": guarded(c.which),
            "cues": guarded(c.cues),
            "confidence": c.confidence,
            "answered_at": c.answered_at,
            "simulated": _written(c.simulated),
        }
        for trial in trials:
            order = study.manifest.orders(slots[c.reader], trial)
            row[f"synthetic_trial_{trial}"] = c.synthetic[trial]
            row[f"n_pictures_trial_{trial}"] = len(order)
            if truth is not None:
                methods = [truth.cells[token].method for token in order]
                n_reference = methods.count(study.protocol.reference)
                row[f"n_test_trial_{trial}"] = len(methods) - n_reference
        rows.append(row)
    return closing_text(trials, rows, masked=truth is None)


def training_csv(
    study: Study, steps: Iterable[readings.TrainingStep], names: Mapping[str, str]
) -> str:
    """Write how readers practised: what was answered, and what was left out.

    Args:
        study: The built study.
        steps: What readers did in training.
        names: Training case by token.
    """
    ids = study.questionnaire.ids
    header = [
        "reader", "trial", "position", "case", "step", *ids,
        *(f"{name}_expected" for name in ids),
        *(q.reason_column for q in study.questionnaire if q.scale),
        "recorded_at", "simulated",
    ]  # fmt: skip
    expected = {case.token: case.expected for case in study.training.cases}
    rows = []
    for step in steps:
        if step.step is readings.Step.SEEN:
            continue
        right = expected.get(step.token, {})
        rows.append(
            {
                "reader": step.reader,
                "trial": step.trial,
                "position": study.training.position(step.token)
                if step.token in expected  # not where the list is damaged
                else "",
                "case": guarded(names.get(step.token, "")),
                "step": step.step.value,
                **_cells(step.answers),
                **_cells({f"{name}_expected": code for name, code in right.items()}),
                **{
                    f"{name}_reason": guarded(text)
                    for name, text in step.reasons.items()
                },
                "recorded_at": step.recorded_at,
                "simulated": _written(step.simulated),
            }
        )
    return csv_text(header, rows)


def export_masked(
    study: Study, store: Store, path: Path, *, by: str, clock: Clock
) -> int:
    """Write all answers masked into a new file; the log keeps that it was done.

    Returns:
        Number of answers.

    Raises:
        StudyError: If the file exists or cannot be written, or a panel still reads.
    """
    with store.reading() as connection:
        _require_independent(study, connection)
        found = readings.find_responses(connection)
        text = masked_csv(study, found, readings.find_views(connection))
    write_new(path, text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    with store.writing(clock) as t:
        t.log("answers.exported", by, {"rows": len(found), "sha256": sha256})
    return len(found)


def _require_independent(study: Study, connection: Connection) -> None:
    """Refuse to show the readings of a panel before the last of them is in."""
    phase = phase_of(find_milestones(connection))
    if study.protocol.panel and phase not in {Phase.LOCKED, Phase.UNBLINDED}:
        msg = (
            "The readings of a panel must stay independent until all are in: they are "
            f"exported after magic-study lock, this study is {phase}"
        )
        raise StudyError(msg)


def write_new(path: Path, content: str) -> None:
    """Write a file that does not exist yet.

    Raises:
        StudyError: If it exists, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(content)
    except FileExistsError as error:
        msg = f"{path} exists already; it is not written over"
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error


def _cells(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return answers as cells: numbers as they are, texts guarded."""
    return {
        name: guarded(given) if isinstance(given, str) else given
        for name, given in answers.items()
    }


def _written(value: object) -> str:
    return "true" if value else "false"


def _row(
    study: Study, r: readings.Response, truth: Mapping[str, str]
) -> dict[str, object]:
    texts = {f"{question}_reason": reason for question, reason in r.reasons.items()}
    texts["note"] = r.note
    texts["pseudo_id"] = study.manifest.presentation(r.token).pseudo_id
    texts.update(truth)
    return {
        "reader": r.reader,
        "trial": r.trial,
        "position": r.position,
        **_cells(r.answers),
        **{name: guarded(text) for name, text in texts.items()},
        "revision": r.revision,
        "opened_at": r.opened_at,
        "submitted_at": r.submitted_at,
        **_seconds(r),
        "simulated": _written(r.simulated),
    }


def _seen(
    study: Study, r: readings.Response, views: Mapping[tuple[str, str, int], str]
) -> dict[str, str]:
    if not study.counts_slices:
        return {}
    return {"seen": views.get((r.reader, r.token, r.revision), "")}


def _seconds(r: readings.Response) -> dict[str, str]:
    active = r.active_seconds
    return {
        "seconds": f"{seconds_between(r.opened_at, r.submitted_at):.1f}",
        "active_seconds": "" if active is None else f"{active:.1f}",
    }
