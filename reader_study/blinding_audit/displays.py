"""Displays of several pictures in the audit: nothing may tell where a method stands."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reader_study.blinding_audit.facts import (
    FileFacts,
    PictureFacts,
    measured,
    narrowed,
)
from reader_study.blinding_audit.findings import Check
from reader_study.building import png
from reader_study.design.truth import Truth, TruthCell
from reader_study.formats.design import StudyDesign
from reader_study.formats.manifest import Manifest, Slot

FIRST, LATER = "first", "later"
TELLS = "the places of the methods apart"


@dataclass(frozen=True)
class Told:
    """What may be told apart, as cues take it.

    Attributes:
        slots: Orders of presentation.
        facts: Of each file.
        cells: What is behind each token.
        test: What is held against all else.
    """

    slots: Sequence[Slot]
    facts: Sequence[FileFacts]
    cells: Mapping[str, TruthCell]
    test: str


def places_told(told: Told) -> Told:
    """Return where an arm stands in its displays, first or later, as what may be told.

    Args:
        told: With the arm as what is held against all else.
    """
    cells = {
        token: TruthCell(cell.case, FIRST if cell.shown[0] == told.test else LATER, "")
        for token, cell in told.cells.items()
        if told.test in cell.shown
    }
    slots = narrowed(told.slots, cells)
    facts = [f for f in told.facts if f.presentation.token in cells]
    return Told(slots, facts, cells, FIRST)


def facts_of_parts(
    facts: Sequence[FileFacts], truth: Truth
) -> dict[tuple[str, str], PictureFacts]:
    """Measure what is shown of each case by each method, cut out of a display."""
    found: dict[tuple[str, str], PictureFacts] = {}
    for f in facts:
        cell = truth.cells[f.presentation.token]
        if all((cell.case, method) in found for method in cell.shown):
            continue
        pixels = png.pixels_of(png.read_chunks(f.path.read_bytes()))
        parts = np.split(pixels, len(cell.shown), axis=1)
        for method, part in zip(cell.shown, parts, strict=True):
            whole = np.ascontiguousarray(part)
            found[cell.case, method] = measured(whole, png.image_data(whole))
    return found


def place_check(manifest: Manifest, truth: Truth, design: StudyDesign) -> Check:
    """Check that each method is as often at each place, in all displays of the same.

    So it must be for each group of readers, but for what does not divide, and for what
    is shown a second time, turned on by one place.
    """
    return Check("places", tuple(_unbalanced(manifest, truth, design)))


def step_check(manifest: Manifest, truth: Truth, design: StudyDesign) -> Check:
    """Check that with an aid each case comes twice in a row, first without the aid.

    What a reader sees as the second step is what stands at every second place.
    """
    return Check("steps", tuple(_out_of_step(manifest, truth, design)))


def _out_of_step(
    manifest: Manifest, truth: Truth, design: StudyDesign
) -> Iterator[str]:
    names = {p.token: p.pseudo_id for p in manifest.presentations}
    for slot in manifest.slots:
        for trial, order in sorted(slot.orders.items()):
            for place in range(0, len(order), 2):
                found = [truth.cells[token] for token in order[place : place + 2]]
                methods = tuple(cell.method for cell in found)
                if methods != design.arms or len({cell.case for cell in found}) > 1:
                    yield (
                        f"{slot.name}, trial {trial}: {names[order[place]]} at place "
                        f"{place + 1} must be a case without the aid and then with it"
                    )


def _unbalanced(manifest: Manifest, truth: Truth, design: StudyDesign) -> Iterator[str]:
    counts: dict[tuple[str, str], Counter[tuple[str, int]]] = {}
    cases: dict[tuple[str, str], list[str]] = {}
    for p in manifest.presentations:
        cell = truth.cells[p.token]
        if len(cell.shown) != design.at_once:
            yield f"{p.pseudo_id} must show {design.at_once} pictures"
        found = counts.setdefault((p.group, cell.unit), Counter())
        found.update((method, at) for at, method in enumerate(cell.shown, 1))
        cases.setdefault((p.group, cell.unit), []).append(cell.case)
    for (group, unit), found in sorted(counts.items()):
        again = len(cases[group, unit]) - len(set(cases[group, unit]))
        for method in sorted({method for method, _ in found}):
            n = [found[method, at] for at in range(1, design.at_once + 1)]
            if max(n) - min(n) > 1 + again:
                yield f"{group}, {unit}: {method} stands {n} times, from the left"
