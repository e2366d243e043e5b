"""The reference standard: STUDY must not tell it, and how it lies in the design."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reader_study.blinding_audit.cues import file_orders, position_cue
from reader_study.blinding_audit.facts import FileFacts, narrowed
from reader_study.blinding_audit.findings import Cue
from reader_study.building.cases_file import diseased_cases
from reader_study.design.truth import Truth, TruthCell
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest
from reader_study.formats.protocol import Protocol

_DISEASED = "diseased"
_SHORTEST = 4
_KEYS = re.compile(rb'"(\w+)"\s*:')
_OF_JSON = frozenset({"true", "false", "null"})


def classes_of(truth: Truth, protocol: Protocol) -> dict[str, bool]:
    """Return whether each case with a truth is diseased; empty where nothing tells."""
    try:
        return diseased_cases(truth.standard, protocol.analysis)
    except StudyError:  # no plan, so nobody has said which values are
        return {}


def standard_words(truth: Truth, manifest: Path) -> set[str]:
    """Return the values of truth and their sources, as words to look for.

    Args:
        truth: Content of the key.
        manifest: Of the study; its own keys are no such words.
    """
    if not truth.standard:
        return set()
    given = {word for of in truth.standard.values() for word in of.values()}
    own = {
        key.decode().casefold() for key in _KEYS.findall(manifest.read_bytes())
    } | _OF_JSON
    return {
        word for word in given if len(word) >= _SHORTEST and word.casefold() not in own
    }


def standard_cues(
    manifest: Manifest,
    facts: Sequence[FileFacts],
    truth: Truth,
    protocol: Protocol,
) -> Iterator[Cue]:
    """Hold what may differ by chance against the truth of the cases, as of the methods.

    There are no such cues unless some cases are diseased and some are not.
    """
    diseased = classes_of(truth, protocol)
    if len(set(diseased.values())) < 2:
        return
    # Of two steps the second always follows the first, which counts for both.
    aided = protocol.design.display == "aided"
    cells = {
        token: TruthCell(cell.case, _DISEASED if diseased[cell.case] else "not", "any")
        for token, cell in truth.cells.items()
        if cell.case in diseased and not (aided and cell.method != protocol.reference)
    }
    slots = narrowed(manifest.slots, cells)
    known = [f for f in facts if f.presentation.token in cells]
    is_diseased = np.array(
        [cells[f.presentation.token].method == _DISEASED for f in known]
    )
    yield _of_truth(position_cue(slots, cells, _DISEASED))
    yield from map(_of_truth, file_orders(known, is_diseased))


def _of_truth(cue: Cue) -> Cue:
    return replace(cue, name=f"{cue.name} of the diseased", tells="the truth")


def standard_text(manifest: Manifest, truth: Truth, protocol: Protocol) -> str:
    """Return in words how many cases are diseased, and how they lie in the design."""
    if not truth.standard:
        return ""
    cases = {cell.case for cell in truth.cells.values()}
    known, diseased = len(truth.standard), classes_of(truth, protocol)
    said = f"Truth is known of {known} of {len(cases)} cases"
    if not diseased:
        return f"{said}; the plan does not say which values are diseased."
    groups: dict[tuple[str, int], Counter[str]] = {}
    for p in manifest.presentations:
        cell = truth.cells[p.token]
        if diseased.get(cell.case):
            found = groups.setdefault((p.group, p.trial), Counter())
            found.update(cell.methods)
    n = sum(diseased.values())
    shown = "; ".join(
        f"{group}, trial {trial}: {_by_method(counts, protocol)}"
        for (group, trial), counts in sorted(groups.items())
    )
    return f"{said}, {n} diseased and {known - n} not. Diseased shown: {shown}."


def _by_method(counts: Mapping[str, int], protocol: Protocol) -> str:
    return ", ".join(f"{counts.get(m, 0)} by {m}" for m in protocol.methods)
