"""flow.json: how far readings came, and what the study itself says to GRRAS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.responses.faults import ResponsesError

FILE_NAME = "flow.json"
STEPS = ("assigned", "opened", "submitted", "declined", "corrected", "analysed")


@dataclass(frozen=True)
class StudyFlow:
    """What flow.json tells; empty where there is none.

    Attributes:
        counts: Readings by trial, then by step of `STEPS`.
        n_deviations: What went otherwise than planned, None where not known.
        interval_days: Least and most days between a reader's two trials.
        grras: Items that the study filled in, by number.
    """

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    n_deviations: int | None = None
    interval_days: tuple[float, float] | None = None
    grras: Mapping[int, str] = field(default_factory=dict)


def flow_beside(responses: Path) -> StudyFlow:
    """Read the flow.json that lies beside responses.csv, if there is one.

    Entries that are missing or of another form are left alone.

    Raises:
        ResponsesError: If it is not a JSON object.
    """
    path = responses.with_name(FILE_NAME)
    if not path.exists():
        return StudyFlow()
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResponsesError([f"{path}: not a JSON file ({error})"]) from error
    if not isinstance(content, dict):
        raise ResponsesError([f"{path}: must be a JSON object"])
    return flow_of(content)


def flow_of(content: Mapping[str, Any]) -> StudyFlow:
    """Take from the content of flow.json what has the form expected."""
    days = [
        float(reader["interval_days"])
        for reader in _objects(content.get("readers"))
        if _is_number(reader.get("interval_days"))
    ]
    deviations, items = content.get("deviations"), content.get("grras")
    return StudyFlow(
        counts=_counts(_objects(content.get("readings"))),
        n_deviations=len(deviations) if isinstance(deviations, list) else None,
        interval_days=(min(days), max(days)) if days else None,
        grras={
            int(number): text.strip()
            for number, text in (items if isinstance(items, dict) else {}).items()
            if number.isdecimal() and isinstance(text, str) and text.strip()
        },
    )


def _counts(readings: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for reading in readings:
        of_trial = counts.setdefault(
            str(reading.get("trial", "")), dict.fromkeys(STEPS, 0)
        )
        for step in STEPS:
            of_trial[step] += _count(reading.get(step))
    return dict(sorted(counts.items()))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _objects(value: object) -> list[dict[str, Any]]:
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
