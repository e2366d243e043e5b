"""Answers as CSV, which a spreadsheet can open without running what readers typed."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from reader_study.build.study import Study
from reader_study.clock import seconds_between
from reader_study.design.truth import Truth
from reader_study.formats.questionnaire import Questionnaire
from reader_study.store.closing import Closing
from reader_study.store.readings import Response
from reader_study.store.training import Step, TrainingStep

# OWASP, CSV injection; full-width signs count as plain ones in some spreadsheets.
_FORMULA = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def safe(text: str) -> str:
    """Put `'` before a text that a spreadsheet could take for a formula.

    A text that begins with `'` gets one too, so that taking one away gives it back.

    Examples:
        >>> safe("=1+1"), safe("plain")
        ("'=1+1", 'plain')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def masked_csv(study: Study, responses: Iterable[Response]) -> str:
    """Write all revisions without what the images are.

    Args:
        study: The built study.
        responses: With all revisions.
    """
    header = ["reader", "trial", "position", "pseudo_id"]
    rows = [_row(study, response, {}) for response in responses]
    return _csv([*header, *_answer_columns(study.questionnaire)], rows)


def responses_csv(study: Study, truth: Truth, responses: Iterable[Response]) -> str:
    """Write responses.csv of an unblinded study.

    Args:
        study: The built study.
        truth: From the key.
        responses: Revisions that count.
    """
    header = ["reader", "trial", "position", "pseudo_id", "case", "method", "severity"]
    rows = [
        _row(study, response, vars(truth.cells[response.token]))
        for response in responses
    ]
    return _csv([*header, *_answer_columns(study.questionnaire)], rows)


def closing_csv(
    study: Study,
    closings: Iterable[Closing],
    slots: Mapping[str, str],
    truth: Truth | None = None,
) -> str:
    """Write the answers to the closing questions, masked or not.

    Args:
        study: The built study.
        closings: Of the readers.
        slots: Place in the design, by reader.
        truth: From the key, for the number of pictures that were of the test method;
            None before unblinding.
    """
    trials = sorted(study.manifest.slots[0].orders)
    counted = ("synthetic", "n_pictures", *(() if truth is None else ("n_test",)))
    header = [
        "reader", "recognised", "which",
        *(f"{name}_trial_{trial}" for trial in trials for name in counted),
        "cues", "confidence", "answered_at", "simulated",
    ]  # fmt: skip
    rows = []
    for c in closings:
        row: dict[str, object] = {
            "reader": c.reader,
            "recognised": c.recognised,
            "which": safe(c.which),
            "cues": safe(c.cues),
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
                row[f"n_test_trial_{trial}"] = methods.count(study.protocol.test)
        rows.append(row)
    return _csv(header, rows)


def training_csv(
    study: Study, steps: Iterable[TrainingStep], names: Mapping[str, str]
) -> str:
    """Write how readers practised: what was answered, and what was left out.

    Args:
        study: The built study.
        steps: What readers did in training.
        names: Training case by token.
    """
    ids = study.questionnaire.question_ids
    header = [
        "reader", "trial", "position", "case", "step", *ids,
        *(f"{name}_expected" for name in ids), *(f"{name}_reason" for name in ids),
        "recorded_at", "simulated",
    ]  # fmt: skip
    expected = {case.token: case.expected for case in study.training.cases}
    rows = []
    for step in steps:
        if step.step is Step.SEEN:
            continue
        right = expected.get(step.token, {})
        rows.append(
            {
                "reader": step.reader,
                "trial": step.trial,
                "position": study.training.position(step.token) if step.token else "",
                "case": safe(names.get(step.token, "")),
                "step": step.step.value,
                **step.answers,
                **{f"{name}_expected": code for name, code in right.items()},
                **{f"{name}_reason": safe(text) for name, text in step.reasons.items()},
                "recorded_at": step.recorded_at,
                "simulated": _written(step.simulated),
            }
        )
    return _csv(header, rows)


def _written(value: object) -> str:
    return "true" if value else "false"


def _answer_columns(questionnaire: Questionnaire) -> list[str]:
    ids = questionnaire.question_ids
    return [
        *ids, *(f"{name}_reason" for name in ids), "note", "revision", "opened_at",
        "submitted_at", "seconds", "active_seconds", "simulated",
    ]  # fmt: skip


def _row(study: Study, r: Response, truth: Mapping[str, str]) -> dict[str, object]:
    texts = {f"{question}_reason": reason for question, reason in r.reasons.items()}
    texts["note"] = r.note
    texts["pseudo_id"] = study.manifest.presentation(r.token).pseudo_id
    texts.update(truth)
    return {
        "reader": r.reader,
        "trial": r.trial,
        "position": r.position,
        **r.answers,
        **{name: safe(text) for name, text in texts.items()},
        "revision": r.revision,
        "opened_at": r.opened_at,
        "submitted_at": r.submitted_at,
        "seconds": f"{seconds_between(r.opened_at, r.submitted_at):.1f}",
        "active_seconds": "" if r.active_seconds is None else f"{r.active_seconds:.1f}",
        "simulated": _written(r.simulated),
    }


def _csv(header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
