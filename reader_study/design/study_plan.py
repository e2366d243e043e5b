"""The plan of a study: cases drawn, design drawn, each picture under its own names."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reader_study.design import places as places_of
from reader_study.design.allocation import Candidate
from reader_study.design.design import (
    Design,
    draw_design,
    generator,
    require_told_apart,
)
from reader_study.design.explicit import TABLE, design_of_table
from reader_study.design.orders import Picture
from reader_study.design.truth import Truth, TruthCell
from reader_study.errors import StudyError
from reader_study.formats.design import TableRow, table_of
from reader_study.formats.manifest import Manifest, Slot
from reader_study.formats.protocol import Protocol

LETTERS = "CDFGHJKMNPRTVWXY"
"""No vowels, so that no word arises; none that looks like a digit or a neighbour."""

DIGITS = "23456789"
_N_PSEUDO_IDS = len(LETTERS) ** 3 * len(DIGITS) ** 3
_N_TOKEN_BYTES = 16


def draw_pseudo_ids(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw different pseudo-IDs, three letters and three digits each.

    They are numbers of a lottery: none is derived from a case, a trial or a position.

    Args:
        n: Number to draw.
        rng: Source of chance.

    Raises:
        StudyError: If there are not as many.

    Examples:
        >>> draw_pseudo_ids(2, np.random.default_rng(0))
        ('WPV-339', 'RGC-997')
    """
    if not 0 <= n <= _N_PSEUDO_IDS:
        msg = f"Pseudo-IDs must be {_N_PSEUDO_IDS} at most, got {n}"
        raise StudyError(msg)
    return tuple(_written(int(x)) for x in rng.choice(_N_PSEUDO_IDS, n, replace=False))


