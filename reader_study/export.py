"""Answers as CSV, which a spreadsheet can open without running what readers typed."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from reader_study.clock import seconds_between
from reader_study.questionnaire import Questionnaire
from reader_study.store.readings import Response
from reader_study.study import Study
from reader_study.truth import Truth

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
        "simulated": "true" if r.simulated else "false",
    }


def _csv(header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
