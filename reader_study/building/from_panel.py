"""Files that follow from a panel: its adjudication, and cases with their truth."""

import csv
import io
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reader_study.building import study
from reader_study.building.cases_file import TRUTH
from reader_study.errors import StudyError
from reader_study.formats import checking
from reader_study.formats.asking.panel import READINGS, PanelTruth
from reader_study.formats.delimited import csv_text
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import PAPER

_OPEN = "The readings of the panel left these cases open."
_HOW = {
    "one adjudicator": "Please judge each case; your answer decides.",
    "consensus": "Please look at each case together and give one answer; it decides.",
}
"""What adjudicators are told, by the panel's `adjudication`."""

_OF_READERS = ("corrections", "idle_hours", "pin", "instructions")


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file as they are.

    Attributes:
        header: Its columns.
        rows: Each with file and line.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, dict[str, str]], ...]

    def of_cases(self, names: Collection[str]) -> list[dict[str, str]]:
        """Return the rows of some cases."""
        return [dict(row) for _, row in self.rows if row["case"].strip() in names]


def read_table(path: Path) -> Table:
    """Read a cases.csv, to be written again with other rows or columns.

    Raises:
        StudyError: If it cannot be read, or has no column `case`.
    """
    lines = csv.DictReader(io.StringIO(checking.read_text(path, "utf-8-sig"), ""))
    header = tuple(lines.fieldnames or ())
    if "case" not in header:
        msg = f"{path} line 1: column case is missing"
        raise StudyError(msg)
    rows = []
    for row in lines:
        where = f"{path} line {lines.line_num}"
        if None in row or None in row.values():
            msg = f"{where}: must have {len(header)} cells, as the first line has"
            raise StudyError(msg)
        rows.append((where, row))
    return Table(header, tuple(rows))


def adjudication_files(
    built: study.Study, open_cases: Mapping[str, str], cases: Path, out: Path
) -> dict[Path, str]:
    """Return the files that the adjudication of a panel is built from.

    Args:
        built: The panel.
        open_cases: Cases of which its rule gives no answer, and how often it gave which
            answer.
        cases: cases.csv of the panel.
        out: New protocol beside it; cases and questionnaire get its name.

    Raises:
        StudyError: If it lies elsewhere, exists, or cases.csv lacks a case.
    """
    _require_beside(out, cases)
    panel, table = built.protocol.panel, read_table(cases)
    rows = table.of_cases(open_cases)
    lacking = sorted({*open_cases} - {row["case"].strip() for row in rows})
    if lacking:
        msg = f"{cases} must be the file of the panel's build, got no {lacking[0]}"
        raise StudyError(msg)
    header = [name for name in table.header if name != READINGS]
    if panel is not None and panel.show_readings:
        header.append(READINGS)
    for row in rows:
        row[READINGS] = open_cases[row["case"].strip()]
    kept = [{name: row[name] for name in header} for row in rows]
    asked = out.with_suffix(".json").name
    content = _adjudication(built, asked)
    files = {out: _toml(content), out.with_suffix(".csv"): csv_text(header, kept)}
    if content["study"]["questionnaire"] == asked:
        files[out.with_suffix(".json")] = built.questionnaire.to_json()
    _require_new(files)
    return files


def _adjudication(built: study.Study, questionnaire: str) -> dict[str, Any]:
    """Return the protocol of the adjudication: the panel's, of one reader."""
    source = checking.read_toml(built.folder / study.PROTOCOL)
    given: dict[str, Any] = source.content
    readers = given.get("readers", {})
    paper = built.protocol.questionnaire == PAPER
    return {
        "study": {
            "title": f"{built.protocol.title}: adjudication",
            "questionnaire": PAPER if paper else questionnaire,
        },
        "design": {"arms": list(built.protocol.methods)},
        "readers": {
            "number": 1,
            **{name: readers[name] for name in _OF_READERS if name in readers},
            **_instructions(built.protocol),
        },
        **{name: given[name] for name in ("reading", "blinding") if name in given},
        "panel": {**given["panel"], "adjudicates": built.manifest.study_id},
        "analysis": {
            "turing_question": "",
            "acceptability_questions": [],
            "ordinal_questions": [],
        },
    }


def _instructions(protocol: Protocol) -> dict[str, str]:
    """Return what adjudicators are told first, and then what the panel was told.

    Without the former they would be told to judge alone, also where the panel meets. In
    another language than English the coordinator writes it.
    """
    panel = protocol.panel
    if panel is None or protocol.language != "en":
        return {}
    how = _HOW[panel.adjudication]
    shown = " What the panel answered stands above the questions."
    told = f"{_OPEN} {how}{shown * panel.show_readings}"
    before = protocol.instructions.strip()
    if before:
        told += f"\n\nWhat the panel was told:\n\n{before}"
    return {"instructions": told}


def cases_with_truth(cases: Path, found: PanelTruth, out: Path) -> dict[Path, str]:
    """Return a cases.csv with the truth that a panel gives, and truth.json beside it.

    Args:
        cases: cases.csv of the next study; its cases are named as those of the panel.
        found: What the panel says.
        out: New file beside it, whose pictures are then found.

    Raises:
        StudyError: If it lies elsewhere or exists, a case has a truth already, or none
            is of the panel.
    """
    _require_beside(out, cases)
    table = read_table(cases)
    rows, named = [], set[str]()
    for where, row in table.rows:
        name = row["case"].strip()
        if name in found.decided:
            named.add(name)
            if row.get("truth", "").strip():
                msg = (
                    f"{where}: truth must be empty where the panel gives it, got "
                    f"{row['truth']!r:.40}"
                )
                raise StudyError(msg)
        code, _ = found.decided.get(name, (None, ""))
        if code is not None:
            row |= {"truth": str(code), "truth_source": found.source}
        rows.append(row)
    if not named:
        msg = f"{cases} must have cases of the panel, got none"
        raise StudyError(msg)
    header = [*table.header, *(name for name in TRUTH if name not in table.header)]
    record = checking.json_text(found.to_dict())
    files = {out: csv_text(header, rows), out.with_suffix(".json"): record}
    _require_new(files)
    return files


def write_files(files: Mapping[Path, str]) -> None:
    """Write new files, all of them or none.

    Raises:
        StudyError: If one cannot be written.
    """
    written = []
    try:
        for path, text in files.items():
            with path.open("x", encoding="utf-8", newline="") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        msg = f"{error.filename}: cannot be written ({error.strerror})"
        raise StudyError(msg) from error


def _require_new(files: Mapping[Path, str]) -> None:
    for path in files:
        if path.exists():
            msg = f"{path} exists already and is not written over"
            raise StudyError(msg)


def _require_beside(out: Path, cases: Path) -> None:
    if out.parent.resolve() != cases.parent.resolve():
        msg = f"{out} must lie beside {cases}, whose pictures it names"
        raise StudyError(msg)


def _toml(content: Mapping[str, Any]) -> str:
    """Return tables of plain values as TOML."""
    parts = []
    for name, table in content.items():
        lines = (f"{_key(key)} = {_value(value)}" for key, value in table.items())
        parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: object) -> str:
    """Return a value as TOML; texts, numbers and lists are as in JSON."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # JSON lets this one sign stand as it is; TOML does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