def draw_tokens(n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw tokens of 128 random bits, in hexadecimal."""
    return tuple(rng.bytes(_N_TOKEN_BYTES).hex() for _ in range(n))


@dataclass(frozen=True)
class PlannedPresentation:
    """What a group sees in a trial, with the truth about it."""

    token: str
    group: str
    trial: int
    pseudo_id: str
    cell: TruthCell


@dataclass(frozen=True)
class StudyPlan:
    """All that chance decides about a study."""

    presentations: tuple[PlannedPresentation, ...]
    slots: tuple[Slot, ...]

    @property
    def cells(self) -> dict[str, TruthCell]:
        """What is behind each token."""
        return {p.token: p.cell for p in self.presentations}


def plan_study(
    available: Mapping[str, Any],
    protocol: Protocol,
    nonce: str,
    table: Sequence[TableRow] = (),
) -> StudyPlan:
    """Draw a study; the same cases, protocol and nonce give the same study.

    Args:
        available: Each case that may be drawn, as `Candidate` or as the key keeps it:
            its severity, or its methods and columns.
        protocol: How many of which severity, and the design.
        nonce: Recorded random text. It is secret until unblinding.
        table: Who reads what, where the design is a table.

    Raises:
        DesignError: If there are too few cases, the constraints cannot be met, or the
            method is confounded with something that was not accepted.
    """
    rng = {
        purpose: generator(protocol.sha256, nonce, purpose)
        for purpose in ("cases", "design", "places", "pseudo-IDs", "tokens")
    }
    candidates = {
        name: _candidate(given, protocol) for name, given in available.items()
    }
    cases = _draw_cases(candidates, protocol, rng["cases"])
    if protocol.design.allocation == "table":
        design = design_of_table(table, cases, protocol)
    else:
        design = draw_design(
            cases,
            protocol.design,
            protocol.n_readers,
            rng["design"],
            reserve=protocol.reserve,
        )
    if protocol.layout is not None:
        require_told_apart(design, protocol.design)
    places: places_of.Places = {}
    if protocol.design.at_once > 1:
        shown_at = rng["places"]
        places = places_of.draw_places(design, cases, protocol.design, shown_at)
    if protocol.design.display == "aided":
        design = places_of.one_after_the_other(design, protocol.design)
    place = {case: n for n, case in enumerate(cases)}
    kinds = protocol.methods if not places else tuple(protocol.design.units)

    def turn(picture: Picture) -> tuple[int, int, int]:
        arm = kinds.index(picture.method)
        return place[picture.case], arm, picture.occasion

    shown = [
        (group, trial, picture)
        for group, sessions in design.shown.items()
        for trial, pictures in sessions.items()
        for picture in sorted(pictures, key=turn)
    ]
    pseudo_ids = draw_pseudo_ids(len(shown), rng["pseudo-IDs"])
    tokens = draw_tokens(len(shown), rng["tokens"])
    presentations, behind = [], {}
    for (group, trial, picture), name, token in zip(
        shown, pseudo_ids, tokens, strict=True
    ):
        severity = cases[picture.case].columns.get("severity", "")
        at_once = places.get((group, picture), ())
        method = "" if at_once else picture.method
        cell = TruthCell(picture.case, method, severity, at_once)
        presentations.append(PlannedPresentation(token, group, trial, name, cell))
        behind[group, trial, picture] = token
    return StudyPlan(tuple(presentations), _slots(design, behind))


def check_draw(manifest: Manifest, truth: Truth, protocol: Protocol) -> None:
    """Check that an unsealed study is the one that its nonce draws.

    Args:
        manifest: The manifest of the study.
        truth: Content of its key.
        protocol: The protocol as built.

    Raises:
        StudyError: If nonce, allocation, names or orders are others.
    """
    missing = {"nonce", "available"} - set(truth.details)
    if missing:
        msg = f"The key must say how the study was drawn, got no {min(missing)}"
        raise StudyError(msg)
    nonce = str(truth.details["nonce"])
    if hashlib.sha256(nonce.encode()).hexdigest() != manifest.nonce:
        msg = "The nonce in the key must be the one the manifest commits to"
        raise StudyError(msg)
    table = table_of(truth.details.get(TABLE, ()))
    plan = plan_study(truth.details["available"], protocol, nonce, table)
    names = {(p.token, p.group, p.trial, p.pseudo_id) for p in plan.presentations}
    shown = {(p.token, p.group, p.trial, p.pseudo_id) for p in manifest.presentations}
    if plan.cells != truth.cells or plan.slots != manifest.slots or names != shown:
        msg = "The study must be the one that protocol and nonce draw, got another"
        raise StudyError(msg)


def _written(number: int) -> str:
    text = ""
    for alphabet in (DIGITS,) * 3 + (LETTERS,) * 3:
        number, place = divmod(number, len(alphabet))
        text = alphabet[place] + text
    return f"{text[:3]}-{text[3:]}"


def kept(candidate: Candidate) -> Any:  # noqa: ANN401 - plain values
    """Return a candidate as the key keeps it."""
    return {"methods": list(candidate.methods), "columns": dict(candidate.columns)}


def _candidate(given: Any, protocol: Protocol) -> Candidate:  # noqa: ANN401
    if isinstance(given, Candidate):
        return given
    if isinstance(given, str):
        return Candidate(protocol.methods, {"severity": given})
    return Candidate(tuple(given["methods"]), given["columns"])


def _draw_cases(
    available: Mapping[str, Candidate], protocol: Protocol, rng: np.random.Generator
) -> dict[str, Candidate]:
    """Draw as many cases of each class as are wanted; all where none is counted."""
    if not protocol.per_severity:
        return {name: available[name] for name in sorted(available)}
    unpaired = protocol.design.pairing == "unpaired"
    column = "arm" if unpaired else protocol.design.strata[0]
    classes = {
        name: case.methods[0] if unpaired else case.columns.get(column, "")
        for name, case in available.items()
    }
    drawn: dict[str, Candidate] = {}
    for wanted, number in sorted(protocol.per_severity.items()):
        cases = sorted(case for case, found in classes.items() if found == wanted)
        if len(cases) < number:
            msg = f"Cases of {column} {wanted} must be {number}, got {len(cases)}"
            raise StudyError(msg)
        chosen = rng.choice(len(cases), number, replace=False)
        drawn |= {cases[i]: available[cases[i]] for i in chosen}
    return drawn


def _slots(
    design: Design, behind: Mapping[tuple[str, int, Picture], str]
) -> tuple[Slot, ...]:
    return tuple(
        Slot(
            plan.reader,
            plan.group,
            {
                trial: tuple(behind[plan.group, trial, picture] for picture in order)
                for trial, order in plan.orders.items()
            },
        )
        for plan in design.plans
    )
